//! The paths and names of pictures in a run's folder, and how other files at these paths are moved away.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use crate::files::{make_folder, move_file, remove_drafts, sync_folder};
use crate::job::{ContentHash, JobId};
use crate::journal::{Presence, SavedFile};

use super::error::{OutputError, disk};

/// The subfolder with the results of jobs.
pub const RESULTS: &str = "results";

/// The subfolder with the provider's original of each corrected picture.
pub const ORIGINALS: &str = "originals";

/// The subfolder for pictures that are no longer wanted, and for files that were at the path of a result.
pub const EARLIER: &str = "earlier";

/// Returns the name of a job's `number`th picture, from 1.
pub fn file_name(job: &JobId, number: usize, extension: &str) -> String {
    format!("{}.{extension}", file_stem(job, number))
}

/// Returns the name of a job's `number`th picture without its extension.
pub fn file_stem(job: &JobId, number: usize) -> String {
    if number == 1 { job.to_string() } else { format!("{job}-{number}") }
}

/// Removes temporary files of pictures that dead processes left in `folder`, such as `results/` of a run. The journal must
/// not need any of them.
///
/// # Errors
///
/// The folder cannot be read, or a file cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<(), OutputError> {
    remove_drafts(folder).map_err(|(path, cause)| disk(path)(cause))
}

/// Moves `files` from `results/` to `earlier/` in the run's folder `run`, even if the user has changed them. Files that
/// were already moved or are missing are skipped.
///
/// # Errors
///
/// A file cannot be read or moved. The files before it have been moved.
pub fn set_aside(run: &Path, files: &[SavedFile]) -> Result<(), OutputError> {
    let mut moves = AsideMoves::in_run(run);
    moves.set_aside(files)?;
    moves.finish()
}

/// Moves of pictures from `results/` to `earlier/`. The folders are synced once at the end, because a sync takes longer
/// than a move, and a prune may move thousands. Until then, a crash may undo moves, which the next prune repeats.
#[derive(Debug)]
pub struct AsideMoves {
    results: PathBuf,
    earlier: PathBuf,
    have_moved: bool,
}

impl AsideMoves {
    /// Starts moving pictures of the run's folder `run`.
    pub fn in_run(run: &Path) -> AsideMoves {
        AsideMoves { results: run.join(RESULTS), earlier: run.join(EARLIER), have_moved: false }
    }

    /// Moves `files` like [`set_aside`], without waiting for the disk.
    ///
    /// # Errors
    ///
    /// A file cannot be read or moved. The files before it have been moved.
    pub fn set_aside(&mut self, files: &[SavedFile]) -> Result<(), OutputError> {
        for file in files {
            let path = self.results.join(&file.name);
            if is_this_picture(&path, file, &self.earlier)? {
                if !self.have_moved {
                    make_folder(&self.earlier).map_err(disk(&self.earlier))?;
                }
                rename_aside(&self.earlier, &path, &aside_name(file))?;
                self.have_moved = true;
            }
        }
        Ok(())
    }

    /// Makes all moves durable: first the new names, then the removal of the old ones.
    ///
    /// # Errors
    ///
    /// A folder cannot be synced.
    pub fn finish(self) -> Result<(), OutputError> {
        let folders = [&self.earlier, &self.results];
        let mut moved = folders.into_iter().filter(|_| self.have_moved);
        moved.try_for_each(|folder| sync_folder(folder).map_err(disk(folder)))
    }
}

/// The state of the path of a picture that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetState {
    /// No file exists.
    Free,
    /// A file with the same content exists.
    Taken,
}

/// Makes room at `target` for `file`: any other file or folder is moved to `earlier`.
pub(super) fn clear_path(earlier: &Path, target: &Path, file: &SavedFile) -> Result<TargetState, OutputError> {
    let is_file = match fs::metadata(target) {
        Ok(present) => present.is_file(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(target)(error)),
        Err(_) if target.symlink_metadata().is_err() => return Ok(TargetState::Free),
        // A dangling symbolic link is moved as well.
        Err(_) => false,
    };
    let name = if is_file {
        let (hash, bytes) = File::open(target).and_then(|mut present| hash(&mut present)).map_err(disk(target))?;
        if hash == file.blake3 {
            return Ok(TargetState::Taken);
        }
        aside_name(&SavedFile { blake3: hash, bytes, ..file.clone() })
    } else {
        free_name(earlier, &file.name)
    };
    move_to(earlier, target, &name)?;
    Ok(TargetState::Free)
}

/// Returns an unused name in `folder`: `mug.png.1`.
pub(super) fn free_name(folder: &Path, name: &str) -> String {
    let mut number: u64 = 1;
    loop {
        let free = format!("{name}.{number}");
        if folder.join(&free).symlink_metadata().is_err() {
            return free;
        }
        number += 1;
    }
}

