use crate::color::{Hex, Tolerance, Verdict};
use crate::job::{JobId, JobStatus};
use crate::journal::format::{EditState, SavedFile, Stage};

use super::edit::Edit;
use super::history::History;

/// The facts about an edit that a plan needs, known without reading the journal again.
#[derive(Clone, Debug)]
pub struct Brief<'l> {
    /// Its stage.
    pub stage: Stage,
    /// Whether it has a prediction, which can be polled.
    pub has_prediction: bool,
    /// Whether the pictures with the job's name are its own, or those of its re-roll.
    pub is_shown: bool,
    /// The number of its re-rolls, except those that were refused.
    pub rerolls: u32,
    /// The last color check of its current result.
    pub color: Option<ColorBrief<'l>>,
    pub(in crate::journal) pictures: Pictures<'l>,
}

/// The last check of a color, and what it was compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorBrief<'l> {
    /// The requested colors and the tolerance; `None` if they are only in the journal.
    pub against: Option<(&'l [Hex], Tolerance)>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the color lock has corrected it.
    pub is_corrected: bool,
    /// Whether the color lock has tried to correct it, and left it unchanged.
    pub is_left: bool,
}

/// The presence of a picture in `results/`, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// It exists as it was saved.
    Saved,
    /// It exists, and was changed by the user.
    Changed,
    /// It is in `earlier/`. Another file may have its name.
    Displaced,
    /// It does not exist.
    Missing,
}

/// The names and sizes of pictures.
#[derive(Clone, Debug)]
pub(in crate::journal) enum Pictures<'l> {
    /// The recorded pictures.
    Saved(&'l [SavedFile]),
    /// A single picture whose name is the job's id and this extension.
    Named { extension: &'static str, bytes: u64 },
    /// Any other pictures, by name and size.
    Listed(&'l [(String, u64)]),
}

impl Brief<'_> {
    /// Returns the status for reports.
    pub fn status(&self) -> JobStatus {
        self.stage.status()
    }

    /// Returns the worst presence of its pictures. `presence` looks up a picture by its name and its size in bytes.
    /// `job` is the edit's job.
    pub fn presence(&self, job: &JobId, presence: impl Fn(&str, u64) -> Presence) -> Presence {
        let worst = match self.pictures {
            Pictures::Saved(files) => files.iter().map(|file| presence(&file.name, file.bytes)).max(),
            Pictures::Named { extension, bytes } => Some(presence(&format!("{job}.{extension}"), bytes)),
            Pictures::Listed(files) => files.iter().map(|(name, bytes)| presence(name, *bytes)).max(),
        };
        worst.unwrap_or(Presence::Saved)
    }

    pub(in crate::journal) fn of<'h>(edit: &'h Edit, history: &'h History) -> Brief<'h> {
        let shown = history.current_result_of(edit.fingerprint);
        let result = shown.unwrap_or(edit);
        let rerolls = history.rerolls(edit.fingerprint).filter(|edit| edit.state != EditState::Idle);
        Brief {
            stage: Stage::of(&edit.state),
            has_prediction: edit.prediction.is_some(),
            is_shown: shown.is_some(),
            rerolls: u32::try_from(rerolls.count()).unwrap_or(u32::MAX),
            color: ColorBrief::of(result),
            pictures: Pictures::Saved(result.files()),
        }
    }
}

impl ColorBrief<'_> {
    pub(in crate::journal) fn of(edit: &Edit) -> Option<ColorBrief<'_>> {
        let checked = edit.checked.as_ref()?;
        Some(ColorBrief {
            against: Some((&checked.wanted, checked.tolerance)),
            verdict: edit.check()?.verdict,
            is_corrected: edit.corrected.is_some(),
            is_left: checked.uncorrected.is_some(),
        })
    }
}
