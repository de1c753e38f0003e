use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use crate::plan::PlannedJob;

use super::{FolderError, RunFolder};

/// Writes the manifest as it was understood, one job a line, so that a report can be made without it. The file is
/// replaced in one step: a reader sees the old plan or the new one.
pub fn write_plan(folder: &RunFolder, jobs: &[PlannedJob]) -> Result<(), FolderError> {
    let path = folder.plan();
    let write = || -> io::Result<()> {
        let file = crate::files::temporary().prefix(".plan-").tempfile_in(folder.path())?;
        let mut writer = BufWriter::new(file);
        for job in jobs {
            serde_json::to_writer(&mut writer, job)?;
            writer.write_all(b"\n")?;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_data()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(FolderError::io("write", folder.plan()))
}

/// Reads the plan, job by job.
pub fn read_plan(
    folder: &RunFolder,
) -> Result<impl Iterator<Item = Result<PlannedJob, FolderError>> + use<>, FolderError> {
    let path = folder.plan();
    let file = File::open(&path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => FolderError::NoRun { path: folder.path().to_owned() },
        _ => FolderError::io("open", &path)(cause),
    })?;
    Ok(BufReader::new(file).lines().enumerate().map(move |(number, line)| {
        let line = line.map_err(FolderError::io("read", &path))?;
        serde_json::from_str(&line).map_err(|cause| FolderError::Plan { path: path.clone(), line: number + 1, cause })
    }))
}
