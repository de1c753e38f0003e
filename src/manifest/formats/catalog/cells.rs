use crate::manifest::diagnostic::quoted;
use crate::manifest::field::Field;
use crate::manifest::row::{At, RowError, is_missing_value, lost};
use crate::manifest::whitespace::trim;

use super::jobs::CatalogJobs;
use super::rendered::leave_out_hint;
use super::template::{Text, taken_for_true};

impl CatalogJobs<'_> {
    /// Returns the errors of cells that the template uses but that have invalid content.
    pub(super) fn wrong_cells(&self) -> Vec<RowError> {
        let used = self.catalog.template.names().filter_map(|name| Some((name, self.cell(name)?)));
        let row_errors = used.filter_map(|(name, cell)| {
            // A text may start with an apostrophe, as in `'90s mugs`.
            if let Some(lost) = lost(cell).filter(|_| !cell.starts_with('\'')) {
                return Some(RowError::new(At::Column(name.to_owned()), lost.message, lost.hint));
            }
            let texts = |fields: &'static [Field]| self.filled_in().filter(|(field, _)| fields.contains(field));
            if is_missing_value(cell)
                && texts(&[Field::Id, Field::Prompt, Field::Images]).any(|(_, text)| text.put.contains(name))
            {
                let message = format!("{} is {}, which means a missing value", quoted(name), quoted(cell));
                let hint = format!("empty the cell; {}", leave_out_hint(name));
                return Some(RowError::new(At::Column(name.to_owned()), message, hint));
            }
            let wrong = taken_for_true(name, cell)?;
            texts(&Field::ALL).any(|(_, text)| text.switches.contains(name)).then_some(wrong)
        });
        row_errors.collect()
    }

    /// Returns the row's cell for a name in a template, unless an axis has this name.
    fn cell(&self, name: &str) -> Option<&str> {
        let cell = self.cells.get(name)?.as_str()?;
        (!self.catalog.matrix.iter().any(|axis| *axis.name == *name)).then_some(cell)
    }

    /// Returns the texts of the template that no cell of the row overrides.
    fn filled_in(&self) -> impl Iterator<Item = &(Field, Text)> {
        let cells = self.names.iter().zip(&self.own);
        let won: Vec<Field> = cells.filter_map(|(name, (_, cell))| self.won_by(name, cell)).collect();
        self.catalog.template.fields.iter().filter(move |(field, _)| !won.contains(field))
    }

    /// Whether the text of a field uses a cell that has an error.
    pub(super) fn names_wrong(&self, field: Field) -> bool {
        let is_wrong = |wrong: &str| self.catalog.template.names_of(field).any(|name| name == wrong);
        self.shape.iter().any(|row_error| matches!(&row_error.at, At::Column(name) if is_wrong(name)))
    }

    /// Whether an error of the condition is the same for every combination of the matrix.
    pub(super) fn is_of_row(&self, row_error: &RowError) -> bool {
        let template = &self.catalog.template;
        let is_cell =
            matches!(&row_error.at, At::OfRow(at) if matches!(&**at, At::Column(name) if self.cell(name).is_some()));
        is_cell || !self.catalog.matrix.iter().any(|axis| template.asks(&axis.name))
    }

    /// Returns an error if `field` is the images and an empty cell leaves a gap in a URL or a path.
    pub(super) fn hole(&self, field: Field) -> Option<RowError> {
        let name = (field == Field::Images).then(|| self.empty(self.catalog.template.inserted()))??;
        let message = format!("{} is empty, and leaves a gap in the picture's name", quoted(name));
        Some(RowError::new(At::Field(Field::Images), message, leave_out_hint(name)))
    }

    /// Returns the first of `names` whose column is empty.
    pub(super) fn empty<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        names.find(|name| self.cells.get(*name).is_some_and(|cell| cell.as_str().is_some_and(is_blank)))
    }

    /// Whether `is` holds for any cell that the id is made of.
    pub(super) fn has_cell_of_id(&self, is: fn(&str) -> bool) -> bool {
        let mut texts = self.catalog.template.fields.iter().filter(|(field, _)| *field == Field::Id);
        texts.any(|(_, text)| text.put.iter().any(|name| self.cell(name).is_some_and(is)))
    }
}

fn is_blank(cell: &str) -> bool {
    trim(cell).is_empty()
}
