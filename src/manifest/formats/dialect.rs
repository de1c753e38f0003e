//! The dialect of a table: its delimiter, and what its headers mean.

use crate::manifest::field::Field;

/// The supported delimiters. `|` is not one of them, because it separates the images in a cell.
pub(in crate::manifest) const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Other names of columns that shop systems and people use, in snake case.
const ALIASES: [(&str, Field); 29] = [
    ("job", Field::Id),
    ("job_id", Field::Id),
    ("instruction", Field::Prompt),
    ("prompts", Field::Prompt),
    ("edit_prompt", Field::Prompt),
    ("instructions", Field::Prompt),
    ("prompt_en", Field::Prompt),
    ("image", Field::Images),
    ("image_url", Field::Images),
    ("image_urls", Field::Images),
    ("images_url", Field::Images),
    ("image_src", Field::Images),
    ("image_file", Field::Images),
    ("photo", Field::Images),
    ("picture", Field::Images),
    ("pictures", Field::Images),
    ("photos", Field::Images),
    ("img", Field::Images),
    ("imageurl", Field::Images),
    ("image_link", Field::Images),
    ("photo_url", Field::Images),
    ("picture_url", Field::Images),
    ("img_url", Field::Images),
    ("attachments", Field::Images),
    ("main_image", Field::Images),
    ("main_image_url", Field::Images),
    ("product_image", Field::Images),
    ("colour", Field::Color),
    ("target_color", Field::Color),
];

/// The dialect of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manifest) struct Dialect {
    /// The byte between cells.
    pub(in crate::manifest) delimiter: u8,
    /// Whether a separate line above the header names the delimiter, as Excel writes it: `sep=;`.
    pub(in crate::manifest) is_named: bool,
}

/// Returns the dialect of a table whose text starts with `head`.
pub(in crate::manifest) fn of(head: &str) -> Dialect {
    match named(head) {
        Some(delimiter) => Dialect { delimiter, is_named: true },
        None => Dialect { delimiter: delimiter(head), is_named: false },
    }
}

/// Returns the delimiter that the first line names. If a spreadsheet has saved the table again, empty cells follow it.
fn named(head: &str) -> Option<u8> {
    let line = head.split(['\n', '\r']).map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_start_matches('"').to_ascii_lowercase();
    let is_filling = |byte: &u8| DELIMITERS.contains(byte) || *byte == b'"';
    match line.strip_prefix("sep=")?.as_bytes() {
        // Trimming has removed the tab.
        [] | [b'"'] => Some(b'\t'),
        [delimiter, rest @ ..] if DELIMITERS.contains(delimiter) && rest.iter().all(is_filling) => Some(*delimiter),
        _ => None,
    }
}

/// Returns the other supported delimiters.
pub(in crate::manifest) fn others(delimiter: u8) -> [u8; 2] {
    match delimiter {
        b',' => [b';', b'\t'],
        b';' => [b',', b'\t'],
        _ => [b',', b';'],
    }
}

/// Returns the name of a delimiter in messages.
pub(in crate::manifest) fn shown(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "`,`",
        b';' => "`;`",
        _ => "tabs",
    }
}

/// Returns the name of a single delimiter in messages.
pub(in crate::manifest) fn shown_once(delimiter: u8) -> &'static str {
    if delimiter == b'\t' { "a tab" } else { shown(delimiter) }
}

/// The number of rows that are examined to find the delimiter.
const MAX_ROWS: usize = 20;

/// Returns the delimiter of a table whose text starts with `head`: the one that gives the header the most known
/// columns. If several do, one is preferred that gives most rows as many cells as the header, then one that no space
/// follows, and then the one that gives the most columns.
pub(crate) fn delimiter(head: &str) -> u8 {
    let columns = |delimiter: u8| -> (usize, bool, bool, usize) {
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.delimiter(delimiter).has_headers(false).flexible(true).from_reader(head.as_bytes());
        let mut records = reader.records().map_while(Result::ok);
        let header = records.next().unwrap_or_default();
        let known = header.iter().filter(|name| field(&snake_case(name)).is_some()).count();
        let widths: Vec<usize> = records.take(MAX_ROWS).map(|row| row.len()).collect();
        let same = widths.iter().filter(|width| **width == header.len()).count();
        let is_even = header.len() > 1 && same * 2 > widths.len();
        let is_close = header.iter().all(|name| !name.starts_with(' '));
        (known, is_even, is_close, header.len())
    };
    // Of several equal delimiters the last one is returned, so the most common one is last.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| columns(*delimiter)).unwrap_or(b',')
}

