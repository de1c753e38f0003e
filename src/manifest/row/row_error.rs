use std::ops::Range;

use super::Field;

/// An error of a row. The cursor over the rows knows its location in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::manifest) struct RowError {
    pub(in crate::manifest) at: At,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: Option<String>,
}

/// A location in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::manifest) enum At {
    /// The row as a whole.
    Row,
    /// A column.
    Field(Field),
    /// A part of a column's text, in bytes.
    Part(Field, Range<usize>),
    /// A span of the text that is read, in bytes: of a row if rows are read one by one, otherwise of the manifest.
    Source(Range<usize>),
    /// An item of a column that is a list.
    Item(Field, usize),
    /// One of the user's own columns, by its name in templates.
    Column(String),
    /// A location in the row that a template is rendered with.
    OfRow(Box<At>),
}

impl RowError {
    pub(in crate::manifest) fn new(at: At, message: impl Into<String>, hint: impl Into<Option<String>>) -> RowError {
        RowError { at, message: message.into(), hint: hint.into() }
    }
}

impl At {
    pub(in crate::manifest) fn field(&self) -> Option<Field> {
        match self {
            At::Row | At::Source(_) | At::Column(_) | At::OfRow(_) => None,
            At::Field(field) | At::Part(field, _) | At::Item(field, _) => Some(*field),
        }
    }
}
