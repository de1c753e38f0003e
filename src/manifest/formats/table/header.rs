//! The header of a table, and its errors.

use crate::manifest::diagnostic::quoted;
use crate::manifest::field::Field;
use crate::manifest::formats::dialect::{self, snake_case};
use crate::manifest::row_cursor::TablePurpose;
use crate::manifest::suggest;

/// A column.
#[derive(Debug)]
pub(in crate::manifest) struct Column {
    pub(in crate::manifest) name: String,
    pub(in crate::manifest) field: Option<Field>,
}

/// A problem of a header: the number of its column, the message, and the hint.
pub(in crate::manifest) struct HeaderProblem {
    pub(in crate::manifest) column: Option<usize>,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: Option<String>,
}

impl HeaderProblem {
    fn new(column: Option<usize>, message: impl Into<String>, hint: impl Into<Option<String>>) -> HeaderProblem {
        HeaderProblem { column, message: message.into(), hint: hint.into() }
    }
}

/// The columns that a table of jobs must have.
pub(in crate::manifest) const REQUIRED_FIELDS: [Field; 2] = [Field::Prompt, Field::Images];

const HEADER_HINT: &str = "a header looks like this: id,prompt,images";

/// The minimum number of the user's own columns that suggests a catalog rather than a list of jobs.
pub(super) const MIN_CATALOG_COLUMNS: usize = 4;

/// Returns the columns for the headers `names`.
pub(in crate::manifest) fn columns(names: Vec<String>, use_as: TablePurpose) -> Vec<Column> {
    let fields = match use_as {
        TablePurpose::Jobs => dialect::fields(&names),
        TablePurpose::Catalog => vec![None; names.len()],
    };
    names.into_iter().zip(fields).map(|(name, field)| Column { name, field }).collect()
}

/// Whether any column is known, or has a name that is similar to a required one.
pub(super) fn is_any_known(columns: &[Column]) -> bool {
    let is_near = |column: &Column| suggest::nearest(&column.name, REQUIRED_FIELDS.map(Field::key)).is_some();
    columns.iter().any(|column| column.field.is_some() || is_near(column))
}

/// Returns the error if a line above the header names the delimiter `named`, but the header, which is then the single
/// cell `header`, contains another one.
pub(super) fn another_separator(header: &str, named: u8) -> Option<String> {
    let other = dialect::DELIMITERS.into_iter().find(|other| *other != named && header.contains(char::from(*other)))?;
    let (named, other) = (dialect::shown(named), dialect::shown(other));
    Some(format!("this line says that cells are separated by {named}, and the header has {other}"))
}

/// Returns the hint for a table without known columns. `header_line` is a later line that looks like a header.
pub(super) fn header_hint(columns: &[Column], is_quoted: bool, header_line: Option<u64>) -> String {
    let only = columns.first().filter(|_| columns.len() == 1).map_or("", |column| column.name.as_str());
    match header_line {
        Some(line) => format!("line {line} looks like the header: remove the lines above it"),
        None if is_quoted && only.contains([',', ';', '\t']) => {
            "each line is one quoted cell: remove the quotes around lines, and write doubled ones inside once".into()
        }
        None if only.contains('|') => "separate cells by `,`, `;` or tabs: `|` separates the images of one cell".into(),
        None if columns.len() >= MIN_CATALOG_COLUMNS => catalog(),
        None => format!("begin with it; {HEADER_HINT}"),
    }
}

fn catalog() -> String {
    "a catalog becomes jobs through a template: name this file as `rows:` in a YAML manifest".to_owned()
}

/// Returns the errors of a header.
pub(super) fn problems(columns: &[Column], use_as: TablePurpose) -> Vec<HeaderProblem> {
    let mut problems = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let is_same = |earlier: &Column| match column.field {
            Some(field) => earlier.field == Some(field),
            None => !column.name.is_empty() && earlier.name == column.name,
        };
        if let Some(first) = columns[..index].iter().position(is_same) {
            let message = format!("column {} exists twice: it is column {} already", quoted(&column.name), first + 1);
            problems.push(HeaderProblem::new(Some(index), message, "rename one of them, or drop it".to_owned()));
        }
    }
    if use_as == TablePurpose::Jobs {
        problems.extend(REQUIRED_FIELDS.into_iter().filter_map(|field| missing(columns, field)));
    }
    problems
}

