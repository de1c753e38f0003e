use crate::cli::Report;
use crate::exit::Exit;
use crate::journal::RunEvent;
use crate::run_folder::{ReportTurn, RunFolder};

use super::gather::{self, Gathered, settled};
use super::{Failure, print};

/// Writes the report anew.
pub(super) fn report(arguments: &Report) -> Result<Exit, Failure> {
    let folder = RunFolder::new(&arguments.dir);
    let _turn = ReportTurn::wait(&folder)?;
    let (ledger, _holder) = settled(&folder)?;
    let manifest = match ledger.last_run() {
        Some(RunEvent::Run { manifest, .. }) => manifest.clone(),
        _ => String::new(),
    };
    let written = gather::write(&Gathered { folder: &folder, ledger: &ledger, manifest: &manifest })?;
    print(format!("{}\n", written.index.display()).as_bytes());
    Ok(Exit::Complete)
}
