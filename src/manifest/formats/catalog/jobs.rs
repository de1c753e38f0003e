use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::Value as Variable;
use minijinja::value::Object;

use crate::manifest::diagnostic::{Diagnostic, quoted};
use crate::manifest::field::Field;
use crate::manifest::formats::dialect::snake_case;
use crate::manifest::reading::source::Source;
use crate::manifest::row::{At, Defaults, Items, Row, RowError, Value};
use crate::manifest::row_cursor::{Parts, RowCursor};
use crate::manifest::suggest;
use crate::manifest::whitespace::trim;

use super::model::Catalog;
use super::rendered::{Rendered, leave_out_hint};
use super::rows::RowSource;
use super::template::{Unfilled, Wanted};

/// Columns of a row that override the template if they are not empty, for products that need other values.
const OVERRIDES: [Field; 6] =
    [Field::Prompt, Field::Size, Field::Seed, Field::SyncMode, Field::Base64Output, Field::SafetyChecker];

/// A cursor over the jobs of some rows of a catalog.
pub(super) struct CatalogJobs<'c> {
    pub(super) catalog: &'c Catalog,
    source: &'c Source,
    rows: Box<dyn RowCursor + 'c>,
    has_row: bool,
    /// The number of the row's next combination.
    combination: usize,
    /// The row's columns. `names` are their names in templates, and `cells` are their cells as variables of templates.
    pub(super) own: Vec<(String, String)>,
    pub(super) names: Vec<Arc<str>>,
    pub(super) cells: Cells,
    rendered: Vec<(Field, Rendered)>,
    row_errors: Vec<RowError>,
    /// The errors of the row itself.
    pub(super) shape: Vec<RowError>,
}

pub(super) type Cells = Arc<BTreeMap<Arc<str>, Variable>>;

/// The variables of templates. They are made for each job, but the jobs of a row share their cells.
#[derive(Debug)]
struct Names {
    axes: Vec<(Arc<str>, Variable)>,
    cells: Cells,
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Variable) -> Option<Variable> {
        let name = key.as_str()?;
        let axis = self.axes.iter().find(|(axis, _)| **axis == *name).map(|(_, value)| value);
        axis.or_else(|| self.cells.get(name)).cloned()
    }
}

impl Catalog {
    /// Returns the jobs, in parts.
    pub(in crate::manifest) fn parts<'c>(&'c self, source: &'c Source) -> Result<Parts<'c>, Diagnostic> {
        let parts = self.rows.parts(source, &self.text, self.combinations())?;
        Ok(Box::new(parts.map(move |rows| -> Result<Box<dyn RowCursor + 'c>, Diagnostic> {
            Ok(Box::new(CatalogJobs {
                catalog: self,
                source,
                rows: rows?,
                has_row: false,
                combination: 0,
                own: Vec::new(),
                names: Vec::new(),
                cells: Arc::default(),
                rendered: Vec::new(),
                row_errors: Vec::new(),
                shape: Vec::new(),
            }))
        })))
    }
}

