use std::ops::Range;

use crate::manifest::diagnostic::{Diagnostic, quoted};
use crate::manifest::field::Field;
use crate::manifest::node::{Key, Kind, Node, repeated};
use crate::manifest::reading::lined_text::LinedText;
use crate::manifest::reading::source::Source;
use crate::manifest::row::{At, Defaults, Items, Row, RowError, Value};
use crate::manifest::row_cursor::{Parts, RowCursor, parts_of_list};
use crate::manifest::suggest;

/// The key of a job that contains the user's own columns.
pub(in crate::manifest) const COLUMNS: &str = "columns";

/// The jobs that a document lists.
#[derive(Debug)]
pub(in crate::manifest) struct Entries {
    text: LinedText,
    defaults: Defaults,
    jobs: Vec<Node>,
}

/// A cursor over some of the jobs.
struct EntryCursor<'e> {
    list: &'e Entries,
    source: &'e Source,
    jobs: &'e [Node],
    /// The index of the next entry. The current entry is before it.
    next: usize,
}

impl Entries {
    /// Creates the list of the `jobs` in `text`.
    pub(in crate::manifest) fn new(text: LinedText, defaults: Defaults, jobs: Vec<Node>) -> Entries {
        Entries { text, defaults, jobs }
    }

    /// Returns the first job.
    pub(in crate::manifest) fn first(&self) -> Option<&Node> {
        self.jobs.first()
    }

    /// Returns the defaults of all entries.
    pub(in crate::manifest) fn into_defaults(self) -> Defaults {
        self.defaults
    }

    /// Returns the jobs, in parts.
    pub(in crate::manifest) fn parts<'e>(&'e self, source: &'e Source) -> Parts<'e> {
        parts_of_list(&self.jobs, 1, |jobs| EntryCursor { list: self, source, jobs, next: 0 })
    }
}

impl RowCursor for EntryCursor<'_> {
    fn rewind(&mut self) {
        self.next = 0;
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        self.next += 1;
        Ok(self.next <= self.jobs.len())
    }

    fn line(&self) -> u64 {
        self.job().line
    }

    fn defaults(&self) -> &Defaults {
        &self.list.defaults
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        row_of(self.job())
    }

    fn columns(&self) -> Vec<(String, String)> {
        columns_of(self.job())
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        let text = &self.list.text;
        let span = span_in(&row_error.at, self.job(), text);
        self.source.error_on(text, &span, row_error.message, row_error.hint)
    }
}

impl EntryCursor<'_> {
    fn job(&self) -> &Node {
        &self.jobs[self.next.saturating_sub(1)]
    }
}

/// Returns the row of a job in a list, and the errors of its keys.
pub(in crate::manifest) fn row_of(job: &Node) -> (Row<'_>, Vec<RowError>) {
    match &job.kind {
        Kind::Map(pairs) => read_row(pairs),
        Kind::Scalar(text) if joined_key(text).is_some() => {
            let key = joined_key(text).unwrap_or_default();
            let message = format!("the job is a text, because there is no space after `{key}:`");
            let at = At::Source(job.span.start..job.span.start + key.len() + 1);
            (Row::refused(), vec![RowError::new(at, message, format!("write `{key}: …`, and so with the others"))])
        }
        _ => {
            let message = format!("the job is {}, but must have keys such as `prompt`", job.what());
            let hint = "begin it with `- prompt: …`, and write `images: …` under that".to_owned();
            (Row::refused(), vec![RowError::new(At::Row, message, hint)])
        }
    }
}

/// Returns the user's own columns of a job in a list.
pub(in crate::manifest) fn columns_of(job: &Node) -> Vec<(String, String)> {
    let own = pairs(job).iter().find(|(key, _)| key.name == COLUMNS).map(|(_, value)| &value.kind);
    let Some(Kind::Map(columns)) = own else { return Vec::new() };
    columns.iter().map(|(key, value)| (key.name.clone(), value.scalar().unwrap_or_default().to_owned())).collect()
}

/// Returns the span in `text` of an error of a job in a list.
pub(in crate::manifest) fn span_in(at: &At, job: &Node, text: &str) -> Range<usize> {
    span_of(at, pairs(job), &job.span, text)
}

fn pairs(job: &Node) -> &[(Key, Node)] {
    match &job.kind {
        Kind::Map(pairs) => pairs,
        _ => &[],
    }
}

