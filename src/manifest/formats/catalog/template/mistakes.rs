use std::collections::BTreeSet;

use crate::manifest::diagnostic::quoted;
use crate::manifest::formats::catalog::axis::Axis;
use crate::manifest::formats::catalog::rows::RowSource;
use crate::manifest::formats::dialect::snake_case;
use crate::manifest::row::{At, RowError};
use crate::manifest::suggest;

use super::Template;
use super::compiled_text::{CompiledText, Nesting};
use super::words::{Expression, is_name};

/// The most useful filters, which hints list first.
const FILTERS: [&str; 8] = ["slug", "lower", "upper", "trim", "default", "replace", "striptags", "truncate"];

/// Other filters that a misspelled name may mean.
const MORE_FILTERS: [&str; 12] =
    ["int", "float", "round", "title", "capitalize", "join", "first", "last", "length", "abs", "split", "list"];

/// The names of filters in other languages, and the equivalent filters.
const OTHER_FILTERS: [(&str, &str); 10] = [
    ("lowercase", "lower"),
    ("downcase", "lower"),
    ("uppercase", "upper"),
    ("upcase", "upper"),
    ("slugify", "slug"),
    ("handleize", "slug"),
    ("strip", "trim"),
    ("number", "float"),
    ("titlecase", "title"),
    ("strip_html", "striptags"),
];

/// The names that texts can use.
pub(in crate::manifest::formats::catalog) struct KnownNames<'k> {
    /// The columns of the rows as written, if they are known.
    pub(in crate::manifest::formats::catalog) columns: Option<&'k [String]>,
    /// The rows, if they have no known errors.
    pub(in crate::manifest::formats::catalog) rows: Option<&'k RowSource>,
    pub(in crate::manifest::formats::catalog) matrix: &'k [Axis],
    /// The axes whose errors were already reported.
    pub(in crate::manifest::formats::catalog) broken: &'k BTreeSet<String>,
}

impl Template {
    /// Returns all errors of the texts that do not depend on rows. A text with an error is not rendered.
    pub(in crate::manifest::formats::catalog) fn mistakes(&mut self, known: &KnownNames<'_>) -> Vec<RowError> {
        let mut all = Vec::new();
        for text in self.texts_mut() {
            let found: Vec<RowError> = text.parts.iter().flat_map(|part| mistakes(part, known)).collect();
            let is_incomplete =
                text.parts.iter().any(|part| part.names(Nesting::Roots).iter().any(|name| known.broken.contains(name)));
            text.is_broken |= is_incomplete || !found.is_empty();
            all.extend(found);
        }
        all
    }
}

fn mistakes(part: &CompiledText, known: &KnownNames<'_>) -> Vec<RowError> {
    let mut row_errors = undefined(part, known);
    let names = part.names(Nesting::WithParts);
    for expression in part.readable() {
        row_errors.extend(filters(part, &expression));
        row_errors.extend(comparisons(part, &expression, &names));
        row_errors.extend(tests(part, &expression, &names));
        row_errors.extend(maps(part, &expression, known));
        row_errors.extend(in_quotes(part, &expression, known));
        row_errors.extend(incomplete(&expression, known));
    }
    // Unclosed braces look like the placeholders of other programs.
    if part.unread.is_none() {
        row_errors.extend(placeholders(part, known));
    }
    row_errors.sort_by_key(|row_error| match &row_error.at {
        At::Source(span) => span.start,
        _ => 0,
    });
    row_errors
}

/// The names of columns and axes, as templates use them.
struct Names<'k> {
    /// The axes and their parts: `color` and `color.hex`.
    axes: BTreeSet<String>,
    roots: BTreeSet<&'k str>,
    /// `None` if the columns are unknown.
    columns: Option<BTreeSet<String>>,
}

