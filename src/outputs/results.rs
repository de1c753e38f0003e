use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tempfile::{PathPersistError, TempPath};
use tokio::sync::Semaphore;

use crate::api::Output;
use crate::files::{copy_of, draft_in, drafts_in, make_folder, move_file, sync_folder};
use crate::job::ContentHash;
use crate::journal::{Presence, SavedFile};
use crate::photo::{self, Picture, PictureError};

use super::batches::Batches;
use super::download::Downloader;
use super::error::{OutputError, disk};
use super::free_space;
use super::incoming::{Incoming, Received};
use super::inline::{self, InlineError};
use super::paths::{
    EARLIER, ORIGINALS, RESULTS, TargetState, aside_name, clear_path, corrected_name, exists_nonempty, has_content,
    hash, is_this_picture, move_to, presence,
};
use super::slot::Slot;
use super::store::{Destination, ResultStore, Verified};

/// How many pictures are synced at once. A disk syncs many together in about the time that it takes for one, and each
/// needs a thread, which takes about 150 kB.
const MAX_SYNCS: usize = 16;

/// The results in a run's folder.
#[derive(Clone, Debug)]
pub struct Results {
    run: PathBuf,
    results: PathBuf,
    syncs: Arc<Semaphore>,
    /// One permit per core, because a decoded picture takes up to 100 MB.
    cores: Arc<Semaphore>,
    publications: Arc<Batches<Publication, Result<(), OutputError>>>,
    earlier: PathBuf,
    originals: PathBuf,
    downloader: Downloader,
}

