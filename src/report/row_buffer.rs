//! A buffer on disk for rows, until all columns are known.
//!
//! A table begins with its header, but the user's columns are known only after the last job, because the jobs of a YAML
//! manifest can have different ones. The rows are therefore kept in a temporary file, and memory holds one at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};

use serde::{Deserialize, Serialize};

use super::test_case::TestCase;

/// A row of both tables.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The cells of `results.csv`.
    pub(crate) results: Vec<String>,
    /// The cells of `failed.csv`, if the job did not complete.
    pub(crate) manifest: Option<Vec<String>>,
    /// The test case, if a JUnit file is written.
    pub(crate) case: Option<TestCase>,
    /// The user's own cells, with the numbers of their columns.
    pub(crate) own: Vec<(usize, String)>,
}

/// The buffered rows.
#[derive(Debug)]
pub(crate) struct RowBuffer {
    file: BufWriter<File>,
}

impl Row {
    /// Returns the user's own cells, one for each of `count` columns.
    pub(crate) fn own_cells(&self, count: usize) -> Vec<&str> {
        let mut cells = vec![""; count];
        for (number, cell) in &self.own {
            cells[*number] = cell;
        }
        cells
    }
}

impl RowBuffer {
    pub(crate) fn new() -> io::Result<RowBuffer> {
        Ok(RowBuffer { file: BufWriter::new(tempfile::tempfile()?) })
    }

    pub(crate) fn push(&mut self, row: &Row) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, row)?;
        self.file.write_all(b"\n")
    }

    /// Passes every row to `take`, in order.
    pub(crate) fn replay<E: From<io::Error>>(&mut self, mut take: impl FnMut(&Row) -> Result<(), E>) -> Result<(), E> {
        self.file.flush()?;
        let mut file = self.file.get_ref();
        file.rewind()?;
        for line in BufReader::new(file).lines() {
            take(&serde_json::from_str(&line?).map_err(io::Error::from)?)?;
        }
        Ok(())
    }
}
