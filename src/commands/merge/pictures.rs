//! Copies the pictures of several folders into one.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use crate::commands::Failure;
use crate::journal::{Edit, EditKey, Ledger, MergedJournal, Presence, SavedFile};
use crate::outputs::{self, ImportOutcome, OutputError, PictureImport, RESULTS, ShownIn};
use crate::run_folder::FolderError;
use crate::verify::BEFORE;
use crate::words::and_more;

use super::source::Source;
use super::target::Target;

/// The maximum number of pictures that are listed.
const NAMED: usize = 3;

/// Notes on the copied pictures.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// Pictures that the user had changed in the folder of a share.
    changed: Names,
    /// Pictures that were not found.
    missing: Names,
    /// Pictures that no journal knows.
    unknown: Names,
    /// Pictures that were changed in two folders, each with the path of the second one.
    twice: Vec<String>,
}

/// The first of some names, and their number.
#[derive(Debug, Default)]
struct Names {
    first: Vec<String>,
    count: usize,
}

/// Copies the pictures of every job from the folder with its most recent records. Pictures that the user has changed
/// are copied from the folder with the change. Those changed in `target` stay.
pub(super) fn copy(sources: &[Source], merged: &MergedJournal<'_>, target: &Target) -> Result<Copied, Failure> {
    let nothing = Ledger::default();
    let mut copying = Copying {
        out: target.folder.path(),
        ours: target.ledger.as_ref().unwrap_or(&nothing),
        import: PictureImport::into(target.folder.path()),
        copied: Copied::default(),
    };
    let hasher = RandomState::new();
    for (index, source) in sources.iter().enumerate() {
        let mut known: Vec<u64> = Vec::new();
        for found in source.ledger.edits() {
            let (job, edit) = found.map_err(FolderError::from)?;
            known.extend(edit.files().iter().chain(edit.originals()).map(|file| hasher.hash_one(file.name.as_str())));
            let key = EditKey { job, fingerprint: edit.fingerprint };
            match merged.best_index(&key.job) {
                Some(0) => copying.take_changes(source, &key, &edit)?,
                Some(best) if best == index + 1 => copying.take_all(source, &key, &edit)?,
                _ => {}
            }
        }
        known.sort_unstable();
        copying.take_unknown(source, |name| known.binary_search(&hasher.hash_one(name)).is_ok())?;
        copying.import.take_all(source.folder.path(), BEFORE)?;
    }
    copying.import.finish()?;
    Ok(copying.copied)
}

/// The state of copying pictures to a folder.
struct Copying<'t> {
    out: &'t Path,
    /// The ledger of the output folder.
    ours: &'t Ledger,
    import: PictureImport,
    copied: Copied,
}

impl Copying<'_> {
    /// Copies the user's changes to an edit that the output folder already has.
    fn take_changes(&mut self, source: &Source, key: &EditKey, edit: &Edit) -> Result<(), Failure> {
        let is_changed = |file: &SavedFile| outputs::presence(source.folder.path(), file) == Presence::Changed;
        if source.ledger.shows(key) && edit.files().iter().any(is_changed) {
            let shown = ShownIn { source: true, target: self.ours.shows(key) };
            for file in edit.files().iter().filter(|file| is_changed(file)) {
                self.take_changed(source, file, shown)?;
            }
        }
        Ok(())
    }

    /// Copies all pictures of an edit.
    fn take_all(&mut self, source: &Source, key: &EditKey, edit: &Edit) -> Result<(), Failure> {
        let (is_theirs, is_ours) = (source.ledger.shows(key), self.ours.shows(key));
        let from = source.folder.path();
        if is_theirs && !is_ours && self.ours.is_shown(&key.job) {
            let history = self.ours.history(&key.job).map_err(FolderError::from)?;
            let shown = history.as_ref().and_then(|history| history.shown());
            self.import.displace(from, shown.map_or(&[], Edit::files))?;
        }
        for file in edit.files() {
            if is_ours && self.import.has(file)? {
                continue;
            }
            let is_changed_here = is_ours && self.import.has_changed(file)?;
            if !is_changed_here && self.import.take(from, file)? {
                continue;
            }
            let changed = self.take_changed(source, file, ShownIn { source: is_theirs, target: is_theirs })?;
            if changed == ImportOutcome::No && !is_changed_here {
                self.copied.missing.note(&source.folder.results().join(&file.name));
            }
        }
        for original in edit.originals().iter().filter(|file| !edit.files().contains(file)) {
            if !self.import.take(from, original)? {
                self.copied.missing.note(&source.folder.results().join(&original.name));
            }
        }
        Ok(())
    }

    /// Copies results without a record: the user made them for a failed job, or the journal is an older copy. A run in
    /// the merged folder treats them like a run in the share would.
    fn take_unknown(&mut self, source: &Source, is_known: impl Fn(&str) -> bool) -> Result<(), Failure> {
        for name in self.import.take_others(source.folder.path(), RESULTS, is_known)? {
            self.copied.unknown.note(&source.folder.results().join(name));
        }
        Ok(())
    }

    fn take_changed(
        &mut self,
        source: &Source,
        file: &SavedFile,
        shown: ShownIn,
    ) -> Result<ImportOutcome, OutputError> {
        let changed = self.import.take_changed(source.folder.path(), file, shown)?;
        match &changed {
            ImportOutcome::No => {}
            ImportOutcome::Taken { from } => self.copied.changed.note(from),
            ImportOutcome::Beside { from, at } => self.copied.twice.push(format!(
                "{} was changed by hand, and so was the one in {}: the latter is kept, and the former is copied to {}",
                from.display(),
                self.out.display(),
                at.display(),
            )),
        }
        Ok(changed)
    }
}

impl Copied {
    /// Returns the notes for the user, one per line.
    pub(super) fn lines(&self) -> Vec<String> {
        let changed = "changed by hand since they were saved; copied unchanged";
        let missing = "not found where the journals say; a run of the manifest downloads them again";
        let unknown = "not recorded in the journals; copied";
        let lines = [self.changed.line(changed), self.unknown.line(unknown), self.missing.line(missing)];
        self.twice.iter().cloned().chain(lines.into_iter().flatten()).collect()
    }
}

impl Names {
    fn note(&mut self, path: &Path) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(path.display().to_string());
        }
    }

    fn line(&self, what: &str) -> Option<String> {
        let more = and_more((self.count - self.first.len()) as u64);
        (self.count > 0).then(|| format!("{what}: {}{more}", self.first.join(", ")))
    }
}
