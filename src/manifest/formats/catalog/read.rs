//! Parses the keys `rows`, `matrix` and `template` into a catalog.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::manifest::diagnostic::{Diagnostic, quoted};
use crate::manifest::field::Field;
use crate::manifest::formats::dialect::snake_case;
use crate::manifest::formats::lines::Lines;
use crate::manifest::formats::table::Table;
use crate::manifest::node::{Key, Kind, Node, repeated};
use crate::manifest::reading::kind::FileKind;
use crate::manifest::reading::pattern::files_matching;
use crate::manifest::reading::source::Source;
use crate::manifest::row::{At, Defaults, RowError};
use crate::manifest::row_cursor::TablePurpose;
use crate::manifest::suggest;

use super::axis::Axis;
use super::rows::{MadeRow, RowSource};
use super::template::{KnownNames, Template, Text};

/// The key of the template's condition. If it does not hold, no job is made.
const WHEN: &str = "when";

/// The maximum number of jobs that a matrix may make from a row. With a few lists too many, it would make billions.
const MAX_COMBINATIONS: usize = 1_000_000;

/// The catalog's keys in a document.
#[derive(Clone, Copy, Default)]
pub(in crate::manifest) struct Keys<'n> {
    pub(in crate::manifest) rows: Option<(&'n Key, &'n Node)>,
    pub(in crate::manifest) matrix: Option<(&'n Key, &'n Node)>,
    pub(in crate::manifest) template: Option<(&'n Key, &'n Node)>,
}

impl Keys<'_> {
    /// Returns the keys that are present, in the document's order.
    pub(in crate::manifest) fn all(&self) -> Vec<&Key> {
        let keys = [self.rows, self.matrix, self.template].into_iter().flatten();
        let mut keys: Vec<&Key> = keys.map(|(key, _)| key).collect();
        keys.sort_by_key(|key| key.span.start);
        keys
    }

    /// Returns the first key that is present, in the order `rows`, `matrix`, `template`.
    pub(in crate::manifest) fn first(&self) -> Option<&Key> {
        self.rows.or(self.matrix).or(self.template).map(|(key, _)| key)
    }
}

/// The errors of the keys: those with spans in the document, and diagnostics about other files.
#[derive(Default)]
pub(in crate::manifest) struct CatalogErrors {
    pub(in crate::manifest) row_errors: Vec<RowError>,
    pub(in crate::manifest) elsewhere: Vec<Diagnostic>,
}

impl CatalogErrors {
    fn push(&mut self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.row_errors.push(RowError::new(At::Source(span.clone()), message, hint));
    }

    fn count(&self) -> usize {
        self.row_errors.len() + self.elsewhere.len()
    }
}

/// Parses the keys in the manifest `text`, whose paths are relative to `folder`. The `defaults` may have fields that
/// the template lacks. Returns `None` if the errors prevent checking rows.
pub(in crate::manifest) fn read(
    keys: Keys<'_>,
    text: &str,
    defaults: &Defaults,
    folder: &Path,
    errors: &mut CatalogErrors,
) -> Option<(RowSource, Vec<Axis>, Template)> {
    let first = keys.first()?;
    let matrix = keys.matrix.map(|(_, value)| matrix(value, errors));
    let matrix = matrix.unwrap_or(Matrix { axes: Vec::new(), broken: Some(BTreeSet::new()) });
    let before = errors.count();
    let rows = match keys.rows {
        Some((_, value)) => rows(value, folder, errors),
        None if matrix.axes.is_empty() && keys.matrix.is_none() => {
            let message = "a template needs `rows` or a `matrix`";
            errors.push(&first.span, message, "name a table, as in `rows: catalog.csv`".to_owned());
            None
        }
        None => keys.template.map(|(_, value)| RowSource::One(MadeRow { line: value.line, ..MadeRow::default() })),
    };
    let Some((key, value)) = keys.template else {
        let hint = "describe how a row becomes a job: `template:` with `id`, `prompt` and `images` under it".to_owned();
        errors.push(&first.span, "the manifest has no `template`", hint);
        return None;
    };
    let is_whole = errors.count() == before;
    let mut template = template(key, value, text, errors)?;
    // If `rows` has errors, the columns are unknown.
    let columns = rows.as_ref().filter(|_| is_whole).and_then(RowSource::columns);
    if is_whole {
        for (field, row_error) in left_out(key, value, columns.as_deref(), defaults) {
            errors.row_errors.push(row_error);
            template.fields.push((field, Text::broken(key.span.clone())));
        }
    }
    let broken = matrix.broken?;
    let rows = rows.filter(|_| is_whole);
    let known = KnownNames { columns: columns.as_deref(), rows: rows.as_ref(), matrix: &matrix.axes, broken: &broken };
    errors.row_errors.extend(template.mistakes(&known));
    match rows {
        Some(rows) => Some((rows, matrix.axes, template)),
        None => {
            errors.row_errors.extend(template.wrong_for_all(folder));
            None
        }
    }
}