/// The pictures of a job, and their destination.
type Publication = (Vec<(Staged, SavedFile)>, Destination);

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
    /// Opens the folder of a run, and creates `results/` if it does not exist. Checks that the folder is writable
    /// before anything is paid for.
    pub fn open(run: &Path, downloader: Downloader) -> Result<Results, OutputError> {
        let folder = Results {
            run: run.to_owned(),
            results: run.join(RESULTS),
            syncs: Arc::new(Semaphore::new(MAX_SYNCS)),
            cores: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))),
            publications: Arc::default(),
            earlier: run.join(EARLIER),
            originals: run.join(ORIGINALS),
            downloader,
        };
        make_folder(&folder.results).map_err(disk(&folder.results))?;
        draft_in(&folder.results).map_err(disk(&folder.results))?;
        Ok(folder)
    }

    /// Decodes a picture in base64.
    fn decode(&self, output: &Output) -> Result<Received, OutputError> {
        let mut incoming = Incoming::into_folder(self.results.clone());
        let text = output.reader().map_err(disk(&self.results))?;
        match inline::copy(text, self.downloader.max_bytes(), &mut incoming) {
            Ok(()) => Ok(incoming.received()),
            Err(InlineError::Refused(error)) => Err(error),
            Err(InlineError::Disk(cause)) => Err(disk(&self.results)(cause)),
        }
    }

    /// Verifies that the received bytes are a complete picture, and writes it. It is not durable before its file is synced.
    fn write(&self, received: Received) -> Result<(File, Staged), OutputError> {
        let (picture, hash, bytes, file) = match received {
            Received::InMemory(bytes) => {
                let picture = photo::verify(&mut Cursor::new(&bytes)).map_err(OutputError::NotAPicture)?;
                let mut file = draft_in(&self.results).map_err(disk(&self.results))?;
                file.write_all(&bytes).map_err(disk(file.path()))?;
                (picture, ContentHash::of(&bytes), bytes.len() as u64, file)
            }
            Received::InFile(mut file) => {
                let picture = match photo::verify(&mut BufReader::new(file.as_file_mut())) {
                    Err(PictureError::Io(cause)) => return Err(disk(file.path())(cause)),
                    verified => verified.map_err(OutputError::NotAPicture)?,
                };
                let (hash, bytes) = hash(file.as_file_mut()).map_err(disk(file.path()))?;
                (picture, hash, bytes, file)
            }
        };
        let (file, path) = file.into_parts();
        Ok((file, Staged { path, picture, bytes, hash }))
    }

    /// Makes a written picture durable.
    fn sync_picture((file, staged): (File, Staged)) -> Result<Staged, OutputError> {
        file.sync_all().map_err(disk(&staged.path))?;
        Ok(staged)
    }

    /// Publishes the pictures of several jobs, with one sync per folder.
    fn put_all(&self, publications: Vec<Publication>) -> Vec<Result<(), OutputError>> {
        let put = publications.into_iter().map(|(staged, destination)| {
            let put = self.put(staged, &destination);
            (destination, put)
        });
        let put: Vec<_> = put.collect();
        let (mut results, mut earlier) = (None, None);
        let synced = put.into_iter().map(|(destination, put)| {
            put?;
            let (folder, synced) = match destination {
                Destination::Results { .. } => (&self.results, &mut results),
                Destination::Aside => (&self.earlier, &mut earlier),
            };
            let synced = synced.get_or_insert_with(|| sync_folder(folder));
            match synced {
                Ok(()) => Ok(()),
                Err(error) => Err(disk(folder)(copy_of(error))),
            }
        });
        synced.collect()
    }

    fn put(&self, staged: Vec<(Staged, SavedFile)>, destination: &Destination) -> Result<(), OutputError> {
        self.clear(destination, staged.iter().map(|(_, file)| file))?;
        for (staged, file) in staged {
            let target = self.target(&file, destination);
            // Nearly all names are unused, which the rename itself detects.
            if let Err(refused) = name(staged.path, &target)
                && self.clear_path(&target, &file)? == TargetState::Free
            {
                name(refused.path, &target).map_err(|error| disk(&target)(error.error))?;
            }
        }
        Ok(())
    }

    fn find(&self, files: &[SavedFile], destination: &Destination) -> Result<bool, OutputError> {
        self.clear(destination, files.iter())?;
        for file in files {
            let target = self.target(file, destination);
            if has_content(&target, file)? {
                continue;
            }
            let leftovers = drafts_in(&self.results).map_err(disk(&self.results))?;
            let mut matching = leftovers.into_iter().filter_map(|leftover| match has_content(&leftover, file) {
                Ok(true) => Some(Ok(leftover)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            });
            let Some(leftover) = matching.next().transpose()? else {
                return Ok(false);
            };
            self.clear_path(&target, file)?;
            fs::rename(&leftover, &target).map_err(disk(&target))?;
        }
        self.sync(destination)?;
        Ok(true)
    }

    /// Moves pictures back from `earlier/`. A picture that the user has changed is moved back with the change, because
    /// it is identified by its name.
    fn bring_back(&self, files: &[SavedFile], displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        let destination = Destination::Results { displaced };
        let mut away = Vec::new();
        for file in files {
            if has_content(&self.target(file, &destination), file)? {
                continue;
            }
            if exists_nonempty(&self.target(file, &Destination::Aside)) {
                away.push(file);
            } else if !self.is_left_in_place(file, &destination)? {
                return Ok(false);
            }
        }
        self.clear(&destination, files.iter())?;
        for file in away {
            let target = self.target(file, &destination);
            if self.clear_path(&target, file)? == TargetState::Free {
                let aside = self.target(file, &Destination::Aside);
                move_file(&aside, &target).map_err(disk(&target))?;
            }
        }
        self.sync(&destination)?;
        Ok(true)
    }

    /// Whether the file with a picture's name at `destination` is that picture, changed by the user: a process that
    /// died has moved it back, or has not moved it aside. Pictures of the edit that is recorded there were moved aside
    /// before.
    fn is_left_in_place(&self, file: &SavedFile, destination: &Destination) -> Result<bool, OutputError> {
        let path = self.target(file, destination);
        let Destination::Results { displaced } = destination else { return Ok(false) };
        for old in displaced.iter().filter(|old| old.name == file.name) {
            if is_this_picture(&path, old, &self.earlier)? {
                return Ok(false);
            }
        }
        Ok(exists_nonempty(&path))
    }

    /// Replaces the original by `png`, after keeping its content in `originals/`. Returns `None` if the user has
    /// changed the original, which then stays.
    fn correct(&self, original: &SavedFile, png: Vec<u8>) -> Result<Option<SavedFile>, OutputError> {
        let staged = Results::sync_picture(self.write(Received::InMemory(png))?)?;
        let corrected = staged.saved_as(corrected_name(&original.name));
        let (result_path, kept) = (self.results.join(&original.name), self.originals.join(&original.name));
        if !has_content(&kept, original)? {
            if !has_content(&result_path, original)? {
                return Ok(None);
            }
            make_folder(&self.originals).map_err(disk(&self.originals))?;
            self.clear_path(&kept, original)?;
            // A hard link is enough. File systems without hard links need a copy.
            if fs::hard_link(&result_path, &kept).is_err() {
                fs::copy(&result_path, &kept).map_err(disk(&kept))?;
                File::open(&kept).and_then(|copy| copy.sync_all()).map_err(disk(&kept))?;
            }
            sync_folder(&self.originals).map_err(disk(&self.originals))?;
        }
        let target = self.results.join(&corrected.name);
        if !has_content(&target, original)? {
            self.clear_path(&target, &corrected)?;
        }
        staged.path.persist(&target).map_err(|error| disk(&target)(error.error))?;
        if corrected.name != original.name && has_content(&result_path, original)? {
            fs::remove_file(&result_path).map_err(disk(&result_path))?;
        }
        sync_folder(&self.results).map_err(disk(&self.results))?;
        Ok(Some(corrected))
    }

    fn put_back(&self, originals: &[SavedFile], corrected: &[SavedFile]) -> Result<bool, OutputError> {
        for original in originals {
            let (result_path, kept) = (self.results.join(&original.name), self.originals.join(&original.name));
            if has_content(&result_path, original)? || !has_content(&kept, original)? {
                continue;
            }
            for file in corrected {
                let path = self.results.join(&file.name);
                if exists_nonempty(&path) && !has_content(&path, file)? {
                    return Ok(false);
                }
            }
            // A correction without a record has the name that would have been recorded.
            let leftover = self.results.join(corrected_name(&original.name));
            let known =
                corrected.iter().map(|file| self.results.join(&file.name)).chain([leftover, result_path.clone()]);
            for path in known {
                self.clear_path(&path, original)?;
            }
            move_file(&kept, &result_path).map_err(disk(&result_path))?;
        }
        sync_folder(&self.results).map_err(disk(&self.results))?;
        Ok(true)
    }

    fn target(&self, file: &SavedFile, destination: &Destination) -> PathBuf {
        match destination {
            Destination::Results { .. } => self.results.join(&file.name),
            Destination::Aside => self.earlier.join(aside_name(file)),
        }
    }

    /// Moves the files of the displaced edit aside, even if the user has changed them, except those that are published
    /// again.
    fn clear<'a>(
        &self,
        destination: &Destination,
        coming: impl Iterator<Item = &'a SavedFile>,
    ) -> Result<(), OutputError> {
        match destination {
            Destination::Aside => make_folder(&self.earlier).map_err(disk(&self.earlier)),
            Destination::Results { displaced } => {
                let coming: Vec<_> = coming.collect();
                for old in displaced.iter().filter(|old| !coming.contains(old)) {
                    let path = self.results.join(&old.name);
                    let same = coming.iter().find(|file| file.name == old.name);
                    let has_come = same.map_or(Ok(false), |file| has_content(&path, file))?;
                    if !has_come && is_this_picture(&path, old, &self.earlier)? {
                        move_to(&self.earlier, &path, &aside_name(old))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn clear_path(&self, target: &Path, file: &SavedFile) -> Result<TargetState, OutputError> {
        clear_path(&self.earlier, target, file)
    }

    fn sync(&self, destination: &Destination) -> Result<(), OutputError> {
        match destination {
            Destination::Results { .. } => sync_folder(&self.results).map_err(disk(&self.results)),
            Destination::Aside => sync_folder(&self.earlier).map_err(disk(&self.earlier)),
        }
    }

    /// Runs `work` on a thread that may block.
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

    async fn fetch(&self, output: &Output, mut slot: Slot) -> Result<Staged, OutputError> {
        let received = match output {
            Output::Short(url) if inline::is_url(url) => {
                let incoming = || Ok(Incoming::into_folder(self.results.clone()));
                self.downloader.fetch(url, &self.results, &mut slot, incoming).await?.received()
            }
            inline => {
                let inline = inline.clone();
                self.blocking(move |folder| folder.decode(&inline)).await?
            }
        };
        // The semaphore is never closed.
        let _turn = self.syncs.acquire().await;
        let core = Arc::clone(&self.cores).acquire_owned().await;
        self.blocking(move |folder| {
            let written = folder.write(received)?;
            // The next picture comes while this one is synced.
            drop((slot, core));
            Results::sync_picture(written)
        })
        .await
    }

    async fn publish(&self, staged: Vec<(Staged, SavedFile)>, destination: Destination) -> Result<(), OutputError> {
        let folder = self.clone();
        let done = self.publications.done((staged, destination), move |batch| folder.put_all(batch)).await;
        done.unwrap_or_else(|error| Err(disk(&self.results)(error)))
    }

    async fn recover(&self, files: Vec<SavedFile>, destination: Destination) -> Result<bool, OutputError> {
        self.blocking(move |folder| folder.find(&files, &destination)).await
    }

    async fn reinstate(&self, files: Vec<SavedFile>, displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        self.blocking(move |folder| folder.bring_back(&files, displaced)).await
    }

    fn check_free_space(&self) -> Result<(), OutputError> {
        free_space::check(&self.results)
    }

    fn presence(&self, file: &SavedFile) -> Presence {
        presence(&self.run, file)
    }

    async fn replace(&self, original: SavedFile, png: Vec<u8>) -> Result<Option<SavedFile>, OutputError> {
        self.blocking(move |folder| folder.correct(&original, png)).await
    }

    async fn restore(&self, originals: Vec<SavedFile>, corrected: Vec<SavedFile>) -> Result<bool, OutputError> {
        self.blocking(move |folder| folder.put_back(&originals, &corrected)).await
    }
}

/// Gives a temporary file its name, unless another file has it. `earlier/` may be on another disk than `results/`.
fn name(path: TempPath, target: &Path) -> Result<(), PathPersistError> {
    match path.persist_noclobber(target) {
        Err(refused) if refused.error.kind() == ErrorKind::CrossesDevices && target.symlink_metadata().is_err() => {
            move_file(&refused.path, target).map_err(|error| PathPersistError { error, path: refused.path })
        }
        named => named,
    }
}

#[cfg(test)]
mod tests;
