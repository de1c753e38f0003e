use crate::manifest::reading::lined_text::LinedText;
use crate::manifest::row::Defaults;

use super::axis::{self, Axis};
use super::rows::RowSource;
use super::template::Template;

/// The parsed keys `rows`, `matrix` and `template`, which make jobs from a catalog.
#[derive(Debug)]
pub(in crate::manifest) struct Catalog {
    pub(in crate::manifest) text: LinedText,
    pub(in crate::manifest) defaults: Defaults,
    pub(in crate::manifest) rows: RowSource,
    pub(in crate::manifest) matrix: Vec<Axis>,
    pub(in crate::manifest) template: Template,
}

impl Catalog {
    pub(super) fn combinations(&self) -> usize {
        self.matrix.iter().map(|axis| axis.entries.len()).product()
    }

    /// Returns the entry of each axis in combination `number`. The last axis varies fastest.
    pub(super) fn combination(&self, number: usize) -> Vec<&axis::AxisEntry> {
        let mut rest = number;
        let mut entries: Vec<&axis::AxisEntry> = Vec::with_capacity(self.matrix.len());
        for axis in self.matrix.iter().rev() {
            entries.push(&axis.entries[rest % axis.entries.len()]);
            rest /= axis.entries.len();
        }
        entries.reverse();
        entries
    }
}
