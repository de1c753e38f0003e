//! What pictures are called, so that no two of them ever have one name.

use std::collections::HashSet;

use crate::job::{JobId, folded};
use crate::journal::{Edit, History, Ledger, SavedFile};
use crate::outputs::{Verified, file_name, file_stem};

/// The names of pictures that are not called as their jobs are, such as the second one of `mug`, `mug-2`: a job of that name
/// may come later. They are without extensions, and as file systems see them to which capitals do not count.
#[derive(Debug, Default)]
pub(super) struct ExtraPictureNames(HashSet<String>);

impl ExtraPictureNames {
    /// Those that a journal knows.
    pub(super) fn of(ledger: &Ledger) -> ExtraPictureNames {
        ExtraPictureNames(ledger.further_names().map(|stem| folded(stem).into_owned()).collect())
    }

    /// Fetched pictures with the files that they become, none of which has the name of another job, or of another's picture.
    /// `history` is the job's own; `is_job` tells whether a job of the manifest is called so, or of earlier ones.
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
