use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::{Environment, UndefinedBehavior, Value as Variable};

use crate::manifest::diagnostic::quoted;
use crate::manifest::dialect::{slug, snake_case};
use crate::manifest::node::Node;
use crate::manifest::row::{At, Complaint, Field};
use crate::manifest::suggest;

use super::{Axis, Rendered};

/// How much work one rendering may be: a manifest is no place for endless loops.
const FUEL: u64 = 100_000;

/// The filters that texts may use, beside those of the template language.
const FILTERS: &str = "slug, lower, upper, trim, default('…'), replace('a', 'b')";

/// The texts that make a job out of a row.
#[derive(Debug)]
pub(in crate::manifest) struct Template {
    pub(super) fields: Vec<(Field, Text)>,
    condition: Option<Text>,
}

/// One value of the template: a text, or a list of texts.
#[derive(Debug)]
pub(in crate::manifest) struct Text {
    span: Range<usize>,
    parts: Vec<Part>,
    is_list: bool,
}

/// A compiled text.
#[derive(Debug)]
struct Part {
    environment: Environment<'static>,
    /// As it is written between its quotes.
    written: String,
    span: Range<usize>,
    /// How many bytes were put before it to make a template of it.
    shift: usize,
}

const NAME: &str = "template";

impl Text {
    /// Compiles the texts of `nodes`, which stand at `span`.
    pub(in crate::manifest) fn compile(span: Range<usize>, nodes: &[&Node], is_list: bool) -> Result<Text, Complaint> {
        let parts: Result<Vec<Part>, Complaint> = nodes.iter().map(|node| Part::compile(node, None)).collect();
        Ok(Text { span, parts: parts?, is_list })
    }

    /// Compiles a condition: a text such as `{{ stock > 0 }}`, or the same without its braces.
    pub(in crate::manifest) fn condition(node: &Node) -> Result<Text, Complaint> {
        let written = node.scalar().unwrap_or_default();
        let braced =
            if written.contains("{{") || written.contains("{%") { None } else { Some(format!("{{{{ {written} }}}}")) };
        Ok(Text { span: node.span.clone(), parts: vec![Part::compile(node, braced)?], is_list: false })
    }

    pub(super) fn render(&self, variables: &Variable) -> Result<Rendered, Complaint> {
        let mut texts: Vec<String> = self.parts.iter().map(|part| part.render(variables)).collect::<Result<_, _>>()?;
        Ok(match self.is_list {
            // What renders to nothing is left out, so that a picture may be optional.
            true => Rendered::List(texts.into_iter().filter(|text| !text.trim().is_empty()).collect()),
            false => Rendered::Text(texts.pop().unwrap_or_default()),
        })
    }
}

impl Template {
    pub(in crate::manifest) fn new(fields: Vec<(Field, Text)>, condition: Option<Text>) -> Template {
        Template { fields, condition }
    }

    /// Whether the condition holds.
    pub(super) fn is_wanted(&self, variables: &Variable) -> Result<bool, Complaint> {
        let Some(condition) = &self.condition else { return Ok(true) };
        let text = condition.parts.iter().map(|part| part.render(variables)).collect::<Result<String, _>>()?;
        Ok(!matches!(text.trim().to_lowercase().as_str(), "" | "false" | "0" | "no" | "none"))
    }

    /// Where the text of a field stands.
    pub(super) fn place(&self, field: Field) -> Option<Range<usize>> {
        self.fields.iter().find(|(known, _)| *known == field).map(|(_, text)| text.span.clone())
    }

    /// Whether the text of a field names the column of the same name: then it takes the row's word into account itself.
    pub(super) fn mentions(&self, field: Field) -> bool {
        self.names_of(field).contains(field.key())
    }

    /// The columns and axes that the text of a field names.
    pub(super) fn names_of(&self, field: Field) -> BTreeSet<String> {
        let texts = self.fields.iter().filter(|(known, _)| *known == field);
        texts.flat_map(|(_, text)| &text.parts).flat_map(|part| part.names(false)).collect()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.fields.iter().map(|(_, text)| text).chain(&self.condition).flat_map(|text| &text.parts)
    }

