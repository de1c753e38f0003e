//! Texts with {{ names }} in them, and the errors that they have before any row is read.
//!
//! ```text
//! compiled_text  one compiled text, rendered for each job
//! filters        filters that this program adds
//! number         hints for cells that are not numbers
//! words          the words of an expression
//! mistakes       errors that are found without a row
//! ```

mod compiled_text;
mod filters;
mod mistakes;
mod number;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use minijinja::Value as Variable;

use crate::manifest::diagnostic::quoted;
use crate::manifest::field::Field;
use crate::manifest::formats::catalog::rendered::Rendered;
use crate::manifest::node::Node;
use crate::manifest::row::{At, Reader, Row, RowError, Value};

use compiled_text::{Bareness, CompiledText, Nesting};
use words::Expression;

pub(super) use compiled_text::Unfilled;
pub(super) use mistakes::KnownNames;

/// The texts that make a job from a row.
#[derive(Debug)]
pub(in crate::manifest) struct Template {
    pub(super) fields: Vec<(Field, Text)>,
    condition: Option<Text>,
    /// The columns and axes that any text uses.
    names: BTreeSet<String>,
    /// The names that the condition tests for truth, without a comparison.
    switches: BTreeSet<String>,
    /// The names whose values are inserted between other text in the images.
    inserted: Vec<String>,
    /// The names whose empty values would leave a gap in the prompt or the id.
    missed: Vec<String>,
}

/// One value of the template: a text, or a list of texts.
#[derive(Debug)]
pub(in crate::manifest) struct Text {
    span: Range<usize>,
    parts: Vec<CompiledText>,
    /// The columns and axes that the text uses. They are needed for every job, and finding them means parsing the parts
    /// again.
    names: BTreeSet<String>,
    /// The names whose values are output, filtered or not, except those that the text also examines.
    pub(super) put: BTreeSet<String>,
    /// The names that an `if` tests for truth, without a comparison.
    pub(super) switches: BTreeSet<String>,
    is_list: bool,
    /// Whether its error was already reported.
    is_broken: bool,
}

impl Text {
    /// Compiles the texts of `nodes` in the manifest `text`. `span` is the span of the value.
    pub(super) fn compile(span: Range<usize>, nodes: &[&Node], is_list: bool, text: &str) -> Text {
        let parts = nodes.iter().map(|node| CompiledText::compile(node, text, Bareness::Text));
        Text::of(span, parts.collect(), is_list)
    }

    fn of(span: Range<usize>, parts: Vec<CompiledText>, is_list: bool) -> Text {
        let is_broken = parts.iter().any(|part| part.unread.is_some());
        let names = parts.iter().flat_map(|part| part.names(Nesting::Roots)).collect();
        let (mut put, mut looked_at) = (BTreeSet::new(), BTreeSet::new());
        let mut switches = switches(&parts, Asking::If);
        for expression in parts.iter().flat_map(CompiledText::expressions) {
            let name = |number: usize| expression.word(number).to_owned();
            let values = || expression.values();
            let is_said = |number: &usize| !expression.is_statement() && !expression.is_asked(*number);
            put.extend(values().filter(is_said).map(name));
            looked_at.extend(values().filter(|number| expression.is_looked_at(*number)).map(name));
        }
        // If a value is output as well, the condition only tests whether it is present.
        switches.retain(|name| !put.contains(name));
        put.retain(|name| !looked_at.contains(name));
        Text { span, parts, names, put, switches, is_list, is_broken }
    }

    /// Returns the errors of the parts that are not valid templates.
    pub(super) fn unread(&self) -> impl Iterator<Item = RowError> {
        self.parts.iter().filter_map(|part| part.unread.clone())
    }

