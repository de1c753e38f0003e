//! Where pictures are in a run's folder, what they are called there, and what becomes of whatever is in their way.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use crate::files::{make_folder, sync_folder};
use crate::job::{ContentHash, JobId};
use crate::journal::{Presence, SavedFile};

use super::error::{OutputError, disk};
use super::incoming::is_temporary;

/// The folder of a run with what its jobs came to.
pub const RESULTS: &str = "results";

/// The folder of a run in which the provider's pictures are kept that were corrected.
pub const ORIGINALS: &str = "originals";

/// The folder of a run to which pictures move that are no longer asked for, and what was in the way of others.
pub const EARLIER: &str = "earlier";

/// The name of a job's `number`th picture, from 1.
pub fn file_name(job: &JobId, number: usize, extension: &str) -> String {
    format!("{}.{extension}", file_stem(job, number))
}

/// The same without the extension.
pub fn file_stem(job: &JobId, number: usize) -> String {
    if number == 1 { job.to_string() } else { format!("{job}-{number}") }
}

/// Removes what downloads of a dead process have left in `results/` of the run's folder `run`. Call it when nothing of
/// the journal needs it any more.
///
/// # Errors
///
/// The folder cannot be read, or a file not be removed.
pub fn remove_leftovers(run: &Path) -> Result<(), OutputError> {
    for path in leftover_temp_files(&run.join(RESULTS))? {
        match fs::remove_file(&path) {
            // A download that was broken off removes its own.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(disk(&path))?,
        }
    }
    Ok(())
}

/// The pictures in `results` that have no name yet.
pub(super) fn leftover_temp_files(results: &Path) -> Result<Vec<PathBuf>, OutputError> {
    let entries = match fs::read_dir(results) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(disk(results))?,
    };
    let paths = entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_str().is_some_and(is_temporary));
    Ok(paths.map(|entry| entry.path()).collect())
}

/// Moves those of `files` that are in `results/` of the run's folder `run` to its `earlier/`, also as somebody has changed
/// them since. Each is moved or not: one that is there already, or nowhere, is left as it is.
///
/// # Errors
///
/// A file cannot be read or moved. Those before it have moved by then.
pub fn set_aside(run: &Path, files: &[SavedFile]) -> Result<(), OutputError> {
    let (results, earlier) = (run.join(RESULTS), run.join(EARLIER));
    let mut have_moved = false;
    for file in files {
        let path = results.join(&file.name);
        if is_this_picture(&path, file, &earlier)? {
            move_to(&earlier, &path, &aside_name(file))?;
            have_moved = true;
        }
    }
    if have_moved { sync_folder(&results).map_err(disk(&results)) } else { Ok(()) }
}

/// What stands where a picture is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetState {
    /// Nothing, by now.
    Free,
    /// The very same content.
    Taken,
}

/// Makes room at `target` for `file`: whatever else is there, be it a folder, moves to `earlier`.
pub(super) fn clear_path(earlier: &Path, target: &Path, file: &SavedFile) -> Result<TargetState, OutputError> {
    let is_file = match fs::metadata(target) {
        Ok(present) => present.is_file(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(target)(error)),
        Err(_) if target.symlink_metadata().is_err() => return Ok(TargetState::Free),
        // A link that leads nowhere is there all the same.
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

/// A name in `folder` that nothing has: `mug.png.1`.
pub(super) fn free_name(folder: &Path, name: &str) -> String {
    let mut names = (1..).map(|number: u64| format!("{name}.{number}"));
    names.find(|name| folder.join(name).symlink_metadata().is_err()).unwrap_or_default()
}

/// Moves what is at `path` to `earlier`, under `name`; or under one that is free, where that is another picture's.
pub(super) fn move_to(earlier: &Path, path: &Path, name: &str) -> Result<(), OutputError> {
    make_folder(earlier).map_err(disk(earlier))?;
    let mut aside = earlier.join(name);
    if aside.symlink_metadata().is_ok() && !is_same(path, &aside)? {
        aside = earlier.join(free_name(earlier, name));
    }
    fs::rename(path, &aside).map_err(disk(&aside))?;
    sync_folder(earlier).map_err(disk(earlier))
}

/// Whether two files are there with the same content.
pub(super) fn is_same(one: &Path, other: &Path) -> Result<bool, OutputError> {
    if !exists_nonempty(one) || !exists_nonempty(other) {
        return Ok(false);
    }
    let hash = |path: &Path| File::open(path).and_then(|mut file| hash(&mut file)).map_err(disk(path));
    Ok(hash(one)? == hash(other)?)
}

/// Where in the run's folder `run` a picture may be: among the results, the originals, or what was moved aside.
pub fn candidate_paths(run: &Path, file: &SavedFile) -> [PathBuf; 3] {
    [run.join(RESULTS).join(&file.name), run.join(ORIGINALS).join(&file.name), run.join(EARLIER).join(aside_name(file))]
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
pub(super) fn corrected_name(original: &str) -> String {
    let stem = original.rsplit_once('.').map_or(original, |(stem, _)| stem);
    format!("{stem}.png")
}

/// Whether the file at `path` is there and has the content that was recorded.
pub(super) fn has_content(path: &Path, file: &SavedFile) -> Result<bool, OutputError> {
    match fs::metadata(path) {
        Ok(present) if present.is_file() && present.len() == file.bytes => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(path)(error)),
        _ => return Ok(false),
    }
    let (hash, _) = File::open(path).and_then(|mut present| hash(&mut present)).map_err(disk(path))?;
    Ok(hash == file.blake3)
}

/// Whether what is at `path` is the picture `file`: as it was saved, or as somebody has changed it since, which its place
/// tells. Where the one that was saved is in `earlier` by now, another has taken its place.
pub(super) fn is_this_picture(path: &Path, file: &SavedFile, earlier: &Path) -> Result<bool, OutputError> {
    Ok(has_content(path, file)? || (exists_nonempty(path) && !exists_nonempty(&earlier.join(aside_name(file)))))
}

/// Whether a file is at `path` that is not empty, as one is that a full disk has left.
pub(super) fn exists_nonempty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Whether `results/` of the run's folder `run` has a picture as it was saved, told from its size. What the color lock made
/// of it, and no record tells of, is no change by hand.
pub fn presence(run: &Path, file: &SavedFile) -> Presence {
    match presence_by_size(run, &file.name, file.bytes) {
        Presence::Changed | Presence::Missing if exists_nonempty(&run.join(EARLIER).join(aside_name(file))) => {
            Presence::Displaced
        }
        presence => presence,
    }
}

/// The same of a picture of which only its name and its size in `bytes` are at hand: what became of one that is displaced
/// is not told.
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

/// The hash of all of a file, and its length in bytes.
pub(super) fn hash(file: &mut File) -> io::Result<(ContentHash, u64)> {
    file.rewind()?;
    ContentHash::of_all(file)
}

/// The first bytes of a hash, as they stand in the names of files that were moved aside.
fn short(hash: &ContentHash) -> String {
    let mut text = hash.to_string();
    text.truncate(8);
    text
}
