//! Local pictures: whether they are there, what they are, and the hash that stands for them in fingerprints.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::job::ContentHash;
use crate::outputs::{Picture, PictureError, inspect};

/// The largest picture that is put into a request, in bytes.
const MOST_BYTES: u64 = 20 << 20;

/// Looks at local pictures, each once.
#[derive(Debug, Default)]
pub struct LocalPictures {
    seen: HashMap<PathBuf, Result<LocalPicture, PictureProblem>>,
}

/// A local picture that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPicture {
    /// The hash of its content.
    pub hash: ContentHash,
    /// Its format and size.
    pub picture: Picture,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why a local picture cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureProblem {
    /// It is not there.
    #[error("the picture {path} does not exist")]
    Missing {
        /// Where it should be.
        path: String,
    },
    /// It is there, and cannot be used.
    #[error("the picture {path} cannot be used: {cause}")]
    Unusable {
        /// Where it is.
        path: String,
        /// Why.
        cause: String,
    },
}

impl PictureProblem {
    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            PictureProblem::Missing { .. } => "paths are relative to the manifest's own folder",
            PictureProblem::Unusable { .. } => "give a JPEG, PNG, GIF or WebP of at most 20 MiB",
        }
    }
}

impl LocalPictures {
    /// Looks at the picture at `path`: its header is read and its content hashed, at most once.
    pub fn look(&mut self, path: &Path) -> Result<LocalPicture, PictureProblem> {
        if let Some(known) = self.seen.get(path) {
            return known.clone();
        }
        let found = look(path);
        self.seen.insert(path.to_owned(), found.clone());
        found
    }
}

fn look(path: &Path) -> Result<LocalPicture, PictureProblem> {
    let name = path.display().to_string();
    let unusable = |cause: String| PictureProblem::Unusable { path: name.clone(), cause };
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(PictureProblem::Missing { path: name }),
        Err(error) => return Err(unusable(error.to_string())),
    };
    if metadata.is_dir() {
        return Err(unusable("it is a folder".to_owned()));
    }
    if metadata.len() > MOST_BYTES {
        return Err(unusable(format!("it has {} MiB", metadata.len() >> 20)));
    }
    let picture = inspect(path).map_err(|error: PictureError| unusable(error.to_string()))?;
    let mut hasher = blake3::Hasher::new();
    let read = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hasher));
    let bytes = read.map_err(|error| unusable(error.to_string()))?;
    Ok(LocalPicture { hash: ContentHash::from_hasher(&hasher), picture, bytes })
}