/// Returns the key at the start of a text that YAML does not parse as a key, because no space follows the colon.
fn joined_key(text: &str) -> Option<&str> {
    let (key, value) = text.split_once(':')?;
    (Field::from_key(key).is_some() && !value.starts_with(char::is_whitespace)).then_some(key)
}

/// Returns the known columns among the keys of a map, and the errors of the keys.
pub(in crate::manifest) fn read_row(pairs: &[(Key, Node)]) -> (Row<'_>, Vec<RowError>) {
    let mut row = Row::default();
    let mut row_errors = Vec::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        let at = At::Source(key.span.clone());
        if let Some((message, hint)) = repeated(pairs, index) {
            row_errors.push(RowError::new(at, message, hint));
        } else if let Some(field) = Field::from_key(&key.name) {
            match value_of(field, value) {
                Ok(value) => row.set(field, value),
                Err(wrong) => {
                    row.set(field, Value::Refused);
                    row_errors.extend(wrong);
                }
            }
        } else if key.name == COLUMNS {
            row_errors.extend(own_columns(value));
        } else {
            if let Some(near) = suggest::nearest(&key.name, Field::KEYS) {
                // A misspelled column is not reported as missing as well.
                Field::from_key(near).into_iter().for_each(|field| row.set(field, Value::Refused));
                row_errors.push(RowError::new(
                    at,
                    format!("unknown column {}", quoted(&key.name)),
                    format!("did you mean `{near}`?"),
                ));
            } else {
                let hint = format!("a job has {}; your own columns go under `{COLUMNS}:`", Field::KEYS.join(", "));
                row_errors.push(RowError::new(at, format!("unknown column {}", quoted(&key.name)), hint));
            }
        }
    }
    (row, row_errors)
}

fn own_columns(value: &Node) -> Option<RowError> {
    let wrong = match &value.kind {
        Kind::Null => None,
        Kind::Map(columns) => {
            columns.iter().map(|(_, value)| value).find(|value| matches!(value.kind, Kind::List(_) | Kind::Map(_)))
        }
        _ => Some(value),
    }?;
    let message = format!("`{COLUMNS}` needs a name and a single value each, but this is {}", wrong.what());
    let hint = "write it as one text, as in `sizes: s, m`".to_owned();
    Some(RowError::new(At::Source(wrong.span.clone()), message, hint))
}

fn value_of(field: Field, value: &Node) -> Result<Value<'_>, Vec<RowError>> {
    let refuse = |node: &Node| {
        let message = format!("`{}` is {}, but must be text", field.key(), node.what());
        let hint = match field {
            Field::Images => "write only URLs and paths, as in `images: [https://example.com/mug.jpg]`",
            _ => "write one text",
        };
        RowError::new(At::Source(node.span.clone()), message, hint.to_owned())
    };
    match &value.kind {
        Kind::Null => Ok(Value::Absent),
        Kind::Scalar(text) => Ok(Value::Text(text)),
        Kind::Map(_) => Err(vec![refuse(value)]),
        Kind::List(items) => {
            let wrong: Vec<RowError> = items.iter().filter(|item| item.scalar().is_none()).map(refuse).collect();
            if wrong.is_empty() { Ok(Value::List(Items::Nodes(items))) } else { Err(wrong) }
        }
    }
}

/// Returns the span in `text` of an error of the map with `pairs`. `whole` is the span of the map.
pub(in crate::manifest) fn span_of(at: &At, pairs: &[(Key, Node)], whole: &Range<usize>, text: &str) -> Range<usize> {
    let value = |field: &Field| pairs.iter().find(|(key, _)| key.name == field.key()).map(|(_, value)| value);
    let found = match at {
        At::Row | At::Column(_) | At::OfRow(_) => None,
        At::Source(span) => Some(span.clone()),
        At::Field(field) => value(field).map(|value| value.span.clone()),
        At::Item(field, index) => value(field).map(|value| match &value.kind {
            Kind::List(items) => items.get(*index).map_or(value.span.clone(), |item| item.span.clone()),
            _ => value.span.clone(),
        }),
        At::Part(field, part) => value(field).map(|value| {
            let spelt = text.get(value.span.clone()).unwrap_or_default();
            let inner = value.scalar().and_then(|scalar| spelt.find(scalar));
            inner.map_or(value.span.clone(), |inner| {
                let start = value.span.start + inner;
                start + part.start..start + part.end
            })
        }),
    };
    // An error of a whole job points at its start.
    found.unwrap_or_else(|| pairs.first().map_or(whole.clone(), |(key, _)| key.span.clone()))
}
