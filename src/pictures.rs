//! Local pictures: their existence, their format, and the hash that identifies them in fingerprints.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::job::{ContentHash, MAX_IMAGE_BYTES};
use crate::photo::{Format, Picture, PictureError, inspect};

/// Inspects local pictures, each once, and caches the results for later runs.
#[derive(Debug, Default)]
pub struct LocalPictures {
    seen: HashMap<PathBuf, Seen>,
    remembered: HashMap<PathBuf, Remembered>,
}

/// A picture as this run has found it.
#[derive(Debug)]
struct Seen {
    /// Its stamp before it was inspected. One that is replaced meanwhile gets another.
    stamp: Option<Stamp>,
    found: Result<LocalPicture, PictureProblem>,
}

/// What changes whenever a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// The modification time in nanoseconds since the Unix epoch.
    modified: u64,
}

/// A picture of an earlier run, which is a line of the cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    path: PathBuf,
    #[serde(flatten)]
    stamp: Stamp,
    blake3: ContentHash,
    format: String,
    width: u32,
    height: u32,
}

/// A local picture that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPicture {
    /// The hash of its content.
    pub hash: ContentHash,
    /// Its format and dimensions.
    pub picture: Picture,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The reason why a local picture cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureProblem {
    /// It does not exist.
    #[error("the picture {path} does not exist")]
    Missing {
        /// The path of the picture.
        path: String,
    },
    /// It exists, but cannot be used.
    #[error("the picture {path} cannot be used: {cause}")]
    Unusable {
        /// The path of the picture.
        path: String,
        /// The reason.
        cause: String,
        /// A hint for the user.
        hint: &'static str,
    },
}

impl PictureProblem {
    /// Returns a hint for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            PictureProblem::Missing { .. } => "paths are relative to the manifest's own folder",
            PictureProblem::Unusable { hint, .. } => hint,
        }
    }
}

impl LocalPictures {
    /// Reads the cache at `memory`. If it does not exist or is damaged, all pictures are inspected.
    pub fn with_cache(memory: &Path) -> LocalPictures {
        let lines = std::fs::read_to_string(memory).unwrap_or_default();
        let remembered = lines.lines().filter_map(|line| serde_json::from_str::<Remembered>(line).ok());
        let remembered = remembered.map(|picture| (picture.path.clone(), picture)).collect();
        LocalPictures { seen: HashMap::new(), remembered }
    }

    /// Inspects the picture at `path`: reads its header and hashes its content. Does so at most once per picture, and
    /// not at all if the cache has one with its size and modification time.
    pub fn look(&mut self, path: &Path) -> Result<LocalPicture, PictureProblem> {
        if let Some(known) = self.seen.get(path) {
            return known.found.clone();
        }
        let stamp = Stamp::of(path);
        let remembered = self.remembered.get(path).filter(|remembered| Some(remembered.stamp) == stamp);
        let found = remembered.and_then(Remembered::picture).map_or_else(|| look(path), Ok);
        self.seen.insert(path.to_owned(), Seen { stamp, found: found.clone() });
        found
    }

    /// Whether no picture was inspected.
    pub fn is_unused(&self) -> bool {
        self.seen.is_empty()
    }

    /// Writes the cache to `memory`. A failure only costs the next run time.
    pub fn save_cache(&self, memory: &Path) {
        let mut lines: Vec<String> = self
            .seen
            .iter()
            .filter_map(|(path, seen)| Remembered::of(path, seen))
            .filter_map(|picture| serde_json::to_string(&picture).ok())
            .collect();
        lines.sort();
        lines.push(String::new());
        if lines.len() > 1
            && let Err(error) = crate::files::replace_cache(memory, |file| file.write_all(lines.join("\n").as_bytes()))
        {
            tracing::debug!(path = %memory.display(), %error, "what is known of local pictures could not be kept");
        }
    }
}

impl Remembered {
    fn of(path: &Path, seen: &Seen) -> Option<Remembered> {
        let (stamp, found) = (seen.stamp?, seen.found.as_ref().ok()?);
        let Picture { format, width, height } = found.picture;
        let format = format.extension().to_owned();
        Some(Remembered { path: path.to_owned(), stamp, blake3: found.hash, format, width, height })
    }

    fn picture(&self) -> Option<LocalPicture> {
        let format = Format::from_extension(&self.format)?;
        let picture = Picture { format, width: self.width, height: self.height };
        Some(LocalPicture { hash: self.blake3, picture, bytes: self.stamp.bytes })
    }
}