/// Returns `name` in snake case, as templates use it: `Image Src` becomes `image_src`, and `3D Model` becomes
/// `_3d_model`, because a name cannot begin with a digit.
pub(in crate::manifest) fn snake_case(name: &str) -> String {
    let snake = words(name, '_');
    if snake.starts_with(|first: char| first.is_numeric()) { format!("_{snake}") } else { snake }
}

/// Returns `text` in a form for file names and URLs: `Ocean Blue!` becomes `ocean-blue`.
pub fn slug(text: &str) -> String {
    words(text, '-')
}

/// Returns the words of `text` in lower case, joined by `between`.
fn words(text: &str, between: char) -> String {
    let mut words = String::with_capacity(text.len());
    for character in text.trim().chars() {
        if character.is_alphanumeric() {
            words.extend(character.to_lowercase());
        } else if !words.ends_with(between) && !words.is_empty() {
            words.push(between);
        }
    }
    words.truncate(words.trim_end_matches(between).len());
    words
}

/// Returns the known column of each header. An alias counts only if no header has the column's own name, and of several
/// aliases only the first one counts.
pub(in crate::manifest) fn fields(names: &[String]) -> Vec<Option<Field>> {
    let snakes: Vec<String> = names.iter().map(|name| snake_case(name)).collect();
    let mut fields: Vec<Option<Field>> = snakes.iter().map(|name| Field::from_key(name)).collect();
    for (index, name) in snakes.iter().enumerate() {
        let Some(meant) = alias(name) else { continue };
        if !fields.contains(&Some(meant)) {
            fields[index] = Some(meant);
        }
    }
    fields
}

fn field(name: &str) -> Option<Field> {
    Field::from_key(name).or_else(|| alias(name))
}

/// Returns the column that a header in snake case is an alias of.
pub(in crate::manifest) fn alias(name: &str) -> Option<Field> {
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, field)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiter_is_detected_by_the_header() {
        assert_eq!(delimiter("id;prompt;images\na;b,c,d,e,f,g;h\n"), b';');
        assert_eq!(delimiter("id\tprompt\timages\n"), b'\t');
        assert_eq!(delimiter("\"id\",\"prompt\",\"images\"\n"), b',');
        assert_eq!(delimiter("sku;name;price\n1;a;2\n"), b';');
        assert_eq!(delimiter("prompt\n"), b',');
        for (head, expected) in [
            ("art;preis, EUR;gewicht, kg\n1;2,50;3,1\n", b';'),
            ("art;\"titel, lang\";\"foto, klein, groß, rund\"\n1;a;b\n", b';'),
            ("sku, name; short, price\n1, a, 2\n", b','),
            ("sku,\"a;b;c;d\",price\n1,a;b;c,2\n", b','),
            ("sku,name,price\n1\n", b','),
        ] {
            assert_eq!(delimiter(head), expected, "{head}");
        }
        for (head, delimiter) in [
            ("sep=;\r\nid,prompt", b';'),
            ("\n\"SEP=,\"\na;b", b','),
            ("sep=\t\na,b", b'\t'),
            ("sep=;\rid;prompt\r", b';'),
            ("\"sep=;\";;\na;b;c", b';'),
        ] {
            assert_eq!(of(head), Dialect { delimiter, is_named: true }, "{head}");
        }
        assert!(!of("sep=months\na,b").is_named);
    }

    #[test]
    fn headers_are_matched_in_snake_case_and_by_alias() {
        assert_eq!(snake_case(" Image Src "), "image_src");
        assert_eq!(snake_case("Variant SKU (old)"), "variant_sku_old");
        assert_eq!((snake_case("3D Model"), words("3D Model!", '-')), ("_3d_model".to_owned(), "3d-model".to_owned()));
        let names = |names: &[&str]| fields(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["ID", "Prompt", "Image URL"]), [Some(Field::Id), Some(Field::Prompt), Some(Field::Images)]);
        assert_eq!(names(&["image_src", "images"]), [None, Some(Field::Images)], "its own name goes before an alias");
    }
}
