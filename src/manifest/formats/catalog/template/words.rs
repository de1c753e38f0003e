use std::ops::Range;

/// An expression between a pair of braces, split into words as far as finding mistakes needs it.
#[derive(Debug)]
pub(super) struct Expression<'t> {
    text: &'t str,
    /// In bytes of the text: names with their dots, numbers, quoted texts and signs.
    spans: Vec<Range<usize>>,
}

impl<'t> Expression<'t> {
    /// The expressions of a text: what `{{ }}` and `{% %}` enclose.
    pub(super) fn all(text: &'t str) -> Vec<Expression<'t>> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find('{').map(|open| at + open) {
            let close = match text.as_bytes().get(open + 1) {
                Some(b'{') => "}}",
                Some(b'%') => "%}",
                _ => {
                    at = open + 1;
                    continue;
                }
            };
            let start = open + 2;
            let end = text[start..].find(close).map_or(text.len(), |end| start + end);
            found.push(Expression::of(text, start..end));
            at = (end + close.len()).min(text.len());
        }
        found
    }

    /// The one expression that is all of a text.
    pub(super) fn whole(text: &'t str) -> Expression<'t> {
        Expression::of(text, 0..text.len())
    }

    fn of(text: &'t str, within: Range<usize>) -> Expression<'t> {
        let mut spans = words(&text[within.clone()]);
        spans.iter_mut().for_each(|span| *span = span.start + within.start..span.end + within.start);
        // A sign next to the braces trims blanks, and is no part of the expression.
        let is_sign = |span: Option<&Range<usize>>| span.is_some_and(|span| matches!(&text[span.clone()], "-" | "+"));
        if is_sign(spans.first()) {
            spans.remove(0);
        }
        if is_sign(spans.last()) {
            spans.pop();
        }
        Expression { text, spans }
    }

    /// All of it.
    pub(super) fn source(&self) -> &'t str {
        match (self.spans.first(), self.spans.last()) {
            (Some(first), Some(last)) => &self.text[first.start..last.end],
            _ => "",
        }
    }

    /// Returns the word with this number; empty if there is none.
    pub(super) fn word(&self, number: usize) -> &'t str {
        self.spans.get(number).map_or("", |span| &self.text[span.clone()])
    }