    /// Compiles a condition: a text such as `{{ stock > 0 }}`, or the same expression without braces.
    pub(super) fn condition(node: &Node, text: &str) -> Result<Text, RowError> {
        let written = node.scalar().unwrap_or_default().trim();
        let bareness =
            if written.contains("{{") || written.contains("{%") { Bareness::Text } else { Bareness::Expression };
        let is_one = written.matches("{{").count() == 1 && written.starts_with("{{") && written.ends_with("}}");
        if bareness == Bareness::Text && !written.contains("{%") && !is_one {
            // Every text that is not empty is true, so no row would be excluded.
            let message = "the condition has text next to its braces, so it is true for every row";
            let hint = "write all of it inside of one pair of braces, as in `{{ stock | int > 1 }}`".to_owned();
            return Err(RowError::new(At::Source(node.span.clone()), message, hint));
        }
        Ok(Text::of(node.span.clone(), vec![CompiledText::compile(node, text, bareness)], false))
    }

    /// Returns a text at `span` whose error was already reported.
    pub(super) fn broken(span: Range<usize>) -> Text {
        Text { is_broken: true, ..Text::of(span, Vec::new(), false) }
    }

    pub(super) fn render(&self, variables: &Variable) -> Result<Rendered, Unfilled> {
        if self.is_broken {
            return Ok(Rendered::Refused);
        }
        let mut texts: Vec<String> = self.parts.iter().map(|part| part.render(variables)).collect::<Result<_, _>>()?;
        Ok(match self.is_list {
            // An item that renders to nothing is dropped, so that an image may be optional.
            true => Rendered::List(texts.into_iter().filter(|text| !text.trim().is_empty()).collect()),
            false => Rendered::Text(texts.pop().unwrap_or_default()),
        })
    }

    /// Whether it renders to the same text for every row.
    pub(super) fn is_literal(&self) -> bool {
        !self.is_broken && self.parts.iter().all(|part| part.expressions().is_empty())
    }

    /// Returns the names whose values are inserted unfiltered between other text.
    fn inserted(&self) -> Vec<String> {
        let is_alone = |part: &CompiledText, expressions: &[Expression<'_>]| {
            let written = part.written.trim();
            expressions.len() == 1 && written.starts_with("{{") && written.ends_with("}}")
        };
        let expressions = self.parts.iter().flat_map(|part| {
            let expressions = part.expressions();
            if is_alone(part, &expressions) { Vec::new() } else { expressions }
        });
        expressions.filter_map(|expression| expression.bare_name().map(str::to_owned)).collect()
    }

    /// Returns the names whose values are output in other text, filtered or not, without a default.
    fn output_names(&self) -> Vec<String> {
        self.parts.iter().flat_map(CompiledText::output_names).collect()
    }
}

/// Whether a job is wanted.
pub(super) enum Wanted {
    Yes,
    No,
    /// The condition has an error, which was already reported.
    Unknown,
}

impl Template {
    pub(super) fn new(fields: Vec<(Field, Text)>, condition: Option<Text>) -> Template {
        let of = |wanted: &[Field], names: fn(&Text) -> Vec<String>| -> Vec<String> {
            let texts = fields.iter().filter(|(field, _)| wanted.contains(field));
            texts.flat_map(|(_, text)| names(text)).collect()
        };
        let inserted = of(&[Field::Images], Text::inserted);
        let missed = of(&[Field::Id, Field::Prompt], Text::output_names);
        let texts = fields.iter().map(|(_, text)| text).chain(&condition);
        let names = texts.flat_map(|text| &text.names).cloned().collect();
        let switches = condition.as_ref().map(|text| switches(&text.parts, Asking::All)).unwrap_or_default();
        Template { fields, condition, names, switches, inserted, missed }
    }

    /// Evaluates the condition.
    pub(super) fn is_wanted(&self, variables: &Variable) -> Result<Wanted, Unfilled> {
        let Some(condition) = &self.condition else { return Ok(Wanted::Yes) };
        if condition.is_broken {
            return Ok(Wanted::Unknown);
        }
        let mut cells = self.switches.iter().filter_map(|name| Some((name, variables.get_attr(name).ok()?)));
        if let Some(wrong) = cells.find_map(|(name, cell)| taken_for_true(name, cell.as_str()?)) {
            return Err(RowError { at: At::OfRow(Box::new(wrong.at)), ..wrong }.into());
        }
        let text = condition.parts.iter().map(|part| part.render(variables)).collect::<Result<String, _>>()?;
        Ok(if text.trim().is_empty() || says_no(&text) { Wanted::No } else { Wanted::Yes })
    }

