use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

use crate::color::Hex;
use crate::editor::wanted;
use crate::job::{Fingerprint, JobId};
use crate::journal::EditKey;
use crate::plan::PlannedJob;

use super::error::FolderError;
use super::folder::RunFolder;

/// A line of the plan file.
#[derive(Debug)]
pub struct PlanLine<'f> {
    folder: &'f RunFolder,
    number: usize,
    text: Cow<'f, str>,
}

/// Consecutive lines of the plan file.
#[derive(Debug)]
pub struct PlanLines<'f> {
    folder: &'f RunFolder,
    /// The number of the first line, from 1.
    first: usize,
    text: String,
}

impl PlanLines<'_> {
    /// Returns the lines.
    pub fn lines(&self) -> impl Iterator<Item = PlanLine<'_>> {
        let line = |(number, text)| PlanLine { folder: self.folder, number, text: Cow::Borrowed(text) };
        (self.first..).zip(self.text.lines()).map(line)
    }
}

impl PlanLine<'_> {
    /// Returns the job.
    pub fn job(&self) -> Result<PlannedJob, FolderError> {
        serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))
    }

    /// Returns the key of the edit, without parsing the rest of the line.
    pub fn key(&self) -> Result<EditKey, FolderError> {
        if let Some(key) = usual_key(&self.text) {
            return Ok(key);
        }
        #[derive(Deserialize)]
        struct Key {
            fingerprint: Fingerprint,
            id: JobId,
        }

        let key: Key = serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))?;
        Ok(EditKey { job: key.id, fingerprint: key.fingerprint })
    }

    /// Returns the job's position in the manifest, from 0.
    pub fn position(&self) -> Result<u64, FolderError> {
        #[derive(Deserialize)]
        struct Place {
            position: Option<u64>,
        }

        let place: Place = serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))?;
        Ok(place.position.unwrap_or(self.number as u64 - 1))
    }

    /// Returns the colors that the job is compared with, without parsing the rest of the line.
    pub fn colors(&self) -> Result<Vec<Hex>, FolderError> {
        #[derive(Deserialize)]
        struct Meant<'l> {
            #[serde(borrow)]
            request: Asked<'l>,
            #[serde(default)]
            color: Option<Hex>,
        }

        #[derive(Deserialize)]
        struct Asked<'l> {
            #[serde(borrow)]
            prompt: Cow<'l, str>,
        }

        // Every color begins with `#`, and most of a million lines have none.
        if memchr::memchr(b'#', self.text.as_bytes()).is_none() {
            return Ok(Vec::new());
        }
        let meant: Meant<'_> = serde_json::from_str(&self.text).map_err(|cause| self.broken(cause))?;
        Ok(wanted(meant.color, &meant.request.prompt))
    }

    fn broken(&self, cause: serde_json::Error) -> FolderError {
        FolderError::Plan { path: self.folder.plan(), line: self.number, cause }
    }
}

/// Returns the key of a line in the form that this program writes; `None` for others. No id contains an escape.
pub(super) fn usual_key(line: &str) -> Option<EditKey> {
    let (fingerprint, rest) = line.strip_prefix(r#"{"fingerprint":""#)?.split_once('"')?;
    let (job, _) = rest.strip_prefix(r#","id":""#)?.split_once('"')?;
    Some(EditKey { job: JobId::new(job).ok()?, fingerprint: fingerprint.parse().ok()? })
}

/// Reads the plan in blocks of some thousand lines.
pub fn plan_blocks(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PlanLines<'_>, FolderError>> + use<'_>, FolderError> {
    const BLOCK: u64 = 1 << 21;
    let path = folder.plan();
    let mut file = BufReader::with_capacity(1 << 17, open(folder)?);
    let mut first = 1;
    Ok(std::iter::from_fn(move || {
        let mut bytes = Vec::with_capacity(BLOCK as usize + 4096);
        let read = file.by_ref().take(BLOCK).read_to_end(&mut bytes);
        let read = read.and_then(|_| if bytes.ends_with(b"\n") { Ok(0) } else { file.read_until(b'\n', &mut bytes) });
        let text = read.and_then(|_| String::from_utf8(bytes).map_err(io::Error::other));
        let text = match text {
            Ok(text) => text,
            Err(cause) => return Some(Err(FolderError::io("read", &path)(cause))),
        };
        let lines = PlanLines { folder, first, text };
        first += memchr::memchr_iter(b'\n', lines.text.as_bytes()).count();
        (!lines.text.is_empty()).then_some(Ok(lines))
    }))
}

/// Reads the plan line by line.
pub fn plan_lines(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PlanLine<'_>, FolderError>> + use<'_>, FolderError> {
    let path = folder.plan();
    let file = open(folder)?;
    Ok(BufReader::with_capacity(1 << 17, file).lines().enumerate().map(move |(number, text)| {
        let text = Cow::Owned(text.map_err(FolderError::io("read", &path))?);
        Ok(PlanLine { folder, number: number + 1, text })
    }))
}

fn open(folder: &RunFolder) -> Result<File, FolderError> {
    let path = folder.plan();
    File::open(&path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
        _ => FolderError::io("open", &path)(cause),
    })
}

/// Reads the plan job by job.
pub fn read_plan(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PlannedJob, FolderError>> + use<'_>, FolderError> {
    Ok(plan_lines(folder)?.map(|line| line?.job()))
}
