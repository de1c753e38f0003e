//! The manifest that a run's folder belongs to.

use std::path::{Path, PathBuf};

use crate::job::Backend;
use crate::journal::{Ledger, RunStart};
use crate::run_folder::{JournalFile, RunFolder};

/// Returns the manifest of the folder's last run, if that is another file than `manifest`; `None` if it is unknown.
pub(super) fn other_owner(ledger: &Ledger, manifest: &Path) -> Option<PathBuf> {
    other_manifest(ledger.last_run()?, manifest, &std::env::current_dir().ok()?)
}

/// Returns the folder beside `manifest` in which it was run before, if `folder`, its default folder in the working
/// directory, does not exist yet: jobs that were paid for there would be paid for again.
pub(super) fn run_beside(manifest: &Path, folder: &RunFolder) -> Option<PathBuf> {
    let beside = RunFolder::new(manifest.parent()?.join(folder.path()));
    if folder.journal().exists() || !beside.journal().is_file() {
        return None;
    }
    let (run, here) = (paid_run(&beside)?, std::env::current_dir().ok()?);
    other_manifest(&run, manifest, &here).is_none().then(|| beside.path().to_owned())
}

/// Whether the manifest of a folder's paid run is no longer where it was.
pub(super) fn is_orphaned(folder: &RunFolder) -> bool {
    let manifest = |run: RunStart| Some(Path::new(run.directory.as_deref()?).join(&run.manifest));
    paid_run(folder).and_then(manifest).is_some_and(|manifest| !manifest.exists())
}

/// Returns the last run of a folder, if it was paid for and its manifest is known and was a file.
fn paid_run(folder: &RunFolder) -> Option<RunStart> {
    let ledger = JournalFile::read(folder).ok()?;
    let run = ledger.last_run().filter(|run| run.backend == Backend::Vibedream && !ledger.is_blank())?;
    let is_known = run.directory.is_some() && !run.manifest.is_empty() && run.manifest != "-";
    is_known.then(|| run.clone())
}

/// Compares the manifest of `run` with `manifest`, which is relative to the working directory `here`.
fn other_manifest(run: &RunStart, manifest: &Path, here: &Path) -> Option<PathBuf> {
    let theirs = Path::new(&run.manifest);
    let directory = Path::new(run.directory.as_deref()?);
    let is_stdin = |path: &Path| path == Path::new("-");
    if run.manifest.is_empty() || is_stdin(theirs) || is_stdin(manifest) {
        return None;
    }
    let (before, now) = (directory.join(theirs), here.join(manifest));
    // Names that are not Unicode are recorded as they are displayed.
    let is_as_written = run.manifest == manifest.display().to_string() && directory == here;
    let real = |path: &Path| path.canonicalize().ok();
    let are_same = |one: &Path, other: &Path| one == other || real(one).is_some_and(|one| real(other) == Some(one));
    // If a manifest was moved together with its folder, it is at the same place relative to it.
    let has_moved = !before.exists() && are_same(&here.join(theirs), &now);
    let is_other = !is_as_written && !are_same(&before, &now) && !has_moved;
    is_other.then(|| if directory == here { theirs.to_owned() } else { before })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with manifests of the same name in several folders.
    struct Places(tempfile::TempDir);

    impl Places {
        fn new() -> Places {
            let places = Places(tempfile::tempdir().unwrap());
            for folder in ["a", "b"] {
                fs::create_dir(places.path(folder)).unwrap();
                fs::write(places.path(folder).join("shop.csv"), folder).unwrap();
            }
            places
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Returns the other manifest for a run of `manifest` after one of `before` in `directory`.
        fn other(&self, directory: &str, before: &str, manifest: &str) -> Option<PathBuf> {
            let directory = Some(self.path(directory).to_str().unwrap().into());
            let run = RunStart { manifest: before.to_owned(), directory, ..RunStart::default() };
            other_manifest(&run, Path::new(manifest), self.0.path())
        }
    }

    #[test]
    fn a_manifest_of_the_same_name_in_another_folder_is_another_one() {
        let places = Places::new();
        assert_eq!(places.other("", "a/shop.csv", "b/shop.csv"), Some("a/shop.csv".into()));
        assert_eq!(places.other("a", "shop.csv", "b/shop.csv"), Some(places.path("a/shop.csv")));
        assert_eq!(places.other("", "a/gone.csv", "b/shop.csv"), Some("a/gone.csv".into()), "it may have been moved");
    }

    #[test]
    fn the_same_file_is_recognized_by_each_of_its_paths() {
        let places = Places::new();
        let absolute = places.path("a/shop.csv");
        for path in ["a/shop.csv", "./a/shop.csv", "b/../a/shop.csv", absolute.to_str().unwrap()] {
            assert_eq!(places.other("", "a/shop.csv", path), None, "{path}");
            assert_eq!(places.other("", path, "a/shop.csv"), None, "{path}");
        }
        assert_eq!(places.other("a", "shop.csv", "a/shop.csv"), None, "from another working directory");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&absolute, places.path("shop.csv")).unwrap();
            assert_eq!(places.other("", "a/shop.csv", "shop.csv"), None);
            fs::remove_file(places.path("shop.csv")).unwrap();
            std::os::unix::fs::symlink(places.path("b/shop.csv"), places.path("shop.csv")).unwrap();
            assert_eq!(places.other("", "shop.csv", "shop.csv"), None, "a link that was set to another file");
        }
    }

    #[test]
    fn manifests_that_cannot_be_compared_are_accepted() {
        let places = Places::new();
        assert_eq!(places.other("", "-", "a/shop.csv"), None);
        assert_eq!(places.other("", "a/shop.csv", "-"), None);
        assert_eq!(places.other("", "", "a/shop.csv"), None, "from an older journal");
        let run = RunStart { manifest: "a/shop.csv".to_owned(), directory: None, ..RunStart::default() };
        assert_eq!(other_manifest(&run, Path::new("b/shop.csv"), places.0.path()), None, "from an older journal");
        assert_eq!(places.other("elsewhere", "a/shop.csv", "a/shop.csv"), None, "moved together with its folder");
    }
}
