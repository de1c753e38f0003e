use crate::job::{Cents, Fingerprint, IdPattern, JobId};
use crate::journal::{EditKey, Ledger, LinesError};

use crate::run_folder::FolderError;

use super::{Failure, UsageError};

/// The money that is reserved for the submits of one edit.
#[derive(Clone)]
pub(super) struct Reservation {
    pub(super) key: EditKey,
    pub(super) cents: Cents,
}

impl Reservation {
    /// Returns the reservations that the `words` of a `command` refer to. Each word is a pattern of ids or the fingerprint
    /// of a request, and must match at least one.
    pub(super) fn named(
        ledger: &Ledger,
        words: &[IdPattern],
        command: &'static str,
    ) -> Result<Vec<Reservation>, Failure> {
        let reservations = Reservation::all(ledger).map_err(FolderError::from)?;
        for word in words {
            let jobs = with_request(&reservations, word);
            let is_named = |job: &JobId| words.iter().any(|word| word.matches(job.as_str()));
            if jobs.len() > 1 && !jobs.iter().all(is_named) {
                return Err(UsageError::SharedRequest { command, word: word.to_string(), jobs }.into());
            }
            if !reservations.iter().any(|reservation| reservation.is_named(word)) {
                let jobs = reservations.iter().map(|reservation| reservation.key.job.clone()).take(8).collect();
                // Whether other words match is not looked up, because all edits would have to be read again.
                let is_known = JobId::new(word.as_str()).is_ok_and(|job| ledger.knows(&job));
                let word = word.to_string();
                let error = if is_known {
                    UsageError::NotReserved { command, word, jobs }
                } else {
                    UsageError::NoSuchRequest { command, word, jobs }
                };
                return Err(error.into());
            }
        }
        let is_named = |reservation: &Reservation| words.iter().any(|word| reservation.is_named(word));
        Ok(reservations.into_iter().filter(is_named).collect())
    }

    /// Returns all reservations, by job.
    fn all(ledger: &Ledger) -> Result<Vec<Reservation>, LinesError> {
        let found = ledger.reservations().map(|found| found.map(|(key, cents)| Reservation { key, cents }));
        let mut reservations = found.collect::<Result<Vec<_>, LinesError>>()?;
        reservations.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(reservations)
    }

    /// Whether a word refers to an edit.
    pub(super) fn is_key_named(key: &EditKey, word: &IdPattern) -> bool {
        word.matches(key.job.as_str()) || fingerprint(word).is_some_and(|named| named == key.fingerprint)
    }

    fn is_named(&self, word: &IdPattern) -> bool {
        Reservation::is_key_named(&self.key, word)
    }
}

/// Returns the jobs with a reservation for the request whose fingerprint `word` is.
fn with_request(reservations: &[Reservation], word: &IdPattern) -> Vec<JobId> {
    let Some(named) = fingerprint(word) else { return Vec::new() };
    let keys = reservations.iter().map(|reservation| &reservation.key);
    keys.filter(|key| key.fingerprint == named).map(|key| key.job.clone()).collect()
}

fn fingerprint(word: &IdPattern) -> Option<Fingerprint> {
    word.as_str().parse().ok()
}
