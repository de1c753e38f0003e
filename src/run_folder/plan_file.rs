use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::color::{Hex, wanted};
use crate::job::{ContentHash, Fingerprint, JobId};
use crate::journal::EditKey;
use crate::plan::PlannedJob;

use super::{FolderError, RunFolder};

/// The manifest as it was understood, one job a line, while it is being read. It takes the place of the folder's plan
/// in one step: a reader sees the old plan or the new one, and a manifest that turns out wrong leaves nothing behind.
#[derive(Debug)]
pub struct PlanDraft {
    writer: BufWriter<Hashed>,
    jobs: u64,
    position: u64,
}

/// A file, and the hash of what is written to it.
#[derive(Debug)]
struct Hashed {
    file: NamedTempFile,
    hasher: blake3::Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A job with its place in the manifest, from 0: where the plan is of a share, so that shares can be put in order again.
#[derive(Serialize)]
struct Placed<'j> {
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(flatten)]
    job: &'j PlannedJob,
}

/// A line of the plan file.
#[derive(Debug)]
pub struct PlanLine<'f> {
    folder: &'f RunFolder,
    number: usize,
    text: String,
}

/// How many jobs are written between syncs, so that publishing the plan of a million jobs does not keep them waiting.
const SYNC_EVERY: u64 = 1 << 16;

impl PlanDraft {
    /// Begins a plan for `folder`, which need not be there yet: the draft is on the same file system.
    pub fn begin(folder: &RunFolder) -> Result<PlanDraft, FolderError> {
        let absolute = std::path::absolute(folder.path()).map_err(FolderError::io("find", folder.path()))?;
        let place = absolute.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("."));
        let file = crate::files::temporary().prefix(".plan-").tempfile_in(place);
        let file = file.map_err(FolderError::io("write into", place))?;
        let file = Hashed { file, hasher: blake3::Hasher::new() };
        Ok(PlanDraft { writer: BufWriter::with_capacity(1 << 17, file), jobs: 0, position: 0 })
    }

    /// Leaves the place of a job out, for it is in another share.
    pub fn skip(&mut self) {
        self.position += 1;
    }

    /// Adds a job at a place that is known, from 0.
    pub fn push_at(&mut self, position: u64, job: &PlannedJob) -> Result<(), FolderError> {
        self.position = position;
        self.push(job)
    }

    /// Adds a job.
    pub fn push(&mut self, job: &PlannedJob) -> Result<(), FolderError> {
        let position = Some(self.position).filter(|position| *position != self.jobs);
        let mut write = || -> io::Result<()> {
            serde_json::to_writer(&mut self.writer, &Placed { position, job })?;
            self.writer.write_all(b"\n")?;
            self.jobs += 1;
            self.position += 1;
            if self.jobs.is_multiple_of(SYNC_EVERY) {
                self.writer.flush()?;
                self.writer.get_ref().file.as_file().sync_data()?;
            }
            Ok(())
        };
        write().map_err(FolderError::io("write", self.writer.get_ref().file.path()))
    }

    /// Makes it the plan of `folder`, which is there and held by now; the answer is its hash.
    pub fn publish(self, folder: &RunFolder) -> Result<ContentHash, FolderError> {
        let publish = || -> io::Result<ContentHash> {
            let Hashed { file, hasher } = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_data()?;
            file.persist(folder.plan())?;
            Ok(ContentHash::from_hasher(&hasher))
        };
        publish().map_err(FolderError::io("write", folder.plan()))
    }
}

impl PlanLine<'_> {
    /// The job.
    pub fn job(&self) -> Result<PlannedJob, FolderError> {
        serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))
    }

    /// Which edit the manifest asks for; the rest of the line is not looked at.
    pub fn key(&self) -> Result<EditKey, FolderError> {
        #[derive(Deserialize)]
        struct Key {
            fingerprint: Fingerprint,
            id: JobId,
        }

        let key: Key = serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))?;
        Ok(EditKey { job: key.id, fingerprint: key.fingerprint })
    }

    /// The job's place in the manifest, from 0.
    pub fn position(&self) -> Result<u64, FolderError> {
        #[derive(Deserialize)]
        struct Place {
            position: Option<u64>,
        }

        let place: Place = serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))?;
        Ok(place.position.unwrap_or(self.number as u64 - 1))
    }

    /// The colors that the job is held against; the rest of the line is not looked at.
    pub fn colors(&self) -> Result<Vec<Hex>, FolderError> {
        #[derive(Deserialize)]
        struct Meant<'l> {
            #[serde(borrow)]
            request: Asked<'l>,
            #[serde(borrow, default)]
            color: Option<Cow<'l, str>>,
        }

        #[derive(Deserialize)]
        struct Asked<'l> {
            #[serde(borrow)]
            prompt: Cow<'l, str>,
        }

        let meant: Meant<'_> = serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))?;
        Ok(wanted(meant.color.as_deref(), &meant.request.prompt))
    }

    fn broken(&self, cause: serde_json::Error) -> FolderError {
        FolderError::Plan { path: self.folder.plan(), line: self.number, cause }
    }
}

/// Reads the plan, line by line.
pub fn plan_lines(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PlanLine<'_>, FolderError>> + use<'_>, FolderError> {
    let path = folder.plan();
    let file = File::open(&path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
        _ => FolderError::io("open", &path)(cause),
    })?;
    Ok(BufReader::with_capacity(1 << 17, file).lines().enumerate().map(move |(number, text)| {
        let text = text.map_err(FolderError::io("read", &path))?;
        Ok(PlanLine { folder, number: number + 1, text })
    }))
}

/// Reads the plan, job by job.
pub fn read_plan(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PlannedJob, FolderError>> + use<'_>, FolderError> {
    Ok(plan_lines(folder)?.map(|line| line?.job()))
}