impl CatalogJobs<'_> {
    /// Advances to the next combination, or to the next row after the last combination. Returns false at the end.
    fn next_combination(&mut self) -> Result<bool, Diagnostic> {
        if !self.has_row || self.combination == self.catalog.combinations() {
            if !self.rows.advance()? {
                return Ok(false);
            }
            (self.has_row, self.combination) = (true, 0);
            self.shape = self.rows.row().1;
            let earlier = std::mem::replace(&mut self.own, self.rows.columns());
            // All rows of a table have the same columns, so their names in templates are kept.
            if !earlier.iter().map(|(name, _)| name).eq(self.own.iter().map(|(name, _)| name)) {
                self.names = self.own.iter().map(|(name, _)| snake_case(name).into()).collect();
            }
            // A file name may start or end with whitespace.
            let is_of_files = matches!(self.catalog.rows, RowSource::Pictures(_));
            let shown: fn(&str) -> &str = if is_of_files { |name| name } else { trim };
            let cells = self.names.iter().zip(&self.own);
            let cells = cells.map(|(name, (_, cell))| (Arc::clone(name), Variable::from(shown(cell))));
            self.cells = Arc::new(cells.collect());
        }
        self.combination += 1;
        Ok(true)
    }

    /// Renders the templates for the current combination. Returns false if the condition excludes it.
    fn render(&mut self) -> bool {
        if !self.shape.is_empty() {
            // An error of the row itself is reported once, and no jobs are made from the row.
            self.combination = self.catalog.combinations();
            self.rendered = Field::ALL.map(|field| (field, Rendered::Refused)).into();
            self.row_errors.clear();
            return true;
        }
        let entries = self.catalog.combination(self.combination - 1);
        let axes = self.catalog.matrix.iter().zip(&entries);
        let axes = axes.map(|(axis, entry)| (Arc::clone(&axis.name), entry.value.clone())).collect();
        let variables = Variable::from_object(Names { axes, cells: Arc::clone(&self.cells) });
        self.rendered.clear();
        self.row_errors.clear();
        let template = &self.catalog.template;
        let wanted = template.is_wanted(&variables);
        if let Ok(Wanted::No) = wanted {
            return false;
        }
        if let Ok(Wanted::Yes) = wanted {
            self.shape = self.wrong_cells();
            if !self.shape.is_empty() {
                // Errors of cells are reported once per row. Texts that do not use these cells are still checked.
                self.combination = self.catalog.combinations();
            }
            for (field, text) in &template.fields {
                if !self.shape.is_empty() && self.names_wrong(*field) {
                    self.rendered.push((*field, Rendered::Refused));
                    continue;
                }
                let hole = self.hole(*field).map(Unfilled::Wrong);
                let rendered = hole.map_or_else(|| text.render(&variables), Err).unwrap_or_else(|unfilled| {
                    self.row_errors.push(self.row_error(unfilled));
                    Rendered::Refused
                });
                self.rendered.push((*field, rendered));
            }
            self.take_overrides();
        } else {
            // It is unknown whether the job is wanted, so only literal texts are checked, which are the same for every
            // row.
            let row_error = wanted.err().map(|unfilled| self.row_error(unfilled));
            if row_error.as_ref().is_some_and(|row_error| self.is_of_row(row_error)) {
                self.combination = self.catalog.combinations();
            }
            self.row_errors.extend(row_error);
            self.rendered.extend(Field::ALL.map(|field| (field, Rendered::Refused)));
            for (field, text) in template.fields.iter().filter(|(_, text)| text.is_literal()) {
                let rendered = text.render(&variables).unwrap_or(Rendered::Refused);
                self.rendered.push((*field, rendered));
            }
        }
        true
    }

    /// Returns the error of a text that cannot be rendered.
    fn row_error(&self, unfilled: Unfilled) -> RowError {
        let (name, span) = match unfilled {
            Unfilled::Wrong(row_error) => return row_error,
            Unfilled::Missing { name, span } => (name, span),
        };
        let own =
            self.own.iter().map(|(name, _)| name.as_str()).filter(|own| !self.catalog.template.uses(&snake_case(own)));
        let hint = suggest::missing(&name, &name, own);
        // Rows of a list are written by hand, so the row probably has a typo. In other sources, all rows may lack the
        // name.
        let at = match self.catalog.rows {
            RowSource::List(_) => At::OfRow(Box::new(At::Row)),
            _ => At::Source(span),
        };
        RowError::new(at, format!("the row has no {}, which the template names", quoted(&name)), hint)
    }

    /// Replaces rendered texts by the cells that override them.
    fn take_overrides(&mut self) {
        for (name, (_, cell)) in self.names.iter().zip(&self.own) {
            if let Some(field) = self.won_by(name, cell) {
                self.rendered.retain(|(rendered, _)| *rendered != field);
                self.rendered.push((field, Rendered::Own(cell.clone())));
            }
        }
    }

    /// Returns the field that a cell overrides.
    pub(super) fn won_by(&self, name: &str, cell: &str) -> Option<Field> {
        let template = &self.catalog.template;
        // A row's own id can identify only one job.
        let wins = |field: &Field| match field {
            Field::Id => self.catalog.combinations() == 1 && !template.gives(Field::Id),
            field => OVERRIDES.contains(field) && !template.mentions(*field),
        };
        if cell.trim().is_empty() { None } else { Field::from_key(name).filter(wins) }
    }

    /// Returns the hint for a field whose text is empty. Exports may contain rows that are not products of their own.
    fn empty_value_hint(&self, field: Field) -> Option<String> {
        let is_empty = |rendered: &Rendered| match rendered {
            Rendered::Text(text) => text.trim().is_empty(),
            Rendered::List(texts) => texts.is_empty(),
            Rendered::Own(_) | Rendered::Refused => false,
        };
        self.rendered.iter().find(|(known, rendered)| *known == field && is_empty(rendered))?;
        self.catalog.template.names_of(field).next().map(leave_out_hint)
    }

    /// Returns a description of the row, for messages that point at a template.
    fn row_name(&self) -> String {
        let line = self.rows.line();
        if let (RowSource::Pictures(_), Some((_, file))) = (&self.catalog.rows, self.own.first()) {
            return format!("for {file}");
        }
        match self.catalog.rows.file() {
            Some(file) => format!("for the row on line {line} of {file}"),
            None => format!("for the row on line {line}"),
        }
    }
}