impl<'k> Names<'k> {
    fn of(known: &KnownNames<'k>) -> Names<'k> {
        Names {
            axes: known.matrix.iter().flat_map(Axis::names).collect(),
            roots: known.matrix.iter().map(|axis| &*axis.name).collect(),
            columns: known.columns.map(|columns| columns.iter().map(|name| snake_case(name)).collect()),
        }
    }

    fn has_column(&self, name: &str) -> bool {
        self.columns.as_ref().is_some_and(|columns| columns.contains(name))
    }
}

/// Returns an error for each name that is neither a column nor an axis, or that several columns share.
fn undefined(part: &CompiledText, known: &KnownNames<'_>) -> Vec<RowError> {
    let names = Names::of(known);
    let (mut row_errors, with_dashes) = dashed_names(part, &names);
    for name in part.names(Nesting::WithParts).iter().filter(|name| !with_dashes.contains(name.as_str())) {
        row_errors.extend(ambiguous(part, name, known, &names));
        row_errors.extend(unknown(part, name, known, &names));
    }
    row_errors
}

/// Returns the errors of names with dashes, and the words that these names consist of.
fn dashed_names<'p>(part: &'p CompiledText, names: &Names<'_>) -> (Vec<RowError>, BTreeSet<&'p str>) {
    let is_known = |name: &str| names.has_column(name) || names.axes.contains(name);
    let (mut row_errors, mut words) = (Vec::new(), BTreeSet::new());
    for dashed in part.readable().iter().flat_map(Expression::dashed_names) {
        let written = &part.written[dashed.clone()];
        let meant = snake_case(written);
        if is_known(&meant) && written.split('-').any(|word| !is_known(word)) {
            let message = format!("{} is a subtraction: names have no dashes", quoted(written));
            let at = At::Source(part.source_span(dashed));
            row_errors.push(RowError::new(at, message, format!("write `{meant}`")));
            words.extend(written.split('-'));
        }
    }
    (row_errors, words)
}

fn ambiguous(part: &CompiledText, name: &str, known: &KnownNames<'_>, names: &Names<'_>) -> Option<RowError> {
    let root = root_of(name);
    let mut called = known.columns.into_iter().flatten().filter(|column| snake_case(column) == root);
    let (one, other) = (called.next()?, called.next()?);
    let message = format!("{} may be column {} or {}", quoted(root), quoted(one), quoted(other));
    let hint = "rename one of the two in the table".to_owned();
    (!names.roots.contains(root)).then(|| RowError::new(At::Source(part.source_span_of(name)), message, hint))
}

fn unknown(part: &CompiledText, name: &str, known: &KnownNames<'_>, names: &Names<'_>) -> Option<RowError> {
    let root = root_of(name);
    if known.broken.contains(root) || part.is_global(root) {
        return None;
    }
    let at = At::Source(part.source_span_of(name));
    let (is_axis, is_column) = (names.roots.contains(root), names.has_column(root));
    if !is_axis && is_column && root != name {
        let message = format!("{} is a text, and has no parts", quoted(root));
        let hint = "name only the column; filters can change it, as in `name | replace('a', 'b')`".to_owned();
        return Some(RowError::new(at, message, hint));
    }
    let is_known = if is_axis { names.axes.contains(name) } else { is_column || names.columns.is_none() };
    let message = format!("the template names {}, which is neither a column nor part of the matrix", quoted(name));
    (!is_known).then(|| RowError::new(at, message, unknown_name_hint(part, name, known, names)))
}

fn unknown_name_hint(part: &CompiledText, name: &str, known: &KnownNames<'_>, names: &Names<'_>) -> String {
    let all: Vec<&str> = names.axes.iter().chain(names.columns.iter().flatten()).map(String::as_str).collect();
    match all.as_slice() {
        [] => return "there are no names to use: give `rows` or a `matrix`".to_owned(),
        [title] if known.matrix.is_empty() && suggest::nearest(name, [*title]).is_none() => {
            return format!(
                "the rows have {} only: if that is a title, remove the lines above the header",
                quoted(title)
            );
        }
        _ => {}
    }
    // If other names of the text are columns, the header is on the right line.
    let has_known_names = part.names(Nesting::Roots).iter().any(|name| names.has_column(name));
    if let Some((file, line)) = header_below(known, root_of(name)).filter(|_| !has_known_names) {
        return format!("line {line} of {file} has it: if that is the header, remove the lines above it");
    }
    match names.axes.iter().find(|axis| axis.split_once('.').is_some_and(|(_, part)| part == name)) {
        Some(part) => format!("did you mean `{part}`?"),
        None => suggest::hint(name, &all),
    }
}

fn root_of(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// Returns the file of the rows, and a line near its top that would have a column of this name if it were the header.
fn header_below<'k>(known: &KnownNames<'k>, name: &str) -> Option<(&'k str, u64)> {
    let rows = known.rows?;
    Some((rows.file()?, rows.header_with(name)?))
}

