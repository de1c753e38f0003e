use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::job::ContentHash;
use crate::journal::EditKey;
use crate::plan::PlannedJob;

use super::error::FolderError;
use super::folder::RunFolder;
use super::plan_file::usual_key;

/// The size of a write in bytes.
const PAGE: usize = 1 << 17;

/// The number of bytes written between syncs, so that publishing a large plan does not have to wait for one long sync.
const SYNC_EVERY: u64 = 1 << 24;

/// A new plan that is written while the manifest is read, one job per line. It atomically replaces the folder's plan:
/// readers see either the old or the new plan, and a manifest with errors leaves nothing behind.
///
/// Most runs have the same plan as the run before. A draft is only written once it differs from the folder's plan.
#[derive(Debug)]
pub struct PlanDraft {
    folder: RunFolder,
    page: Vec<u8>,
    hasher: blake3::Hasher,
    length: u64,
    backing: Backing,
    jobs: u64,
    position: u64,
}

/// The file with the content of a draft.
#[derive(Debug)]
enum Backing {
    /// The folder's plan, which is identical so far.
    Same(File),
    /// A separate file.
    Own(NamedTempFile),
}

/// A job as a line of the plan. It can be created on any thread.
#[derive(Debug)]
pub struct DraftLine(Vec<u8>);

impl DraftLine {
    /// Writes the line of a job for the plan of `folder`.
    ///
    /// # Errors
    ///
    /// A path of the job is not Unicode.
    pub fn of(folder: &RunFolder, job: &PlannedJob) -> Result<DraftLine, FolderError> {
        let mut line = Vec::with_capacity(512);
        serde_json::to_writer(&mut line, job).map_err(|error| FolderError::io("write", folder.plan())(error.into()))?;
        line.push(b'\n');
        Ok(DraftLine(line))
    }

    /// Returns the key of the job's edit.
    pub fn key(&self) -> Option<EditKey> {
        usual_key(std::str::from_utf8(&self.0).ok()?)
    }
}

impl PlanDraft {
    /// Starts a plan for `folder`, which does not have to exist yet. The draft is on the same file system.
    pub fn begin(folder: &RunFolder) -> Result<PlanDraft, FolderError> {
        let backing = match File::open(folder.plan()) {
            Ok(plan) => Backing::Same(plan),
            Err(_) => Backing::Own(own_file(folder)?),
        };
        Ok(PlanDraft {
            folder: folder.clone(),
            page: Vec::with_capacity(PAGE + 4096),
            hasher: blake3::Hasher::new(),
            length: 0,
            backing,
            jobs: 0,
            position: 0,
        })
    }

    /// Skips the position of a job that is in another share.
    pub fn skip(&mut self) {
        self.position += 1;
    }

    /// Adds a job at a known position, from 0.
    pub fn push_at(&mut self, position: u64, job: &PlannedJob) -> Result<(), FolderError> {
        self.position = position;
        self.push(job)
    }

    /// Adds a job.
    pub fn push(&mut self, job: &PlannedJob) -> Result<(), FolderError> {
        self.push_line(&DraftLine::of(&self.folder, job)?)
    }

    /// Adds the line of a job. Its position is only included if the plan is that of a share, so that shares can be
    /// merged in order.
    pub fn push_line(&mut self, DraftLine(line): &DraftLine) -> Result<(), FolderError> {
        match line.strip_prefix(b"{") {
            Some(rest) if self.position != self.jobs => {
                self.page.extend(format!("{{\"position\":{},", self.position).into_bytes());
                self.page.extend_from_slice(rest);
            }
            _ => self.page.extend_from_slice(line),
        }
        self.jobs += 1;
        self.position += 1;
        if self.page.len() >= PAGE { self.flush_page() } else { Ok(()) }
    }

    /// Makes it the plan of `folder`, which must exist and be locked. Returns its hash.
    pub fn publish(mut self) -> Result<ContentHash, FolderError> {
        self.flush_page()?;
        if let Backing::Same(plan) = &self.backing
            && !self.is_still(plan)
        {
            self.fork()?;
        }
        if let Backing::Own(file) = self.backing {
            let publish = || -> io::Result<()> {
                file.as_file().sync_data()?;
                file.persist(self.folder.plan())?;
                Ok(())
            };
            publish().map_err(FolderError::io("write", self.folder.plan()))?;
        }
        Ok(ContentHash::from_hasher(&self.hasher))
    }

    /// Writes or compares the current page.
    fn flush_page(&mut self) -> Result<(), FolderError> {
        if let Backing::Same(plan) = &mut self.backing {
            let mut known = Vec::with_capacity(self.page.len());
            let read = plan.take(self.page.len() as u64).read_to_end(&mut known);
            if read.is_err() || known != self.page {
                self.fork()?;
            }
        }
        let before = self.length;
        self.hasher.update(&self.page);
        self.length += self.page.len() as u64;
        if let Backing::Own(file) = &mut self.backing {
            let written =
                file.write_all(&self.page).and_then(|()| match before / SYNC_EVERY < self.length / SYNC_EVERY {
                    true => file.as_file().sync_data(),
                    false => Ok(()),
                });
            written.map_err(FolderError::io("write", file.path()))?;
        }
        self.page.clear();
        Ok(())
    }

    /// Copies the identical part of the plan to a separate file.
    fn fork(&mut self) -> Result<(), FolderError> {
        let Backing::Same(plan) = &mut self.backing else { return Ok(()) };
        let mut own = own_file(&self.folder)?;
        let copied = plan.seek(SeekFrom::Start(0)).and_then(|_| io::copy(&mut plan.take(self.length), &mut own));
        match copied {
            Ok(copied) if copied == self.length => self.backing = Backing::Own(own),
            Ok(_) => return Err(FolderError::io("read", self.folder.plan())(io::ErrorKind::UnexpectedEof.into())),
            Err(cause) => return Err(FolderError::io("copy", self.folder.plan())(cause)),
        }
        Ok(())
    }

    /// Whether `plan`, which is identical to this draft so far, is still the folder's plan and not longer than the
    /// draft.
    fn is_still(&self, plan: &File) -> bool {
        let stamp = |found: Metadata| Some((found.len(), found.modified().ok()?));
        let here = self.folder.plan().metadata().ok().and_then(stamp);
        let known = plan.metadata().ok().and_then(stamp);
        here.is_some() && here == known && known.is_some_and(|(length, _)| length == self.length)
    }
}

fn own_file(folder: &RunFolder) -> Result<NamedTempFile, FolderError> {
    let absolute = std::path::absolute(folder.path()).map_err(FolderError::io("find", folder.path()))?;
    let parent = absolute.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("."));
    crate::files::draft_in(parent).map_err(FolderError::io("write into", parent))
}
