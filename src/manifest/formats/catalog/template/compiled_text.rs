use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as Variable};

use crate::manifest::diagnostic::quoted;
use crate::manifest::formats::dialect::snake_case;
use crate::manifest::node::Node;
use crate::manifest::row::{At, RowError};

use super::words::{Expression, is_name};
use super::{filters, number};

/// The maximum amount of work for rendering a text, which stops endless loops.
const FUEL: u64 = 100_000;

/// The name of every template in its environment.
const NAME: &str = "template";

/// A compiled text.
#[derive(Debug)]
pub(super) struct CompiledText {
    environment: Environment<'static>,
    /// The text in the manifest, without its quotes.
    pub(super) written: String,
    /// The source of the text in the manifest, with quotes, escapes and line breaks, and its span.
    spelt: String,
    pub(super) span: Range<usize>,
    /// The number of bytes that were put before the text to make it a template.
    shift: usize,
    /// The error if the text is not a valid template. The environment then holds only the readable expressions, to find
    /// their names, and the text is not rendered.
    pub(super) unread: Option<RowError>,
}

impl CompiledText {
    /// Compiles the text of `node` in the manifest `text`. `bareness` tells whether it has braces.
    pub(super) fn compile(node: &Node, text: &str, bareness: Bareness) -> CompiledText {
        let written = node.scalar().unwrap_or_default();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        filters::add_to(&mut environment);
        let (source, shift) = match bareness {
            Bareness::Text => (written.to_owned(), 0),
            Bareness::Expression => (format!("{{{{ {written} }}}}"), 3),
        };
        let spelt = text.get(node.span.clone()).unwrap_or_default().to_owned();
        let mut part = CompiledText {
            environment: Environment::empty(),
            written: written.to_owned(),
            spelt,
            span: node.span.clone(),
            shift,
            unread: None,
        };
        let read = environment.add_template_owned(NAME, source);
        part.environment = environment;
        if let Err(error) = read {
            part.unread = Some(part.unreadable(&error));
            let readable = part.readable();
            let readable: String =
                readable.iter().map(|expression| format!("{{{{ {} }}}}", expression.source())).collect();
            // This does not fail, because each expression was compiled by itself.
            let _ = part.environment.add_template_owned(NAME, readable);
        }
        part
    }

    pub(super) fn render(&self, variables: &Variable) -> Result<String, Unfilled> {
        let rendered = self.environment.get_template(NAME).and_then(|template| template.render(variables.clone()));
        rendered.map(|text| text.trim().to_owned()).map_err(|error| self.unfilled(&error, variables))
    }

