//! Manifests of a JSON object a line, as other programs write them.

use std::fmt;
use std::ops::Range;

use memchr::memchr;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use super::blocks::{Block, Blocks, Ends, Start};
use super::diagnostic::{Diagnostic, quoted};
use super::dialect;
use super::pass::{Parts, Pass, Use, parts};
use super::row::{At, Complaint, Field, Row, Value};
use super::source::Source;
use super::suggest;

/// A manifest of JSON lines.
#[derive(Debug)]
pub(super) struct Lines {
    /// Whether the objects are jobs, or rows for a template.
    use_as: Use,
}

impl Lines {
    /// Makes sure that there is a line at all.
    pub(super) fn open(source: &Source, use_as: Use) -> Result<Lines, Diagnostic> {
        let lines = Lines { use_as };
        for part in lines.parts(source, 1)? {
            if part?.advance()? {
                return Ok(lines);
            }
        }
        let hint = "write a JSON object a line, with `prompt` and `images`".to_owned();
        Err(Diagnostic::about_file(&source.name, "the manifest is empty", hint))
    }

    /// Its lines, each of which stands for `jobs` jobs.
    pub(super) fn parts<'l>(&self, source: &'l Source, jobs: usize) -> Result<Parts<'l>, Diagnostic> {
        let file = source.reader(0).map_err(|error| source.failed(&error))?;
        let use_as = self.use_as;
        let pass = move |block: Block| LinePass {
            source,
            use_as,
            next: 0,
            next_line: block.line,
            block,
            span: 0..0,
            line: 0,
            pairs: Vec::new(),
            wrong: None,
        };
        Ok(parts(source, Blocks::new(file, Ends::Lines, Start::TEXT, jobs), pass))
    }
}

/// Lines of a text.
struct LinePass<'l> {
    source: &'l Source,
    use_as: Use,
    block: Block,
    /// Where the next line begins in the block.
    next: usize,
    next_line: u64,
    /// Where the line stands in the block, without its end.
    span: Range<usize>,
    line: u64,
    pairs: Vec<(String, Cell)>,
    wrong: Option<Complaint>,
}

