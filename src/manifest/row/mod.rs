//! A row of any kind of manifest, and the job that is made of it.
//!
//! ```text
//! reader       the known columns of a row, each checked
//! understand   a row and what holds for all rows, to a job
//! color        a color column
//! derived_id   the id of a row that has none
//! spreadsheet  what spreadsheets make of cells
//! complaint    something wrong with a row, and where
//! ```

mod color;
mod complaint;
mod derived_id;
mod reader;
mod spreadsheet;
mod understand;

pub(super) use complaint::{At, Complaint};
pub(super) use reader::Reader;
pub(super) use spreadsheet::lost;
pub(super) use understand::{Defaults, Said, pictures, understand};

use memchr::{memchr, memchr_iter};

use super::blank::{trim, trim_start};

/// A column of a manifest that the program understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Id,
    Prompt,
    Images,
    Size,
    Seed,
    SyncMode,
    Base64Output,
    SafetyChecker,
    Color,
}

impl Field {
    pub(super) const KEYS: [&'static str; 9] = [
        "id",
        "prompt",
        "images",
        "size",
        "seed",
        "enable_sync_mode",
        "enable_base64_output",
        "enable_safety_checker",
        "color",
    ];

    pub(super) const ALL: [Field; 9] = [
        Field::Id,
        Field::Prompt,
        Field::Images,
        Field::Size,
        Field::Seed,
        Field::SyncMode,
        Field::Base64Output,
        Field::SafetyChecker,
        Field::Color,
    ];

    pub(super) fn key(self) -> &'static str {
        Field::KEYS[self as usize]
    }

    pub(super) fn from_key(key: &str) -> Option<Field> {
        Field::KEYS.iter().position(|known| *known == key).map(|index| Field::ALL[index])
    }
}

/// What a row says in one of its known columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Nothing: no such column, an empty cell, a null.
    #[default]
    Absent,
    /// A text.
    Text(&'a str),
    /// Several texts.
    List(Vec<&'a str>),
    /// Something of which it was said already that it is wrong.
    Refused,
}

/// A row of any kind of manifest, before it is a job.
#[derive(Clone, Debug, Default)]
pub(super) struct Row<'a> {
    values: [Value<'a>; Field::ALL.len()],
}

impl<'a> Row<'a> {
    /// A row of which everything was said already.
    pub(super) fn refused() -> Row<'a> {
        Row { values: std::array::from_fn(|_| Value::Refused) }
    }

    pub(super) fn set(&mut self, field: Field, value: Value<'a>) {
        self.values[field as usize] = value;
    }

    fn get(&self, field: Field) -> &Value<'a> {
        &self.values[field as usize]
    }

    /// Whether it was said already that the id is wrong.
    pub(super) fn is_id_refused(&self) -> bool {
        *self.get(Field::Id) == Value::Refused
    }

    /// Where the image with this number stands.
    pub(super) fn image(&self, number: usize) -> At {
        self.images().nth(number).map_or(At::Field(Field::Images), |(at, _)| at)
    }

    /// How many images there are.
    fn image_count(&self) -> usize {
        match self.get(Field::Images) {
            Value::Absent | Value::Refused => 0,
            Value::Text(text) => match memchr(b'|', text.as_bytes()) {
                // Nearly all have one.
                None => 1,
                Some(first) => 2 + memchr_iter(b'|', &text.as_bytes()[first + 1..]).count(),
            },
            Value::List(items) => items.len(),
        }
    }

    /// The images, each with its place.
    fn images(&self) -> impl Iterator<Item = (At, &'a str)> {
        let (text, items) = match self.get(Field::Images) {
            Value::Absent | Value::Refused => (None, &[][..]),
            Value::Text(text) => (Some(*text), &[][..]),
            Value::List(items) => (None, items.as_slice()),
        };
        let mut start = 0;
        let mut rest = text;
        let parts = std::iter::from_fn(move || {
            let text = rest?;
            let end = memchr(b'|', text.as_bytes());
            rest = end.map(|end| &text[end + 1..]);
            Some(&text[..end.unwrap_or(text.len())])
        });
        let parts = parts.map(move |part| {
            let span = start..start + part.len();
            start = span.end + 1;
            let from = span.end - trim_start(part).len();
            (At::Part(Field::Images, from..from + trim(part).len()), trim(part))
        });
        let items = items.iter().enumerate();
        parts.chain(items.map(|(index, item)| (At::Item(Field::Images, index), trim(item))))
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