    /// The names that no column and no axis has, each told once. `columns` is what rows have, where that is known;
    /// `broken` are axes of which it was said already that they cannot be read.
    pub(in crate::manifest) fn undefined(
        &self,
        columns: Option<&[String]>,
        matrix: &[Axis],
        broken: &BTreeSet<String>,
    ) -> Vec<Complaint> {
        let axes: BTreeSet<String> = matrix.iter().flat_map(Axis::names).collect();
        let roots: BTreeSet<&str> = matrix.iter().map(|axis| &*axis.name).collect();
        let written = columns;
        let columns: Option<BTreeSet<String>> =
            columns.map(|columns| columns.iter().map(|name| snake_case(name)).collect());
        let mut complaints = Vec::new();
        for part in self.parts() {
            for name in part.names(true) {
                let root = name.split('.').next().unwrap_or_default();
                let called: Vec<&String> =
                    written.iter().copied().flatten().filter(|column| snake_case(column) == root).collect();
                if let ([one, other, ..], false) = (called.as_slice(), roots.contains(root)) {
                    let message = format!("{} may be column {} or {}", quoted(root), quoted(one), quoted(other));
                    let hint = "rename one of the two in the table".to_owned();
                    complaints.push(Complaint::new(At::Source(part.place_of(&name)), message, hint));
                }
                if broken.contains(root) || part.environment.globals().any(|(global, _)| global == root) {
                    continue;
                }
                if !roots.contains(root)
                    && columns.as_ref().is_some_and(|columns| columns.contains(root))
                    && root != name
                {
                    let message = format!("{} is a text, and has no parts", quoted(root));
                    let hint = "name the column alone; filters shape it, as in `name | replace('a', 'b')`".to_owned();
                    complaints.push(Complaint::new(At::Source(part.place_of(&name)), message, hint));
                    continue;
                }
                let is_known = match (roots.contains(root), &columns) {
                    (true, _) => axes.contains(&name),
                    (false, Some(columns)) => columns.contains(root),
                    (false, None) => true,
                };
                if is_known {
                    continue;
                }
                let known: Vec<&str> = axes.iter().chain(columns.iter().flatten()).map(String::as_str).collect();
                let message =
                    format!("the template names {}, which is no column and no part of the matrix", quoted(&name));
                let hint = match known.as_slice() {
                    [] => "there are no names to use: give `rows` or a `matrix`".to_owned(),
                    known => suggest::hint(&name, known),
                };
                complaints.push(Complaint::new(At::Source(part.place_of(&name)), message, hint));
            }
        }
        complaints
    }

    /// The columns that are compared with numbers as they are. They are texts, and a text is over every number.
    pub(in crate::manifest) fn compared(&self) -> Vec<Complaint> {
        let compared = |part: &Part| {
            let comparison = comparison(&part.written)?;
            part.names(true).contains(&part.written[comparison.name.clone()]).then_some(comparison)
        };
        let complaints = self.parts().filter_map(|part| {
            let comparison = compared(part)?;
            let name = &part.written[comparison.name.clone()];
            let filter = if comparison.number.contains('.') { "float" } else { "int" };
            let message = format!("{} is a text, and is compared with the number {}", quoted(name), comparison.number);
            let hint = format!("make a number of it: `{name} | {filter}`");
            Some(Complaint::new(At::Source(part.place(comparison.name)), message, hint))
        });
        complaints.collect()
    }
}

/// What stands in for a value that is not there. An empty cell is not there, whatever table it is in.
fn default(value: &Variable, other: Option<Variable>, stands_for_false: Option<bool>) -> Variable {
    let is_empty = value.is_undefined()
        || value.is_none()
        || value.as_str().is_some_and(|text| text.trim().is_empty())
        || stands_for_false == Some(true) && !value.is_true();
    if is_empty { other.unwrap_or_else(|| Variable::from("")) } else { value.clone() }
}

/// A name that stands beside a comparison with a number.
struct Comparison {
    name: Range<usize>,
    number: String,
}

