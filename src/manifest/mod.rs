//! Manifests: bytes to jobs, and every error with its place.
//!
//! [`Manifest::open`] understands the head, [`Manifest::jobs`] streams the jobs. Nothing is opened but the manifest
//! itself: whether a picture exists is for somebody else to find out.

mod diagnostic;
mod document;
mod image;
mod node;
mod row;
mod seen;
mod settings;
mod source;
mod suggest;
mod table;

use std::path::{Path, PathBuf};

use crate::job::{DEFAULT_MODEL, Job};

pub use diagnostic::{Diagnostic, Excerpt, Problems, Severity, Style, render};
pub use settings::{Backend, ImagesVia, Settings, UncertainPolicy};

use diagnostic::quoted;
use document::{Document, Entries};
use row::{At, Complaint, Defaults, understand};
use seen::Seen;
use source::{Kind, Source};
use table::{Rows, Table};

/// A manifest whose head is understood.
#[derive(Debug)]
pub struct Manifest {
    source: Source,
    name: String,
    folder: PathBuf,
    settings: Settings,
    notices: Vec<Diagnostic>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Table(Table),
    Document(Document),
}

/// One pass over the jobs of a manifest, in its order. An item is a job, or everything that is wrong with its row.
pub struct Jobs<'m> {
    manifest: &'m Manifest,
    rows: Pass<'m>,
    seen: Seen,
    is_over: bool,
}

enum Pass<'m> {
    Table(Rows<'m>),
    Document(Entries<'m>),
}

impl Manifest {
    /// Opens a manifest and understands its head: settings, defaults, header.
    ///
    /// # Errors
    /// Everything that is wrong with the head; rows are looked at in [`Manifest::jobs`].
    pub fn open(path: &Path) -> Result<Manifest, Problems> {
        let name = path.display().to_string();
        let source = Source::open(path)?;
        let kind = Kind::of(path, &name)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let (settings, body) = match kind {
            Kind::Table => (Settings::default(), Body::Table(Table::open(&source)?)),
            Kind::Yaml => {
                let (settings, document) = Document::open(&source, &folder)?;
                (settings, Body::Document(document))
            }
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Manifest { source, name: stem, folder, settings, notices: Vec::new(), body })
    }

    /// What it says about the run.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The file's stem, which names the run's folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The manifest's own folder, that paths in it are relative to; the jobs' paths are joined to it already.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was understood in the head and could surprise.
    pub fn notices(&self) -> &[Diagnostic] {
        &self.notices
    }

    /// Begins a pass over the jobs; there may be any number of passes.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn jobs(&self) -> Result<Jobs<'_>, Problems> {
        let rows = match &self.body {
            Body::Table(table) => Pass::Table(table.rows(&self.source)?),
            Body::Document(document) => Pass::Document(document.entries(&self.source)),
        };
        Ok(Jobs { manifest: self, rows, seen: Seen::new(), is_over: false })
    }
}

impl Iterator for Jobs<'_> {
    type Item = Result<Job, Vec<Diagnostic>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let found = match &mut self.rows {
            Pass::Table(rows) => rows.advance(),
            Pass::Document(entries) => Ok(entries.advance()),
        };
        match found {
            Ok(true) => {}
            Ok(false) => {
                self.is_over = true;
                return None;
            }
            Err(diagnostic) => {
                self.is_over = true;
                return Some(Err(vec![diagnostic]));
            }
        }
        let none = Defaults::default();
        let (line, (row, mut complaints), defaults) = match &self.rows {
            Pass::Table(rows) => (rows.line(), rows.row(), &none),
            Pass::Document(entries) => (entries.line(), entries.row(), entries.defaults()),
        };
        let model = self.manifest.settings.model.as_deref().unwrap_or(DEFAULT_MODEL);
        let job = understand(&row, defaults, model, &self.manifest.folder, line);
        let id = match &job {
            Ok(job) => Some(job.id.to_string()),
            Err(_) => row.id().map(str::to_owned),
        };
        let id = id.as_deref();
        let first = id.and_then(|id| self.seen.note(id, line));
        complaints.extend(first.map(|first| duplicate(&row, id.unwrap_or_default(), first)));
        let job = match job {
            Ok(job) if complaints.is_empty() => job,
            Ok(_) => return Some(Err(self.diagnostics(complaints, id))),
            Err(more) => {
                complaints.extend(more);
                return Some(Err(self.diagnostics(complaints, id)));
            }
        };
        let columns = match &self.rows {
            Pass::Table(rows) => rows.columns(),
            Pass::Document(entries) => entries.columns(),
        };
        Some(Ok(Job { columns, ..job }))
    }
}

impl Jobs<'_> {
    fn diagnostics(&self, complaints: Vec<Complaint>, id: Option<&str>) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> = complaints
            .into_iter()
            .map(|complaint| Diagnostic {
                job: id.map(str::to_owned),
                ..match &self.rows {
                    Pass::Table(rows) => rows.diagnostic(complaint),
                    Pass::Document(entries) => entries.diagnostic(complaint),
                }
            })
            .collect();
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        diagnostics
    }
}

fn duplicate(row: &row::Row<'_>, id: &str, first: u64) -> Complaint {
    if row.id().is_some() {
        let message = format!("the id {} is taken: line {first} has it already", quoted(id));
        Complaint::new(At::Field(row::Field::Id), message, "give each job an id of its own".to_owned())
    } else {
        let message = format!("the row asks for the same edit as line {first}");
        let hint = "drop one of them, or give each an `id` if both are meant".to_owned();
        Complaint::new(At::Row, message, hint)
    }
}

#[cfg(test)]
mod tests;