fn missing(columns: &[Column], field: Field) -> Option<HeaderProblem> {
    if columns.iter().any(|column| column.field == Some(field)) {
        return None;
    }
    let message = format!("the header has no column `{}`", field.key());
    // Some form builders append a word such as "required" to a name.
    let goes_on = |name: &str| snake_case(name).strip_prefix(field.key()).is_some_and(|rest| rest.starts_with('_'));
    let is_like = |name: &str| suggest::nearest(name, [field.key()]).is_some() || goes_on(name);
    let is_near = |column: &Column| column.field.is_none() && is_like(&column.name);
    if let Some(near) = columns.iter().position(is_near) {
        let hint = format!("did you mean `{}` by {}?", field.key(), quoted(&columns[near].name));
        return Some(HeaderProblem::new(Some(near), message, hint));
    }
    let own = columns.iter().filter(|column| column.field.is_none() && !column.name.is_empty()).count();
    Some(HeaderProblem::new(None, message, if own >= MIN_CATALOG_COLUMNS { catalog() } else { HEADER_HINT.to_owned() }))
}

/// Returns the problems of columns that are read under other names than they have.
pub(in crate::manifest) fn renamed(columns: &[Column]) -> Vec<HeaderProblem> {
    let renamed = columns.iter().enumerate().filter_map(|(index, column)| {
        let field = column.field.filter(|field| field.key() != snake_case(&column.name))?;
        let message = format!("column {} is read as `{}`", quoted(&column.name), field.key());
        Some(HeaderProblem::new(Some(index), message, None))
    });
    renamed.collect()
}

/// Returns the problems of columns that are treated as the user's own, although their names are similar to known ones
/// or suggest images.
pub(in crate::manifest) fn misspelt(columns: &[Column]) -> Vec<HeaderProblem> {
    let is_there = |field: Field| columns.iter().any(|column| column.field == Some(field));
    let misspelt = columns.iter().enumerate().filter_map(|(index, column)| {
        let own = snake_case(&column.name);
        if column.field.is_none() && is_there(Field::Images) && names_a_picture(&own) {
            let message =
                format!("column {} is treated as one of your own, and its pictures are not sent", quoted(&column.name));
            return Some(HeaderProblem::new(
                Some(index),
                message,
                "several pictures go in one cell, separated by `|`".to_owned(),
            ));
        }
        let is_near = |key: &&str| strsim::osa_distance(&own, key) <= 1 + usize::from(key.len() > 8);
        let field = Field::KEYS.into_iter().find(is_near).and_then(Field::from_key)?;
        if column.field.is_some() || own.len() < 3 || is_there(field) {
            return None;
        }
        let message = format!("column {} is treated as one of your own", quoted(&column.name));
        Some(HeaderProblem::new(Some(index), message, format!("did you mean `{}`?", field.key())))
    });
    misspelt.collect()
}

/// Names of columns that identify a product in exports of shops, as they are compared.
const ID_LIKE: [&str; 16] = [
    "sku",
    "variant_sku",
    "handle",
    "product_id",
    "item_id",
    "item_number",
    "item_no",
    "article_number",
    "article_no",
    "artikelnummer",
    "art_nr",
    "asin",
    "ean",
    "gtin",
    "upc",
    "barcode",
];

/// Returns the remark that a column may have the ids, if no column is read as `id`.
pub(super) fn unused_ids(columns: &[Column]) -> Option<HeaderProblem> {
    if columns.iter().any(|column| column.field == Some(Field::Id)) {
        return None;
    }
    let index = columns.iter().position(|column| ID_LIKE.contains(&snake_case(&column.name).as_str()))?;
    let message = "no column is `id`: jobs and pictures are named by hashes of their requests".to_owned();
    let hint = format!("if {} is different in each row, call it `id`", quoted(&columns[index].name));
    Some(HeaderProblem::new(Some(index), message, hint))
}

/// Whether a column's name suggests images: `image_2`, `photo`, `picture_url`.
fn names_a_picture(name: &str) -> bool {
    let rest = ["images", "image", "pictures", "picture", "photos", "photo"]
        .into_iter()
        .find_map(|what| name.strip_prefix(what));
    rest.is_some_and(|rest| {
        matches!(rest.trim_matches(|sign: char| sign == '_' || sign.is_ascii_digit()), "" | "url" | "src" | "link")
    })
}
