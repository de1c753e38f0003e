use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::files::{draft_in, drafts_in, make_folder, sync_folder};
use crate::job::ContentHash;
use crate::journal::SavedFile;

use super::error::{OutputError, disk};
use super::paths::{
    EARLIER, RESULTS, aside_name, candidate_paths, clear_path, exists_nonempty, free_name, has_content, is_same,
    move_to, set_aside,
};

/// The import of pictures from other runs' folders into one.
///
/// Every picture is copied to a temporary file, checked against its hash, synced and renamed, so that an interrupted
/// import can be repeated. Existing pictures are skipped.
#[derive(Debug)]
pub struct PictureImport {
    folder: PathBuf,
    touched: BTreeSet<PathBuf>,
}

impl PictureImport {
    /// Starts an import into the run's folder `folder`.
    pub fn into(folder: &Path) -> PictureImport {
        PictureImport { folder: folder.to_owned(), touched: BTreeSet::new() }
    }

    /// Imports a picture of the run's folder `from`, whether it is a result, an original, moved aside, or a temporary
    /// file. Returns whether it was found with the recorded content.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub fn take(&mut self, from: &Path, file: &SavedFile) -> Result<bool, OutputError> {
        let mut is_found = false;
        for (source, target) in candidate_paths(from, file).into_iter().zip(candidate_paths(&self.folder, file)) {
            is_found |= self.copy(&source, &target, file)?;
        }
        if is_found {
            return Ok(true);
        }
        let (results, theirs) = (self.folder.join(RESULTS), from.join(RESULTS));
        for leftover in drafts_in(&theirs).map_err(disk(&theirs))? {
            let Some(name) = leftover.file_name() else { continue };
            if self.copy(&leftover, &results.join(name), file)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the results of this folder have a picture as it was saved.
    ///
    /// # Errors
    ///
    /// The picture cannot be read.
    pub fn has(&self, file: &SavedFile) -> Result<bool, OutputError> {
        has_content(&self.folder.join(RESULTS).join(&file.name), file)
    }

    /// Whether the results of this folder have a picture that the user has changed.
    ///
    /// # Errors
    ///
    /// The picture cannot be read.
    pub fn has_changed(&self, file: &SavedFile) -> Result<bool, OutputError> {
        Ok(exists_nonempty(&self.folder.join(RESULTS).join(&file.name)) && !self.has(file)?)
    }

    /// Moves `files` aside if they are results in this folder, to make room for the results of the run's folder `from`.
    ///
    /// # Errors
    ///
    /// A file cannot be read or moved.
    pub fn displace(&mut self, from: &Path, files: &[SavedFile]) -> Result<(), OutputError> {
        for file in files {
            let name = Path::new(RESULTS).join(&file.name);
            // A file that was already imported stays.
            if !is_same(&from.join(&name), &self.folder.join(&name))? {
                set_aside(&self.folder, std::slice::from_ref(file))?;
            }
        }
        Ok(())
    }

    /// Imports a picture of the run's folder `from` that the user has changed. It is identified by its path: in the
    /// results if `shown`, otherwise in `earlier/`. If the user has changed it in this folder too, both are kept.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub fn take_changed(
        &mut self,
        from: &Path,
        file: &SavedFile,
        shown: ShownIn,
    ) -> Result<ImportOutcome, OutputError> {
        let [source_path, aside_source] =
            [from.join(RESULTS).join(&file.name), from.join(EARLIER).join(aside_name(file))];
        let [target_path, aside_target] =
            [self.folder.join(RESULTS).join(&file.name), self.folder.join(EARLIER).join(aside_name(file))];
        let source = if shown.source { source_path } else { aside_source };
        let target = if shown.target { target_path } else { aside_target };
        if !exists_nonempty(&source) || has_content(&source, file)? {
            return Ok(ImportOutcome::No);
        }
        if is_same(&source, &target)? {
            return Ok(ImportOutcome::Taken { from: source });
        }
        let copy = self.copied(&source, &target)?;
        if exists_nonempty(&target) && !has_content(&target, file)? {
            let name = aside_name(&SavedFile { blake3: copy.hash, ..file.clone() });
            let beside = self.folder.join(EARLIER).join(name);
            if !is_same(&source, &beside)? {
                self.touch(&self.folder.join(EARLIER))?;
                copy.file.persist(&beside).map_err(|error| disk(&beside)(error.error))?;
            }
            return Ok(ImportOutcome::Beside { from: source, at: beside });
        }
        if target.symlink_metadata().is_ok() {
            // With the usual name of a file moved aside, it would be mistaken for the imported picture.
            let earlier = self.folder.join(EARLIER);
            move_to(&earlier, &target, &free_name(&earlier, &file.name))?;
        }
        copy.file.persist(&target).map_err(|error| disk(&target)(error.error))?;
        Ok(ImportOutcome::Taken { from: source })
    }

