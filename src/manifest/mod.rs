//! Manifests: bytes to jobs, and every error with its place.
//!
//! [`Manifest::open`] understands the head, [`Manifest::jobs`] streams the jobs, and [`Manifest::read`] does so on all
//! cores. Nothing is opened but the manifest itself: whether a picture exists is for somebody else to find out.
//!
//! Rows come in parts: a table, lines of JSON and a long list of jobs (`long_list`) in blocks of their text (`blocks`), what
//! is held in pieces. A `RowCursor` reads one part, wherever it is, and `jobs` makes a job of each row, or tells all
//! that is wrong with it.

mod blocks;
mod catalog;
mod diagnostic;
mod dialect;
mod document;
mod encoding;
mod entries;
mod field;
mod formula;
mod id_index;
mod image;
mod jobs;
mod json_places;
mod kind;
mod lined_text;
mod lines;
mod long_list;
mod node;
mod parallel;
mod pattern;
mod quotes;
mod row;
mod row_cursor;
mod schema;
mod settings;
mod source;
mod stdin;
mod suggest;
mod table;
mod text;
mod unsupported;
mod whitespace;

use std::io;
use std::path::{Path, PathBuf};

use crate::job::ContentHash;

pub use diagnostic::{Diagnostic, Excerpt, Problems, Severity, Style, render};
pub use dialect::slug;
pub(crate) use field::Field;
pub use jobs::{FoundJob, Jobs};
pub use kind::near_picture;
pub use parallel::{Found, RowLocation};
pub use pattern::files_matching;
pub use schema::schema;
pub use settings::{ImagesVia, ManifestSettings};
pub(crate) use suggest::nearest;
pub(crate) use whitespace::is_invisible;

use catalog::{Catalog, RowSource};
use document::Opened;
use entries::Entries;
use kind::FileKind;
use lines::Lines;
use long_list::LongList;
use row_cursor::{Parts, TablePurpose};
use source::Source;
use table::Table;

/// How many jobs are looked at where the head is wrong: a matrix may make billions.
const LOOKED_AT: usize = 1_000_000;

/// A manifest whose head is understood.
#[derive(Debug)]
pub struct Manifest {
    source: Source,
    name: String,
    folder: PathBuf,
    settings: ManifestSettings,
    notices: Vec<Diagnostic>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Table(Table),
    Lines(Lines),
    Listed(Entries),
    Long(LongList),
    Catalog(Box<Catalog>),
}

/// How a document is read.
#[derive(Clone, Copy)]
enum Documents {
    /// In blocks, if it is long and begins as those are that can be.
    InBlocks,
    /// As a whole.
    Whole,
}

impl Manifest {
    /// Opens a manifest and understands its head: settings, defaults, header. The path `-` is standard input.
    ///
    /// # Errors
    /// Everything that is wrong with the head, and with the jobs besides; jobs of a good head are looked at in
    /// [`Manifest::jobs`].
    pub fn open(path: &Path) -> Result<Manifest, Problems> {
        if path.as_os_str() == stdin::DASH {
            let (copy, kind) = stdin::kept(io::stdin().lock())?;
            let source = Source::of(copy, stdin::NAME.to_owned(), kind)?;
            let manifest =
                Manifest::understand(source, kind, stdin::NAME.to_owned(), PathBuf::new(), Documents::InBlocks)?;
            return manifest.whole_unless_plain();
        }
        let manifest = Manifest::open_with(path, |name, kind| match path.metadata() {
            // What comes through a pipe can be read once, and a manifest is read more often.
            Ok(found) if !found.is_file() && !found.is_dir() => {
                let copy = stdin::copied(path)
                    .map_err(|error| Diagnostic::about_file(&name, format!("it cannot be read: {error}"), None))?;
                Source::of(copy, name, kind)
            }
            _ => Source::open(path, name, kind),
        })?;
        manifest.whole_unless_plain()
    }

    /// The same, for whoever reads all rows once: of a file that begins as UTF-8, or as a plain list in YAML, it is not looked
    /// in a pass of its own whether it goes on so. Where rows cannot be read, [`Manifest::is_as_trusted`] tells whether that
    /// is why; then it has to be opened as usual.
    ///
    /// # Errors
    /// As those of [`Manifest::open`].
    pub fn open_on_trust(path: &Path) -> Result<Manifest, Problems> {
        let is_file = path.as_os_str() != stdin::DASH && path.metadata().is_ok_and(|found| found.is_file());
        let trusted = is_file.then(|| Manifest::open_with(path, |name, kind| Source::open_on_trust(path, name, kind)));
        match trusted {
            Some(Ok(manifest)) => Ok(manifest),
            Some(Err(_)) | None => Manifest::open(path),
        }
    }

