use jiff::Timestamp;
use tokio::runtime::Builder;

use crate::cli::Adopt;
use crate::exit::Exit;
use crate::journal::{EditKey, EditState, Ledger};
use crate::run_folder::{FolderError, JournalFile, Lock, RunFolder};
use crate::runner;

use super::print::{log_unprinted, print};
use super::report_data;
use super::reservation::Reservation;
use super::{Failure, UsageError};

/// Records the prediction of an uncertain submit, which the user has found at the provider. The next run follows it.
pub(super) fn adopt(arguments: &Adopt) -> Result<Exit, Failure> {
    let folder = RunFolder::existing(&arguments.dir)?;
    let _lock = Lock::take(&folder)?;
    let (mut ledger, disk) = JournalFile::open(&folder)?.into_disk();
    let key = lost_submit(&mut ledger, arguments)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| Failure::Start { cause })?;
    let prediction = arguments.prediction.clone();
    let cost = runtime.block_on(runner::adopt(disk, &mut ledger, &key, prediction, Timestamp::now))?;
    let text = format!(
        "{}: follows {}; {cost} spent instead of reserved\n{} spent, {} still reserved; the next run saves its picture\n",
        key.job,
        arguments.prediction,
        ledger.spent(),
        ledger.reserved()
    );
    log_unprinted(print(text.as_bytes()));
    report_data::write_changed(&folder, &ledger)?;
    Ok(Exit::Complete)
}

/// Returns the edit whose submit the arguments refer to. It must be the only one, and still be uncertain.
fn lost_submit(ledger: &mut Ledger, arguments: &Adopt) -> Result<EditKey, Failure> {
    let named = Reservation::named(ledger, std::slice::from_ref(&arguments.job), "adopt")?;
    let word = || arguments.job.to_string();
    let [Reservation { key, .. }] = &named[..] else {
        let requests = named.into_iter().map(|reservation| reservation.key).collect();
        return Err(UsageError::SeveralToAdopt { word: word(), requests }.into());
    };
    ledger.load(&key.job).map_err(FolderError::from)?;
    let is_waiting = |state: &EditState| matches!(state, EditState::Uncertain | EditState::Submitting { .. });
    if !ledger.live(key).is_some_and(|edit| is_waiting(&edit.state)) {
        return Err(UsageError::SubmittedAgain { word: word() }.into());
    }
    if ledger.is_of_another(&arguments.prediction, key) {
        return Err(UsageError::KnownPrediction { word: word(), prediction: arguments.prediction.clone() }.into());
    }
    Ok(key.clone())
}
