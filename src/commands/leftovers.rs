use crate::journal::{Edit, EditState, Ledger};
use crate::outputs::{EARLIER, ORIGINALS, RESULTS, remove_leftovers};
use crate::run_folder::RunFolder;
use crate::verify::BEFORE;

use super::Failure;

/// Removes the temporary files that killed processes left among the pictures of a locked folder. Those in `results/` stay
/// while the journal has a picture that was fetched and not yet renamed.
pub(super) fn clean_up(folder: &RunFolder, ledger: &Ledger) -> Result<(), Failure> {
    let is_wanted = |edit: &Edit| matches!(edit.state, EditState::Fetched { .. });
    let results = (!ledger.live_edits().any(|(_, edit)| is_wanted(edit))).then_some(RESULTS);
    let mut folders = [EARLIER, ORIGINALS, BEFORE].into_iter().chain(results);
    folders.try_for_each(|name| remove_leftovers(&folder.path().join(name)).map_err(Failure::Leftovers))
}
