//! Atomic writes into the report's folder, and the removal of outdated files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ReportError;
use crate::files::{draft_in, is_draft, sync_folder};

/// The report's folder, and the files that were written to it so far.
#[derive(Debug)]
pub(crate) struct ReportFolder {
    root: PathBuf,
    names: BTreeSet<String>,
    changed: usize,
}

/// A file that is being written. It has a temporary name until it is complete.
#[derive(Debug)]
pub(crate) struct Draft {
    file: BufWriter<NamedTempFile>,
    name: String,
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder of thumbnails, relative to the report's folder.
pub(crate) const THUMBNAILS: &str = "thumbs";

/// The subfolders that the report creates.
const SUBFOLDERS: [&str; 3] = ["data", "inputs", THUMBNAILS];

/// The subfolders whose outdated files are removed. Thumbnails stay, because the pictures of removed rows stay as well:
/// if the rows return, making thousands of thumbnails again takes longer than their jobs.
const SWEPT: [&str; 2] = ["data", "inputs"];

impl ReportFolder {
    /// Opens `root`, and creates it if it does not exist.
    pub(crate) fn open(root: PathBuf) -> Result<ReportFolder, ReportError> {
        fs::create_dir_all(&root).map_err(|cause| ReportError::io("make", &root, cause))?;
        Ok(ReportFolder { root, names: BTreeSet::new(), changed: 0 })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn changed(&self) -> usize {
        self.changed
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// Starts the file `name`, a path relative to the report's folder with `/` as separator.
    pub(crate) fn draft(&self, name: &str) -> Result<Draft, ReportError> {
        let target = self.root.join(name);
        let parent = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(|cause| ReportError::io("make", parent, cause))?;
        let file = draft_in(parent).map_err(|cause| ReportError::io("write", &target, cause))?;
        Ok(Draft { file: BufWriter::new(file), name: name.to_owned() })
    }

    /// Renames `draft` to its final name, or removes it if the existing file has the same content.
    pub(crate) fn publish(&mut self, draft: Draft) -> Result<(), ReportError> {
        let target = self.root.join(&draft.name);
        let failed = |cause| ReportError::io("write", &target, cause);
        let file = draft.file.into_inner().map_err(|error| failed(error.into_error()))?;
        self.names.insert(draft.name);
        if is_same(file.path(), &target).map_err(failed)? {
            return Ok(());
        }
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&target).map_err(|error| failed(error.error))?;
        self.changed += 1;
        Ok(())
    }

    /// Marks `name` as part of the report, so that it is not removed.
    pub(crate) fn keep(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// Writes a complete file.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        let mut draft = self.draft(name)?;
        draft.write_all(bytes).map_err(|cause| ReportError::io("write", &self.root.join(name), cause))?;
        self.publish(draft)
    }

    /// Writes a file that is named by its content, unless it exists.
    pub(crate) fn write_once(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        let there = fs::metadata(self.root.join(name)).is_ok_and(|found| found.len() == bytes.len() as u64);
        if there {
            self.names.insert(name.to_owned());
            return Ok(());
        }
        self.write(name, bytes)
    }

    /// Removes files in the subfolders that are not part of this report, except thumbnails, and drafts of processes that died.
    pub(crate) fn sweep(&mut self) -> Result<(), ReportError> {
        self.sync()?;
        for folder in [""].into_iter().chain(SUBFOLDERS) {
            let path = self.root.join(folder);
            if !path.exists() {
                continue;
            }
            let entries = fs::read_dir(&path).map_err(|cause| ReportError::io("read", &path, cause))?;
            for entry in entries.flatten() {
                let name = entry.file_name();
                let is_known = || self.names.contains(&format!("{folder}/{}", name.to_string_lossy()));
                if is_draft(&name) || SWEPT.contains(&folder) && !is_known() {
                    remove(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Makes the renames durable.
    fn sync(&self) -> Result<(), ReportError> {
        let folders = SUBFOLDERS.map(|name| self.root.join(name));
        let mut folders = folders.iter().chain([&self.root]).filter(|folder| folder.exists());
        folders.try_for_each(|folder| sync_folder(folder).map_err(|cause| ReportError::io("write", folder, cause)))
    }
}

fn remove(path: &Path) -> Result<(), ReportError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(ReportError::io("remove", path, cause)),
        _ => Ok(()),
    }
}

fn is_same(new: &Path, old: &Path) -> io::Result<bool> {
    let mut old = match File::open(old) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut new = File::open(new)?;
    if new.metadata()?.len() != old.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = new.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        old.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
}
