use std::path::Path;

use memchr::{memchr, memchr_iter};

use crate::bytes;
use crate::job::{Hex, ImageRef, ImageRefs, JobIdRef, MAX_IMAGES, Seed, Size, Switches};
use crate::manifest::diagnostic::quoted;
use crate::manifest::suggest;
use crate::manifest::whitespace::{trim, trim_start};

use super::color::{color, hex_in_capitals};
use super::formula::{FORMULA_HINT, failed_formula};
use super::image::{ImageRefusal, image, is_picture_name};
use super::nothing::{asks_for_nothing, stands_for_nothing};
use super::spreadsheet::lost;
use super::{At, Field, ParsedRow, Row, RowError, Value};

/// The minimum length of a prompt, in bytes, from which on it is not checked for being an instruction.
const MIN_UNCHECKED_BYTES: usize = 16;

/// The hint for a prompt that is not an instruction.
const PROMPT: &str = "describe the change, as in: Change the mug's color to #1E90FF (ocean)";

/// Parses the columns of a row, and collects its errors.
pub(in crate::manifest) struct Reader<'r, 'a> {
    row: &'r Row<'a>,
    folder: &'r Path,
    row_errors: Vec<RowError>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(in crate::manifest) fn new(row: &'r Row<'a>, folder: &'r Path) -> Reader<'r, 'a> {
        Reader { row, folder, row_errors: Vec::new() }
    }

    pub(in crate::manifest) fn into_errors(self) -> Vec<RowError> {
        self.row_errors
    }

    /// Parses all known columns of the row except its id.
    pub(in crate::manifest) fn parse(&mut self) -> ParsedRow<'a> {
        ParsedRow {
            prompt: self.prompt(),
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

    fn report(&mut self, at: At, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.row_errors.push(RowError::new(at, message, hint));
    }

    /// Returns the text of a column that takes a single text, if it is not blank.
    #[inline]
    fn text(&mut self, field: Field) -> Option<&'a str> {
        match self.row.get(field) {
            Value::Absent => None,
            Value::Text(text) if begins_plainly(text) => Some(text),
            _ => self.odd_text(field),
        }
    }

