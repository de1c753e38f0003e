mod derived_id;

use std::ops::Range;
use std::path::Path;

use crate::job::{EditRequest, ImageSource, Job, JobId, Seed, Size, Switches};

use super::diagnostic::quoted;
use super::suggest;

use derived_id::derived_id;

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
    pub(super) fn set(&mut self, field: Field, value: Value<'a>) {
        self.values[field as usize] = value;
    }

    fn get(&self, field: Field) -> &Value<'a> {
        &self.values[field as usize]
    }

    /// The id as written, for messages.
    pub(super) fn id(&self) -> Option<&'a str> {
        match self.get(Field::Id) {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }
}

/// Something wrong with a row. Whoever read the row knows its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) at: At,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// A part of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// The row as a whole.
    Row,
    /// One column.
    Field(Field),
    /// A part of a column's text, in bytes.
    Part(Field, Range<usize>),
    /// Bytes of the whole manifest.
    Source(Range<usize>),
    /// One item of a column that is a list.
    Item(Field, usize),
}

impl Complaint {
    pub(super) fn new(at: At, message: impl Into<String>, hint: impl Into<Option<String>>) -> Complaint {
        Complaint { at, message: message.into(), hint: hint.into() }
    }
}

/// What holds for every row that says nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    pub(super) prompt: Option<String>,
    pub(super) images: Option<Vec<ImageSource>>,
    pub(super) size: Option<Size>,
    pub(super) seed: Option<Seed>,
    pub(super) switches: Switches,
    pub(super) color: Option<String>,
}

/// The most images that the API takes.
const MAX_IMAGES: usize = 8;

/// Reads the columns of a row, and gathers what is wrong with it.
pub(super) struct Reader<'r, 'a> {
    row: &'r Row<'a>,
    folder: &'r Path,
    complaints: Vec<Complaint>,
}