    /// Returns the expressions of the text.
    pub(super) fn expressions(&self) -> Vec<Expression<'_>> {
        match self.shift {
            0 => Expression::all(&self.written),
            _ => vec![Expression::whole(&self.written)],
        }
    }

    /// Returns the names whose values are output without a default. Names that a condition checks are excluded, because
    /// they may be missing, and so is a value that is the whole text, because it leaves no gap if it is empty.
    pub(super) fn output_names(&self) -> Vec<String> {
        let expressions = self.expressions();
        let written = self.written.trim();
        let is_alone = expressions.len() == 1 && written.starts_with("{{") && written.ends_with("}}");
        let (asked, output): (Vec<_>, Vec<_>) = expressions.iter().partition(|expression| expression.is_statement());
        let asked: BTreeSet<&str> =
            asked.iter().flat_map(|expression| expression.names().map(|number| expression.word(number))).collect();
        let output = output.into_iter().filter(|expression| !is_alone || !expression.is_one_value());
        output.flat_map(Expression::output_names).filter(|name| !asked.contains(name)).map(str::to_owned).collect()
    }

    /// Returns the expressions that can be read: all of them if the text is a valid template. If it is not and has
    /// statements, none is returned, because expressions mean nothing without their statements.
    pub(super) fn readable(&self) -> Vec<Expression<'_>> {
        let mut expressions = self.expressions();
        if self.unread.is_some() {
            let has_statements = self.written.contains("{%");
            let is_one = |source| self.environment.compile_expression(source).is_ok();
            expressions.retain(|expression| !has_statements && is_one(expression.source()));
        }
        expressions
    }

    /// Returns the names that the text looks up, with their attributes if `nesting` asks for them.
    pub(super) fn names(&self, nesting: Nesting) -> BTreeSet<String> {
        let template = self.environment.get_template(NAME);
        let names = template.map(|template| template.undeclared_variables(nesting == Nesting::WithParts));
        names.map(|names| names.into_iter().collect()).unwrap_or_default()
    }

    /// Whether the template language defines this name.
    pub(super) fn is_global(&self, name: &str) -> bool {
        self.environment.globals().any(|(global, _)| global == name)
    }

    /// Whether a filter with this name exists.
    pub(super) fn has_filter(&self, name: &str) -> bool {
        let tried = self.environment.compile_expression_owned(format!("''|{name}"));
        let tried = tried.and_then(|expression| expression.eval(()));
        !matches!(tried, Err(error) if error.kind() == ErrorKind::UnknownFilter)
    }

    pub(super) fn source_span_of(&self, name: &str) -> Range<usize> {
        self.written.find(name).map_or(self.span.clone(), |at| self.source_span(at..at + name.len()))
    }

    /// Returns the span in the manifest of a span of the text. Quotes, escapes and line breaks shift offsets, so the
    /// spanned characters are searched for in the source, skipping as many occurrences as precede them in the text.
    pub(super) fn source_span(&self, part: Range<usize>) -> Range<usize> {
        let Some(word) = self.written.get(part.clone()).filter(|word| !word.is_empty()) else {
            return self.span.clone();
        };
        let earlier = self.written[..part.start].matches(word).count();
        match self.spelt.match_indices(word).nth(earlier) {
            Some((at, _)) => self.span.start + at..self.span.start + at + word.len(),
            None => self.span.clone(),
        }
    }

    fn span_of_error(&self, error: &minijinja::Error) -> Range<usize> {
        let found = error.range().and_then(|range| Some(range.start.checked_sub(self.shift)?..range.end - self.shift));
        let found = found.filter(|range| range.start < range.end && range.end <= self.written.len());
        found.map_or(self.span.clone(), |range| self.source_span(range))
    }

    /// Returns the error of a text that is not a valid template.
    fn unreadable(&self, error: &minijinja::Error) -> RowError {
        let at = At::Source(self.span_of_error(error));
        let other_language_hint = self.open_block().or_else(|| self.expressions().iter().find_map(other_language_hint));
        let hint = other_language_hint.unwrap_or_else(|| {
            "a name goes in double braces, as in {{ sku }}, with filters as in {{ name | slug }}".to_owned()
        });
        RowError::new(at, format!("the template cannot be read: {}", error_message(error)), hint)
    }

    /// Returns the hint for a block that is not closed.
    fn open_block(&self) -> Option<String> {
        let expressions = self.expressions();
        let count = |word: &str| expressions.iter().filter(|expression| expression.word(0) == word).count();
        let open = ["if", "for"].into_iter().find(|word| count(word) > count(&format!("end{word}")));
        open.map(|word| format!("close it: `{{% {word} … %}}` ends with `{{% end{word} %}}`"))
    }

    /// Returns the error of a text that cannot be rendered with `variables`.
    fn unfilled(&self, error: &minijinja::Error, variables: &Variable) -> Unfilled {
        let span = self.span_of_error(error);
        let look_up = |name: &str| name.split('.').try_fold(variables.clone(), |value, part| value.get_attr(part).ok());
        if error.kind() == ErrorKind::UndefinedError {
            let is_missing = |name: &String| look_up(name).is_none_or(|value| value.is_undefined());
            if let Some(name) = self.names(Nesting::WithParts).into_iter().find(is_missing) {
                return Unfilled::Missing { name, span };
            }
        }
        let at = At::Source(span);
        if let Some((name, filter, cell)) = self.no_number(look_up) {
            let message = match cell.trim() {
                "" => format!("{} is empty, and not a number", quoted(&name)),
                _ => format!("{} is {}, which is not a number", quoted(&name), quoted(&cell)),
            };
            let hint = match cell.trim() {
                "" => format!("set a default number: `{name} | default(0) | {filter}`"),
                cell => match number::filters(cell) {
                    Some(filters) => format!("remove what is not part of it: `{name}{filters} | {filter}`"),
                    None => "fix the cell, or leave out its row with a condition on another column".to_owned(),
                },
            };
            return RowError::new(at, message, hint).into();
        }
        let hint = match error.kind() {
            ErrorKind::OutOfFuel => "it takes too long: use shorter loops, or none",
            _ => "fix it, or leave such rows out with `when:`",
        };
        RowError::new(at, format!("the template cannot be filled in: {}", error_message(error)), hint.to_owned()).into()
    }

    /// Returns the first name whose cell is converted to a number but is not one, with the filter and the cell.
    fn no_number(&self, look_up: impl Fn(&str) -> Option<Variable>) -> Option<(String, &str, String)> {
        self.expressions().iter().find_map(|expression| {
            expression.names().find_map(|number| {
                let filters: Vec<&str> = expression.filters(number).collect();
                let at = filters.iter().position(|filter| matches!(*filter, "int" | "float"))?;
                let cell = look_up(expression.word(number))?.as_str()?.to_owned();
                let is_number = match &filters[..at] {
                    [] if filters[0] == "int" && cell.trim().parse::<i128>().is_ok() => true,
                    [] => cell.trim().parse::<f64>().is_ok(),
                    // The results of other filters are unknown, but most return an empty text for an empty cell.
                    others => !cell.trim().is_empty() || others.iter().any(|filter| matches!(*filter, "default" | "d")),
                };
                let filter = filters[at];
                (!is_number).then(|| (expression.word(number).to_owned(), filter, cell))
            })
        })
    }
}

