//! The user's own columns, in the order in which they are met.

use std::collections::HashMap;

/// Numbers columns as jobs come by: jobs of a YAML manifest need not have the same ones.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Columns {
    /// The names of all columns met so far.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// A job's own cells by the number of their column.
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