/// Returns a message without the values that it quotes and the line that it names.
fn without_values(message: &str) -> String {
    let message = message.split(": line ").next().unwrap_or(message);
    message.split('`').step_by(2).collect()
}

impl RowCursor for CatalogJobs<'_> {
    fn rewind(&mut self) {
        self.rows.rewind();
        self.has_row = false;
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        while self.next_combination()? {
            if self.render() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn line(&self) -> u64 {
        self.rows.line()
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        let mut row = Row::default();
        for (field, rendered) in &self.rendered {
            let value = match rendered {
                Rendered::Text(text) | Rendered::Own(text) => Value::Text(text),
                Rendered::List(items) => Value::List(Items::Texts(items)),
                Rendered::Refused => Value::Refused,
            };
            row.set(*field, value);
        }
        let of_row =
            |row_error: &RowError| RowError { at: At::OfRow(row_error.at.clone().into()), ..row_error.clone() };
        (row, self.shape.iter().map(of_row).chain(self.row_errors.iter().cloned()).collect())
    }

    fn columns(&self) -> Vec<(String, String)> {
        let entries = self.catalog.combination(self.combination - 1);
        let axes = entries.iter().flat_map(|entry| &entry.columns);
        self.own.iter().chain(axes).cloned().collect()
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        if let At::OfRow(at) = row_error.at {
            return self.rows.diagnostic(RowError { at: *at, ..row_error });
        }
        let field = row_error.at.field();
        let is_own =
            self.rendered.iter().any(|(known, value)| Some(*known) == field && matches!(value, Rendered::Own(_)));
        let span = match &row_error.at {
            At::Source(span) => Some(span.clone()),
            _ => field.filter(|_| !is_own).and_then(|field| self.catalog.template.source_span(field)),
        };
        let Some(span) = span else {
            let own = field.filter(|_| is_own);
            let at = own.map_or(At::Row, |field| At::Column(field.key().to_owned()));
            let way = own.filter(|field| *field != Field::Prompt).map(|field| {
                let name = field.key();
                format!("if the column means something else, rename it, as in `product_{name}`")
            });
            let hint = row_error.hint.into_iter().chain(way).reduce(|hint, way| format!("{hint}; {way}"));
            return Diagnostic {
                same: Some(row_error.message.clone()),
                ..self.rows.diagnostic(RowError { at, hint, message: row_error.message })
            };
        };
        let message = format!("{}, {}", row_error.message, self.row_name());
        let hint = field.and_then(|field| self.empty_value_hint(field)).or(row_error.hint);
        // Ids, sizes and seeds differ between rows, but their errors have the same cause.
        let is_single = !matches!(field, None | Some(Field::Images | Field::Prompt | Field::Color));
        let same = Some(if is_single { without_values(&row_error.message) } else { row_error.message });
        Diagnostic { same, ..self.source.error_on(&self.catalog.text, &span, message, hint) }
    }

    fn defaults(&self) -> &Defaults {
        &self.catalog.defaults
    }

    fn gap(&self) -> Option<&str> {
        self.empty(self.catalog.template.missed())
    }

    fn has_id_cell(&self, is: fn(&str) -> bool) -> bool {
        self.has_cell_of_id(is)
    }

    fn duplicates_hint(&self) -> String {
        let is_named = |axis: &&str| self.catalog.template.names_of(Field::Id).any(|name| name == *axis);
        let axes: BTreeSet<&str> = self.catalog.matrix.iter().map(|axis| &*axis.name).collect();
        match axes.into_iter().find(|axis| !is_named(axis)) {
            Some(axis) => format!(
                "let the template's `id` use what differs between rows and parts of the matrix, such as `{axis}`"
            ),
            None => "let the template's `id` use a column that differs from row to row".to_owned(),
        }
    }
}
