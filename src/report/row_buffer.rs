//! A buffer on disk for rows, until all columns are known.
//!
//! A table begins with its header, but the user's columns are known only after the last job, because the jobs of a YAML
//! manifest can have different ones. The rows are therefore kept in a temporary file, and memory holds one at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

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
    /// The place of the first job, from 0, that shows the same picture for another request.
    pub(crate) twin: Option<u32>,
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
    /// Returns an empty buffer on the disk of `folder`, whose file has no name. The system's folder for temporary files
    /// may be in memory, which has no room for the rows of a large batch.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<RowBuffer> {
        Ok(RowBuffer { file: BufWriter::new(tempfile::tempfile_in(folder)?) })
    }

    pub(crate) fn push(&mut self, row: &Row) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, row)?;
        self.file.write_all(b"\n")
    }

    /// Returns all rows, in order.
    pub(crate) fn rows(&mut self) -> io::Result<impl Iterator<Item = io::Result<Row>>> {
        self.file.flush()?;
        let mut file = self.file.get_ref();
        file.rewind()?;
        Ok(BufReader::new(file).lines().map(|line| Ok(serde_json::from_str(&line?)?)))
    }
}
