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
    seen: HashMap<PathBuf, Result<LocalPicture, PictureProblem>>,
    remembered: HashMap<PathBuf, Remembered>,
}

/// A picture of an earlier run, which is a line of the cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    path: PathBuf,
    bytes: u64,
    /// The modification time in nanoseconds since the Unix epoch.
    modified: u64,
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
            return known.clone();
        }
        let found = self.remembered.get(path).and_then(Remembered::still_holds).map_or_else(|| look(path), Ok);
        self.seen.insert(path.to_owned(), found.clone());
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
            .filter_map(|(path, found)| Remembered::of(path, found.as_ref().ok()?))
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
    fn of(path: &Path, picture: &LocalPicture) -> Option<Remembered> {
        let (bytes, modified) = stamp(path)?;
        let Picture { format, width, height } = picture.picture;
        let format = format.extension().to_owned();
        Some(Remembered { path: path.to_owned(), bytes, modified, blake3: picture.hash, format, width, height })
    }

    fn still_holds(&self) -> Option<LocalPicture> {
        let (bytes, modified) = stamp(&self.path)?;
        let format = Format::from_extension(&self.format)?;
        let picture = Picture { format, width: self.width, height: self.height };
        let is_same = (bytes, modified) == (self.bytes, self.modified);
        is_same.then_some(LocalPicture { hash: self.blake3, picture, bytes })
    }
}

/// Returns a file's size in bytes and its modification time. A file that was modified within the last seconds has no
/// stamp, because another modification could get the same time.
fn stamp(path: &Path) -> Option<(u64, u64)> {
    const SETTLED: Duration = Duration::from_secs(2);
    let metadata = path.metadata().ok()?;
    let modified = metadata.modified().ok()?;
    if modified.elapsed().is_ok_and(|age| age < SETTLED) {
        return None;
    }
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), u64::try_from(since.as_nanos()).ok()?))
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
