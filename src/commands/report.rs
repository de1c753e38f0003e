use std::thread;

use crate::cli::Report;
use crate::exit::Exit;
use crate::run_folder::{ReportTurn, RunFolder};

use super::Failure;
use super::print::{log_unprinted, print};
use super::report_data::{self, ReadLedger, Refresher, ReportInputs, read_ledger};

/// Writes the report again, and with `--watch` keeps it up to date while the run is in progress.
pub(super) fn report(arguments: &Report) -> Result<Exit, Failure> {
    let folder = RunFolder::new(&arguments.dir);
    let page = format!("{}\n", folder.report_page().display());
    if arguments.watch {
        let mut refresher = Refresher::new(folder.clone());
        log_unprinted(print(page.as_bytes()));
        while refresher.refresh()?.is_running {
            thread::sleep(refresher.rest());
        }
    }
    let _turn = ReportTurn::wait(&folder)?;
    let ReadLedger { ledger, holder } = read_ledger(&folder)?;
    let (manifest, junit) = (report_data::manifest(&ledger), arguments.junit.as_deref());
    report_data::write(&ReportInputs {
        folder: &folder,
        ledger: &ledger,
        manifest,
        is_running: holder.is_some(),
        junit,
    })?;
    if !arguments.watch {
        log_unprinted(print(page.as_bytes()));
    }
    Ok(Exit::Complete)
}
