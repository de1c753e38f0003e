use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::job::{Cents, Fingerprint, JobId};
use crate::journal::{Ledger, LinesError};

use crate::words::{counted, shell_word};

/// How many submits a person is shown; the report has all of those that the manifest asks for, and the journal all.
const MAX_SHOWN: usize = 10;

/// A submit that may have been charged, with what it takes to look it up at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UncertainSubmit {
    /// The job.
    pub job: JobId,
    /// When the submit was announced.
    pub submitted_at: Option<Timestamp>,
    /// The fingerprint of the request, as in the journal.
    pub fingerprint: Fingerprint,
    /// The amount that is reserved for it.
    pub reserved_cents: Cents,
    /// The state of its row.
    pub row: Row,
}

/// What the manifest asks for now under the id of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// The very same.
    Asked,
    /// Something else.
    Edited,
    /// Nothing.
    Gone,
}

impl UncertainSubmit {
    /// Returns all uncertain submits of `ledger`, in the order in which they were submitted; `asks_for` returns the
    /// fingerprint that the manifest has for an id. Rows that the manifest no longer has are included, because their
    /// money is reserved as well.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub fn all(
        ledger: &Ledger,
        asks_for: impl Fn(&JobId) -> Option<Fingerprint>,
    ) -> Result<Vec<UncertainSubmit>, LinesError> {
        let mut submits = ledger
            .uncertain()
            .map(|found| {
                let (job, edit) = found?;
                let row = match asks_for(&job) {
                    None => Row::Gone,
                    // A re-roll of what is asked for goes with it.
                    Some(wanted) if wanted == edit.reroll.map_or(edit.fingerprint, |reroll| reroll.of) => Row::Asked,
                    Some(_) => Row::Edited,
                };
                let (submitted_at, fingerprint, reserved_cents) =
                    (edit.submitted_at, edit.fingerprint, edit.reserved_for_uncertain);
                Ok(UncertainSubmit { job, submitted_at, fingerprint, reserved_cents, row })
            })
            .collect::<Result<Vec<UncertainSubmit>, LinesError>>()?;
        submits.sort_by(|one, other| (one.submitted_at, &one.job).cmp(&(other.submitted_at, &other.job)));
        Ok(submits)
    }

    /// Returns what to do about those that the manifest asks for, in the run's `folder`, to follow their number.
    pub fn advice(folder: &Path) -> String {
        format!(
            "may have been charged: check the provider's dashboard; {}, --uncertain resubmit pays again",
            release(folder)
        )
    }

    /// How many of `submits` the manifest asks for, and a line for each, as they stand below the word `uncertain`.
    pub fn asked(submits: &[UncertainSubmit]) -> (u64, String) {
        let asked: Vec<&UncertainSubmit> = submits.iter().filter(|submit| submit.row == Row::Asked).collect();
        (asked.len() as u64, lines(&asked, "report/results.csv"))
    }

    /// Returns what to do about those that the manifest no longer asks for, to follow the word `reserved`, and a line
    /// for each. `None` if there are none.
    pub fn left_behind(submits: &[UncertainSubmit], folder: &Path) -> Option<(String, String)> {
        let left: Vec<&UncertainSubmit> = submits.iter().filter(|submit| submit.row != Row::Asked).collect();
        if left.is_empty() {
            return None;
        }
        let (count, cents) = (left.len() as u64, left.iter().map(|submit| submit.reserved_cents).sum::<Cents>());
        let advice = format!(
            "{} of edited or removed rows may have been charged: check the provider's dashboard; {cents} stays \
             reserved; {}",
            counted(count, "submit"),
            release(folder)
        );
        Some((advice, lines(&left, "journal.jsonl")))
    }
}

fn release(folder: &Path) -> String {
    format!(
        "`dyehouse release {} JOB…` frees the money of submits that were not charged",
        shell_word(&folder.display().to_string())
    )
}

fn lines(submits: &[&UncertainSubmit], place_of_all: &str) -> String {
    let mut text: String = submits.iter().take(MAX_SHOWN).map(|submit| format!("            {submit}\n")).collect();
    if submits.len() > MAX_SHOWN {
        text.push_str(&format!("            and {} more, in {place_of_all}\n", submits.len() - MAX_SHOWN));
    }
    text
}

impl std::fmt::Display for UncertainSubmit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.submitted_at.map_or_else(String::new, |at| format!(" submitted {},", at.strftime("%F %T UTC")));
        let row = match self.row {
            Row::Asked => "",
            Row::Edited => " (edited since)",
            Row::Gone => " (row removed)",
        };
        write!(formatter, "{}:{at} request {}{row}", self.job, self.fingerprint)
    }
}
