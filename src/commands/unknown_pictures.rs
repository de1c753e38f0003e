use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use crate::files::copy_of;
use crate::job::JobId;
use crate::journal::{History, Ledger, SavedFile};
use crate::outputs::{EARLIER, aside_name};
use crate::photo::Format;
use crate::plan::{Decision, Kept};
use crate::run_folder::{FolderError, RunFolder};

/// Pictures in `results/` that the journal does not know, at the path of a result that is about to be requested. Either
/// the user put them there, or they were paid for and the journal was replaced by an older copy.
pub(super) struct UnknownPictures<'a> {
    folder: &'a RunFolder,
    ledger: &'a Ledger,
    hasher: RandomState,
    /// Hashes of the names in `results/` without their extensions, sorted. They are read when they are first needed.
    stems: OnceLock<io::Result<Vec<u64>>>,
}

impl<'a> UnknownPictures<'a> {
    pub(super) fn of(folder: &'a RunFolder, ledger: &'a Ledger) -> UnknownPictures<'a> {
        UnknownPictures { folder, ledger, hasher: RandomState::new(), stems: OnceLock::new() }
    }

    /// Returns `decision` on a job, or another one together with the picture that holds the job back. Such a job is not
    /// paid for again, and the others continue.
    ///
    /// # Errors
    ///
    /// `results/` or the journal cannot be read.
    pub(super) fn hold_back(&self, job: &JobId, decision: Decision) -> Result<(Decision, Option<String>), FolderError> {
        let picture = if decision.submits() { self.find(job)? } else { None };
        Ok((if picture.is_some() { Decision::Keep(Kept::HeldBack) } else { decision }, picture))
    }

    fn find(&self, job: &JobId) -> Result<Option<String>, FolderError> {
        if self.stems()?.binary_search(&self.hash(OsStr::new(job.as_str()))).is_err() {
            return Ok(None);
        }
        let names = Format::ALL.iter().map(|format| format!("{job}.{}", format.extension()));
        for name in names {
            let Ok(found) = self.folder.results().join(&name).metadata() else { continue };
            if found.is_file() && !self.is_known(job, &name, found.len())? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    fn stems(&self) -> Result<&[u64], FolderError> {
        let results = self.folder.results();
        let read = || -> io::Result<Vec<u64>> {
            let entries = match std::fs::read_dir(&results) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            let stem = |entry: std::fs::DirEntry| Path::new(&entry.file_name()).file_stem().map(|stem| self.hash(stem));
            let mut stems: Vec<u64> =
                entries.filter_map(|entry| entry.map(stem).transpose()).collect::<io::Result<_>>()?;
            stems.sort_unstable();
            Ok(stems)
        };
        let stems = self.stems.get_or_init(read).as_deref();
        stems.map_err(|error| FolderError::io("read", &results)(copy_of(error)))
    }

    fn hash(&self, stem: &OsStr) -> u64 {
        self.hasher.hash_one(stem)
    }

    /// Whether the journal explains a picture of the job: an edit produced it, the user changed the result of an edit,
    /// or it is a further picture of another job, like `mug-2.png` of `mug`.
    fn is_known(&self, job: &JobId, name: &str, bytes: u64) -> Result<bool, FolderError> {
        if let Some(history) = self.ledger.history(job)? {
            let has_made_it = files(&history).any(|file| file.name == name && file.bytes == bytes);
            let is_aside = |file: &SavedFile| self.folder.path().join(EARLIER).join(aside_name(file)).exists();
            if has_made_it || history.shown().is_some_and(|shown| !shown.files().iter().any(is_aside)) {
                return Ok(true);
            }
        }
        let other = job.as_str().rsplit_once('-').and_then(|(other, _)| JobId::new(other).ok());
        let history = other.map(|other| self.ledger.history(&other)).transpose()?.flatten();
        Ok(history.is_some_and(|history| files(&history).any(|file| file.name == name)))
    }
}

fn files(history: &History) -> impl Iterator<Item = &SavedFile> {
    history.edits().flat_map(|edit| edit.files().iter().chain(edit.originals()))
}
