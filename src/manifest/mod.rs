//! Manifests: bytes to jobs, and every error with its place.
//!
//! [`Manifest::open`] understands the head, [`Manifest::jobs`] streams the jobs. Nothing is opened but the manifest
//! itself: whether a picture exists is for somebody else to find out.

mod catalog;
mod diagnostic;
mod dialect;
mod document;
mod encoding;
mod entries;
mod foreign;
mod image;
mod lines;
mod node;
mod pass;
mod row;
mod schema;
mod seen;
mod settings;
mod source;
mod stdin;
mod suggest;
mod table;

use std::path::{Path, PathBuf};

use crate::job::{DEFAULT_MODEL, Job, JobId};

pub use diagnostic::{Diagnostic, Excerpt, Problems, Severity, Style, render};
pub use dialect::slug;
pub use schema::schema;
pub use settings::{Backend, ImagesVia, Settings, UncertainPolicy};
pub use suggest::near_file;

use catalog::Catalog;
use diagnostic::quoted;
use document::{Document, Opened};
use lines::Lines;
use pass::{Pass, Use};
use row::{At, Complaint, Defaults, understand};
use seen::Seen;
use source::{Kind, Source};
use table::Table;

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
    Lines(Lines),
    Document(Document),
    Catalog(Box<Catalog>),
}

/// One pass over the jobs of a manifest, in its order. An item is a job, or everything that is wrong with its row.
pub struct Jobs<'m> {
    manifest: &'m Manifest,
    rows: Box<dyn Pass + 'm>,
    seen: Seen,
    is_over: bool,
}

impl Manifest {
    /// Opens a manifest and understands its head: settings, defaults, header. The path `-` is standard input.
    ///
    /// # Errors
    /// Everything that is wrong with the head, and with the jobs besides; jobs of a good head are looked at in
    /// [`Manifest::jobs`].
    pub fn open(path: &Path) -> Result<Manifest, Problems> {
        if path.as_os_str() == stdin::DASH {
            let (copy, kind) = stdin::kept(std::io::stdin().lock())?;
            let source = Source::open(&copy, stdin::NAME.to_owned(), kind)?.keeping(copy);
            return Manifest::understand(source, kind, stdin::NAME.to_owned(), PathBuf::new());
        }
        let name = path.display().to_string();
        let kind = Kind::of(path, &name)?;
        let source = Source::open(path, name, kind)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Manifest::understand(source, kind, stem, path.parent().unwrap_or(Path::new("")).to_owned())
    }

    fn understand(source: Source, kind: Kind, name: String, folder: PathBuf) -> Result<Manifest, Problems> {
        let mut notices: Vec<Diagnostic> = source.notice.iter().cloned().collect();
        let (settings, body, wrong) = match kind {
            Kind::Table => {
                let mut table = Table::open(&source, Use::Jobs)?;
                notices.append(&mut table.notices);
                let wrong = std::mem::take(&mut table.problems);
                (Settings::default(), Body::Table(table), wrong)
            }
            Kind::Lines => (Settings::default(), Body::Lines(Lines::open(&source, Use::Jobs)?), Vec::new()),
            Kind::Yaml => match Document::open(&source, &folder)? {
                (settings, Opened::Jobs(document), wrong) => (settings, Body::Document(document), wrong),
                (settings, Opened::Catalog(catalog), wrong) => {
                    notices.extend(catalog.rows.notices());
                    (settings, Body::Catalog(catalog), wrong)
                }
            },
        };
        let manifest = Manifest { source, name, folder, settings, notices, body };
        if wrong.is_empty() { Ok(manifest) } else { Err(manifest.all_problems(wrong)) }
    }

    /// What is wrong with the head, and what is wrong with the jobs besides.
    fn all_problems(&self, head: Vec<Diagnostic>) -> Problems {
        let mut problems = Problems::from(head);
        match self.jobs() {
            Ok(jobs) => jobs.filter_map(Result::err).for_each(|wrong| problems.extend(wrong)),
            Err(unreadable) => problems.extend(unreadable.diagnostics),
        }
        problems
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

    /// The file that the lines of its jobs count in, as messages call it: where rows are, if that is another file.
    pub fn file_of_lines(&self) -> &str {
        match &self.body {
            Body::Catalog(catalog) => catalog.rows.file().unwrap_or(&self.source.name),
            _ => &self.source.name,
        }
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
        let rows: Box<dyn Pass + '_> = match &self.body {
            Body::Table(table) => Box::new(table.rows(&self.source)?),
            Body::Lines(lines) => Box::new(lines.pass(&self.source)?),
            Body::Document(document) => Box::new(document.entries(&self.source)),
            Body::Catalog(catalog) => Box::new(catalog.pass(&self.source)?),
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
        match self.rows.advance() {
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
        let (line, (row, mut complaints)) = (self.rows.line(), self.rows.row());
        let defaults = self.rows.defaults().unwrap_or(&none);
        let model = self.manifest.settings.model.as_deref().unwrap_or(DEFAULT_MODEL);
        let job = understand(&row, defaults, model, &self.manifest.folder, line);
        let made = job.as_ref().ok().map(|job| job.id.clone());
        let id = match &made {
            Some(_) if row.is_id_refused() => None,
            Some(id) => Some(id.as_str()),
            None => row.id(),
        };
        let first = id.and_then(|id| self.seen.note(id, line));
        complaints.extend(first.map(|first| duplicate(&row, id.unwrap_or_default(), first, &*self.rows)));
        let job = match job {
            Ok(job) if complaints.is_empty() => job,
            Ok(_) => return Some(Err(self.diagnostics(complaints, id))),
            Err(more) => {
                complaints.extend(more);
                return Some(Err(self.diagnostics(complaints, id)));
            }
        };
        let columns = self.rows.columns();
        Some(Ok(Job { columns, ..job }))
    }
}

impl Jobs<'_> {
    /// An error of the job that was handed out last: of the image with the number `image` as it stands in the manifest,
    /// or of the job as a whole.
    pub fn about(&self, job: &JobId, image: Option<usize>, message: String, hint: String) -> Diagnostic {
        let (row, _) = self.rows.row();
        let at = image.map_or(At::Row, |image| row.image(image));
        let diagnostic = self.rows.diagnostic(Complaint::new(at, message, hint));
        Diagnostic { job: Some(job.to_string()), ..diagnostic }
    }

    fn diagnostics(&self, complaints: Vec<Complaint>, id: Option<&str>) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> = complaints
            .into_iter()
            .map(|complaint| Diagnostic { job: id.map(str::to_owned), ..self.rows.diagnostic(complaint) })
            .collect();
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        diagnostics
    }
}

fn duplicate(row: &row::Row<'_>, id: &str, first: u64, rows: &dyn Pass) -> Complaint {
    if row.id().is_some() {
        let message = if first == rows.line() {
            format!("the id {} is taken by another job of the same row", quoted(id))
        } else {
            format!("the id {} is taken: line {first} has it already", quoted(id))
        };
        // A number that a spreadsheet has shortened is no longer the number that it was.
        let is_shortened = id.contains("E+") && id.parse::<f64>().is_ok();
        let hint = if is_shortened {
            "a spreadsheet has shortened the numbers: format the column as text, and fill it again".to_owned()
        } else {
            rows.way_out_of_duplicates()
        };
        Complaint::new(At::Field(row::Field::Id), message, hint)
    } else {
        let message = format!("the row asks for the same edit as line {first}");
        let hint = "drop one of them, or give each an `id` if both are meant".to_owned();
        Complaint::new(At::Row, message, hint)
    }
}

#[cfg(test)]
mod tests;