/// Makes a job of `row`, or tells everything that is wrong with it.
pub(super) fn understand(
    row: &Row<'_>,
    defaults: &Defaults,
    model: &str,
    folder: &Path,
    line: u64,
) -> Result<Job, Vec<Complaint>> {
    let mut reader = Reader::new(row, folder);
    let own = reader.defaults();
    let id = reader.id();
    let prompt = reader.required(Field::Prompt, own.prompt.as_ref(), defaults.prompt.as_ref());
    let images = reader.required(Field::Images, own.images.as_ref(), defaults.images.as_ref());
    if !reader.complaints.is_empty() {
        return Err(reader.complaints);
    }
    let id = id.unwrap_or_else(|| derived_id(row, own.images.as_deref().unwrap_or_default()));
    let (Some(prompt), Some(images)) = (prompt.cloned(), images.cloned()) else {
        return Err(reader.complaints);
    };
    let switches = Switches {
        enable_sync_mode: own.switches.enable_sync_mode.or(defaults.switches.enable_sync_mode),
        enable_base64_output: own.switches.enable_base64_output.or(defaults.switches.enable_base64_output),
        enable_safety_checker: own.switches.enable_safety_checker.or(defaults.switches.enable_safety_checker),
    };
    Ok(Job {
        id,
        request: EditRequest {
            model: model.to_owned(),
            prompt,
            images,
            size: own.size.or(defaults.size),
            seed: own.seed.or(defaults.seed),
            switches,
        },
        color: own.color.or_else(|| defaults.color.clone()),
        columns: Vec::new(),
        line,
    })
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(row: &'r Row<'a>, folder: &'r Path) -> Reader<'r, 'a> {
        Reader { row, folder, complaints: Vec::new() }
    }

    pub(super) fn into_complaints(self) -> Vec<Complaint> {
        self.complaints
    }

    /// Everything that the row says but its id.
    pub(super) fn defaults(&mut self) -> Defaults {
        Defaults {
            prompt: self.text(Field::Prompt).map(str::to_owned),
            images: self.images(),
            size: self.size(),
            seed: self.seed(),
            switches: Switches {
                enable_sync_mode: self.switch(Field::SyncMode),
                enable_base64_output: self.switch(Field::Base64Output),
                enable_safety_checker: self.switch(Field::SafetyChecker),
            },
            color: self.color(),
        }
    }

    fn complain(&mut self, at: At, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.complaints.push(Complaint::new(at, message, hint));
    }

    /// The text of a column that takes one text and is not blank.
    fn text(&mut self, field: Field) -> Option<&'a str> {
        match self.row.get(field) {
            Value::Text(text) => Some(*text).filter(|text| !text.trim().is_empty()),
            Value::List(_) => {
                let message = format!("`{}` is a list, and takes one value", field.key());
                self.complain(At::Field(field), message, None);
                None
            }
            Value::Absent | Value::Refused => None,
        }
    }

    fn required<'v, T>(&mut self, field: Field, own: Option<&'v T>, default: Option<&'v T>) -> Option<&'v T> {
        let value = own.or(default);
        let said = self.complaints.iter().any(|complaint| complaint.at.field() == Some(field));
        if value.is_none() && !said && *self.row.get(field) != Value::Refused {
            let (at, message) = match self.row.get(field) {
                Value::Absent => (At::Row, format!("the row has no `{}`", field.key())),
                _ => (At::Field(field), format!("`{}` is empty", field.key())),
            };
            let hint = match field {
                Field::Images => "name a URL or a path relative to the manifest; several are separated by `|`",
                _ => "say what to change, as in: Change the mug's color to #1E90FF (ocean)",
            };
            self.complain(at, message, hint.to_owned());
        }
        value
    }

    fn id(&mut self) -> Option<JobId> {
        let text = self.text(Field::Id)?.trim();
        match JobId::new(text) {
            Ok(id) => Some(id),
            Err(error) => {
                let hint = "it names the result's file: letters, digits, `-`, `_`, `.` and spaces inside are safe";
                self.complain(At::Field(Field::Id), error.to_string(), hint.to_owned());
                None
            }
        }
    }

    fn size(&mut self) -> Option<Size> {
        let text = self.text(Field::Size)?.trim();
        let size = text.to_ascii_lowercase().parse().ok();
        if size.is_none() {
            let hint = suggest::hint(text, &Size::NAMES);
            self.complain(At::Field(Field::Size), format!("unknown size {}", quoted(text)), hint);
        }
        size
    }

    fn seed(&mut self) -> Option<Seed> {
        let text = self.text(Field::Seed)?.trim();
        // Spreadsheets and data frames write whole numbers as `42.0`.
        let whole =
            text.trim_end_matches('0').strip_suffix('.').map_or(text, |_| text.split('.').next().unwrap_or(text));
        let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        let seed = is_number.then(|| whole.parse().ok().and_then(Seed::new)).flatten();
        if seed.is_none() {
            let shown = quoted(text);
            let what = if is_number { "is over the largest one" } else { "is no whole number" };
            let hint = format!("a whole number from 0 to {}, or leave it out", Seed::MAX);
            self.complain(At::Field(Field::Seed), format!("seed {shown} {what}"), hint);
        }
        seed
    }

    fn switch(&mut self, field: Field) -> Option<bool> {
        let text = self.text(field)?.trim();
        let switch = match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        };
        if switch.is_none() {
            let message = format!("{} is neither true nor false", quoted(text));
            self.complain(At::Field(field), message, "write true or false, or leave it out".to_owned());
        }
        switch
    }

    fn color(&mut self) -> Option<String> {
        let text = self.text(Field::Color)?.trim();
        match color(text) {
            Ok(color) => Some(color),
            Err(hint) => {
                self.complain(At::Field(Field::Color), format!("{} is no color", quoted(text)), hint);
                None
            }
        }
    }

    fn images(&mut self) -> Option<Vec<ImageSource>> {
        let row = self.row;
        let parts: Vec<(At, &str)> = match row.get(Field::Images) {
            Value::Absent | Value::Refused => return None,
            Value::Text(text) if text.trim().is_empty() => return None,
            Value::Text(text) => {
                let mut start = 0;
                text.split('|')
                    .map(|part| {
                        let span = start..start + part.len();
                        start = span.end + 1;
                        (At::Part(Field::Images, span), part.trim())
                    })
                    .collect()
            }
            Value::List(items) => {
                let numbered = items.iter().enumerate();
                numbered.map(|(index, item)| (At::Item(Field::Images, index), item.trim())).collect()
            }
        };
        if parts.is_empty() {
            self.complain(At::Field(Field::Images), "`images` is empty", "name at least one picture".to_owned());
            return None;
        }
        if parts.len() > MAX_IMAGES {
            let message = format!("{} images, and the API takes {MAX_IMAGES} at most", parts.len());
            self.complain(At::Field(Field::Images), message, "drop some, or make several jobs of it".to_owned());
            return None;
        }
        let mut sources = Vec::with_capacity(parts.len());
        for (at, text) in parts {
            match super::image::image(text, self.folder) {
                Ok(source) => sources.push(source),
                Err(refusal) => self.complain(at, refusal.message, refusal.hint),
            }
        }
        Some(sources)
    }
}

impl At {
    pub(super) fn field(&self) -> Option<Field> {
        match self {
            At::Row | At::Source(_) => None,
            At::Field(field) | At::Part(field, _) | At::Item(field, _) => Some(*field),
        }
    }
}

/// `text`, a hex or CSS color, as `#RRGGBB` in capitals; otherwise a hint.
pub(super) fn color(text: &str) -> Result<String, String> {
    let expected = || "a hex color such as #1E90FF, or a CSS color name".to_owned();
    let parsed = csscolorparser::parse(text).map_err(|_| {
        let names = csscolorparser::NAMED_COLORS.keys().map(|name| name.as_str());
        match suggest::nearest(text, names) {
            Some(name) if !text.starts_with('#') => format!("did you mean `{name}`?"),
            _ => expected(),
        }
    })?;
    match parsed.to_rgba8() {
        [red, green, blue, 255] => Ok(format!("#{red:02X}{green:02X}{blue:02X}")),
        _ => Err("a color to reach has no transparency: write six hex digits".to_owned()),
    }
}

#[cfg(test)]
mod tests;