/// The pairs of a JSON object in their order, repeated keys too.
struct Object(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// A value of an object.
enum Cell {
    Null,
    Text(String),
    List(Vec<String>),
    /// A map, or a list with more than single values in it, as it is written.
    Deep(String),
}

impl Pass for LinePass<'_> {
    fn rewind(&mut self) {
        (self.next, self.next_line) = (0, self.block.line);
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        loop {
            let rest = &self.block.text[self.next..];
            if rest.is_empty() {
                return Ok(false);
            }
            let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            self.span = self.next..self.next + rest[..end].trim_end().len();
            self.next = (self.next + end + 1).min(self.block.text.len());
            (self.line, self.next_line) = (self.next_line, self.next_line + 1);
            if !self.text().trim().is_empty() {
                break;
            }
        }
        self.wrong = None;
        self.pairs.clear();
        match serde_json::from_str::<Object>(self.text()) {
            Ok(Object(pairs)) => self.pairs.extend(pairs.into_iter().map(|(name, value)| (name, cell(value)))),
            Err(_) if self.text().trim() == "[" => {
                let hint = "write one object a line, without the brackets and commas of a list: jq -c '.[]'".to_owned();
                return Err(self.diagnostic(Complaint::new(At::Row, "a JSON list spans the lines", hint)));
            }
            Err(error) if error.is_data() => {
                let hint = "as in {\"prompt\": \"Make it #1E90FF\", \"images\": [\"https://…\"]}".to_owned();
                self.wrong = Some(Complaint::new(At::Row, "the line is no JSON object", hint));
            }
            Err(error) => {
                let at = error.column().saturating_sub(1).min(self.text().len());
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default().to_owned();
                let hint = match self.text().ends_with(',') {
                    true => "remove the comma at its end: the lines are no list",
                    false => "each line is one whole JSON object",
                };
                let hint = hint.to_owned();
                self.wrong = Some(Complaint::new(At::Source(at..at + 1), format!("no valid JSON: {message}"), hint));
            }
        }
        Ok(true)
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn row(&self) -> (Row<'_>, Vec<Complaint>) {
        let mut row = Row::default();
        let mut complaints: Vec<Complaint> = self.wrong.iter().cloned().collect();
        if !complaints.is_empty() {
            return (Row::refused(), complaints);
        }
        for (index, (name, cell)) in self.pairs.iter().enumerate() {
            if self.pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                let (at, message) = (self.last_place(name), format!("the key {} is there twice", quoted(name)));
                complaints.push(Complaint::new(At::Source(at), message, "keep one of them".to_owned()));
                continue;
            }
            let field = Field::from_key(name).filter(|_| self.use_as == Use::Jobs);
            let value = match cell {
                Cell::Null => Value::Absent,
                Cell::Text(text) => Value::Text(text),
                Cell::List(items) => Value::List(items.iter().map(String::as_str).collect()),
                Cell::Deep(_) if field.is_none() => Value::Absent,
                Cell::Deep(_) => {
                    let message = format!("{} holds more than texts", quoted(name));
                    let at = self.place(name);
                    complaints.push(Complaint::new(At::Source(at), message, "write it as a text".to_owned()));
                    Value::Refused
                }
            };
            if let Some(field) = field {
                row.set(field, value);
            } else if let Some(near) = self.meant(name) {
                Field::from_key(near).into_iter().for_each(|field| row.set(field, Value::Refused));
                let (at, message) = (At::Source(self.place(name)), format!("unknown column {}", quoted(name)));
                complaints.push(Complaint::new(at, message, format!("did you mean `{near}`?")));
            }
        }
        (row, complaints)
    }

    fn columns(&self) -> Vec<(String, String)> {
        let is_own = |name: &str| self.use_as == Use::Catalog || Field::from_key(name).is_none();
        let own = self.pairs.iter().filter(|(name, _)| is_own(name));
        own.map(|(name, cell)| {
            let text = match cell {
                Cell::Null => String::new(),
                Cell::Text(text) | Cell::Deep(text) => text.clone(),
                Cell::List(items) => items.join("|"),
            };
            (name.clone(), text)
        })
        .collect()
    }

    fn diagnostic(&self, complaint: Complaint) -> Diagnostic {
        let text = self.text();
        let span = match &complaint.at {
            At::Row | At::Column(_) | At::OfRow(_) => 0..text.len(),
            At::Source(span) => span.clone(),
            At::Field(field) | At::Part(field, _) | At::Item(field, _) => self.place(field.key()),
        };
        self.source.error_in(text, self.line, &span, complaint.message, complaint.hint)
    }
}

impl LinePass<'_> {
    /// The line without spaces at its end.
    fn text(&self) -> &str {
        &self.block.text[self.span.clone()]
    }

    fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// The column that jobs need, that is not there, and that was probably meant by `name`.
    fn meant(&self, name: &str) -> Option<&'static str> {
        let near = || suggest::nearest(name, ["prompt", "images"]);
        let meant = dialect::alias(&dialect::snake_case(name)).map(Field::key).or_else(near)?;
        (self.use_as == Use::Jobs && !self.has(meant)).then_some(meant)
    }

    /// Where the key `name` stands in the line for the last time.
    fn last_place(&self, name: &str) -> Range<usize> {
        let key = Json::from(name).to_string();
        self.text().rfind(&key).map_or(0..0, |at| at..at + key.len())
    }

    /// Where the key `name` stands in the line.
    fn place(&self, name: &str) -> Range<usize> {
        let key = Json::from(name).to_string();
        self.text().find(&key).map_or(0..self.text().len(), |at| at..at + key.len())
    }
}

fn cell(value: Json) -> Cell {
    let single = |value: Json| match value {
        Json::String(text) => Some(text),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(is_so) => Some(is_so.to_string()),
        _ => None,
    };
    match value {
        Json::Null => Cell::Null,
        Json::Array(items) => {
            let singles: Option<Vec<String>> = items.iter().cloned().map(single).collect();
            singles.map_or_else(|| Cell::Deep(Json::Array(items).to_string()), Cell::List)
        }
        Json::Object(_) => Cell::Deep(value.to_string()),
        other => single(other).map_or(Cell::Null, Cell::Text),
    }
}
