use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::{Environment, UndefinedBehavior, Value as Variable};

use crate::manifest::diagnostic::quoted;
use crate::manifest::dialect::snake_case;
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
        let texts = self.fields.iter().filter(|(known, _)| *known == field);
        texts.flat_map(|(_, text)| &text.parts).any(|part| part.names(false).contains(field.key()))
    }

    /// The names that no column and no axis has, each told once. `columns` is what rows have, where that is known.
    pub(in crate::manifest) fn undefined(&self, columns: Option<&[String]>, matrix: &[Axis]) -> Vec<Complaint> {
        let axes: BTreeSet<String> = matrix.iter().flat_map(Axis::names).collect();
        let roots: BTreeSet<&str> = matrix.iter().map(|axis| axis.name.as_str()).collect();
        let columns: Option<BTreeSet<String>> =
            columns.map(|columns| columns.iter().map(|name| snake_case(name)).collect());
        let texts = self.fields.iter().map(|(_, text)| text).chain(&self.condition);
        let mut complaints = Vec::new();
        for part in texts.flat_map(|text| &text.parts) {
            for name in part.names(true) {
                let root = name.split('.').next().unwrap_or_default();
                // A name with a dot behind a column is an attempt to look into a text, which fails when it is rendered.
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
}

impl Part {
    fn compile(node: &Node, written: Option<String>) -> Result<Part, Complaint> {
        let text = node.scalar().unwrap_or_default();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("slug", slug);
        let source = written.unwrap_or_else(|| text.to_owned());
        let part = Part { environment: Environment::empty(), written: text.to_owned(), span: node.span.clone() };
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
        // The node's span has the quotes in it, where there are any.
        let quote = usize::from(self.span.len() > self.written.len());
        match self.written.find(name) {
            Some(at) => self.span.start + quote + at..self.span.start + quote + at + name.len(),
            None => self.span.clone(),
        }
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
            _ => "a name stands in double braces, as in {{ sku }}, with filters as in {{ name | slug }}".to_owned(),
        };
        Complaint::new(At::Source(self.span.clone()), format!("{what}: {said}"), hint)
    }
}

/// A text as a file name or a URL has it: `Ocean Blue!` is `ocean-blue`.
fn slug(text: &str) -> String {
    snake_case(text).replace('_', "-")
}
