use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

use crate::files::{make_folder, sync_folder};
use crate::job::ContentHash;
use crate::journal::SavedFile;

use super::batches::Batches;
use super::incoming::{Incoming, Received, is_temporary, temporary};
use super::{Downloader, OutputError, Picture, Place, ResultStore, Slot, Verified, disk, inline, picture, short};

/// The folder of a run in which the provider's pictures are kept that were corrected.
pub const ORIGINALS: &str = "originals";

/// The folder of a run, with its `results/` and, where manifests changed, its `earlier/`.
#[derive(Clone, Debug)]
pub struct Results {
    results: PathBuf,
    publications: Arc<Batches<Publication, Result<(), OutputError>>>,
    earlier: PathBuf,
    originals: PathBuf,
    downloader: Downloader,
}

/// The pictures of a job, and where they are to be.
type Publication = (Vec<(Staged, SavedFile)>, Place);

/// A verified picture under a temporary name in `results/`. It is removed when this is dropped.
#[derive(Debug)]
pub struct Staged {
    path: TempPath,
    picture: Picture,
    bytes: u64,
    hash: ContentHash,
}

impl Verified for Staged {
    fn extension(&self) -> &'static str {
        self.picture.format.extension()
    }

    fn saved_as(&self, name: String) -> SavedFile {
        let Picture { width, height, .. } = self.picture;
        SavedFile { name, bytes: self.bytes, blake3: self.hash, width, height }
    }
}

impl Results {
    /// Opens the folder of a run, making `results/` where it is missing.
    pub fn open(run: &Path, downloader: Downloader) -> Result<Results, OutputError> {
        let folder = Results {
            results: run.join("results"),
            publications: Arc::default(),
            earlier: run.join("earlier"),
            originals: run.join(ORIGINALS),
            downloader,
        };
        make_folder(&folder.results).map_err(disk(&folder.results))?;
        Ok(folder)
    }

    /// Looks whether what has come is a whole picture, and makes it durable.
    fn stage(&self, received: Received) -> Result<Staged, OutputError> {
        let (picture, hash, bytes, file) = match received {
            Received::InMemory(bytes) => {
                let picture = picture::verify(&mut Cursor::new(&bytes))?;
                let mut file = temporary(&self.results).map_err(disk(&self.results))?;
                file.write_all(&bytes).map_err(disk(file.path()))?;
                (picture, ContentHash::of(&bytes), bytes.len() as u64, file)
            }
            Received::InFile(mut file) => {
                let picture = match picture::verify(&mut BufReader::new(file.as_file_mut())) {
                    Err(picture::PictureError::Io(cause)) => return Err(disk(file.path())(cause)),
                    verified => verified?,
                };
                let (hash, bytes) = hash(file.as_file_mut()).map_err(disk(file.path()))?;
                (picture, hash, bytes, file)
            }
        };
        file.as_file().sync_all().map_err(disk(file.path()))?;
        Ok(Staged { path: file.into_temp_path(), picture, bytes, hash })
    }

    /// Puts the pictures of several jobs in their places, with one sync of each folder for all.
    fn put_all(&self, publications: Vec<Publication>) -> Vec<Result<(), OutputError>> {
        let put = publications.into_iter().map(|(staged, place)| {
            let put = self.put(staged, &place);
            (place, put)
        });
        let put: Vec<_> = put.collect();
        let (mut results, mut earlier) = (None, None);
        let synced = put.into_iter().map(|(place, put)| {
            put?;
            let (folder, synced) = match place {
                Place::Results { .. } => (&self.results, &mut results),
                Place::Aside => (&self.earlier, &mut earlier),
            };
            let synced = synced.get_or_insert_with(|| sync_folder(folder));
            match synced {
                Ok(()) => Ok(()),
                Err(error) => Err(disk(folder)(same(error))),
            }
        });
        synced.collect()
    }

