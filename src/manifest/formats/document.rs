//! Documents in YAML or JSON: settings, defaults, and a list of jobs or a catalog.

use std::ops::Range;
use std::path::Path;

use crate::job::{Backend, UnknownWord};
use crate::manifest::diagnostic::{Diagnostic, quoted};
use crate::manifest::node::{self, Key, Kind, Node, repeated};
use crate::manifest::reading::lined_text::LinedText;
use crate::manifest::reading::source::Source;
use crate::manifest::row::{At, Defaults, Reader, RowError};
use crate::manifest::settings::{ManifestSettings, RUN_KEYS};
use crate::manifest::suggest;

use super::catalog::{self, Axis, Catalog, CatalogErrors, Keys, RowSource, Template};
use super::entries::{COLUMNS, Entries, read_row, span_of};

/// The top-level keys of a document.
pub(in crate::manifest) const TOP_KEYS: [&str; 9] =
    ["version", "backend", "model", "run", "defaults", "jobs", "rows", "matrix", "template"];

/// The source of a document's jobs.
pub(in crate::manifest) enum Opened {
    /// A list of jobs.
    Jobs(Entries),
    /// A catalog.
    Catalog(Box<Catalog>),
}

/// Reads the document `source`, whose paths are relative to `folder`. Returns its settings, the source of its jobs, and
/// errors of the head that do not prevent checking jobs.
///
/// # Errors
/// All errors of the head, if they prevent checking jobs.
pub(in crate::manifest) fn open(
    source: &Source,
    folder: &Path,
) -> Result<(ManifestSettings, Opened, Vec<Diagnostic>), Vec<Diagnostic>> {
    read(source, source.text().map_err(|diagnostic| vec![diagnostic])?, folder)
}

/// Reads `text`, which is the whole document or its beginning.
///
/// # Errors
/// As [`open`].
pub(in crate::manifest) fn read(
    source: &Source,
    text: String,
    folder: &Path,
) -> Result<(ManifestSettings, Opened, Vec<Diagnostic>), Vec<Diagnostic>> {
    let text = LinedText::from(text);
    let mut root = node::parse(&text)
        .map_err(|unparsable| vec![source.error_on(&text, &unparsable.at, unparsable.message, unparsable.hint)])?;
    let lost = root.find_lost(&text);
    let mut head =
        DocumentHead { source, text: &text, folder, settings: ManifestSettings::default(), diagnostics: Vec::new() };
    for node::Lost { span, message, hint } in lost {
        head.report(&span, message, hint);
    }
    let found = head.read(&root);
    let (settings, diagnostics) = (head.settings, head.diagnostics);
    let Some((defaults, jobs)) = found else { return Err(diagnostics) };
    let opened = match jobs {
        Made::Listed(jobs) => Opened::Jobs(Entries::new(text, defaults, jobs)),
        Made::Templated(catalog) => {
            let (rows, matrix, template) = *catalog;
            Opened::Catalog(Box::new(Catalog { text, defaults, rows, matrix, template }))
        }
    };
    Ok((settings, opened, diagnostics))
}

/// The parsed source of jobs.
enum Made {
    Listed(Vec<Node>),
    Templated(Box<CatalogParts>),
}

/// The rows, the matrix and the template of a catalog.
type CatalogParts = (RowSource, Vec<Axis>, Template);

/// Reads the head of a document.
struct DocumentHead<'h> {
    source: &'h Source,
    text: &'h LinedText,
    folder: &'h Path,
    settings: ManifestSettings,
    diagnostics: Vec<Diagnostic>,
}

