use crate::color::Hex;
use crate::job::ErrorClass;
use crate::journal::{Edit, EditKey, Ledger, Presence, Stage};
use crate::outputs;
use crate::plan::{self, Choices, ColorRules, Decided, Decision, Kept, KnownEdit};
use crate::run_folder::{FolderError, RunFolder};

use super::options::Options;
use super::unknown_pictures::UnknownPictures;

/// Decides about the jobs of a run, before it begins.
pub(super) struct Decider<'a> {
    folder: &'a RunFolder,
    ledger: &'a Ledger,
    choices: Choices,
    /// The rules for colors; `None` if they are not checked.
    rules: Option<ColorRules>,
    unknown_pictures: UnknownPictures<'a>,
}

impl<'a> Decider<'a> {
    pub(super) fn of(options: &'a Options, ledger: &'a Ledger) -> Decider<'a> {
        let folder = &options.folder;
        let unknown_pictures = UnknownPictures::of(folder, ledger);
        Decider { folder, ledger, choices: options.choices, rules: options.color_rules(), unknown_pictures }
    }

    /// Returns the decision on a job, and the picture that holds it back. `colors` returns its requested colors.
    ///
    /// # Errors
    ///
    /// The journal or `results/` cannot be read.
    pub(super) fn decide(
        &self,
        key: &EditKey,
        colors: impl FnOnce() -> Result<Vec<Hex>, FolderError>,
    ) -> Result<(Decided<'a>, Option<String>), FolderError> {
        let known = KnownEdit::of(key, self.ledger);
        let base = self.decide_edit(key, &known)?;
        let (decision, picture) = self.unknown_pictures.hold_back(&key.job, base)?;
        let rules = self.rules.as_ref();
        let has_use_for_colors = rules.is_some_and(|rules| !base.submits() || rules.rerolls > 0);
        let colors = if has_use_for_colors { colors()? } else { Vec::new() };
        let in_history = || self.next_for_color(key, &colors);
        let decision = plan::with_color_review(decision, &known, &colors, rules, in_history)?;
        Ok((Decided::of(known.edit, base, decision, &colors, rules), picture))
    }

    /// Returns the decision on a job before its color is considered.
    fn decide_edit(&self, key: &EditKey, known: &KnownEdit<'_>) -> Result<Decision, FolderError> {
        let by_size = |name: &str, bytes| self.folder.presence(name, bytes);
        let decision = plan::decide(key, known, self.choices, by_size);
        if known.edit.as_ref().is_some_and(|edit| edit.stage == Stage::Failed(ErrorClass::Lost)) {
            let history = self.ledger.history(&key.job)?;
            let edit = history.as_ref().and_then(|history| history.edit(key.fingerprint));
            return Ok(if edit.is_some_and(|edit| self.is_back(edit)) { Decision::Reinstate } else { decision });
        }
        let is_completed = known.edit.as_ref().is_some_and(|edit| edit.stage == Stage::Completed && edit.is_shown);
        if !is_completed || decision == Decision::Keep(Kept::Completed) {
            return Ok(decision);
        }
        // Only the journal's record of a changed picture tells what happened to it, and is read again for these few
        // jobs.
        let history = self.ledger.history(&key.job)?;
        let files = history.as_ref().and_then(|history| history.current_result_of(key.fingerprint)).map(Edit::files);
        let presence = |name: &str, bytes| match files.into_iter().flatten().find(|file| file.name == name) {
            Some(file) => outputs::presence(self.folder.path(), file),
            None => by_size(name, bytes),
        };
        Ok(plan::decide(key, known, self.choices, presence))
    }

    /// Whether the result of a lost edit was removed, and is in the folder again.
    fn is_back(&self, edit: &Edit) -> bool {
        let is_there =
            |file: &_| matches!(outputs::presence(self.folder.path(), file), Presence::Saved | Presence::Displaced);
        !edit.removed.is_empty() && edit.files_to_reinstate().iter().all(is_there)
    }

    /// Returns the decision that follows from the next step for a job's color; `None` if nothing is left.
    fn next_for_color(&self, key: &EditKey, colors: &[Hex]) -> Result<Option<Decision>, FolderError> {
        let Some(history) = self.ledger.history(&key.job)? else { return Ok(None) };
        let rules = self.rules.unwrap_or_default();
        let presence = |file: &_| outputs::presence(self.folder.path(), file);
        Ok(plan::first_color_step(&history, key, colors, &rules, &presence).map(|step| step.decision()))
    }
}