    fn put(&self, staged: Vec<(Staged, SavedFile)>, place: &Place) -> Result<(), OutputError> {
        self.clear(place, staged.iter().map(|(_, file)| file))?;
        for (staged, file) in staged {
            let target = self.target(&file, place);
            if self.is_in_the_way(&target, &file)? {
                staged.path.persist_noclobber(&target).map_err(|error| disk(&target)(error.error))?;
            }
        }
        Ok(())
    }

    fn find(&self, files: &[SavedFile], place: &Place) -> Result<bool, OutputError> {
        self.clear(place, files.iter())?;
        for file in files {
            let target = self.target(file, place);
            if holds(&target, file)? {
                continue;
            }
            let strays = strays(&self.results)?;
            let mut matching = strays.into_iter().filter_map(|stray| match holds(&stray, file) {
                Ok(true) => Some(Ok(stray)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            });
            let Some(stray) = matching.next().transpose()? else {
                return Ok(false);
            };
            self.is_in_the_way(&target, file)?;
            fs::rename(&stray, &target).map_err(disk(&target))?;
        }
        self.sync(place)?;
        Ok(true)
    }

    fn bring_back(&self, files: &[SavedFile], displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        let place = Place::Results { displaced };
        for file in files {
            let back = holds(&self.target(file, &place), file)? || holds(&self.target(file, &Place::Aside), file)?;
            if !back {
                return Ok(false);
            }
        }
        self.clear(&place, files.iter())?;
        for file in files {
            let target = self.target(file, &place);
            if self.is_in_the_way(&target, file)? {
                let aside = self.target(file, &Place::Aside);
                fs::rename(&aside, &target).map_err(disk(&target))?;
            }
        }
        self.sync(&place)?;
        Ok(true)
    }

    /// Gives `png` the original's place, whose content is by then in `originals/` as well.
    fn correct(&self, original: &SavedFile, png: Vec<u8>) -> Result<SavedFile, OutputError> {
        let staged = self.stage(Received::InMemory(png))?;
        let corrected = staged.saved_as(corrected_name(&original.name));
        let (place, kept) = (self.results.join(&original.name), self.originals.join(&original.name));
        if !holds(&kept, original)? {
            make_folder(&self.originals).map_err(disk(&self.originals))?;
            self.is_in_the_way(&kept, original)?;
            // A second name is enough; where the file system has none, a copy.
            if fs::hard_link(&place, &kept).is_err() {
                fs::copy(&place, &kept).map_err(disk(&kept))?;
                File::open(&kept).and_then(|copy| copy.sync_all()).map_err(disk(&kept))?;
            }
            sync_folder(&self.originals).map_err(disk(&self.originals))?;
        }
        let target = self.results.join(&corrected.name);
        if corrected.name != original.name {
            self.is_in_the_way(&target, &corrected)?;
        }
        staged.path.persist(&target).map_err(|error| disk(&target)(error.error))?;
        if corrected.name != original.name && holds(&place, original)? {
            fs::remove_file(&place).map_err(disk(&place))?;
        }
        sync_folder(&self.results).map_err(disk(&self.results))?;
        Ok(corrected)
    }

    fn put_back(&self, originals: &[SavedFile], corrected: &[SavedFile]) -> Result<(), OutputError> {
        for original in originals {
            let (place, kept) = (self.results.join(&original.name), self.originals.join(&original.name));
            if holds(&place, original)? || !holds(&kept, original)? {
                continue;
            }
            // A correction without a record has the name that it would have been recorded under.
            let stray = self.results.join(corrected_name(&original.name));
            let known = corrected.iter().map(|file| self.results.join(&file.name)).chain([stray, place.clone()]);
            for path in known {
                self.is_in_the_way(&path, original)?;
            }
            fs::rename(&kept, &place).map_err(disk(&place))?;
        }
        sync_folder(&self.results).map_err(disk(&self.results))
    }

    fn target(&self, file: &SavedFile, place: &Place) -> PathBuf {
        match place {
            Place::Results { .. } => self.results.join(&file.name),
            Place::Aside => self.earlier.join(aside_name(file)),
        }
    }

    /// Moves the files of the edit that was there before aside, except those that are to come anyway.
    fn clear<'a>(&self, place: &Place, coming: impl Iterator<Item = &'a SavedFile>) -> Result<(), OutputError> {
        match place {
            Place::Aside => make_folder(&self.earlier).map_err(disk(&self.earlier)),
            Place::Results { displaced } => {
                let coming: Vec<_> = coming.collect();
                for old in displaced.iter().filter(|old| !coming.contains(old)) {
                    let path = self.results.join(&old.name);
                    if holds(&path, old)? {
                        self.move_aside(&path, &aside_name(old))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn is_in_the_way(&self, target: &Path, file: &SavedFile) -> Result<bool, OutputError> {
        make_room(&self.earlier, target, file)
    }

    fn move_aside(&self, path: &Path, name: &str) -> Result<(), OutputError> {
        move_to(&self.earlier, path, name)
    }

    fn sync(&self, place: &Place) -> Result<(), OutputError> {
        match place {
            Place::Results { .. } => sync_folder(&self.results).map_err(disk(&self.results)),
            Place::Aside => sync_folder(&self.earlier).map_err(disk(&self.earlier)),
        }
    }

    /// Runs `work` where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Results) -> Result<T, OutputError> + Send + 'static,
    ) -> Result<T, OutputError> {
        let folder = self.clone();
        let results = folder.results.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.unwrap_or_else(|error| Err(disk(results)(io::Error::other(error))))
    }
}

impl ResultStore for Results {
    type Staged = Staged;

    async fn fetch(&self, output: &str, slot: &mut Slot) -> Result<Staged, OutputError> {
        let received = match inline::decode(output, self.downloader.most_bytes()) {
            None => {
                let incoming = || Ok(Incoming::into_folder(self.results.clone()));
                self.downloader.fetch(output, slot, incoming).await?.received()
            }
            Some(bytes) => Received::InMemory(bytes?),
        };
        self.blocking(move |folder| folder.stage(received)).await
    }

    async fn publish(&self, staged: Vec<(Staged, SavedFile)>, place: Place) -> Result<(), OutputError> {
        let folder = self.clone();
        let done = self.publications.done((staged, place), move |batch| folder.put_all(batch)).await;
        done.unwrap_or_else(|error| Err(disk(&self.results)(error)))
    }

    async fn recover(&self, files: Vec<SavedFile>, place: Place) -> Result<bool, OutputError> {
        self.blocking(move |folder| folder.find(&files, &place)).await
    }

    async fn reinstate(&self, files: Vec<SavedFile>, displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        self.blocking(move |folder| folder.bring_back(&files, displaced)).await
    }

    fn has(&self, file: &SavedFile) -> bool {
        self.results.join(&file.name).metadata().is_ok_and(|found| found.is_file() && found.len() == file.bytes)
    }

    async fn replace(&self, original: SavedFile, png: Vec<u8>) -> Result<SavedFile, OutputError> {
        self.blocking(move |folder| folder.correct(&original, png)).await
    }

    async fn restore(&self, originals: Vec<SavedFile>, corrected: Vec<SavedFile>) -> Result<(), OutputError> {
        self.blocking(move |folder| folder.put_back(&originals, &corrected)).await
    }
}

/// Removes what downloads of a dead process have left in `results/` of the run's folder `run`. Call it when nothing of
/// the journal needs it any more.
///
/// # Errors
///
/// The folder cannot be read, or a file not be removed.
pub fn remove_strays(run: &Path) -> Result<(), OutputError> {
    for path in strays(&run.join("results"))? {
        match fs::remove_file(&path) {
            // A download that was broken off removes its own.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(disk(&path))?,
        }
    }
    Ok(())
}

pub(super) fn strays(results: &Path) -> Result<Vec<PathBuf>, OutputError> {
    let entries = match fs::read_dir(results) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(disk(results))?,
    };
    let paths = entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_str().is_some_and(is_temporary));
    Ok(paths.map(|entry| entry.path()).collect())
}

/// Moves those of `files` that are in `results/` of the run's folder `run` to its `earlier/`. Each is moved or not: one
/// that is there already, or nowhere, is left as it is.
///
/// # Errors
///
/// A file cannot be read or moved. Those before it have moved by then.
pub fn set_aside(run: &Path, files: &[SavedFile]) -> Result<(), OutputError> {
    let (results, earlier) = (run.join("results"), run.join("earlier"));
    let mut have_moved = false;
    for file in files {
        let path = results.join(&file.name);
        if holds(&path, file)? {
            move_to(&earlier, &path, &aside_name(file))?;
            have_moved = true;
        }
    }
    if have_moved { sync_folder(&results).map_err(disk(&results)) } else { Ok(()) }
}

/// Makes room at `target` for `file`: another file that is there moves to `earlier`. `false` where the very same content
/// stands there already.
pub(super) fn make_room(earlier: &Path, target: &Path, file: &SavedFile) -> Result<bool, OutputError> {
    match File::open(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(disk(target)(error)),
        Ok(mut present) => {
            let (hash, bytes) = hash(&mut present).map_err(disk(target))?;
            if hash == file.blake3 {
                return Ok(false);
            }
            let stranger = SavedFile { blake3: hash, bytes, ..file.clone() };
            move_to(earlier, target, &aside_name(&stranger))?;
            Ok(true)
        }
    }
}

fn move_to(earlier: &Path, path: &Path, name: &str) -> Result<(), OutputError> {
    make_folder(earlier).map_err(disk(earlier))?;
    let aside = earlier.join(name);
    // The name holds the hash of the content, so what this replaces is the same picture.
    fs::rename(path, &aside).map_err(disk(&aside))?;
    sync_folder(earlier).map_err(disk(earlier))
}

/// Where in the run's folder `run` a picture may be: among the results, the originals, or what was moved aside.
pub fn places(run: &Path, file: &SavedFile) -> [PathBuf; 3] {
    [
        run.join("results").join(&file.name),
        run.join(ORIGINALS).join(&file.name),
        run.join("earlier").join(aside_name(file)),
    ]
}

/// The name of a file that was moved aside: `mug.png` with its content's hash, `mug.0a1b2c3d.png`.
pub fn aside_name(file: &SavedFile) -> String {
    let hash = short(&file.blake3);
    match file.name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{}.{hash}", file.name),
    }
}

/// The name of a corrected picture: a PNG, whatever the original was, so that nothing is lost in it.
fn corrected_name(original: &str) -> String {
    let stem = original.rsplit_once('.').map_or(original, |(stem, _)| stem);
    format!("{stem}.png")
}

/// The same error once more, for everybody whom it concerns.
fn same(error: &io::Error) -> io::Error {
    let code = error.raw_os_error().map(io::Error::from_raw_os_error);
    code.unwrap_or_else(|| io::Error::new(error.kind(), error.to_string()))
}

/// Whether the file at `path` is there and has the content that was recorded.
pub(super) fn holds(path: &Path, file: &SavedFile) -> Result<bool, OutputError> {
    let mut present = match File::open(path) {
        Ok(present) => present,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(disk(path)(error)),
    };
    if present.metadata().map_err(disk(path))?.len() != file.bytes {
        return Ok(false);
    }
    Ok(hash(&mut present).map_err(disk(path))?.0 == file.blake3)
}

fn hash(file: &mut File) -> io::Result<(ContentHash, u64)> {
    file.rewind()?;
    ContentHash::of_all(file)
}

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