    /// Returns the errors of literal texts, which are the same for every row. It is used if rows cannot be read.
    pub(super) fn wrong_for_all(&self, folder: &Path) -> Vec<RowError> {
        let mut row = Row::default();
        for (field, text) in self.fields.iter().filter(|(_, text)| text.is_literal() && !text.is_list) {
            text.parts.iter().for_each(|part| row.set(*field, Value::Text(&part.written)));
        }
        let mut reader = Reader::new(&row, folder);
        reader.parse();
        let placed = reader.into_errors().into_iter().filter_map(|row_error| {
            let at = At::Source(self.source_span(row_error.at.field()?)?);
            Some(RowError { at, ..row_error })
        });
        placed.collect()
    }

    /// Whether the condition uses this column or axis.
    pub(super) fn asks(&self, name: &str) -> bool {
        self.condition.as_ref().is_some_and(|condition| condition.names.contains(name))
    }

    /// Returns the span of a field's text.
    pub(super) fn source_span(&self, field: Field) -> Option<Range<usize>> {
        self.fields.iter().find(|(known, _)| *known == field).map(|(_, text)| text.span.clone())
    }

    /// Whether the template has a text for a field.
    pub(super) fn gives(&self, field: Field) -> bool {
        self.fields.iter().any(|(known, _)| *known == field)
    }

    /// Whether any text uses this column.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Returns the columns and axes that any text uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether the text of a field uses the column of the same name, and so handles the row's own value itself.
    pub(super) fn mentions(&self, field: Field) -> bool {
        self.names_of(field).any(|name| name == field.key())
    }

    /// Returns the columns and axes that the text of a field uses.
    pub(super) fn names_of(&self, field: Field) -> impl Iterator<Item = &str> {
        let texts = self.fields.iter().filter(move |(known, _)| *known == field);
        texts.flat_map(|(_, text)| &text.names).map(String::as_str)
    }

    /// Returns the names whose values are inserted unfiltered between other text in the images.
    pub(super) fn inserted(&self) -> impl Iterator<Item = &str> {
        self.inserted.iter().map(String::as_str)
    }

    /// Returns the names whose empty values would leave a gap in the prompt or the id.
    pub(super) fn missed(&self) -> impl Iterator<Item = &str> {
        self.missed.iter().map(String::as_str)
    }

    fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        self.fields.iter_mut().map(|(_, text)| text).chain(&mut self.condition)
    }
}

/// Which parts of a text are conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// The whole text, because it is the template's condition.
    All,
    /// The conditions of its `if`s.
    If,
}

/// Returns the names that the conditions in `parts` test for truth, without a comparison. Names that are also compared
/// are excluded, because they may have any value: `note and note != 'no'`.
fn switches(parts: &[CompiledText], asking: Asking) -> BTreeSet<String> {
    let (mut switches, mut known) = (BTreeSet::new(), BTreeSet::new());
    for expression in parts.iter().flat_map(CompiledText::expressions) {
        let name = |number: usize| expression.word(number).to_owned();
        let is_asked = |number: &usize| asking == Asking::All || expression.is_asked(*number);
        switches.extend(expression.switches().filter(is_asked).map(name));
        known.extend(expression.values().filter(|number| expression.is_known(*number)).map(name));
    }
    switches.retain(|name| !known.contains(name));
    switches
}

/// Returns the error of a cell that means "no" but is true as a condition.
pub(super) fn taken_for_true(name: &str, cell: &str) -> Option<RowError> {
    says_no(cell).then(|| {
        let output_names = quoted(cell);
        let message = format!("{} is the text {output_names}, and every text is true in a condition", quoted(name));
        let hint = format!("compare it, as in `{name} != {}`", output_names.replace('`', "'"));
        RowError::new(At::Column(name.to_owned()), message, hint)
    })
}

/// Whether a text means "no" as the result of a condition.
fn says_no(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "false" | "0" | "no" | "none")
}