impl Stamp {
    /// Returns the stamp of the file at `path`. A file that was modified within the last seconds has none, because
    /// another modification could get the same time.
    fn of(path: &Path) -> Option<Stamp> {
        const SETTLED: Duration = Duration::from_secs(2);
        let metadata = path.metadata().ok()?;
        let modified = metadata.modified().ok()?;
        if modified.elapsed().is_ok_and(|age| age < SETTLED) {
            return None;
        }
        let since = modified.duration_since(UNIX_EPOCH).ok()?;
        Some(Stamp { bytes: metadata.len(), modified: u64::try_from(since.as_nanos()).ok()? })
    }
}

/// The hint for unusable pictures.
const USABLE: &str = "give a JPEG, PNG, GIF or WebP of at most 20 MiB and 16384 pixels a side";

fn look(path: &Path) -> Result<LocalPicture, PictureProblem> {
    let name = path.display().to_string();
    let unusable = |cause: String, hint| PictureProblem::Unusable { path: name.clone(), cause, hint };
    let unreadable = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => "make the file and its folders readable for this user",
            io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder",
            _ if error.to_string().contains("symbolic link") => "symbolic links form a circle: name the picture itself",
            _ => "check whether another program can open it, or use a copy",
        };
        unusable(error.to_string(), hint)
    };
    if path.to_str().is_none() {
        // Plan, cache and report refer to pictures by text, which would not be unique.
        let hint = "rename it, or the folder that has the name";
        return Err(unusable("a name in its path is not valid UTF-8".to_owned(), hint));
    }
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(PictureProblem::Missing { path: name }),
        Err(error) => return Err(unreadable(error)),
    };
    if metadata.is_dir() {
        return Err(unusable(
            "it is a folder".to_owned(),
            "name a picture in it, or several by a pattern: photos/*.jpg",
        ));
    }
    if !metadata.is_file() {
        // Reading a pipe would block, and a device may have no end.
        return Err(unusable("it is not a file".to_owned(), USABLE));
    }
    if metadata.len() > MAX_IMAGE_BYTES {
        return Err(unusable(format!("it has {} MiB", metadata.len() >> 20), USABLE));
    }
    let picture = inspect(path).map_err(|error| match error {
        PictureError::Io(error) => unreadable(error),
        other => unusable(other.to_string(), USABLE),
    })?;
    let (hash, bytes) = File::open(path).and_then(ContentHash::of_all).map_err(unreadable)?;
    Ok(LocalPicture { hash, picture, bytes })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_picture_replaced_after_it_was_inspected_is_not_remembered_as_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, memory) = (folder.path().join("a.png"), folder.path().join("cache"));
        let write = |shade: u8, hours: u64| {
            image::GrayImage::from_pixel(4, 4, image::Luma([shade])).save(&path).unwrap();
            let modified = SystemTime::now() - Duration::from_secs(hours * 3600);
            File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
            std::fs::metadata(&path).unwrap().len()
        };
        let size = write(10, 2);
        let mut pictures = LocalPictures::default();
        let before = pictures.look(&path).unwrap();
        assert_eq!(write(20, 1), size, "its time was kept by the copy, and its size is the same");
        pictures.save_cache(&memory);
        let now = LocalPictures::with_cache(&memory).look(&path).unwrap();
        let afresh = LocalPictures::default().look(&path).unwrap();
        assert_eq!(now.hash, afresh.hash);
        assert_ne!(now.hash, before.hash);
    }

    #[test]
    fn a_remembered_picture_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, memory) = (folder.path().join("a.png"), folder.path().join("cache"));
        image::GrayImage::from_pixel(4, 4, image::Luma([10])).save(&path).unwrap();
        let settled = SystemTime::now() - Duration::from_secs(3600);
        let set_time = || File::options().append(true).open(&path).unwrap().set_modified(settled).unwrap();
        set_time();
        let mut pictures = LocalPictures::default();
        let known = pictures.look(&path).unwrap();
        pictures.save_cache(&memory);
        std::fs::write(&path, vec![0; usize::try_from(known.bytes).unwrap()]).unwrap();
        set_time();
        assert_eq!(LocalPictures::with_cache(&memory).look(&path), Ok(known), "by size and time, it is the same");
    }
}
