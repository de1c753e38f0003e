use jiff::Timestamp;

use crate::api::PredictionId;
use crate::cli::Adopt;
use crate::exit::Exit;
use crate::job::JobId;
use crate::journal::{Edit, EditKey, EditState, Ledger};
use crate::run_folder::{FolderError, JournalFile, Lock, RunFolder};
use crate::runner;

use super::print::{log_unprinted, print};
use super::report_data;
use super::reservation::Reservation;
use super::runtime::runtime;
use super::{Failure, UsageError};

/// The submit that the user has found at the provider.
enum Found {
    /// Its money is reserved.
    Uncertain,
    /// Its money was released by mistake.
    Released,
    /// It was adopted with the id of this prediction, which has left no picture.
    Adopted(PredictionId),
}

/// Records the prediction of a submit whose answer was lost, which the user has found at the provider. The next run
/// follows it.
pub(super) fn adopt(arguments: &Adopt) -> Result<Exit, Failure> {
    let folder = RunFolder::existing(&arguments.dir)?;
    let _lock = Lock::take(&folder)?;
    let (mut ledger, disk) = JournalFile::open(&folder)?.into_disk();
    let (key, found) = found_submit(&mut ledger, arguments)?;
    let runtime = runtime()?;
    let prediction = arguments.prediction.clone();
    let cost = runtime.block_on(runner::adopt(disk, &mut ledger, &key, prediction, Timestamp::now))?;
    let money = match found {
        Found::Uncertain => format!("; {cost} spent instead of reserved"),
        Found::Released => format!("; {cost} spent, although it was released"),
        Found::Adopted(wrong) => format!(" instead of {wrong}, at no further cost"),
    };
    let text = format!(
        "{}: follows {}{money}\n{} spent, {} still reserved; the next run saves its picture\n",
        key.job,
        arguments.prediction,
        ledger.spent(),
        ledger.reserved()
    );
    log_unprinted(print(text.as_bytes()));
    report_data::write_changed(&folder, &ledger)?;
    Ok(Exit::Complete)
}

/// Returns the only submit that the arguments refer to.
fn found_submit(ledger: &mut Ledger, arguments: &Adopt) -> Result<(EditKey, Found), Failure> {
    let word = || arguments.job.to_string();
    if let Ok(job) = JobId::new(arguments.job.as_str()) {
        ledger.load(&job).map_err(FolderError::from)?;
    }
    let settled = settled(ledger, arguments);
    let mut keys: Vec<EditKey> = match Reservation::named(ledger, std::slice::from_ref(&arguments.job), "adopt") {
        Ok(named) => named.into_iter().map(|reservation| reservation.key).chain(settled).collect(),
        Err(_) if !settled.is_empty() => settled,
        Err(failure) => return Err(failure),
    };
    keys.sort();
    keys.dedup();
    let [key] = &keys[..] else {
        return Err(UsageError::SeveralToAdopt { word: word(), requests: keys }.into());
    };
    ledger.load(&key.job).map_err(FolderError::from)?;
    let edit = ledger.live(key);
    let found = match edit.map(|edit| (edit, edit.replaceable(), &edit.state)) {
        Some((_, Some(wrong), _)) => Found::Adopted(wrong.clone()),
        Some((_, None, EditState::Uncertain | EditState::Submitting { .. })) => Found::Uncertain,
        Some((edit, None, _)) if edit.is_released() => Found::Released,
        _ => return Err(UsageError::SubmittedAgain { word: word() }.into()),
    };
    let prediction = &arguments.prediction;
    let is_own = edit.and_then(|edit| edit.prediction.as_ref()) == Some(prediction);
    // An earlier submit of the edit has been paid for, and so has this one.
    let is_of_earlier = is_own && !matches!(found, Found::Adopted(_));
    if is_of_earlier || ledger.is_of_another(prediction, key) {
        return Err(UsageError::KnownPrediction { word: word(), prediction: prediction.clone() }.into());
    }
    Ok((key.clone(), found))
}

/// Returns the named edits whose uncertain submit the user has settled, and may settle otherwise.
fn settled(ledger: &Ledger, arguments: &Adopt) -> Vec<EditKey> {
    let may_change = |edit: &Edit| edit.is_released() || edit.replaceable().is_some();
    let edits = ledger.live_edits().filter(|(_, edit)| may_change(edit));
    let keys = edits.map(|(job, edit)| EditKey { job: job.clone(), fingerprint: edit.fingerprint });
    keys.filter(|key| Reservation::is_key_named(key, &arguments.job)).collect()
}
