use crate::job::Fingerprint;
use crate::journal::format::Step;

use super::edit::Edit;
use super::line_offsets::LineOffsets;

/// The edits of a job, one per fingerprint, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub(in crate::journal) edits: Vec<Tracked>,
    pub(in crate::journal) shown: Option<Fingerprint>,
}

/// An edit with the offsets of its lines.
#[derive(Clone, Debug)]
pub(in crate::journal) struct Tracked {
    pub(in crate::journal) edit: Edit,
    pub(in crate::journal) offsets: LineOffsets,
}

impl History {
    /// Returns the edit with this fingerprint.
    pub fn edit(&self, fingerprint: Fingerprint) -> Option<&Edit> {
        self.edits().find(|edit| edit.fingerprint == fingerprint)
    }

    /// Whether another history has the same edits in the same order, and shows the same one.
    pub(in crate::journal) fn has_same_edits(&self, other: &History) -> bool {
        self.shown == other.shown && self.edits().eq(other.edits())
    }

    /// Returns the edit whose pictures are in `results/` under the job's name.
    pub fn shown(&self) -> Option<&Edit> {
        self.edit(self.shown?)
    }

    /// Returns the shown edit if its pictures are the result of the edit with this fingerprint, which is itself or its
    /// re-roll.
    pub fn current_result_of(&self, fingerprint: Fingerprint) -> Option<&Edit> {
        self.shown().filter(|shown| {
            shown.fingerprint == fingerprint || shown.reroll.is_some_and(|reroll| reroll.of == fingerprint)
        })
    }

    /// Returns all edits, oldest first.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter().map(|tracked| &tracked.edit)
    }

    /// Returns the re-rolls of the edit with this fingerprint, oldest first.
    pub fn rerolls(&self, of: Fingerprint) -> impl Iterator<Item = &Edit> {
        self.edits().filter(move |edit| edit.reroll.is_some_and(|reroll| reroll.of == of))
    }

    /// Returns the newest edit that a manifest has requested.
    pub(in crate::journal) fn newest(&self) -> Option<&Edit> {
        self.edits().filter(|edit| edit.reroll.is_none()).last()
    }

    /// Whether none of its edits changes any more without a request of the user.
    pub(in crate::journal) fn is_final(&self) -> bool {
        // Re-rolls are rare, and the current result depends on all edits of the job.
        self.edits().all(|edit| edit.is_final() && edit.reroll.is_none())
    }

    /// Returns the edit with a fingerprint. A submit makes it the newest, because the manifest then asks for it.
    pub(in crate::journal) fn edit_mut(&mut self, fingerprint: Fingerprint, step: &Step) -> &mut Tracked {
        let newest = self.edits.len().saturating_sub(1);
        let position = match self.edits.iter().position(|tracked| tracked.edit.fingerprint == fingerprint) {
            Some(position) if matches!(step, Step::Intent { .. }) => {
                self.edits[position..].rotate_left(1);
                newest
            }
            Some(position) => position,
            None => {
                // Most jobs have only one edit.
                self.edits.reserve_exact(1);
                self.edits.push(Tracked { edit: Edit::new(fingerprint), offsets: LineOffsets::default() });
                self.edits.len() - 1
            }
        };
        &mut self.edits[position]
    }
}