/// Why a text cannot be rendered for a row.
#[derive(Debug)]
pub(in crate::manifest::formats::catalog) enum Unfilled {
    /// The row has no column of this name. `span` is where the text uses it.
    Missing { name: String, span: Range<usize> },
    /// Anything else.
    Wrong(RowError),
}

impl From<RowError> for Unfilled {
    fn from(row_error: RowError) -> Unfilled {
        Unfilled::Wrong(row_error)
    }
}

/// Whether a text has braces before it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bareness {
    /// A text with expressions in braces.
    Text,
    /// An expression without braces.
    Expression,
}

/// Whether names are returned with their attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nesting {
    /// Names alone, such as `color`.
    Roots,
    /// Names with attributes, such as `color.hex`.
    WithParts,
}

fn error_message(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Returns the hint for operators of other languages, and for names written like the headers of the table.
fn other_language_hint(expression: &Expression<'_>) -> Option<String> {
    let words: Vec<&str> = expression.numbers().map(|number| expression.word(number)).collect();
    let other = words.iter().find_map(|word| match *word {
        "=" | "===" => Some("`==` compares, as in `category == 'mug'`"),
        "!==" | "<>" => Some("`!=` tells what differs, as in `category != 'mug'`"),
        "&&" | "&" => Some("use `and` if both must be true"),
        "||" => Some("use `or` if one must be true"),
        "!" => Some("use `not` for the opposite"),
        "“" | "”" | "„" | "‘" | "’" => Some("texts go in straight quotes, as in `'mug'`"),
        _ => None,
    });
    let is_digit = |word: &&&str| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('_');
    let is_header = words.len() > 1 && !expression.is_statement() && words.iter().all(|word| is_name(word));
    other
        .map(str::to_owned)
        .or_else(|| words.iter().find(is_digit).map(|word| format!("no name begins with a digit: write `_{word}`")))
        .or_else(|| is_header.then(|| format!("names have no spaces: write `{}`", snake_case(&words.join(" ")))))
}
