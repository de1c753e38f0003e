use jiff::Timestamp;
use tokio::runtime::Builder;

use crate::cli::Release;
use crate::exit::Exit;
use crate::job::{Cents, Fingerprint, IdPattern, JobId};
use crate::journal::{EditKey, Ledger, LinesError};
use crate::run_folder::{FolderError, JournalFile, Lock, ReportTurn, RunFolder};
use crate::runner;
use crate::words::counted;

use super::print::{log_unprinted, print};
use super::report_data::{self, ReportInputs};
use super::{Failure, UsageError};

/// The money that is reserved for the submits of one edit.
struct Reservation {
    key: EditKey,
    cents: Cents,
}

/// Releases the money reserved for submits that, as the user confirms, were not charged.
pub(super) fn release(arguments: &Release) -> Result<Exit, Failure> {
    let folder = RunFolder::existing(&arguments.dir)?;
    let _lock = Lock::take(&folder)?;
    let (mut ledger, disk) = JournalFile::open(&folder)?.into_disk();
    let released = named(&ledger, &reservations(&ledger)?, &arguments.jobs)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })?;
    let keys = released.iter().map(|reservation| reservation.key.clone());
    runtime.block_on(runner::release(disk, &mut ledger, keys, Timestamp::now))?;
    let mut text = String::new();
    for Reservation { key, cents } in &released {
        text.push_str(&format!("{}: {cents} released, request {}\n", key.job, key.fingerprint));
    }
    let sum: Cents = released.iter().map(|reservation| reservation.cents).sum();
    let jobs = counted(released.len() as u64, "request");
    text.push_str(&format!("{jobs}, {sum} released; {} spent, {} still reserved\n", ledger.spent(), ledger.reserved()));
    log_unprinted(print(text.as_bytes()));
    let _turn = ReportTurn::wait(&folder)?;
    let manifest = report_data::manifest(&ledger);
    report_data::write(&ReportInputs { folder: &folder, ledger: &ledger, manifest, is_running: false, junit: None })?;
    Ok(Exit::Complete)
}

/// Returns all reservations, by job.
fn reservations(ledger: &Ledger) -> Result<Vec<Reservation>, FolderError> {
    let found = ledger.reservations().map(|found| found.map(|(key, cents)| Reservation { key, cents }));
    let mut reservations = found.collect::<Result<Vec<_>, LinesError>>()?;
    reservations.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(reservations)
}

/// Returns the jobs with a reservation for the request whose fingerprint `word` is.
fn with_request(reservations: &[Reservation], word: &IdPattern) -> Vec<JobId> {
    let Ok(named) = word.as_str().parse::<Fingerprint>() else { return Vec::new() };
    let keys = reservations.iter().map(|reservation| &reservation.key);
    keys.filter(|key| key.fingerprint == named).map(|key| key.job.clone()).collect()
}

/// Returns the reservations that `words` refer to. Each word is a pattern of ids or the fingerprint of a request, and
/// must match at least one.
fn named(ledger: &Ledger, reservations: &[Reservation], words: &[IdPattern]) -> Result<Vec<Reservation>, Failure> {
    let names = |word: &IdPattern, EditKey { job, fingerprint }: &EditKey| {
        word.matches(job.as_str()) || word.as_str().parse::<Fingerprint>().is_ok_and(|named| named == *fingerprint)
    };
    for word in words {
        let jobs = with_request(reservations, word);
        let is_named = |job: &JobId| words.iter().any(|word| word.matches(job.as_str()));
        if jobs.len() > 1 && !jobs.iter().all(is_named) {
            return Err(UsageError::SeveralToRelease { word: word.to_string(), jobs }.into());
        }
        if !reservations.iter().any(|reservation| names(word, &reservation.key)) {
            let jobs = reservations.iter().map(|reservation| reservation.key.job.clone()).take(8).collect();
            // Whether other words match is not looked up, because all edits would have to be read again.
            let is_known = JobId::new(word.as_str()).is_ok_and(|job| ledger.knows(&job));
            let word = word.to_string();
            let error = if is_known {
                UsageError::NotReserved { word, jobs }
            } else {
                UsageError::NoneToRelease { word, jobs }
            };
            return Err(error.into());
        }
    }
    let is_named = |reservation: &&Reservation| words.iter().any(|word| names(word, &reservation.key));
    Ok(reservations
        .iter()
        .filter(is_named)
        .map(|Reservation { key, cents }| Reservation { key: key.clone(), cents: *cents })
        .collect())
}