/// The first comparison of a bare name with a number in a template.
fn comparison(text: &str) -> Option<Comparison> {
    let tokens = tokens(text);
    let word = |token: Option<&Range<usize>>| token.map_or("", |span| &text[span.clone()]);
    let is_operator = |token: &str| matches!(token, "<" | ">" | "<=" | ">=" | "==" | "!=");
    let is_number = |token: &str| token.starts_with(|first: char| first.is_ascii_digit());
    let is_name = |token: &str| token.starts_with(|first: char| first.is_alphabetic() || first == '_');
    (1..tokens.len()).filter(|at| is_operator(word(tokens.get(*at)))).find_map(|at| {
        let (left, right) = (tokens.get(at - 1)?, tokens.get(at + 1)?);
        // Behind a bar stands a filter, and what it makes is compared.
        let is_filtered = at >= 2 && word(tokens.get(at - 2)) == "|";
        let is_shaped = matches!(word(tokens.get(at + 2)), "|" | "(" | "[");
        if is_name(word(Some(left))) && !is_filtered && is_number(word(Some(right))) {
            return Some(Comparison { name: left.clone(), number: word(Some(right)).to_owned() });
        }
        let is_swapped = is_number(word(Some(left))) && is_name(word(Some(right))) && !is_shaped;
        is_swapped.then(|| Comparison { name: right.clone(), number: word(Some(left)).to_owned() })
    })
}

/// Names with their dots, numbers, quoted texts and signs, as far as telling comparisons needs it.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
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
        } else if matches!(first, '<' | '>' | '=' | '!') && bytes.get(end) == Some(&b'=') {
            rest.next();
            end += 1;
        }
        tokens.push(start..end);
    }
    tokens
}

impl Part {
    fn compile(node: &Node, written: Option<String>) -> Result<Part, Complaint> {
        let text = node.scalar().unwrap_or_default();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("slug", |text: &str| slug(text));
        environment.add_filter("default", default);
        environment.add_filter("d", default);
        let source = written.unwrap_or_else(|| text.to_owned());
        let shift = source.find(text).unwrap_or(0);
        let part = Part { environment: Environment::empty(), written: text.to_owned(), span: node.span.clone(), shift };
        match environment.add_template_owned(NAME, source) {
            Ok(()) => Ok(Part { environment, ..part }),
            Err(error) => Err(part.complaint("the template cannot be read", &error)),
        }
    }

    fn render(&self, variables: &Variable) -> Result<String, Complaint> {
        let rendered = self.environment.get_template(NAME).and_then(|template| template.render(variables.clone()));
        rendered
            .map(|text| text.trim().to_owned())
            .map_err(|error| self.complaint("the template cannot be filled in", &error))
    }

    /// The names that the text looks up, with the parts behind their dots where `nested`.
    fn names(&self, nested: bool) -> BTreeSet<String> {
        let template = self.environment.get_template(NAME);
        template.map(|template| template.undeclared_variables(nested).into_iter().collect()).unwrap_or_default()
    }

    fn place_of(&self, name: &str) -> Range<usize> {
        self.written.find(name).map_or(self.span.clone(), |at| self.place(at..at + name.len()))
    }

    /// Where bytes of the text stand in the manifest, if it is written there as it is.
    fn place(&self, part: Range<usize>) -> Range<usize> {
        // The node's span has the quotes in it, where there are any.
        let quote = match self.span.len().checked_sub(self.written.len()) {
            Some(0) => 0,
            Some(2) => 1,
            _ => return self.span.clone(),
        };
        self.span.start + quote + part.start..self.span.start + quote + part.end
    }

    fn complaint(&self, what: &str, error: &minijinja::Error) -> Complaint {
        let said = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        let hint = match error.kind() {
            minijinja::ErrorKind::UnknownFilter => format!("the filters are {FILTERS} and those of Jinja"),
            minijinja::ErrorKind::UndefinedError => {
                "the row has no such column; `{{ name | default('') }}` stands in for it".to_owned()
            }
            minijinja::ErrorKind::OutOfFuel => "it takes too long: loop over less, or not at all".to_owned(),
            minijinja::ErrorKind::SyntaxError => {
                "a name stands in double braces, as in {{ sku }}, with filters as in {{ name | slug }}".to_owned()
            }
            _ if said.contains("from empty string") => {
                "an empty cell is no number: let one stand in, as in {{ name | default(0) | int }}".to_owned()
            }
            _ => "mend it, or leave such rows out with `when:`".to_owned(),
        };
        let found = error.range().and_then(|range| Some(range.start.checked_sub(self.shift)?..range.end - self.shift));
        let found = found.filter(|range| range.start < range.end && range.end <= self.written.len());
        let span = found.map_or(self.span.clone(), |range| self.place(range));
        Complaint::new(At::Source(span), format!("{what}: {said}"), hint)
    }
}
