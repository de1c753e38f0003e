//! How a table is written: what separates its cells, and what its headers mean.

use super::row::Field;

/// What may separate cells. `|` is not among them: it separates the images of one cell.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Spellings of headers that shop systems and people use, as names in snake case.
const ALIASES: [(&str, Field); 15] = [
    ("job", Field::Id),
    ("job_id", Field::Id),
    ("instruction", Field::Prompt),
    ("prompts", Field::Prompt),
    ("edit_prompt", Field::Prompt),
    ("image", Field::Images),
    ("image_url", Field::Images),
    ("image_urls", Field::Images),
    ("images_url", Field::Images),
    ("image_src", Field::Images),
    ("image_file", Field::Images),
    ("photo", Field::Images),
    ("picture", Field::Images),
    ("colour", Field::Color),
    ("target_color", Field::Color),
];

/// What separates the cells of a table whose text begins with `head`: what makes the most known columns of its header,
/// and where there are none, the most columns.
pub(super) fn delimiter(head: &str) -> u8 {
    let columns = |delimiter: u8| -> (usize, usize) {
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.delimiter(delimiter).has_headers(false).flexible(true).from_reader(head.as_bytes());
        let mut record = csv::StringRecord::new();
        if !reader.read_record(&mut record).unwrap_or(false) {
            return (0, 0);
        }
        (record.iter().filter(|name| field(&snake_case(name)).is_some()).count(), record.len())
    };
    // The last of several equal ones is taken, so the usual one goes last.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| columns(*delimiter)).unwrap_or(b',')
}

/// `name` as templates call it: `Image Src` is `image_src`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for character in name.trim().chars() {
        if character.is_alphanumeric() {
            snake.extend(character.to_lowercase());
        } else if !snake.ends_with('_') && !snake.is_empty() {
            snake.push('_');
        }
    }
    snake.truncate(snake.trim_end_matches('_').len());
    snake
}

/// The columns that headers stand for. An alias counts only where no header has the column's own name, and the first
/// of several aliases alone.
pub(super) fn fields(names: &[String]) -> Vec<Option<Field>> {
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

fn alias(name: &str) -> Option<Field> {
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, field)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_what_makes_a_header() {
        assert_eq!(delimiter("id;prompt;images\na;b,c,d,e,f,g;h\n"), b';');
        assert_eq!(delimiter("id\tprompt\timages\n"), b'\t');
        assert_eq!(delimiter("\"id\",\"prompt\",\"images\"\n"), b',');
        assert_eq!(delimiter("sku;name;price\n1;a;2\n"), b';');
        assert_eq!(delimiter("prompt\n"), b',');
    }

    #[test]
    fn headers_are_called_in_snake_case_and_forgiven_their_spelling() {
        assert_eq!(snake_case(" Image Src "), "image_src");
        assert_eq!(snake_case("Variant SKU (old)"), "variant_sku_old");
        let names = |names: &[&str]| fields(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["ID", "Prompt", "Image URL"]), [Some(Field::Id), Some(Field::Prompt), Some(Field::Images)]);
        assert_eq!(names(&["image_src", "images"]), [None, Some(Field::Images)], "its own name goes before an alias");
    }
}