    /// Returns the word that is `many` words before the one with this number.
    pub(super) fn before(&self, number: usize, many: usize) -> &'t str {
        number.checked_sub(many).map_or("", |number| self.word(number))
    }

    /// The place of a word, in bytes of the text.
    pub(super) fn span(&self, number: usize) -> Range<usize> {
        self.spans.get(number).cloned().unwrap_or_default()
    }

    /// The numbers of its words.
    pub(super) fn numbers(&self) -> Range<usize> {
        0..self.spans.len()
    }

    /// The numbers of those words that are names.
    pub(super) fn names(&self) -> impl Iterator<Item = usize> {
        self.numbers().filter(|number| is_name(self.word(*number)))
    }

    /// The name that it is and nothing more, as in `{{ sku }}`.
    pub(super) fn bare_name(&self) -> Option<&'t str> {
        (self.spans.len() == 1 && is_name(self.word(0))).then(|| self.word(0))
    }

    /// Where names stand with dashes between them and no blanks, as in `image-src`.
    pub(super) fn dashed_names(&self) -> Vec<Range<usize>> {
        let mut dashed: Vec<Range<usize>> = Vec::new();
        for number in self.names() {
            let (dash, name) = (self.span(number + 1), self.span(number + 2));
            let is_joined = self.span(number).end == dash.start && dash.end == name.start;
            if !is_joined || self.word(number + 1) != "-" || !is_name(self.word(number + 2)) {
                continue;
            }
            match dashed.last_mut() {
                Some(last) if last.end == self.span(number).end => last.end = name.end,
                _ => dashed.push(self.span(number).start..name.end),
            }
        }
        dashed
    }

    /// Whether it outputs nothing, but is a condition, an assignment or a loop: `if title`, `for tag in tags`.
    pub(super) fn is_statement(&self) -> bool {
        const STATEMENTS: [&str; 7] = ["if", "elif", "else", "endif", "for", "endfor", "set"];
        STATEMENTS.contains(&self.word(0))
    }

    /// Whether it is a single name or text with its filters.
    pub(super) fn is_one_value(&self) -> bool {
        !self.numbers().any(|number| matches!(self.word(number), "~" | "+" | "if" | "or" | "and"))
    }

    /// Returns the names whose values it outputs, without those that are only checked, and those with a default.
    pub(super) fn output_names(&self) -> impl Iterator<Item = &'t str> {
        let is_default = |filter: &str| matches!(filter, "default" | "d");
        // Behind a parenthesis a default is for the whole of its content.
        let has_stand_in =
            self.numbers().any(|number| self.word(number) == ")" && self.filters(number).any(is_default));
        let condition = self.numbers().find(|number| self.word(*number) == "if").unwrap_or(self.spans.len());
        let asked: Vec<&str> = (condition..self.spans.len()).map(|number| self.word(number)).collect();
        let names = self.names().take_while(move |number| *number < condition && !has_stand_in);
        let output_names = names.filter(move |number| {
            let (before, behind) = (self.before(*number, 1), self.word(number + 1));
            let is_value = !matches!(before, "|" | "is" | "not") && !matches!(behind, "(" | "=" | "or" | "and" | "is");
            is_value
                && !is_keyword(self.word(*number))
                && !compares(before)
                && !compares(behind)
                && !self.filters(*number).any(is_default)
        });
        let names: Vec<&str> =
            output_names.map(|number| self.word(number)).filter(|name| !asked.contains(name)).collect();
        names.into_iter()
    }

    /// Whether the word with this number is of what an `if` asks.
    pub(super) fn is_asked(&self, number: usize) -> bool {
        let mut before = (0..number).rev().map(|number| self.word(number));
        before.find(|word| matches!(*word, "if" | "elif" | "else")).is_some_and(|word| word != "else")
    }

    /// The numbers of the names that it takes for true or false as they are, such as `active` in
    /// `active and stock | int > 0`.
    pub(super) fn switches(&self) -> impl Iterator<Item = usize> {
        let is_edge = |word: &str| matches!(word, "" | "and" | "or" | "if" | "elif" | "else" | "(" | ")");
        self.names().filter(move |number| {
            let before = self.before(*number, 1);
            !is_keyword(self.word(*number))
                && (is_edge(before) || before == "not")
                && is_edge(self.word(number + 1))
                && self.bare_name().is_none()
        })
    }

    /// Returns the numbers of the names that are values, not filters or arguments.
    pub(super) fn values(&self) -> impl Iterator<Item = usize> {
        self.names().filter(|number| {
            let (before, behind) = (self.before(*number, 1), self.word(number + 1));
            !is_keyword(self.word(*number)) && !matches!(before, "|" | "is") && !matches!(behind, "(" | "=")
        })
    }

    /// Whether the text of the name with this number is looked at, so that it is known what may stand there.
    pub(super) fn is_looked_at(&self, number: usize) -> bool {
        self.is_asked(number) && !self.switches().any(|switch| switch == number)
            || self.is_compared(number)
            || self.filters(number).any(|filter| filter == "replace")
    }

    /// Whether the name with this number is compared with something, as in `note not in ['no']`.
    pub(super) fn is_compared(&self, number: usize) -> bool {
        let behind = self.word(number + 1);
        compares(self.before(number, 1)) || compares(behind) || behind == "not"
    }

    /// Whether it is asked for more than being there: compared, or first made a number of, as in `stock | int > 0`.
    pub(super) fn is_known(&self, number: usize) -> bool {
        self.is_compared(number) || self.word(number + 1) == "|"
    }

    /// The filters that are put upon the word with this number.
    pub(super) fn filters(&self, number: usize) -> impl Iterator<Item = &'t str> {
        let mut bar = number + 1;
        std::iter::from_fn(move || {
            let filter = (self.word(bar) == "|").then(|| self.word(bar + 1))?;
            bar = self.behind_arguments(bar + 2);
            Some(filter)
        })
    }

    /// The number of the word behind the arguments that begin at the word with this number, if any do.
    fn behind_arguments(&self, number: usize) -> usize {
        let mut depth = 0;
        for at in number..self.spans.len() {
            match self.word(at) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth <= 0 {
                return if at == number && self.word(at) != "(" { at } else { at + 1 };
            }
        }
        self.spans.len()
    }
}

