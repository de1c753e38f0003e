//! Warnings about cells that would not be sent as intended, considering the names of their columns.

use std::io;
use std::ops::Range;

use crate::manifest::diagnostic::{Diagnostic, Severity, quoted};
use crate::manifest::field::Field;
use crate::manifest::formats::dialect;
use crate::manifest::reading::source::Source;
use crate::manifest::whitespace::trim;

use super::header::Column;
use super::records::Records;
use super::top::{MAX_HEADER_RECORDS, Top};

/// Returns warnings about the rows, from the current row of `top` on.
pub(super) fn warnings(top: &mut Top, columns: &[Column], source: &Source) -> io::Result<Vec<Diagnostic>> {
    // The first column may contain the row numbers of a data frame.
    let nameless = columns.iter().enumerate().skip(1).filter(|(_, column)| column.name.is_empty());
    let nameless: Vec<usize> = nameless.map(|(number, _)| number).collect();
    let prompt = columns.iter().position(|column| column.field == Some(Field::Prompt));
    let (mut unfilled, mut dropped) = (None, None);
    for row in 0_u64.. {
        let records = &top.records;
        if row < MAX_HEADER_RECORDS as u64 && unfilled.is_none() {
            unfilled = prompt.and_then(|prompt| placeholder(records, prompt, columns, source));
        }
        if dropped.is_none() {
            dropped = text_under(records, &nameless, top.delimiter, source);
        }
        let is_seen = row >= MAX_HEADER_RECORDS as u64 && (dropped.is_some() || nameless.is_empty());
        if is_seen || !top.advance()? {
            break;
        }
    }
    Ok(unfilled.into_iter().chain(dropped).collect())
}

/// Returns a warning about a text in one of the columns without a name.
fn text_under(records: &Records, nameless: &[usize], delimiter: u8, source: &Source) -> Option<Diagnostic> {
    let text = records.texts();
    let is_there = |column: &usize| text(*column).is_some_and(|text| !trim(text).is_empty());
    let column = nameless.iter().copied().find(is_there)?;
    let message = format!("{} is under a header without a name, and is not sent", quoted(trim(text(column)?)));
    let separator = dialect::shown_once(delimiter);
    let hint = format!("a prompt with {separator} in it needs quotes around it; your own column needs a name");
    Some(warning(records, records.cell(column)?.span.clone(), message, hint, source))
}

/// Returns a warning about a prompt that contains a column's name as a placeholder of other programs.
fn placeholder(records: &Records, prompt: usize, columns: &[Column], source: &Source) -> Option<Diagnostic> {
    let (text, cell) = (records.texts()(prompt)?, records.cell(prompt)?);
    if !text.contains(['{', '[']) {
        return None;
    }
    let names = columns.iter().map(|column| column.name.as_str()).filter(|name| !name.is_empty());
    let of_column = names.flat_map(written).find(|(written, _)| holds(text, written));
    let (written, name) = of_column.or_else(|| unfilled(text).map(|(written, name)| (written.to_owned(), name)))?;
    let at = text.find(&written)?;
    let message = format!("the prompt has {} in it, which is not replaced", quoted(&written));
    let name = dialect::snake_case(name);
    let hint =
        format!("names are replaced only in a YAML manifest with `rows:` and a `template:`, as in {{{{ {name} }}}}");
    let span = cell.part(records.raw(), &(at..at + written.len()));
    Some(warning(records, span, message, hint, source))
}

/// Returns the placeholders that programs use for a column, each with its name.
fn written(name: &str) -> impl Iterator<Item = (String, &str)> {
    let ways = [("${", "}"), ("{", "}")];
    ways.into_iter().map(move |(open, close)| (format!("{open}{name}{close}"), name))
}

/// Returns a placeholder that a script has left, whatever its name: `{product}` or `[PRODUCT]`. Other words in brackets
/// may be meant.
fn unfilled(text: &str) -> Option<(&str, &str)> {
    let named = |open: char, close: char, is_letter: fn(&u8) -> bool| {
        text.match_indices(open).find_map(|(at, _)| {
            let (name, _) = text[at + 1..].split_once(close)?;
            let written = &text[at..at + name.len() + 2];
            let is_name = name.len() > 1 && name.bytes().all(|byte| is_letter(&byte) || byte == b'_');
            (is_name && holds(text, written)).then_some((written, name))
        })
    };
    named('{', '}', u8::is_ascii_alphabetic).or_else(|| named('[', ']', u8::is_ascii_uppercase))
}

/// Whether a text contains `written` outside of double braces, which cause another warning.
fn holds(text: &str, written: &str) -> bool {
    text.match_indices(written).any(|(at, _)| !text[..at].ends_with('{'))
}

fn warning(records: &Records, span: Range<usize>, message: String, hint: String, source: &Source) -> Diagnostic {
    let warning = source.error_in(records.passage(), &span, message, hint);
    Diagnostic { severity: Severity::Warning, ..warning }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_column_names_in_braces_are_placeholders() {
        let is_told = |prompt: &str| written("color").any(|(written, _)| holds(prompt, &written));
        for prompt in ["to {color}", "to ${color}"] {
            assert!(is_told(prompt), "{prompt}");
        }
        for prompt in ["to {{color}}", "20% of color", "[color]", "%color%", "{ red, color }"] {
            assert!(!is_told(prompt), "{prompt}");
        }
    }

    #[test]
    fn placeholders_that_a_script_has_left_are_recognized_by_their_form() {
        for (prompt, name) in
            [("the {product} to", "product"), ("${product_name}", "product_name"), ("[PRODUCT]", "PRODUCT")]
        {
            assert_eq!(unfilled(prompt).map(|(_, name)| name), Some(name), "{prompt}");
        }
        for prompt in ["the {{ product }}", "{{product}}", "[product]", "{red, blue}", "[1]", "a {", "[X]"] {
            assert_eq!(unfilled(prompt), None, "{prompt}");
        }
    }
}
