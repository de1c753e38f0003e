use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::job::{Cents, Fingerprint, JobId, JobStatus};
use crate::journal::{Ledger, LinesError};

use crate::words::{adopt_command, counted, release_command};

/// The maximum number of submits that are printed. The report has all that the manifest asks for, and the journal has
/// all.
const MAX_SHOWN: usize = 10;

/// A submit that may have been charged, with the data to look it up at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UncertainSubmit {
    /// The job.
    pub job: JobId,
    /// The time at which the submit was announced.
    pub submitted_at: Option<Timestamp>,
    /// The fingerprint of the request, as in the journal.
    pub fingerprint: Fingerprint,
    /// The amount that is reserved for it.
    pub reserved_cents: Cents,
    /// The state of its row.
    pub row: Row,
    /// What depends on it.
    pub kind: UncertainKind,
}

/// What depends on an uncertain submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UncertainKind {
    /// The result of its job.
    Result,
    /// A re-roll of a job that has a result.
    Reroll,
    /// Nothing but the reserved money, because the job was submitted again.
    SubmittedAgain,
}

/// The current request of the manifest for the id of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row {
    /// The same request.
    Asked,
    /// Another request.
    Edited,
    /// None, because the row was removed.
    Gone,
}

/// Advice about uncertain submits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Their number.
    pub count: u64,
    /// What the user can do.
    pub text: String,
    /// A line for each, up to some.
    pub submits: Vec<String>,
}

impl UncertainSubmit {
    /// Returns all uncertain submits of `ledger`, in the order of their times. `asks_for` returns the fingerprint that
    /// the manifest has for an id. Removed rows are included, because money is reserved for them as well.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub(crate) fn all(
        ledger: &Ledger,
        asks_for: impl Fn(&JobId) -> Option<Fingerprint>,
    ) -> Result<Vec<UncertainSubmit>, LinesError> {
        let mut submits = ledger
            .uncertain()
            .map(|found| {
                let (job, edit) = found?;
                let row = match asks_for(&job) {
                    None => Row::Gone,
                    // A re-roll belongs to the edit that it repeats.
                    Some(wanted) if wanted == edit.reroll.map_or(edit.fingerprint, |reroll| reroll.of) => Row::Asked,
                    Some(_) => Row::Edited,
                };
                let kind = match edit.status() {
                    JobStatus::Uncertain if edit.reroll.is_some() => UncertainKind::Reroll,
                    JobStatus::Uncertain => UncertainKind::Result,
                    _ => UncertainKind::SubmittedAgain,
                };
                // The time of an earlier submit of the same request is not kept.
                let submitted_at = edit.submitted_at.filter(|_| kind != UncertainKind::SubmittedAgain);
                let (fingerprint, reserved_cents) = (edit.fingerprint, edit.reserved_for_uncertain);
                Ok(UncertainSubmit { job, submitted_at, fingerprint, reserved_cents, row, kind })
            })
            .collect::<Result<Vec<UncertainSubmit>, LinesError>>()?;
        submits.sort_by(|one, other| (one.submitted_at, &one.job).cmp(&(other.submitted_at, &other.job)));
        Ok(submits)
    }

    /// Returns advice about those of the `submits` that jobs of the manifest wait for, in the run's `folder`. It is
    /// printed after their number; `None` if there are none.
    pub(crate) fn asked(submits: &[UncertainSubmit], folder: &Path) -> Option<Advice> {
        let asked: Vec<&UncertainSubmit> = submits.iter().filter(|submit| submit.is_of_a_result()).collect();
        let (release, adopt) = (release(&asked, folder)?, adopt_command(folder, asked.first()?.job.as_str()));
        let text = format!(
            "may have been charged: check the provider's dashboard; {release}, `{adopt}` saves the picture if it was, \
             --uncertain resubmit pays again"
        );
        Some(Advice { count: asked.len() as u64, text, submits: lines(&asked, "report/results.csv") })
    }

    /// Returns advice about the others, for which only money is reserved. It is printed after the word
    /// `reserved`; `None` if there are none.
    pub(crate) fn left_behind(submits: &[UncertainSubmit], folder: &Path) -> Option<Advice> {
        let left: Vec<&UncertainSubmit> = submits.iter().filter(|submit| !submit.is_of_a_result()).collect();
        let release = release(&left, folder)?;
        let (count, cents) = (left.len() as u64, left.iter().map(|submit| submit.reserved_cents).sum::<Cents>());
        let text = format!(
            "{} may have been charged in addition: check the provider's dashboard; {cents} stays reserved; {release}",
            counted(count, "submit")
        );
        Some(Advice { count, text, submits: lines(&left, "journal.jsonl") })
    }

    /// Whether a job of the manifest waits for it.
    fn is_of_a_result(&self) -> bool {
        self.row == Row::Asked && self.kind == UncertainKind::Result
    }
}

/// Returns the command that frees the money of one of the `submits`; `None` if there are none.
fn release(submits: &[&UncertainSubmit], folder: &Path) -> Option<String> {
    let command = release_command(folder, submits.first()?.job.as_str());
    Some(match submits.len() {
        1 => format!("`{command}` frees the money if it was not charged"),
        _ => format!("`{command}` frees the money of one that was not charged"),
    })
}

fn lines(submits: &[&UncertainSubmit], place_of_all: &str) -> Vec<String> {
    let more = submits.len().saturating_sub(MAX_SHOWN);
    let rest = (more > 0).then(|| format!("and {more} more, in {place_of_all}"));
    submits.iter().take(MAX_SHOWN).map(ToString::to_string).chain(rest).collect()
}

impl std::fmt::Display for UncertainSubmit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.submitted_at.map_or_else(String::new, |at| format!(" submitted {},", at.strftime("%F %T UTC")));
        let row = match self.row {
            Row::Asked => "",
            Row::Edited => " (edited since)",
            Row::Gone => " (row removed)",
        };
        let kind = match self.kind {
            UncertainKind::Result => "",
            UncertainKind::Reroll => " (re-roll)",
            UncertainKind::SubmittedAgain => " (submitted again since)",
        };
        write!(formatter, "{}:{at} request {}{kind}{row}", self.job, self.fingerprint)
    }
}
