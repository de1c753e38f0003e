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
        self.images().into_iter().nth(number).map_or(At::Field(Field::Images), |(at, _)| at)
    }

    /// The images, each with its place.
    fn images(&self) -> Vec<(At, &'a str)> {
        match self.get(Field::Images) {
            Value::Absent | Value::Refused => Vec::new(),
            Value::Text(text) => {
                let mut start = 0;
                text.split('|')
                    .map(|part| {
                        let span = start..start + part.len();
                        start = span.end + 1;
                        let from = span.start + part.len() - part.trim_start().len();
                        (At::Part(Field::Images, from..from + part.trim().len()), part.trim())
                    })
                    .collect()
            }
            Value::List(items) => {
                let numbered = items.iter().enumerate();
                numbered.map(|(index, item)| (At::Item(Field::Images, index), item.trim())).collect()
            }
        }
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
    /// Bytes of the text that is read: of a row where rows are read one by one, and else of the manifest.
    Source(Range<usize>),
    /// One item of a column that is a list.
    Item(Field, usize),
    /// A column of the user's own, by its name in templates.
    Column(String),
    /// A part of the row that a template is filled with.
    OfRow(Box<At>),
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
    reader.require(Field::Prompt, own.prompt.is_some() || defaults.prompt.is_some());
    reader.require(Field::Images, own.images.is_some() || defaults.images.is_some());
    if !reader.complaints.is_empty() {
        return Err(reader.complaints);
    }
    let id = id.unwrap_or_else(|| derived_id(row, own.images.as_deref().unwrap_or_default()));
    let (prompt, images) =
        (own.prompt.or_else(|| defaults.prompt.clone()), own.images.or_else(|| defaults.images.clone()));
    let (Some(prompt), Some(images)) = (prompt, images) else {
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
            Value::Text(text) if is_formula_error(text) => {
                let message = format!("{} is what a spreadsheet shows for a formula that failed", quoted(text.trim()));
                self.complain(
                    At::Field(field),
                    message,
                    "mend the formula in the spreadsheet, and save it again".to_owned(),
                );
                None
            }
            Value::Text(text) => Some(*text).filter(|text| !text.trim().is_empty()),
            Value::List(_) => {
                let message = format!("`{}` is a list, and takes one value", field.key());
                let hint = match field {
                    Field::Prompt => "write one text; for several edits of a picture, a job each, or a `matrix`",
                    _ => "keep one of them",
                };
                self.complain(At::Field(field), message, hint.to_owned());
                None
            }
            Value::Absent | Value::Refused => None,
        }
    }

    fn require(&mut self, field: Field, is_there: bool) {
        if is_there {
            return;
        }
        let said = self.complaints.iter().any(|complaint| complaint.at.field() == Some(field));
        if !said && *self.row.get(field) != Value::Refused {
            let message = match self.row.get(field) {
                Value::Absent => format!("the row has no `{}`", field.key()),
                _ => format!("`{}` is empty", field.key()),
            };
            let hint = match field {
                Field::Images => "name a URL or a path relative to the manifest; several are separated by `|`",
                _ => "say what to change, as in: Change the mug's color to #1E90FF (ocean)",
            };
            self.complain(At::Field(field), message, hint.to_owned());
        }
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
        let known = Size::NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(text));
        let size = known.and_then(|name| name.parse().ok());
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
        let parts = match row.get(Field::Images) {
            Value::Absent | Value::Refused => return None,
            Value::Text(_) if self.text(Field::Images).is_none() => return None,
            Value::Text(_) | Value::List(_) => row.images(),
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
            At::Row | At::Source(_) | At::Column(_) | At::OfRow(_) => None,
            At::Field(field) | At::Part(field, _) | At::Item(field, _) => Some(*field),
        }
    }
}

/// `text`, a hex or CSS color, as `#RRGGBB` in capitals; otherwise a hint.
pub(super) fn color(text: &str) -> Result<String, String> {
    if text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_uppercase());
    }
    let expected = || "a hex color such as #1E90FF, or a CSS color name".to_owned();
    if let Some(hint) = lost_in_a_spreadsheet(text) {
        return Err(hint);
    }
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

/// The way out where a spreadsheet took a hex without its `#` for a number: `008080` is 8080 then.
fn lost_in_a_spreadsheet(text: &str) -> Option<String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (1..6).contains(&text.len()) {
        return Some(format!(
            "write `#` before the hex digits; if a spreadsheet took away zeros, it was `#{text:0>6}`"
        ));
    }
    let is_rounded = text.contains(['E', 'e']) && text.contains('+') && text.parse::<f64>().is_ok();
    is_rounded.then(|| "a spreadsheet took the hex for a number: write it with `#` in front".to_owned())
}

/// Whether a text is what spreadsheets leave where a formula failed: `#REF!`, `#NAME?`, `#N/A`, `Err:502`, in whatever
/// language they speak.
fn is_formula_error(text: &str) -> bool {
    let text = text.trim();
    if let Some(number) = text.strip_prefix("Err:") {
        return !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(name) = text.strip_prefix('#') else { return false };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_uppercase() || letter.is_numeric() || matches!(letter, '/' | '_'))
    };
    matches!(name, "N/A" | "NV" | "N/D" | "N/B") || name.strip_suffix(['!', '?']).is_some_and(is_name)
}

#[cfg(test)]
mod tests;
