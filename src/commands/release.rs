use jiff::Timestamp;

use crate::cli::Release;
use crate::exit::Exit;
use crate::job::Cents;
use crate::run_folder::{JournalFile, Lock, RunFolder};
use crate::runner;
use crate::words::counted;

use super::Failure;
use super::print::{log_unprinted, print};
use super::report_data;
use super::reservation::Reservation;
use super::runtime::runtime;

/// Releases the money reserved for submits that, as the user confirms, were not charged.
pub(super) fn release(arguments: &Release) -> Result<Exit, Failure> {
    let folder = RunFolder::existing(&arguments.dir)?;
    let _lock = Lock::take(&folder)?;
    let (mut ledger, disk) = JournalFile::open(&folder)?.into_disk();
    let released = Reservation::named(&ledger, &arguments.jobs, "release")?;
    let runtime = runtime()?;
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
    report_data::write_changed(&folder, &ledger)?;
    Ok(Exit::Complete)
}
