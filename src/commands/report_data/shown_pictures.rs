use crate::job::JobId;
use crate::journal::{Brief, EditKey, Ledger};
use crate::run_folder::RunFolder;

use super::is_retouched;

/// The pictures in `results/` that have the name of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum ShownPictures {
    /// There are none.
    Nothing,
    /// Those of its current request.
    Current,
    /// Those of its current request, changed by the user since they were saved.
    Retouched,
    /// Those of an earlier request, because the current one has none yet.
    Earlier,
}

impl ShownPictures {
    /// Returns the pictures of a job. `edit` is the journal's summary of its current request.
    pub(in crate::commands) fn of(
        edit: Option<&Brief<'_>>,
        EditKey { job, .. }: &EditKey,
        ledger: &Ledger,
        folder: &RunFolder,
    ) -> ShownPictures {
        match ShownPictures::recorded(edit, job, ledger) {
            ShownPictures::Current if edit.is_some_and(|edit| is_retouched(edit, job, folder)) => {
                ShownPictures::Retouched
            }
            recorded => recorded,
        }
    }

    /// Returns the pictures of a job from the journal alone, which does not know the user's changes.
    pub(in crate::commands) fn recorded(edit: Option<&Brief<'_>>, job: &JobId, ledger: &Ledger) -> ShownPictures {
        match edit {
            Some(edit) if edit.is_shown => ShownPictures::Current,
            _ if ledger.is_shown(job) => ShownPictures::Earlier,
            _ => ShownPictures::Nothing,
        }
    }

    /// Whether there are any.
    pub(in crate::commands) fn exist(self) -> bool {
        self != ShownPictures::Nothing
    }
}
