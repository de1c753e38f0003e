//! A row of a manifest in any format, and the job that is made from it.
//!
//! ```text
//! reader       parses and checks the known columns of a row
//! parsed       the values of the known columns of a row
//! parse_row    makes a job from a row and the defaults
//! color        parses colors
//! derived_id   ids of rows that have none
//! spreadsheet  cells that a spreadsheet has changed
//! formula      errors of failed formulas
//! image        parses images
//! nothing      texts without content
//! row_error    an error of a row, with its location
//! ```

mod color;
mod derived_id;
mod formula;
pub(super) mod image;
mod nothing;
mod parse_row;
mod parsed;
mod reader;
mod row_error;
mod spreadsheet;

pub(super) use nothing::is_missing_value;
pub(super) use parse_row::{Defaults, parse_row, pictures};
pub(super) use parsed::ParsedRow;
pub(super) use reader::Reader;
pub(super) use row_error::{At, RowError};
pub(super) use spreadsheet::lost;

use memchr::memchr;

use super::field::Field;
use super::node::Node;
use super::whitespace::{trim, trim_start};

/// The value of a known column of a row. It borrows its text, because a manifest may have a million rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Value<'a> {
    /// There is no such column, or it is empty or null.
    #[default]
    Absent,
    /// A text.
    Text(&'a str),
    /// Several texts.
    List(Items<'a>),
    /// A value whose error was already reported.
    Refused,
}

/// The texts of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Items<'a> {
    Texts(&'a [String]),
    /// Nodes, each of which is a single value.
    Nodes(&'a [Node]),
}

impl<'a> Items<'a> {
    fn iter(self) -> impl Iterator<Item = &'a str> {
        let (texts, nodes) = match self {
            Items::Texts(texts) => (texts, &[][..]),
            Items::Nodes(nodes) => (&[][..], nodes),
        };
        texts.iter().map(String::as_str).chain(nodes.iter().filter_map(Node::scalar))
    }
}

/// A row of a manifest in any format, before it becomes a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row<'a> {
    values: [Value<'a>; Field::ALL.len()],
}

impl<'a> Row<'a> {
    /// Returns a row whose errors were all reported already.
    pub(super) fn refused() -> Row<'a> {
        Row { values: [Value::Refused; Field::ALL.len()] }
    }

    pub(super) fn set(&mut self, field: Field, value: Value<'a>) {
        self.values[field as usize] = value;
    }

    fn get(&self, field: Field) -> Value<'a> {
        self.values[field as usize]
    }

    /// Whether the error of the id was already reported.
    pub(super) fn is_id_refused(&self) -> bool {
        matches!(self.get(Field::Id), Value::Refused)
    }

    /// Returns the location of image number `number`.
    pub(super) fn image(&self, number: usize) -> At {
        match self.get(Field::Images) {
            Value::Text(text) => {
                let before: usize = text.split('|').take(number).map(|part| part.len() + 1).sum();
                text.split('|').nth(number).map_or(At::Field(Field::Images), |part| {
                    let from = before + part.len() - trim_start(part).len();
                    At::Part(Field::Images, from..from + trim(part).len())
                })
            }
            Value::List(items) if number < items.iter().count() => At::Item(Field::Images, number),
            _ => At::Field(Field::Images),
        }
    }

    /// Returns the texts that name the images.
    fn images(&self) -> impl Iterator<Item = &'a str> {
        let (mut text, mut items) = match self.get(Field::Images) {
            Value::Absent | Value::Refused => (None, None),
            Value::Text(text) => (Some(text), None),
            Value::List(items) => (None, Some(items.iter())),
        };
        std::iter::from_fn(move || {
            let Some(parts) = text else { return items.as_mut()?.next().map(trim) };
            let end = memchr(b'|', parts.as_bytes());
            text = end.map(|end| &parts[end + 1..]);
            Some(trim(&parts[..end.unwrap_or(parts.len())]))
        })
    }

    /// Returns the id as written, for messages.
    pub(super) fn id(&self) -> Option<&'a str> {
        match self.get(Field::Id) {
            Value::Text(text) => Some(trim(text)).filter(|id| !id.is_empty()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
