//! Rows on disk until every column is known.
//!
//! A table's header comes first, and which columns the user has is known only after the last job: jobs of a YAML
//! manifest need not have the same ones. So rows wait in a temporary file, and memory holds one at a time.

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
    /// The test case of a JUnit file, if one is written.
    pub(crate) case: Option<TestCase>,
    /// The user's own cells by the number of the column.
    pub(crate) own: Vec<(usize, String)>,
}

/// Rows that wait.
#[derive(Debug)]
pub(crate) struct RowBuffer {
    file: BufWriter<File>,
}

impl Row {
    /// The user's own cells, one for each of `count` columns.
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

    /// Gives every row to `take`, in the order in which they came.
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
