use jiff::Timestamp;
use serde::Serialize;

use crate::job::{Fingerprint, JobId};
use crate::journal::{Ledger, LinesError};

/// How many doubts a person is shown; the report has all of them.
const SHOWN: usize = 10;

/// A submit that may have been charged, with what it takes to look it up at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The job.
    pub job: JobId,
    /// When the submit was announced.
    pub submitted_at: Option<Timestamp>,
    /// Which request it was, as in the journal.
    pub fingerprint: Fingerprint,
}

impl Doubt {
    /// All that `ledger` is in doubt about, in the order in which it was submitted; rows that the manifest no longer
    /// has are among them, for their money is reserved as well.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub fn all(ledger: &Ledger) -> Result<Vec<Doubt>, LinesError> {
        let mut doubts = ledger
            .uncertain()
            .map(|found| {
                let (job, edit) = found?;
                Ok(Doubt { job, submitted_at: edit.submitted_at, fingerprint: edit.fingerprint })
            })
            .collect::<Result<Vec<Doubt>, LinesError>>()?;
        doubts.sort_by(|one, other| (one.submitted_at, &one.job).cmp(&(other.submitted_at, &other.job)));
        Ok(doubts)
    }

    /// `doubts` a line each, as they stand below the word `uncertain`.
    pub fn lines(doubts: &[Doubt]) -> String {
        let mut text: String = doubts.iter().take(SHOWN).map(|doubt| format!("            {doubt}\n")).collect();
        if doubts.len() > SHOWN {
            text.push_str(&format!("            and {} more, in report/results.csv\n", doubts.len() - SHOWN));
        }
        text
    }
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.submitted_at.map_or_else(String::new, |at| format!(" submitted {},", at.strftime("%F %T UTC")));
        write!(formatter, "{}:{at} request {}", self.job, self.fingerprint)
    }
}
