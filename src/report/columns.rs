//! The user's own columns, in the order of their first use.

use std::collections::HashMap;

/// Numbers the columns while jobs are added. The jobs of a YAML manifest can have different ones.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Columns {
    /// Returns the names of all columns so far.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns a job's own cells with the numbers of their columns.
    pub(crate) fn cells(&mut self, own: &[(String, String)]) -> Vec<(usize, String)> {
        own.iter().map(|(name, cell)| (self.number_of(name), cell.clone())).collect()
    }

    fn number_of(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}