/// Returns the errors of filters that do not exist.
fn filters(part: &CompiledText, expression: &Expression<'_>) -> Vec<RowError> {
    let bars = expression.numbers().filter(|number| expression.word(*number) == "|");
    let named = bars.map(|bar| bar + 1).filter(|number| is_name(expression.word(*number)));
    let unknown = named.filter(|number| !part.has_filter(expression.word(*number)));
    let row_errors = unknown.map(|number| {
        let name = expression.word(number);
        let other = OTHER_FILTERS.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
        let near = other.or_else(|| suggest::nearest(name, FILTERS.into_iter().chain(MORE_FILTERS)));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("the filters are {}, {} and some more of Jinja's", FILTERS.join(", "), MORE_FILTERS.join(", "))
            }
        };
        RowError::new(
            At::Source(part.source_span(expression.span(number))),
            format!("there is no filter {}", quoted(name)),
            hint,
        )
    });
    row_errors.collect()
}

/// Returns the errors of tests that are never true for a text: `is true`, `is number`.
fn tests(part: &CompiledText, expression: &Expression<'_>, names: &BTreeSet<String>) -> Vec<RowError> {
    let is_column = |number: &usize| names.contains(expression.word(*number)) && expression.before(*number, 1) != "|";
    let row_errors = expression.names().filter(is_column).filter_map(|number| {
        let (name, is_not) = (expression.word(number), expression.word(number + 2) == "not");
        let tested = expression.word(number + 2 + usize::from(is_not));
        let is_impossible = matches!(tested, "true" | "false" | "number" | "integer" | "float");
        if expression.word(number + 1) != "is" || !is_impossible {
            return None;
        }
        let message =
            format!("{} is a text, but is tested to be {}, which a text never is", quoted(name), quoted(tested));
        let hint = match tested {
            "true" | "false" => {
                format!(
                    "compare it with the text of the cells, as in `{name} {} '{tested}'`",
                    if is_not { "!=" } else { "==" }
                )
            }
            _ => format!("make a number of it: `{name} | float`"),
        };
        Some(RowError::new(At::Source(part.source_span(expression.span(number))), message, hint))
    });
    row_errors.collect()
}

/// Returns the number in a quoted word, as in `price > '10'`.
fn quoted_number(word: &str) -> Option<&str> {
    let inner = word.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?;
    inner.trim().parse::<f64>().is_ok().then_some(inner.trim())
}

/// Returns the errors of comparisons with unconverted columns. Columns are texts: a text is greater than every number,
/// never equals `true`, and is compared with another text character by character.
fn comparisons(part: &CompiledText, expression: &Expression<'_>, names: &BTreeSet<String>) -> Vec<RowError> {
    let is_operator = |number: &usize| matches!(expression.word(*number), "<" | ">" | "<=" | ">=" | "==" | "!=");
    let row_errors = expression.numbers().filter(is_operator).filter_map(|at| {
        // After a `|`, the result of a filter is compared.
        let is_shaped = matches!(expression.word(at + 2), "|" | "(" | "[") || expression.before(at, 2) == "|";
        let is_ordered = !matches!(expression.word(at), "==" | "!=");
        let (left, right) = (at.checked_sub(1)?, at + 1);
        let is_column = |number: usize| is_name(expression.word(number)) && names.contains(expression.word(number));
        let number = match (is_column(left), is_column(right)) {
            (true, true) if is_ordered && !is_shaped => {
                let (one, other) = (expression.word(left), expression.word(right));
                let message =
                    format!("{} and {} are texts, and are compared letter by letter", quoted(one), quoted(other));
                let hint = format!("make numbers of them: `{one} | float {} {other} | float`", expression.word(at));
                return Some(RowError::new(At::Source(part.source_span(expression.span(left))), message, hint));
            }
            (true, false) if expression.before(at, 2) != "|" => left,
            (false, true) if !is_shaped => right,
            _ => return None,
        };
        let (name, value) = (expression.word(number), expression.word(left + right - number));
        let (message, hint) = if value.starts_with(|first: char| first.is_ascii_digit()) {
            let filter = if value.contains('.') { "float" } else { "int" };
            (format!("is compared with the number {value}"), format!("make a number of it: `{name} | {filter}`"))
        } else if let Some(digits) = quoted_number(value).filter(|_| is_ordered) {
            let (made, operator) = (format!("{name} | float"), expression.word(at));
            let (one, other) = if number == left { (made.as_str(), digits) } else { (digits, made.as_str()) };
            let hint = format!("make a number of it, and compare that: `{one} {operator} {other}`");
            (format!("is compared with {} letter by letter", quoted(value)), hint)
        } else if matches!(value, "true" | "false" | "True" | "False") {
            let hint = format!("compare it with the text of the cells, as in `{name} == '{value}'`");
            (format!("is compared with {}, which a text never is", quoted(value)), hint)
        } else {
            return None;
        };
        let message = format!("{} is a text, and {message}", quoted(name));
        Some(RowError::new(At::Source(part.source_span(expression.span(number))), message, hint))
    });
    row_errors.collect()
}