/// Returns errors about required columns that neither the template nor the rows or the defaults provide.
fn left_out(key: &Key, value: &Node, columns: Option<&[String]>, defaults: &Defaults) -> Vec<(Field, RowError)> {
    let Kind::Map(pairs) = &value.kind else { return Vec::new() };
    let is_written = |field: Field| {
        let is_near = |name: &str| suggest::nearest(name, [field.key()]).is_some();
        pairs
            .iter()
            .any(|(key, _)| key.name == field.key() || Field::from_key(&key.name).is_none() && is_near(&key.name))
    };
    // A row's own prompt overrides the template's, but images must be named by the template or the defaults.
    let is_a_column = columns.is_none_or(|columns| columns.iter().any(|name| snake_case(name) == Field::Prompt.key()));
    let needed = [
        (
            Field::Prompt,
            defaults.prompt.is_some() || is_a_column,
            "prompt: \"Change the {{ product }} to {{ color.hex }}\"",
        ),
        (Field::Images, defaults.images.is_some(), "images: [\"{{ file }}\"]"),
    ];
    needed
        .into_iter()
        .filter(|(field, is_given, _)| !is_given && !is_written(*field))
        .map(|(field, _, example)| {
            let message = format!("the template has no `{}`", field.key());
            (field, RowError::new(At::Source(key.span.clone()), message, format!("add it, as in `{example}`")))
        })
        .collect()
}

/// The valid part of the matrix.
struct Matrix {
    axes: Vec<Axis>,
    /// The names of the invalid axes. `None` if the matrix as a whole is invalid.
    broken: Option<BTreeSet<String>>,
}

fn matrix(value: &Node, errors: &mut CatalogErrors) -> Matrix {
    let Kind::Map(pairs) = &value.kind else {
        let hint = "name its parts, as in `matrix: {color: [{name: ocean, hex: \"#1E90FF\"}]}`".to_owned();
        errors.push(&value.span, format!("`matrix` is {}, but must have a name for each list", value.what()), hint);
        return Matrix { axes: Vec::new(), broken: None };
    };
    let mut axes = Vec::new();
    let mut broken = BTreeSet::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        if let Some((message, hint)) = repeated(pairs, index) {
            errors.push(&key.span, message, hint);
            continue;
        }
        match Axis::read(key, value) {
            Ok(axis) => axes.push(axis),
            Err(error) => {
                broken.insert(snake_case(&key.name));
                errors.push(&error.span, error.message, error.hint);
            }
        }
    }
    let combinations = axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.entries.len()));
    if combinations.is_none_or(|combinations| combinations > MAX_COMBINATIONS) {
        let message = format!("the matrix makes more than {MAX_COMBINATIONS} jobs of each row");
        errors.push(
            &value.span,
            message,
            "each of its lists multiplies the others: keep only the ones you need".to_owned(),
        );
        return Matrix { axes, broken: None };
    }
    Matrix { axes, broken: Some(broken) }
}

/// Parses the source of the rows. It may be returned although errors were reported.
fn rows(value: &Node, folder: &Path, errors: &mut CatalogErrors) -> Option<RowSource> {
    match &value.kind {
        Kind::Scalar(path) if path.contains("://") => {
            let message = format!("`rows` names {}, which is not fetched", quoted(path));
            errors.push(&value.span, message, "download the table, and name the file: `rows: catalog.csv`".to_owned());
            None
        }
        Kind::Scalar(path) if path.contains(['*', '?', '[']) => pictures(path, value, folder, errors),
        Kind::Scalar(path) => file(path, value, folder, errors),
        Kind::List(items) if !items.is_empty() => {
            for item in items.iter().filter(|item| !matches!(item.kind, Kind::Map(_))) {
                let message = format!("the row is {}, but must have keys", item.what());
                errors.push(&item.span, message, "write it as in `- {sku: m1, file: mug.jpg}`".to_owned());
            }
            Some(RowSource::List(items.clone()))
        }
        Kind::List(_) => {
            errors.push(&value.span, "`rows` is empty", "name a table, or list rows as in `- {sku: m1}`".to_owned());
            None
        }
        _ => {
            let hint = "name a table, as in `rows: catalog.csv`, or pictures, as in `rows: photos/*.jpg`".to_owned();
            errors.push(&value.span, format!("`rows` is {}, but must be a path or a list", value.what()), hint);
            None
        }
    }
}

