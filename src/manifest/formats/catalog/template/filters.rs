use minijinja::{Environment, Value as Variable};

use crate::manifest::formats::dialect::slug;

/// Adds the filters that the template language does not have, or that differ from it.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("slug", |text: &str| slug(text));
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("striptags", |text: &str| without_tags(text));
    environment.add_filter("truncate", |text: &str, most: Option<usize>| truncated(text, most.unwrap_or(255)));
}

/// Returns the default for a missing value. An empty cell counts as missing, in every kind of table.
fn default(value: &Variable, other: Option<Variable>, stands_for_false: Option<bool>) -> Variable {
    let is_empty = value.is_undefined()
        || value.is_none()
        || value.as_str().is_some_and(|text| text.trim().is_empty())
        || stands_for_false == Some(true) && !value.is_true();
    if is_empty { other.unwrap_or_else(|| Variable::from("")) } else { value.clone() }
}

/// Returns the text of an HTML page without tags, with each run of whitespace replaced by a space.
fn without_tags(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        let Some((_, behind)) = tag.split_once('>') else { break };
        text.push_str(before);
        // Texts in adjacent blocks are separate words.
        text.push(' ');
        rest = behind;
    }
    text.push_str(rest);
    const ENTITIES: [(&str, &str); 6] =
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = ENTITIES.into_iter().fold(text, |text, (name, sign)| text.replace(name, sign));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Truncates a text that is longer than `most` characters at the end of a word, and adds an ellipsis.
fn truncated(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let cut = &text[..end];
    let whole = match text[end..].starts_with(char::is_whitespace) {
        true => cut,
        false => cut.rsplit_once(char::is_whitespace).map_or(cut, |(whole, _)| whole),
    };
    format!("{}…", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn striptags_removes_tags_and_decodes_entities() {
        assert_eq!(
            without_tags("<p>A &quot;big&quot; mug,<br>holds&nbsp;12&amp;oz.</p>\n"),
            "A \"big\" mug, holds 12&oz."
        );
        assert_eq!(without_tags("5 < 6"), "5 < 6");
    }

    #[test]
    fn truncated_text_ends_after_a_whole_word() {
        for (text, cut) in [
            ("a big mug", "a big mug"),
            ("a big mugs", "a big…"),
            ("größtermugs", "größterm…"),
            ("a bigger", "a bigger"),
        ] {
            let most = if text == "größtermugs" { 8 } else { 9 };
            assert_eq!(truncated(text, most), cut, "{text}");
        }
        assert_eq!(truncated("a big mug and more", 9), "a big mug…");
    }
}
