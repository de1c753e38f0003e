//! Names of pictures, each of which is unique.

use std::collections::HashSet;

use crate::job::{JobId, folded};
use crate::journal::{Edit, History, Ledger, SavedFile};
use crate::outputs::{Verified, file_name, file_stem};

/// The names of pictures that differ from their job's id, such as `mug-2` for the second picture of `mug`, because a
/// job with that id may be added later. They have no extensions and are case-folded, as on case-insensitive file
/// systems.
#[derive(Debug, Default)]
pub(super) struct ExtraPictureNames(HashSet<String>);

impl ExtraPictureNames {
    /// Collects the names that are in the journal.
    pub(super) fn of(ledger: &Ledger) -> ExtraPictureNames {
        ExtraPictureNames(ledger.further_names().map(|stem| folded(stem).into_owned()).collect())
    }

    /// Assigns names to downloaded pictures, none of which is that of another job or of its pictures. `history` is
    /// that of the job; `is_job` returns whether a job of this or an earlier manifest has a name.
    pub(super) fn assign<T: Verified>(
        &mut self,
        fetched: Vec<T>,
        job: &JobId,
        history: Option<&History>,
        is_job: impl Fn(&str) -> bool,
    ) -> Vec<(T, SavedFile)> {
        let files = || history.into_iter().flat_map(History::edits).flat_map(Edit::originals);
        let is_own = |stem: &str| files().any(|file| file.stem() == stem);
        let is_taken = |number: usize| {
            let stem = file_stem(job, number);
            (number > 1 && is_job(&stem)) || (self.0.contains(&*folded(&stem)) && !is_own(&stem))
        };
        let mut numbers = (1..).filter(|number| !is_taken(*number));
        let name = |picture: T| {
            let number = numbers.next()?;
            let file = picture.saved_as(file_name(job, number, picture.extension()));
            Some((number, picture, file))
        };
        let named: Vec<_> = fetched.into_iter().filter_map(name).collect();
        let further = named.iter().filter(|(number, ..)| *number > 1);
        self.0.extend(further.map(|(_, _, file)| folded(file.stem()).into_owned()));
        named.into_iter().map(|(_, picture, file)| (picture, file)).collect()
    }
}