    fn open_with(
        path: &Path,
        open: impl FnOnce(String, FileKind) -> Result<Source, Diagnostic>,
    ) -> Result<Manifest, Problems> {
        let name = path.display().to_string();
        let kind = FileKind::of(path, &name)?;
        let source = open(name, kind)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Manifest::understand(source, kind, stem, folder, Documents::InBlocks)
    }

    /// The same manifest, read as a whole if it is a document that cannot be read in blocks to its end.
    fn whole_unless_plain(self) -> Result<Manifest, Problems> {
        if let Body::Long(_) = self.body {
            let stop = |found: Found<'_, ()>| if matches!(found, Found::Broken(_)) { Err(()) } else { Ok(()) };
            if !matches!(self.read(|_| (), stop), Ok(Ok(()))) {
                return Manifest::understand(self.source, FileKind::Yaml, self.name, self.folder, Documents::Whole);
            }
        }
        Ok(self)
    }

    fn understand(
        source: Source,
        kind: FileKind,
        name: String,
        folder: PathBuf,
        documents: Documents,
    ) -> Result<Manifest, Problems> {
        let mut notices: Vec<Diagnostic> = source.notice.iter().cloned().collect();
        let (settings, body, wrong) = match kind {
            FileKind::Table => {
                let mut table = Table::open(&source, TablePurpose::Jobs)?;
                notices.append(&mut table.notices);
                let wrong = std::mem::take(&mut table.problems);
                (ManifestSettings::default(), Body::Table(table), wrong)
            }
            FileKind::Lines => {
                let mut lines = Lines::open(&source, TablePurpose::Jobs)?;
                notices.append(&mut lines.notices);
                (ManifestSettings::default(), Body::Lines(lines), Vec::new())
            }
            FileKind::Yaml => {
                let long = match documents {
                    Documents::InBlocks => LongList::open(&source, &folder, long_list::USUAL),
                    Documents::Whole => Ok(None),
                };
                match long.map_err(|error| source.failed(&error))? {
                    Some((settings, list)) => (settings, Body::Long(list), Vec::new()),
                    None => match document::open(&source, &folder)? {
                        (settings, Opened::Jobs(entries), wrong) => (settings, Body::Listed(entries), wrong),
                        (settings, Opened::Catalog(catalog), wrong) => {
                            notices.extend(catalog.rows.notices());
                            (settings, Body::Catalog(catalog), wrong)
                        }
                    },
                }
            }
        };
        let manifest = Manifest { source, name, folder, settings, notices, body };
        if wrong.is_empty() { Ok(manifest) } else { Err(manifest.all_problems(wrong)) }
    }

    /// What is wrong with the head, and what is wrong with the jobs besides.
    fn all_problems(&self, head: Vec<Diagnostic>) -> Problems {
        let mut problems = Problems::from(head);
        match self.jobs() {
            Ok(jobs) => jobs.take(LOOKED_AT).filter_map(Result::err).for_each(|wrong| problems.extend(wrong)),
            Err(unreadable) => problems.extend(unreadable.diagnostics),
        }
        problems
    }

    /// A hash over all that its jobs are made of beside local pictures: its file, the file that its rows are in, and this
    /// program's version. Nothing where its rows are the pictures of a folder.
    ///
    /// # Errors
    /// A file cannot be read again.
    pub fn content(&self) -> io::Result<Option<ContentHash>> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        self.source.hash(&mut hasher)?;
        if let Body::Catalog(catalog) = &self.body {
            match &catalog.rows {
                RowSource::Table(source, _) | RowSource::Lines(source, _) => source.hash(&mut hasher)?,
                RowSource::Pictures(_) => return Ok(None),
                RowSource::List(_) | RowSource::One(_) => {}
            }
        }
        Ok(Some(ContentHash::from_hasher(&hasher)))
    }

    /// Whether its file is what it was taken for, where that was done on trust.
    pub fn is_as_trusted(&self) -> bool {
        let is_plain = if let Body::Long(list) = &self.body { list.is_plain() } else { true };
        is_plain && self.source.is_utf8().unwrap_or(true)
    }

    /// What it says about the run.
    pub fn settings(&self) -> &ManifestSettings {
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
        Ok(Jobs::new(self, self.parts()?))
    }

    /// All rows.
    fn parts(&self) -> Result<Parts<'_>, Diagnostic> {
        match &self.body {
            Body::Table(table) => table.parts(&self.source, 1),
            Body::Lines(lines) => lines.parts(&self.source, 1),
            Body::Listed(entries) => Ok(entries.parts(&self.source)),
            Body::Long(list) => Ok(list.parts(&self.source)),
            Body::Catalog(catalog) => catalog.parts(&self.source),
        }
    }
}

#[cfg(test)]
mod tests;
