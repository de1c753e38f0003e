use std::ops::Range;

/// An expression, split into words as far as finding mistakes needs it.
#[derive(Debug)]
pub(super) struct Expression<'t> {
    text: &'t str,
    /// The spans of the words, in bytes of the text: names with their attributes, numbers, quoted texts and operators.
    spans: Vec<Range<usize>>,
}

impl<'t> Expression<'t> {
    /// Returns the expressions of a text, which are enclosed in `{{ }}` or `{% %}`.
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

    /// Returns a whole text as one expression.
    pub(super) fn whole(text: &'t str) -> Expression<'t> {
        Expression::of(text, 0..text.len())
    }

    fn of(text: &'t str, within: Range<usize>) -> Expression<'t> {
        let mut spans = words(&text[within.clone()]);
        spans.iter_mut().for_each(|span| *span = span.start + within.start..span.end + within.start);
        // A sign next to the braces trims whitespace and is not part of the expression.
        let is_sign = |span: Option<&Range<usize>>| span.is_some_and(|span| matches!(&text[span.clone()], "-" | "+"));
        if is_sign(spans.first()) {
            spans.remove(0);
        }
        if is_sign(spans.last()) {
            spans.pop();
        }
        Expression { text, spans }
    }

    /// Returns the text of the expression.
    pub(super) fn source(&self) -> &'t str {
        match (self.spans.first(), self.spans.last()) {
            (Some(first), Some(last)) => &self.text[first.start..last.end],
            _ => "",
        }
    }

    /// Returns word `number`, or an empty text if there is none.
    pub(super) fn word(&self, number: usize) -> &'t str {
        self.spans.get(number).map_or("", |span| &self.text[span.clone()])
    }

    /// Returns the word that is `many` words before word `number`.
    pub(super) fn before(&self, number: usize, many: usize) -> &'t str {
        number.checked_sub(many).map_or("", |number| self.word(number))
    }

    /// Returns the span of word `number`, in bytes of the text.
    pub(super) fn span(&self, number: usize) -> Range<usize> {
        self.spans.get(number).cloned().unwrap_or_default()
    }

    /// Returns the numbers of all words.
    pub(super) fn numbers(&self) -> Range<usize> {
        0..self.spans.len()
    }

    /// Returns the numbers of the words that are names.
    pub(super) fn names(&self) -> impl Iterator<Item = usize> {
        self.numbers().filter(|number| is_name(self.word(*number)))
    }

    /// Returns the name if the expression consists of nothing else, as in `{{ sku }}`.
    pub(super) fn bare_name(&self) -> Option<&'t str> {
        (self.spans.len() == 1 && is_name(self.word(0))).then(|| self.word(0))
    }

    /// Returns the spans of names that are joined by dashes without whitespace, as in `image-src`.
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

    /// Whether the expression is a statement without output, such as a condition, an assignment or a loop: `if title`,
    /// `for tag in tags`.
    pub(super) fn is_statement(&self) -> bool {
        const STATEMENTS: [&str; 7] = ["if", "elif", "else", "endif", "for", "endfor", "set"];
        STATEMENTS.contains(&self.word(0))
    }

    /// Whether the expression is a single name or text with its filters.
    pub(super) fn is_one_value(&self) -> bool {
        !self.numbers().any(|number| matches!(self.word(number), "~" | "+" | "if" | "or" | "and"))
    }

    /// Returns the names whose values are output, except those that are only tested and those with a default.
    pub(super) fn output_names(&self) -> impl Iterator<Item = &'t str> {
        let is_default = |filter: &str| matches!(filter, "default" | "d");
        // A default after a parenthesis applies to everything in the parentheses.
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

    /// Whether word `number` is part of the condition of an `if`.
    pub(super) fn is_asked(&self, number: usize) -> bool {
        let mut before = (0..number).rev().map(|number| self.word(number));
        before.find(|word| matches!(*word, "if" | "elif" | "else")).is_some_and(|word| word != "else")
    }

    /// Returns the numbers of the names that are tested for truth, without a comparison, such as `active` in
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

    /// Whether the text examines the value of name `number`, so that its author knows which values occur.
    pub(super) fn is_looked_at(&self, number: usize) -> bool {
        self.is_asked(number) && !self.switches().any(|switch| switch == number)
            || self.is_compared(number)
            || self.filters(number).any(|filter| filter == "replace")
    }

    /// Whether name `number` is compared with something, as in `note not in ['no']`.
    pub(super) fn is_compared(&self, number: usize) -> bool {
        let behind = self.word(number + 1);
        compares(self.before(number, 1)) || compares(behind) || behind == "not"
    }

    /// Whether name `number` is not only tested for being present, but compared or filtered, as in `stock | int > 0`.
    pub(super) fn is_known(&self, number: usize) -> bool {
        self.is_compared(number) || self.word(number + 1) == "|"
    }

    /// Returns the filters that are applied to word `number`.
    pub(super) fn filters(&self, number: usize) -> impl Iterator<Item = &'t str> {
        let mut bar = number + 1;
        std::iter::from_fn(move || {
            let filter = (self.word(bar) == "|").then(|| self.word(bar + 1))?;
            bar = self.behind_arguments(bar + 2);
            Some(filter)
        })
    }

    /// Returns the number of the word after the arguments that start at word `number`, if there are any.
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

/// Whether a word could be a name. Keywords such as `and` also count.
pub(super) fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Whether a word is a comparison operator.
fn compares(word: &str) -> bool {
    matches!(word, "==" | "!=" | "<" | ">" | "<=" | ">=" | "in")
}

/// Whether a word is a keyword of the template language.
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
            // `===`, `&&` and `||` are operators of other languages, and are reported as such.
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
    fn output_names_exclude_tested_names_and_names_with_defaults() {
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
    fn expressions_are_split_into_words() {
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