impl DocumentHead<'_> {
    /// Returns the defaults and the source of jobs, if the document has one.
    fn read(&mut self, root: &Node) -> Option<(Defaults, Made)> {
        let Kind::Map(pairs) = &root.kind else {
            self.report_no_map(root);
            return None;
        };
        let mut defaults = Defaults::default();
        let mut jobs = None;
        let mut keys = Keys::default();
        for (key, value) in self.each_once(pairs) {
            match key.name.as_str() {
                "version" => self.version(value),
                "backend" => self.backend(value),
                "model" => self.model(value),
                "run" => self.run(value),
                "defaults" => defaults = self.defaults(value),
                "jobs" => jobs = Some((key, value)),
                "rows" => keys.rows = Some((key, value)),
                "matrix" => keys.matrix = Some((key, value)),
                "template" => keys.template = Some((key, value)),
                _ => self.report_unknown_key(key),
            }
        }
        let made = match (jobs, keys.first()) {
            (Some((key, value)), None) => Made::Listed(self.jobs(key, value)?),
            (None, Some(_)) => Made::Templated(Box::new(self.catalog(keys, &defaults, &root.span)?)),
            (Some((key, value)), Some(_)) => {
                for other in keys.all() {
                    let message = format!("the manifest has `jobs` and `{}`; only one of them is allowed", other.name);
                    self.report(&other.span, message, "list the jobs, or make them of a catalog".to_owned());
                }
                Made::Listed(self.jobs(key, value)?)
            }
            (None, None) => {
                if !pairs.iter().any(|(key, _)| suggest::nearest(&key.name, ["jobs", "rows", "template"]).is_some()) {
                    let message = "the manifest has neither `jobs` nor `rows`";
                    let hint = "add `jobs:` with a list of jobs, each with `prompt` and `images`".to_owned();
                    self.diagnostics.push(Diagnostic::about_file(&self.source.name, message, hint));
                }
                return None;
            }
        };
        Some((defaults, made))
    }

    fn report_no_map(&mut self, root: &Node) {
        match root.kind {
            Kind::Null => {
                let hint = "begin with `jobs:` and a list of jobs".to_owned();
                self.diagnostics.push(Diagnostic::about_file(&self.source.name, "the manifest is empty", hint));
            }
            Kind::List(_) => {
                let hint = "put the list under a key: `jobs:`".to_owned();
                self.report(&root.span, "the manifest is a list, but must be a map of keys", hint);
            }
            _ => {
                let hint = "a manifest has the keys version, run, defaults and jobs at its top".to_owned();
                self.report(&root.span, "the manifest is not a map of keys", hint);
            }
        }
    }

    fn report_unknown_key(&mut self, key: &Key) {
        let name = key.name.as_str();
        if name.starts_with("//") || name.starts_with("/*") {
            let hint = "remove it; comments of YAML begin with `#`, and JSON has none".to_owned();
            return self.report(&key.span, "this is not a comment, but part of a key".to_owned(), hint);
        }
        let hint = match RUN_KEYS.contains(&name) {
            true => "put it under `run:`".to_owned(),
            false => suggest::hint(name, &TOP_KEYS),
        };
        self.report(&key.span, format!("unknown key {}", quoted(name)), hint);
    }

    /// Parses the catalog of the jobs, if that is possible. `whole` is the document's span.
    fn catalog(&mut self, keys: Keys<'_>, defaults: &Defaults, whole: &Range<usize>) -> Option<CatalogParts> {
        let mut errors = CatalogErrors::default();
        let catalog = catalog::read(keys, self.text, defaults, self.folder, &mut errors);
        self.diagnostics.extend(errors.elsewhere);
        let placed = errors.row_errors.into_iter();
        let placed = placed.map(|row_error| (span_of(&row_error.at, &[], whole, self.text), row_error));
        let mut placed: Vec<(Range<usize>, RowError)> = placed.collect();
        placed.sort_by_key(|(span, _)| span.start);
        for (span, row_error) in placed {
            self.report(&span, row_error.message, row_error.hint);
        }
        catalog
    }

    fn report(&mut self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.diagnostics.push(self.source.error_on(self.text, span, message, hint));
    }

    /// Returns the pairs without repeated keys, which are reported as errors.
    fn each_once<'n>(&mut self, pairs: &'n [(Key, Node)]) -> Vec<(&'n Key, &'n Node)> {
        let mut kept: Vec<(&Key, &Node)> = Vec::with_capacity(pairs.len());
        for (index, (key, value)) in pairs.iter().enumerate() {
            match repeated(pairs, index) {
                Some((message, hint)) => self.report(&key.span, message, hint),
                None => kept.push((key, value)),
            }
        }
        kept
    }

    fn version(&mut self, value: &Node) {
        if value.scalar().map(str::trim) != Some("1") {
            self.report(&value.span, "unknown version of a manifest", "write `version: 1`".to_owned());
        }
    }

    fn backend(&mut self, value: &Node) {
        let text = value.scalar().unwrap_or_default().trim();
        match text.parse() {
            Ok(backend) => self.settings.backend = Some(backend),
            Err(UnknownWord) => {
                let hint = suggest::hint(text, Backend::NAMES);
                self.report(&value.span, format!("unknown backend {}", quoted(text)), hint);
            }
        }
    }

    fn model(&mut self, value: &Node) {
        let text = value.scalar().unwrap_or_default().trim();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if text.is_empty() || text.starts_with('.') || !text.bytes().all(is_name) {
            let hint = format!("a name as in the API's URL, such as {}", crate::job::DEFAULT_MODEL);
            self.report(&value.span, "the model is not a valid name", hint);
        } else {
            self.settings.model = Some(text.to_owned());
        }
    }

    fn run(&mut self, value: &Node) {
        let Kind::Map(pairs) = &value.kind else {
            if !matches!(value.kind, Kind::Null) {
                let message = format!("`run` is {}, but must be a map of settings", value.what());
                self.report(&value.span, message, format!("its keys are {}", RUN_KEYS.join(", ")));
            }
            return;
        };
        for (key, value) in self.each_once(pairs) {
            if !RUN_KEYS.contains(&key.name.as_str()) {
                let message = format!("`run` has no setting {}", quoted(&key.name));
                self.report(&key.span, message, suggest::hint(&key.name, RUN_KEYS));
                continue;
            }
            let Some(text) = value.scalar() else {
                let message = format!("`run.{}` is {}, but must be a single value", key.name, value.what());
                self.report(&value.span, message, "write it as in `rate: 10/min`".to_owned());
                continue;
            };
            if let Err(refusal) = self.settings.set(&key.name, text, self.folder) {
                let message = format!("`run.{}` is {}, expected {}", key.name, quoted(text), refusal.expected);
                self.report(&value.span, message, refusal.hint);
            }
        }
    }

    fn defaults(&mut self, value: &Node) -> Defaults {
        let Kind::Map(pairs) = &value.kind else {
            if !matches!(value.kind, Kind::Null) {
                let message = format!("`defaults` is {}, but must be a map of columns", value.what());
                self.report(&value.span, message, "its keys are those of a job, without `id`".to_owned());
            }
            return Defaults::default();
        };
        let (row, mut row_errors) = read_row(pairs);
        for (key, _) in pairs {
            let forbidden = match key.name.as_str() {
                "id" => "an id belongs to one job",
                COLUMNS => "columns of your own belong to one job",
                _ => continue,
            };
            row_errors.push(RowError::new(At::Source(key.span.clone()), forbidden, "write it in each job".to_owned()));
        }
        let mut reader = Reader::new(&row, self.folder);
        let defaults = Defaults::from(reader.parse());
        row_errors.extend(reader.into_errors());
        for row_error in row_errors {
            let span = span_of(&row_error.at, pairs, &value.span, self.text);
            self.report(&span, row_error.message, row_error.hint);
        }
        defaults
    }

    fn jobs(&mut self, key: &Key, value: &Node) -> Option<Vec<Node>> {
        match &value.kind {
            Kind::List(jobs) if !jobs.is_empty() => Some(jobs.clone()),
            Kind::List(_) | Kind::Null => {
                self.report(
                    &key.span,
                    "`jobs` is empty",
                    "add a job: `- prompt: …` with `images: …` under it".to_owned(),
                );
                None
            }
            _ => {
                let message = format!("`jobs` is {}, but must be a list", value.what());
                self.report(&value.span, message, "begin each job with `- `".to_owned());
                None
            }
        }
    }
}