    /// Returns the text of a column after checking that it is not a list, not blank, and not changed by a spreadsheet.
    #[cold]
    fn odd_text(&mut self, field: Field) -> Option<&'a str> {
        match self.row.get(field) {
            Value::Text(text) => match lost(text) {
                None => Some(text).filter(|text| !trim_start(text).is_empty()),
                Some(refusal) => {
                    self.report(At::Field(field), refusal.message, refusal.hint);
                    None
                }
            },
            Value::List(_) => {
                let message = format!("`{}` is a list, but must be one value", field.key());
                let hint = match field {
                    Field::Prompt => "write one text; for several edits of a picture, a job each, or a `matrix`",
                    _ => "keep one of them",
                };
                self.report(At::Field(field), message, hint.to_owned());
                None
            }
            Value::Absent | Value::Refused => None,
        }
    }

    /// Returns the prompt. Damaged prompts are refused, because they would cost as much as any other.
    fn prompt(&mut self) -> Option<&'a str> {
        let text = self.text(Field::Prompt)?;
        if text.len() < MIN_UNCHECKED_BYTES {
            let text = trim(text);
            if let Some(refusal) = lost(text) {
                self.report(At::Field(Field::Prompt), refusal.message, refusal.hint);
                return None;
            }
            if asks_for_nothing(text) {
                let message = format!("the prompt is {}, which is not an instruction", quoted(text));
                self.report(At::Field(Field::Prompt), message, PROMPT.to_owned());
                return None;
            }
        }
        // A Chinese prompt has no spaces between words, and may end with the name of an image.
        let is_word = || !trim(text).contains(char::is_whitespace) && (text.is_ascii() || text.starts_with("http"));
        // Nearly all prompts have a space near their start.
        if memchr(b' ', trim(text).as_bytes()).is_none() && is_word() && is_picture_name(text) {
            let what = if text.starts_with("http") { "a URL" } else { "the name of a picture" };
            let hint = format!("{PROMPT}; are two columns swapped?");
            self.report(At::Field(Field::Prompt), format!("the prompt is {what} and nothing else"), hint);
            return None;
        }
        // Few prompts contain characters beyond ASCII, or the marks of failed formulas. Errors without a mark begin
        // with a `#` and a capital that is not a hex digit.
        let is_plain = |byte: u8| (b' '..0x80).contains(&byte) & (byte != b'!') & (byte != b'?') & (byte != b'/');
        let is_word = |at: usize| matches!(text.as_bytes().get(at + 1), Some(b'G'..=b'Z'));
        if !bytes::all_match(text.as_bytes(), is_plain) || memchr_iter(b'#', text.as_bytes()).any(is_word) {
            self.check_letters(text);
        }
        Some(text)
    }

    /// Checks a prompt that contains uncommon characters.
    fn check_letters(&mut self, prompt: &str) {
        let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t');
        if let Some(failed) = failed_formula(prompt) {
            self.report(At::Field(Field::Prompt), format!("the prompt {failed}"), FORMULA_HINT.to_owned());
        } else if let Some(control) = prompt.bytes().find(is_control) {
            let message = format!("the prompt contains the control character U+{control:04X}");
            self.report(At::Field(Field::Prompt), message, "remove it, or export the table again".to_owned());
        } else if let Some(control) = prompt.chars().find(|letter| matches!(letter, '\u{80}'..='\u{9F}')) {
            let message = format!("the prompt contains the control character U+{:04X}", u32::from(control));
            let hint = "its letters were read in the wrong encoding: export the table again, as UTF-8";
            self.report(At::Field(Field::Prompt), message, hint.to_owned());
        } else if prompt.contains('\u{FFFD}') {
            let message = "the prompt contains `\u{FFFD}`, which replaces a lost letter";
            self.report(At::Field(Field::Prompt), message, "export the table again, as UTF-8".to_owned());
        }
    }

    pub(super) fn require(&mut self, field: Field, is_there: bool) {
        if is_there {
            return;
        }
        let is_reported = self.row_errors.iter().any(|row_error| row_error.at.field() == Some(field));
        if !is_reported && !matches!(self.row.get(field), Value::Refused) {
            let message = match self.row.get(field) {
                Value::Absent => format!("the row has no `{}`", field.key()),
                _ => format!("`{}` is empty", field.key()),
            };
            let hint = match field {
                Field::Images => "name a URL or a path relative to the manifest; several are separated by `|`",
                _ => PROMPT,
            };
            self.report(At::Field(field), message, hint.to_owned());
        }
    }

    pub(super) fn id(&mut self) -> Option<JobIdRef<'a>> {
        let text = trim(self.text(Field::Id)?);
        if stands_for_nothing(text) {
            let message = format!("the id is {}, which means a missing value", quoted(text));
            let hint = "leave the cell empty, and an id is derived from the row".to_owned();
            self.report(At::Field(Field::Id), message, hint);
            return None;
        }
        match JobIdRef::new(text) {
            Ok(id) => Some(id),
            Err(error) => {
                let hint = "it names the result's file: letters, digits, `-`, `_`, `.` and spaces inside are safe";
                self.report(At::Field(Field::Id), error.to_string(), hint.to_owned());
                None
            }
        }
    }

    fn size(&mut self) -> Option<Size> {
        let text = trim(self.text(Field::Size)?);
        let size = text.parse().or_else(|_| text.to_ascii_lowercase().parse()).ok();
        if size.is_none() {
            let hint = suggest::hint(text, Size::NAMES);
            self.report(At::Field(Field::Size), format!("unknown size {}", quoted(text)), hint);
        }
        size
    }

    fn seed(&mut self) -> Option<Seed> {
        let text = trim(self.text(Field::Seed)?);
        // Nearly all seeds have this form.
        if let (1..=5, true) = (text.len(), text.bytes().all(|byte| byte.is_ascii_digit()))
            && let Some(seed) = text.parse().ok().and_then(Seed::new)
        {
            return Some(seed);
        }
        // Spreadsheets and data frames may write whole numbers as `42.0`.
        let whole =
            text.trim_end_matches('0').strip_suffix('.').map_or(text, |_| text.split('.').next().unwrap_or(text));
        let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        let seed = is_number.then(|| whole.parse().ok().and_then(Seed::new)).flatten();
        if seed.is_some() && !has_thousands(text) {
            return seed;
        }
        let most = Seed::MAX;
        let (what, hint) = if has_thousands(text) {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let hint = format!("write only digits: {digits}, if you mean thousands");
            ("may mean thousands or a fraction", hint)
        } else if is_number {
            ("is over the largest one", format!("a whole number from 0 to {most}, or leave it out"))
        } else if text.strip_prefix('-').is_some_and(|text| text.parse::<u64>().is_ok()) {
            ("is below 0", format!("a whole number from 0 to {most}; leave it out for a random one"))
        } else if let Some(seed) = shortened_seed(text) {
            ("is shortened, as spreadsheets do", format!("write {seed}, if you mean that"))
        } else {
            ("is not a whole number", format!("a whole number from 0 to {most}, or leave it out"))
        };
        self.report(At::Field(Field::Seed), format!("seed {} {what}", quoted(text)), hint);
        None
    }

    fn switch(&mut self, field: Field) -> Option<bool> {
        let text = trim(self.text(field)?);
        let switch = match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        };
        if switch.is_none() {
            let message = format!("{} is neither true nor false", quoted(text));
            self.report(At::Field(field), message, "write true or false, or leave it out".to_owned());
        }
        switch
    }

    fn color(&mut self) -> Option<Hex> {
        // Nearly all colors have this form, but begin like the error of a failed formula.
        if let Value::Text(text) = self.row.get(Field::Color)
            && let Some(color) = hex_in_capitals(text)
        {
            return Some(color);
        }
        let text = trim(self.text(Field::Color)?);
        match color(text) {
            Ok(color) => Some(color),
            Err(hint) => {
                self.report(At::Field(Field::Color), format!("{} is not a color", quoted(text)), hint);
                None
            }
        }
    }

    fn images(&mut self) -> Option<ImageRefs<'a>> {
        let row = self.row;
        match row.get(Field::Images) {
            Value::Absent | Value::Refused => return None,
            Value::Text(_) => {
                let text = self.text(Field::Images)?;
                // Nearly all rows name one image.
                if memchr(b'|', text.as_bytes()).is_none() {
                    return self.source(0, trim(text)).map(ImageRefs::One);
                }
            }
            Value::List(_) => {}
        }
        let (mut count, earlier) = (0, self.row_errors.len());
        let sources = row.images().filter_map(|text| {
            count += 1;
            self.source(count - 1, text)
        });
        let sources = sources.collect();
        if count == 0 {
            self.report(At::Field(Field::Images), "`images` is empty", "name at least one picture".to_owned());
            return None;
        }
        if count > MAX_IMAGES {
            // If there are too many images, the errors of single images are dropped.
            self.row_errors.truncate(earlier);
            let message = format!("{count} images, but the API accepts at most {MAX_IMAGES}");
            self.report(At::Field(Field::Images), message, "drop some, or make several jobs of it".to_owned());
            return None;
        }
        Some(sources)
    }

    /// Parses `text` as image number `number`.
    fn source(&mut self, number: usize, text: &'a str) -> Option<ImageRef<'a>> {
        let refusal = if stands_for_nothing(text) {
            let message = format!("the image is {}, which means a missing value", quoted(text));
            ImageRefusal { message, hint: "name a URL or a path relative to the manifest".to_owned() }
        } else {
            match image(text, self.folder) {
                Ok(source) => return Some(source),
                Err(refusal) => refusal,
            }
        };
        self.report(self.row.image(number), refusal.message, refusal.hint);
        None
    }
}

/// Returns the seed that a number with an exponent stands for.
fn shortened_seed(text: &str) -> Option<u16> {
    let number = text.parse::<f64>().ok().filter(|number| text.contains(['e', 'E']) && number.fract() == 0.0)?;
    (0.0..=f64::from(Seed::MAX)).contains(&number).then_some(number as u16)
}

/// Whether three digits follow each dot or comma in a number, as in numbers with thousands separators.
fn has_thousands(number: &str) -> bool {
    let mut groups = number.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    let is_group = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    first.len() < number.len()
        && !first.is_empty()
        && is_group(first)
        && groups.all(|group| group.len() == 3 && is_group(group))
}

/// Whether the first byte shows that a text is neither blank nor a formula, as for nearly all texts.
fn begins_plainly(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9' | b'A'..=b'D' | b'F'..=b'Z' | b'a'..=b'z', ..])
}
