//! Names of pictures, each of which is unique.

use std::collections::HashSet;

use crate::job::{JobId, folded};
use crate::journal::{Edit, History, Ledger, SavedFile};
use crate::outputs::{Verified, file_name, file_stem};

/// The names of pictures that differ from their job's id, such as `mug-2` for the second picture of `mug`, because a
/// job with that id may be added later. They have no extensions and are case-folded, as on case-insensitive file
/// systems.
pub(super) struct ExtraPictureNames<'b> {
    taken: HashSet<String>,
    /// Whether a name is the id of a job of the manifest.
    is_job: Box<dyn Fn(&str) -> bool + 'b>,
}

impl<'b> ExtraPictureNames<'b> {
    /// Collects the names that are in the journal.
    pub(super) fn of(ledger: &Ledger, is_job: impl Fn(&str) -> bool + 'b) -> ExtraPictureNames<'b> {
        let taken = ledger.further_names().map(|stem| folded(stem).into_owned()).collect();
        ExtraPictureNames { taken, is_job: Box::new(is_job) }
    }

    /// Assigns names to downloaded pictures of a job, none of which is that of another job, of this or an earlier
    /// manifest, or of its pictures.
    pub(super) fn assign<T: Verified>(&mut self, fetched: Vec<T>, job: &JobId, ledger: &Ledger) -> Vec<(T, SavedFile)> {
        let is_job = |stem: &str| (self.is_job)(stem) || JobId::new(stem).is_ok_and(|job| ledger.knows(&job));
        let files = || ledger.live_history(job).into_iter().flat_map(History::edits).flat_map(Edit::originals);
        let is_own = |stem: &str| files().any(|file| file.stem() == stem);
        let is_taken = |number: usize| {
            let stem = file_stem(job, number);
            (number > 1 && is_job(&stem)) || (self.taken.contains(&*folded(&stem)) && !is_own(&stem))
        };
        let mut numbers = (1..).filter(|number| !is_taken(*number));
        let name = |picture: T| {
            let number = numbers.next()?;
            let file = picture.saved_as(file_name(job, number, picture.extension()));
            Some((number, picture, file))
        };
        let named: Vec<_> = fetched.into_iter().filter_map(name).collect();
        let further = named.iter().filter(|(number, ..)| *number > 1);
        self.taken.extend(further.map(|(_, _, file)| folded(file.stem()).into_owned()));
        named.into_iter().map(|(_, picture, file)| (picture, file)).collect()
    }
}