/// Returns the error of a matrix entry that has parts but is inserted as a whole.
fn maps(part: &CompiledText, expression: &Expression<'_>, known: &KnownNames<'_>) -> Option<RowError> {
    let is_shaped = |filter: &str| FILTERS.contains(&filter);
    let name = expression.bare_name().or_else(|| {
        let is_text =
            expression.numbers().len() == 3 && expression.filters(0).all(is_shaped) && expression.word(1) == "|";
        is_text.then(|| expression.word(0))
    })?;
    let axis = known.matrix.iter().find(|axis| *axis.name == *name)?;
    let parts: BTreeSet<String> = axis.names().filter(|part| part != name).collect();
    let written: Vec<String> = parts.iter().map(|part| format!("{{{{ {part} }}}}")).collect();
    (!parts.is_empty()).then(|| {
        let message = format!("{} has parts, and is not a text", quoted(name));
        let hint = format!("name one of its parts: {}", written.join(", "));
        RowError::new(At::Source(part.source_span(expression.span(0))), message, hint)
    })
}

/// Returns the error of a name in quotes, which is inserted literally.
fn in_quotes(part: &CompiledText, expression: &Expression<'_>, known: &KnownNames<'_>) -> Option<RowError> {
    let word = expression.word(0);
    let inner = ['\'', '"'].into_iter().find_map(|quote| word.strip_prefix(quote)?.strip_suffix(quote))?;
    let is_column = known.columns.into_iter().flatten().any(|column| column == inner || snake_case(column) == inner);
    let is_name = is_column || known.matrix.iter().flat_map(Axis::names).any(|name| name == inner);
    (is_name && matches!(expression.word(1), "" | "|")).then(|| {
        let message = format!("{} is in quotes, and is put in as that word", quoted(inner));
        let name = if is_column { snake_case(inner) } else { inner.to_owned() };
        let hint = format!("write names without quotes, as in {{{{ {name} }}}}");
        RowError::new(At::Source(part.source_span(expression.span(0))), message, hint)
    })
}

/// Returns the errors of matrix entries that lack a part which the text uses without a default.
fn incomplete(expression: &Expression<'_>, known: &KnownNames<'_>) -> Vec<RowError> {
    let mut row_errors = Vec::new();
    for number in expression.names() {
        let name = expression.word(number);
        let Some(axis) = name.split('.').next().and_then(|root| known.matrix.iter().find(|axis| *axis.name == *root))
        else {
            continue;
        };
        let has_default = expression.filters(number).any(|filter| matches!(filter, "default" | "d"));
        if has_default
            || expression.word(number + 1) == "is"
            || !axis.names().any(|part| part == name)
            || name == &*axis.name
        {
            continue;
        }
        for entry in axis.entries.iter().filter(|entry| entry.columns.iter().all(|(column, _)| column != name)) {
            let key = name.rsplit('.').next().unwrap_or_default();
            let own: Vec<&str> =
                entry.columns.iter().map(|(column, _)| column.rsplit('.').next().unwrap_or_default()).collect();
            let hint = suggest::missing(key, name, own);
            let message = format!("the entry has no {}, which the template names", quoted(key));
            row_errors.push(RowError::new(At::Source(entry.span.clone()), message, hint));
        }
    }
    row_errors
}

/// Returns the errors of names in the placeholder syntax of other programs, which would be sent as they are.
fn placeholders(part: &CompiledText, known: &KnownNames<'_>) -> Vec<RowError> {
    let columns = known.columns.into_iter().flatten().flat_map(|column| [column.clone(), snake_case(column)]);
    let names: BTreeSet<String> = columns.chain(known.matrix.iter().flat_map(Axis::names)).collect();
    let row_errors = names.iter().filter(|name| !name.is_empty()).filter_map(|name| {
        let spellings = [
            format!("${{{name}}}"),
            format!("{{{name}}}"),
            format!("[[{name}]]"),
            format!("%{name}%"),
            format!("<{name}>"),
        ];
        let found = spellings.iter().find_map(|spelling| {
            let at = part.written.find(spelling.as_str())?;
            let is_braced = part.written[..at].ends_with('{');
            (!is_braced).then(|| at..at + spelling.len())
        })?;
        let message = format!("{} is sent as it is", quoted(&part.written[found.clone()]));
        let name = name.split('.').map(snake_case).collect::<Vec<_>>().join(".");
        let hint = format!("a name goes in double braces: {{{{ {name} }}}}");
        Some(RowError::new(At::Source(part.source_span(found)), message, hint))
    });
    row_errors.collect()
}
