//! A row of any kind of manifest, and the job that is made of it.
//!
//! ```text
//! reader       the known columns of a row, each checked
//! parsed       the values of the known columns of a row
//! parse_row    a row and what holds for all rows, to a job
//! color        a color column
//! derived_id   the id of a row that has none
//! spreadsheet  what spreadsheets make of cells
//! formula      what spreadsheets leave of a failed formula
//! image        the picture that a text names
//! nothing      texts without content
//! row_error    an error of a row, and where
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

/// The value of a known column of a row. It borrows its text: a million rows are made of these.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Value<'a> {
    /// Nothing: no such column, an empty cell, a null.
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
    /// Nodes that hold a text each.
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

/// A row of any kind of manifest, before it is a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row<'a> {
    values: [Value<'a>; Field::ALL.len()],
}

impl<'a> Row<'a> {
    /// A row whose errors were all reported already.
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

    /// Where the image with this number stands.
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

    /// The images.
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

    /// The id as written, for messages.
    pub(super) fn id(&self) -> Option<&'a str> {
        match self.get(Field::Id) {
            Value::Text(text) => Some(trim(text)).filter(|id| !id.is_empty()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