    /// Imports the files of a subfolder with their modification times. Existing files are kept.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub fn take_all(&mut self, from: &Path, subfolder: &str) -> Result<(), OutputError> {
        self.take_others(from, subfolder, |_| false).map(drop)
    }

    /// Imports the files of a subfolder, except `known` ones. Returns the names of the imported files.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub fn take_others(
        &mut self,
        from: &Path,
        subfolder: &str,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, OutputError> {
        let mut taken = Vec::new();
        for name in names(&from.join(subfolder))?.into_iter().filter(|name| !name.starts_with('.') && !is_known(name)) {
            let target = self.folder.join(subfolder).join(&name);
            if !target.exists() {
                let source = from.join(subfolder).join(&name);
                let copy = self.copied(&source, &target)?;
                let keep_time = || copy.file.as_file().set_modified(source.metadata()?.modified()?);
                keep_time().map_err(disk(&source))?;
                copy.file.persist(&target).map_err(|error| disk(&target)(error.error))?;
                taken.push(name);
            }
        }
        Ok(taken)
    }

    /// Makes the directory entries of all imported files durable.
    ///
    /// # Errors
    ///
    /// A folder cannot be synced.
    pub fn finish(self) -> Result<(), OutputError> {
        self.touched.iter().try_for_each(|folder| sync_folder(folder).map_err(disk(folder)))
    }

    /// Copies `source` to `target`, if its content is that of `file`. Another file at `target` is moved aside.
    fn copy(&mut self, source: &Path, target: &Path, file: &SavedFile) -> Result<bool, OutputError> {
        match source.metadata() {
            Ok(found) if found.is_file() && found.len() == file.bytes => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(source)(error)),
            _ => return Ok(false),
        }
        if has_content(target, file)? {
            return Ok(true);
        }
        let copy = self.copied(source, target)?;
        if (copy.hash, copy.bytes) != (file.blake3, file.bytes) {
            return Ok(false);
        }
        clear_path(&self.folder.join(EARLIER), target, file)?;
        copy.file.persist(target).map_err(|error| disk(target)(error.error))?;
        Ok(true)
    }

    /// Creates a folder, and registers it for the final sync.
    fn touch(&mut self, folder: &Path) -> Result<(), OutputError> {
        if self.touched.insert(folder.to_owned()) { make_folder(folder).map_err(disk(folder)) } else { Ok(()) }
    }

    /// Copies `source` to a temporary file in the folder of `target`, and syncs it.
    fn copied(&mut self, source: &Path, target: &Path) -> Result<Copied, OutputError> {
        let folder = target.parent().unwrap_or(&self.folder).to_owned();
        self.touch(&folder)?;
        let mut file = draft_in(&folder).map_err(disk(&folder))?;
        let copy = || -> io::Result<Copied> {
            let (mut hasher, mut buffer, mut bytes) = (blake3::Hasher::new(), vec![0; 128 << 10], 0);
            let mut original = File::open(source)?;
            loop {
                match original.read(&mut buffer)? {
                    0 => break,
                    read => {
                        hasher.update(&buffer[..read]);
                        file.write_all(&buffer[..read])?;
                        bytes += read as u64;
                    }
                }
            }
            file.as_file().sync_all()?;
            Ok(Copied { file, hash: ContentHash::from_hasher(&hasher), bytes })
        };
        copy().map_err(disk(target))
    }
}

/// Whether a picture is a result, in the source folder and in the target folder.
#[derive(Clone, Copy, Debug)]
pub struct ShownIn {
    /// In the folder that it is imported from.
    pub source: bool,
    /// In the folder that it is imported into.
    pub target: bool,
}

/// The result of importing a picture that the user may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is unchanged or missing, and was not imported.
    No,
    /// It was imported to its usual path.
    Taken {
        /// The path that it was imported from.
        from: PathBuf,
    },
    /// It was imported with another name, because the user has changed the target as well.
    Beside {
        /// The path that it was imported from.
        from: PathBuf,
        /// The path that it was imported to.
        at: PathBuf,
    },
}

/// A copy in a temporary file.
struct Copied {
    file: NamedTempFile,
    hash: ContentHash,
    bytes: u64,
}

/// Returns the sorted names of the files in a folder; none if the folder does not exist.
fn names(folder: &Path) -> Result<Vec<String>, OutputError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(disk(folder))?,
    };
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> SavedFile {
        let bytes = content.len() as u64;
        SavedFile { name: name.to_owned(), bytes, blake3: ContentHash::of(content.as_bytes()), width: 1, height: 1 }
    }

    fn write(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn pictures_keep_their_paths_and_nothing_is_overwritten() {
        let temporary = tempfile::tempdir().unwrap();
        let (from, to) = (temporary.path().join("from"), temporary.path().join("to"));
        let read = |path: &str| fs::read_to_string(to.join(path)).unwrap();
        write(&from.join("results/a.png"), "corrected");
        write(&from.join("originals/a.png"), "original");
        let before = file("a.png", "before");
        write(&from.join("earlier").join(aside_name(&before)), "before");
        write(&from.join("results/.dyehouse-draft-x"), "unnamed");
        write(&from.join("results/b.png"), "edited by hand");
        write(&to.join("results/a.png"), "another");
        for _again in 0..2 {
            let mut import = PictureImport::into(&to);
            for content in ["corrected", "original", "before", "unnamed"] {
                assert!(import.take(&from, &file("a.png", content)).unwrap(), "{content}");
            }
            assert!(!import.take(&from, &file("b.png", "as it was made")).unwrap(), "that is not what was paid for");
            import.finish().unwrap();
        }
        assert_eq!((read("results/a.png"), read("originals/a.png")), ("corrected".into(), "original".into()));
        assert_eq!(read(&format!("earlier/{}", aside_name(&before))), "before");
        assert_eq!(read(&format!("earlier/{}", aside_name(&file("a.png", "another")))), "another");
        assert_eq!(names(&to.join("results")).unwrap(), [".dyehouse-draft-x", "a.png"]);
    }
}