fn file(path: &str, value: &Node, folder: &Path, errors: &mut CatalogErrors) -> Option<RowSource> {
    let whole = folder.join(path.trim());
    let name = whole.display().to_string();
    if whole.is_dir() {
        let message = format!("`rows` names {}, which is a folder", quoted(path));
        let pictures = format!("for a row for each picture in it, write `{}/*.jpg`", path.trim().trim_end_matches('/'));
        errors.push(&value.span, message, pictures);
        return None;
    }
    if !whole.is_file() {
        let message = format!("`rows` names {}, and there is no such file", quoted(path));
        let is_table = |file: &Path| matches!(FileKind::of(file, ""), Ok(FileKind::Table | FileKind::Lines));
        let hint = suggest::near_file(&whole, folder, is_table).map_or_else(
            || "paths are relative to the manifest's own folder".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        errors.push(&value.span, message, hint);
        return None;
    }
    let kind = match FileKind::of(&whole, &name) {
        Ok(kind @ (FileKind::Table | FileKind::Lines)) => kind,
        Ok(FileKind::Yaml) | Err(_) => {
            let message = format!("`rows` names {}, which is not a table", quoted(path));
            errors.push(&value.span, message, "rows are read from .csv, .tsv, .txt or .jsonl".to_owned());
            return None;
        }
    };
    let opened = Source::open(&whole, name, kind).map_err(|wrong| vec![wrong]).and_then(|source| match kind {
        FileKind::Lines => {
            let lines = Lines::open(&source, TablePurpose::Catalog).map_err(|wrong| vec![wrong])?;
            Ok(RowSource::Lines(source, lines))
        }
        _ => {
            let mut table = Table::open(&source, TablePurpose::Catalog)?;
            errors.elsewhere.append(&mut table.problems);
            Ok(RowSource::Table(source, table))
        }
    });
    opened.map_err(|wrong| errors.elsewhere.extend(wrong)).ok()
}

fn pictures(pattern: &str, value: &Node, folder: &Path, errors: &mut CatalogErrors) -> Option<RowSource> {
    let found = match files_matching(folder, Path::new(pattern)) {
        Ok(found) => found,
        Err(error) => {
            errors.push(&value.span, format!("{} is not a valid pattern: {error}", quoted(pattern)), None);
            return None;
        }
    };
    let files: Vec<PathBuf> =
        found.into_iter().map(|path| path.strip_prefix(folder).map_or(path.clone(), Path::to_owned)).collect();
    if files.is_empty() {
        let message = format!("no file matches {}", quoted(pattern));
        errors.push(&value.span, message, "patterns are relative to the manifest's own folder".to_owned());
        return None;
    }
    Some(RowSource::Pictures(files.iter().map(|path| MadeRow::of_picture(path, value.line)).collect()))
}

fn template(key: &Key, value: &Node, text: &str, errors: &mut CatalogErrors) -> Option<Template> {
    let Kind::Map(pairs) = &value.kind else {
        let hint = "its keys are those of a job, with {{ names }} in their texts".to_owned();
        let span = if matches!(value.kind, Kind::Null) { &key.span } else { &value.span };
        errors.push(span, format!("`template` is {}, but must have `id`, `prompt` and `images`", value.what()), hint);
        return None;
    };
    let (mut fields, mut condition) = (Vec::new(), None);
    // Reports errors here, and continues with a text that is not rendered, so that rows can be checked.
    let checked = |compiled: Result<Text, RowError>, errors: &mut CatalogErrors| {
        let text = compiled.unwrap_or_else(|row_error| {
            errors.row_errors.push(row_error);
            Text::broken(value.span.clone())
        });
        errors.row_errors.extend(text.unread());
        text
    };
    for (index, (key, value)) in pairs.iter().enumerate() {
        if let Some((message, hint)) = repeated(pairs, index) {
            errors.push(&key.span, message, hint);
        } else if key.name == WHEN {
            condition = Some(checked(compiled_condition(value, text), errors));
        } else if let Some(field) = Field::from_key(&key.name) {
            fields.extend(compiled_field(field, value, text).map(|compiled| (field, checked(compiled, errors))));
        } else {
            // A misspelled key is not reported as missing as well.
            match unknown_key(key, errors) {
                Some(WHEN) => condition = Some(Text::broken(value.span.clone())),
                Some(near) => {
                    fields.extend(Field::from_key(near).map(|field| (field, Text::broken(value.span.clone()))));
                }
                None => {}
            }
        }
    }
    Some(Template::new(fields, condition))
}

fn compiled_condition(value: &Node, text: &str) -> Result<Text, RowError> {
    match &value.kind {
        Kind::Scalar(_) => Text::condition(value, text),
        _ => Err(RowError::new(At::Source(value.span.clone()), "`when` must be one text", None)),
    }
}

/// Compiles the text of a column. Returns `None` if it is empty.
fn compiled_field(field: Field, value: &Node, text: &str) -> Option<Result<Text, RowError>> {
    match &value.kind {
        Kind::Null => None,
        Kind::Scalar(_) => Some(Ok(Text::compile(value.span.clone(), &[value], false, text))),
        Kind::List(items) if items.iter().all(|item| item.scalar().is_some()) => {
            let items: Vec<&Node> = items.iter().collect();
            Some(Ok(Text::compile(value.span.clone(), &items, true, text)))
        }
        Kind::List(_) | Kind::Map(_) => {
            let message = format!("`{}` is {}, but must be text", field.key(), value.what());
            Some(Err(RowError::new(At::Source(value.span.clone()), message, None)))
        }
    }
}

/// Reports a key that templates do not have, and returns the one that was probably meant.
fn unknown_key(key: &Key, errors: &mut CatalogErrors) -> Option<&'static str> {
    let mut keys = Field::KEYS.to_vec();
    keys.push(WHEN);
    let message = format!("a template has no key {}", quoted(&key.name));
    errors.push(&key.span, message, suggest::hint(&key.name, &keys));
    suggest::nearest(&key.name, keys)
}
