use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use crate::job::ContentHash;
use crate::photo::Format;

/// The copies of the pictures at a URL, oldest first. Shops replace photos under the same URL. The modification time of
/// each file is the time when it was last seen there.
#[derive(Debug)]
pub(super) struct Copies {
    folder: PathBuf,
    stem: String,
    found: Vec<KeptCopy>,
}

#[derive(Debug)]
struct KeptCopy {
    path: PathBuf,
    seen: Timestamp,
}

impl Copies {
    /// Finds the copies in `folder`.
    pub(super) fn of(folder: &Path, url: &str) -> Copies {
        let mut stem = ContentHash::of(url.as_bytes()).to_string();
        stem.truncate(32);
        let mut copies = Copies { folder: folder.to_owned(), stem, found: Vec::new() };
        while let Some(copy) = copies.next() {
            copies.found.push(copy);
        }
        copies
    }

    /// Returns the copy that was at the URL at `moment`: the first that was seen there at that time or later.
    pub(super) fn at(&self, moment: Timestamp) -> Option<&Path> {
        self.found.iter().find(|copy| copy.seen >= moment).map(|copy| copy.path.as_path())
    }

    /// Returns the copy that was seen last.
    pub(super) fn newest(&self) -> Option<&Path> {
        self.found.last().map(|copy| copy.path.as_path())
    }

    /// Saves the current content of the URL, and returns the path of its copy.
    pub(super) fn keep(&self, content: &[u8], format: Format) -> io::Result<PathBuf> {
        let path = match self.newest() {
            Some(newest) if std::fs::read(newest)? == content => newest.to_owned(),
            _ => {
                std::fs::create_dir_all(&self.folder)?;
                let path = self.path(format);
                crate::files::replace(&path, content)?;
                path
            }
        };
        File::options().write(true).open(&path)?.set_modified(SystemTime::now())?;
        Ok(path)
    }

    fn next(&self) -> Option<KeptCopy> {
        Format::ALL.into_iter().find_map(|format| {
            let path = self.path(format);
            let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let seen = found.modified().ok().and_then(|seen| Timestamp::try_from(seen).ok());
            Some(KeptCopy { path, seen: seen.unwrap_or(Timestamp::UNIX_EPOCH) })
        })
    }

    /// Returns the path of the next copy. It contains a hash of the URL: no URL leads out of the folder, and no two
    /// URLs share a path.
    fn path(&self, format: Format) -> PathBuf {
        let number = match self.found.len() {
            0 => String::new(),
            earlier => format!("-{}", earlier + 1),
        };
        self.folder.join(format!("{}{number}.{}", self.stem, format.extension()))
    }
}