/// Whether a word could be a name; words of the language, such as `and`, count as names.
pub(super) fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Whether a word holds what is before it against what is behind it.
fn compares(word: &str) -> bool {
    matches!(word, "==" | "!=" | "<" | ">" | "<=" | ">=" | "in")
}

/// Whether a word is one of the language itself.
fn is_keyword(word: &str) -> bool {
    matches!(word, "and" | "or" | "not" | "is" | "in" | "if" | "elif" | "else" | "endif" | "true" | "false")
}

fn words(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        let is_word = |next: char| next.is_alphanumeric() || matches!(next, '_' | '.');
        let mut end = start + first.len_utf8();
        if first.is_whitespace() {
            continue;
        } else if matches!(first, '\'' | '"') {
            end = rest.by_ref().find(|(_, next)| *next == first).map_or(text.len(), |(at, _)| at + 1);
        } else if is_word(first) {
            while let Some((at, next)) = rest.next_if(|(_, next)| is_word(*next)) {
                end = at + next.len_utf8();
            }
        } else {
            // `===`, `&&` and `||` are of other languages, and are reported as such.
            let is_doubled = |next: u8| {
                next == b'=' && matches!(first, '<' | '>' | '=' | '!')
                    || next == first as u8 && matches!(first, '&' | '|')
            };
            while bytes.get(end).is_some_and(|next| is_doubled(*next)) {
                rest.next();
                end += 1;
            }
        }
        words.push(start..end);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_said_unless_it_is_only_looked_at_or_something_stands_in() {
        for (text, names) in [
            ("title", &["title"][..]),
            ("title | lower ~ ' mug'", &["title"]),
            ("title | replace('a', 'b') | default('mug')", &[]),
            ("(brand ~ title) | default('mug')", &[]),
            ("title or 'mug'", &[]),
            ("'red' if category == 'mug' else 'blue'", &[]),
            ("title if title else 'mug'", &[]),
            ("brand if title else 'mug'", &["brand"]),
        ] {
            assert_eq!(Expression::whole(text).output_names().collect::<Vec<_>>(), names, "{text}");
        }
    }

    #[test]
    fn expressions_fall_apart_into_words() {
        let text = "a | b {{ price|float >= 9.5 }} {%- if x == 'a | b' -%} {y} {{ color.hex";
        let words = |expression: &Expression<'_>| -> Vec<String> {
            expression.numbers().map(|number| expression.word(number).to_owned()).collect()
        };
        let found: Vec<Vec<String>> = Expression::all(text).iter().map(words).collect();
        assert_eq!(
            found,
            [vec!["price", "|", "float", ">=", "9.5"], vec!["if", "x", "==", "'a | b'"], vec!["color.hex"]]
        );
        let chain = Expression::whole("a | trim | lower");
        assert_eq!(chain.filters(0).collect::<Vec<_>>(), ["trim", "lower"]);
        let chain = Expression::whole("a | replace(('b'), c) | lower ~ d | upper");
        assert_eq!(chain.filters(0).collect::<Vec<_>>(), ["replace", "lower"]);
    }
}