/// Moves `path` to `earlier` with the name `name`, or with an unused name if another picture has it.
pub(super) fn move_to(earlier: &Path, path: &Path, name: &str) -> Result<(), OutputError> {
    make_folder(earlier).map_err(disk(earlier))?;
    rename_aside(earlier, path, name)?;
    sync_folder(earlier).map_err(disk(earlier))
}

/// Moves `path` to the existing folder `earlier` like [`move_to`], without syncing it.
fn rename_aside(earlier: &Path, path: &Path, name: &str) -> Result<(), OutputError> {
    let mut aside = earlier.join(name);
    if aside.symlink_metadata().is_ok() && !is_same(path, &aside)? {
        aside = earlier.join(free_name(earlier, name));
    }
    move_file(path, &aside).map_err(disk(&aside))
}

/// Whether both files exist and have the same content.
pub(super) fn is_same(one: &Path, other: &Path) -> Result<bool, OutputError> {
    if !exists_nonempty(one) || !exists_nonempty(other) {
        return Ok(false);
    }
    let hash = |path: &Path| File::open(path).and_then(|mut file| hash(&mut file)).map_err(disk(path));
    Ok(hash(one)? == hash(other)?)
}

/// Returns the paths in the run's folder `run` that a picture may have: as a result, as an original, and moved aside.
pub fn candidate_paths(run: &Path, file: &SavedFile) -> [PathBuf; 3] {
    [run.join(RESULTS).join(&file.name), run.join(ORIGINALS).join(&file.name), run.join(EARLIER).join(aside_name(file))]
}

/// Whether a picture of the run's folder `run` is in `earlier/`, even if the user has changed it.
pub fn is_aside(run: &Path, file: &SavedFile) -> bool {
    exists_nonempty(&run.join(EARLIER).join(aside_name(file)))
}

/// Returns the name of a file that was moved aside: `mug.png` with the hash of its content, `mug.0a1b2c3d.png`.
pub fn aside_name(file: &SavedFile) -> String {
    let hash = short(&file.blake3);
    match file.name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{}.{hash}", file.name),
    }
}

/// Returns the name of a corrected picture, which is always a lossless PNG.
pub(super) fn corrected_name(original: &str) -> String {
    let stem = original.rsplit_once('.').map_or(original, |(stem, _)| stem);
    format!("{stem}.png")
}

/// Whether the file at `path` exists with the recorded content.
pub(super) fn has_content(path: &Path, file: &SavedFile) -> Result<bool, OutputError> {
    match fs::metadata(path) {
        Ok(present) if present.is_file() && present.len() == file.bytes => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(path)(error)),
        _ => return Ok(false),
    }
    let (hash, _) = File::open(path).and_then(|mut present| hash(&mut present)).map_err(disk(path))?;
    Ok(hash == file.blake3)
}

/// Whether the file at `path` is the picture `file`, either unchanged, or changed by the user and identified by its
/// name. If the saved picture is in `earlier`, the file is another picture.
pub(super) fn is_this_picture(path: &Path, file: &SavedFile, earlier: &Path) -> Result<bool, OutputError> {
    Ok(has_content(path, file)? || (exists_nonempty(path) && !exists_nonempty(&earlier.join(aside_name(file)))))
}

/// Whether a file exists at `path` and is not empty. A full disk leaves empty files.
pub(super) fn exists_nonempty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Returns the presence of a picture in `results/` of the run's folder `run`, judged by its size. An unrecorded
/// correction by the color lock does not count as a change by the user.
pub fn presence(run: &Path, file: &SavedFile) -> Presence {
    match presence_by_size(run, &file.name, file.bytes) {
        Presence::Changed | Presence::Missing if is_aside(run, file) => Presence::Displaced,
        presence => presence,
    }
}

/// Returns the presence of a picture, judged only by its name and its size in `bytes`. Displaced pictures are not
/// detected.
pub fn presence_by_size(run: &Path, name: &str, bytes: u64) -> Presence {
    let length = |folder: &str| {
        let found = fs::metadata(run.join(folder).join(name)).ok()?;
        found.is_file().then_some(found.len())
    };
    match length(RESULTS) {
        Some(length) if length == bytes => Presence::Saved,
        None | Some(0) => Presence::Missing,
        Some(_) if length(ORIGINALS) == Some(bytes) => Presence::Missing,
        Some(_) => Presence::Changed,
    }
}

/// Returns the hash of a whole file, and its length in bytes.
pub(super) fn hash(file: &mut File) -> io::Result<(ContentHash, u64)> {
    file.rewind()?;
    ContentHash::of_all(file)
}

/// Returns the first digits of a hash, for the names of files that were moved aside.
fn short(hash: &ContentHash) -> String {
    let mut text = hash.to_string();
    text.truncate(8);
    text
}
