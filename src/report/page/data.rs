//! The page's data: files next to it that hold some hundred jobs each, and one that names them.
//!
//! They are scripts because a browser lets a page from disk load nothing else. Each is one call with JSON in it, and is
//! named by its content: an open page fetches changed files, and no cache can serve an old one.

use std::io::Write;

use serde::Serialize;

use super::super::error::ReportError;
use super::super::files::ReportFolder;
use super::item::Item;
use crate::job::ContentHash;

/// How many jobs a file holds. A file that changes is fetched whole, and ten thousand jobs should not become hundreds of files.
const JOBS: usize = 500;

/// Writes jobs to files, one file at a time.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    lines: Vec<u8>,
    jobs: usize,
    names: Vec<String>,
}

/// The content of `data/batch.js`.
#[derive(Debug, Serialize)]
pub(crate) struct Opening<'a> {
    pub(crate) version: u32,
    /// Names the run, so that a browser keeps the decisions on each apart.
    pub(crate) key: String,
    pub(crate) title: &'a str,
    pub(crate) backend: &'a str,
    /// `running`, `finished` or `stopped`.
    pub(crate) state: &'static str,
    /// The columns of an exported manifest before the user's own.
    pub(crate) manifest: &'a [&'static str],
    /// The user's own columns.
    pub(crate) own: &'a [String],
    pub(crate) chunks: &'a [String],
    /// The part above the cards, as HTML that this program made.
    pub(crate) overview: String,
}

impl Chunks {
    /// Adds a job.
    pub(crate) fn push(&mut self, item: &Item<'_>, report: &mut ReportFolder) -> Result<(), ReportError> {
        self.lines.extend_from_slice(if self.jobs == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut self.lines, item)?;
        self.jobs += 1;
        if self.jobs == JOBS {
            self.write(report)?;
        }
        Ok(())
    }

    /// Ends the last file. The answer is the names of all.
    pub(crate) fn finish(mut self, report: &mut ReportFolder) -> Result<Vec<String>, ReportError> {
        if self.jobs > 0 {
            self.write(report)?;
        }
        Ok(self.names)
    }

    fn write(&mut self, report: &mut ReportFolder) -> Result<(), ReportError> {
        let number = self.names.len() + 1;
        let hash = ContentHash::of(&self.lines).to_string();
        let name = format!("data/jobs-{number:04}-{}.js", &hash[..16]);
        let mut script = format!("dyehouse.jobs({}, [", serde_json::to_string(&name)?).into_bytes();
        script.append(&mut self.lines);
        script.extend_from_slice(b"\n]);\n");
        report.write_once(&name, &script)?;
        self.names.push(name);
        self.jobs = 0;
        Ok(())
    }
}

/// Writes the file that names the others, after them.
pub(crate) fn write_opening(opening: &Opening<'_>, report: &mut ReportFolder) -> Result<(), ReportError> {
    let mut script = b"dyehouse.batch(".to_vec();
    serde_json::to_writer(&mut script, opening)?;
    script.write_all(b");\n")?;
    report.write("data/batch.js", &script)
}
