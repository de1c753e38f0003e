use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::files::{make_folder, sync_folder};
use crate::job::ContentHash;
use crate::journal::SavedFile;

use super::incoming::temporary;
use super::places::{EARLIER, RESULTS, holds, make_room, places, strays};
use super::{OutputError, disk};

/// A run's folder that takes pictures in from others.
///
/// Every picture is copied beside its place, checked against its hash, synced and renamed, so that this can end anywhere
/// and be done again. Pictures that are in place are left alone.
#[derive(Debug)]
pub struct Adoption {
    folder: PathBuf,
    touched: BTreeSet<PathBuf>,
}

impl Adoption {
    /// Begins to take pictures into the run's folder `folder`.
    pub fn into(folder: &Path) -> Adoption {
        Adoption { folder: folder.to_owned(), touched: BTreeSet::new() }
    }

    /// Takes in a picture of the run's folder `from`, as a result, as an original, as one set aside, or as one that has
    /// no name yet. The answer is whether it was anywhere with the content that was recorded.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub fn take(&mut self, from: &Path, file: &SavedFile) -> Result<bool, OutputError> {
        let mut is_found = false;
        for (source, target) in places(from, file).into_iter().zip(places(&self.folder, file)) {
            is_found |= self.copy(&source, &target, file)?;
        }
        if is_found {
            return Ok(true);
        }
        let results = self.folder.join(RESULTS);
        for stray in strays(&from.join(RESULTS))? {
            let Some(name) = stray.file_name() else { continue };
            if self.copy(&stray, &results.join(name), file)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes in the files of a subfolder with their times. One that is there already is as good.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub fn take_all(&mut self, from: &Path, subfolder: &str) -> Result<(), OutputError> {
        for name in names(&from.join(subfolder))?.into_iter().filter(|name| !name.starts_with('.')) {
            let target = self.folder.join(subfolder).join(&name);
            if !target.exists() {
                let source = from.join(subfolder).join(&name);
                let copy = self.copied(&source, &target)?;
                let keep_time = || copy.file.as_file().set_modified(source.metadata()?.modified()?);
                keep_time().map_err(disk(&source))?;
                copy.file.persist(&target).map_err(|error| disk(&target)(error.error))?;
            }
        }
        Ok(())
    }

    /// Makes the names of all that was taken in durable.
    ///
    /// # Errors
    ///
    /// A folder cannot be synced.
    pub fn finish(self) -> Result<(), OutputError> {
        self.touched.iter().try_for_each(|folder| sync_folder(folder).map_err(disk(folder)))
    }

    /// Copies `source` to `target`, if it is `file`. What is at `target` and is something else moves aside.
    fn copy(&mut self, source: &Path, target: &Path, file: &SavedFile) -> Result<bool, OutputError> {
        match source.metadata() {
            Ok(found) if found.is_file() && found.len() == file.bytes => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(source)(error)),
            _ => return Ok(false),
        }
        if holds(target, file)? {
            return Ok(true);
        }
        let copy = self.copied(source, target)?;
        if (copy.hash, copy.bytes) != (file.blake3, file.bytes) {
            return Ok(false);
        }
        make_room(&self.folder.join(EARLIER), target, file)?;
        copy.file.persist(target).map_err(|error| disk(target)(error.error))?;
        Ok(true)
    }

    /// Copies `source` to a temporary file beside `target`, and syncs it.
    fn copied(&mut self, source: &Path, target: &Path) -> Result<Copied, OutputError> {
        let folder = target.parent().unwrap_or(&self.folder).to_owned();
        if self.touched.insert(folder.clone()) {
            make_folder(&folder).map_err(disk(&folder))?;
        }
        let mut file = temporary(&folder).map_err(disk(&folder))?;
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

/// A copy that has no name yet.
struct Copied {
    file: NamedTempFile,
    hash: ContentHash,
    bytes: u64,
}

/// The names of the files in a folder, sorted; none where it is missing.
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
    use crate::outputs::aside_name;

    fn file(name: &str, content: &str) -> SavedFile {
        let bytes = content.len() as u64;
        SavedFile { name: name.to_owned(), bytes, blake3: ContentHash::of(content.as_bytes()), width: 1, height: 1 }
    }

    fn write(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn a_picture_comes_to_the_place_where_it_was_and_nothing_is_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        let read = |path: &str| fs::read_to_string(to.join(path)).unwrap();
        write(&from.join("results/a.png"), "corrected");
        write(&from.join("originals/a.png"), "original");
        let before = file("a.png", "before");
        write(&from.join("earlier").join(aside_name(&before)), "before");
        write(&from.join("results/.incoming-x.part"), "unnamed");
        write(&from.join("results/b.png"), "edited by hand");
        write(&to.join("results/a.png"), "another");
        for _again in 0..2 {
            let mut adoption = Adoption::into(&to);
            for content in ["corrected", "original", "before", "unnamed"] {
                assert!(adoption.take(&from, &file("a.png", content)).unwrap(), "{content}");
            }
            assert!(!adoption.take(&from, &file("b.png", "as it was made")).unwrap(), "that is not what was paid for");
            adoption.finish().unwrap();
        }
        assert_eq!((read("results/a.png"), read("originals/a.png")), ("corrected".into(), "original".into()));
        assert_eq!(read(&format!("earlier/{}", aside_name(&before))), "before");
        assert_eq!(read(&format!("earlier/{}", aside_name(&file("a.png", "another")))), "another");
        assert_eq!(names(&to.join("results")).unwrap(), [".incoming-x.part", "a.png"]);
    }
}
