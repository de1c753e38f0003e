//! Opens manifests: detects the format and the encoding, and reads the head.

use std::io;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Problems};
use super::formats::document::{self, Opened};
use super::formats::lines::Lines;
use super::formats::long_list::{self, LongList};
use super::formats::table::Table;
use super::model::{Body, Manifest};
use super::parallel::Found;
use super::reading::kind::FileKind;
use super::reading::source::Source;
use super::reading::stdin;
use super::row_cursor::TablePurpose;
use super::settings::ManifestSettings;

/// The maximum number of jobs that are checked if the head has errors. A matrix can make billions.
const MAX_JOBS_CHECKED: usize = 1_000_000;

/// How a document is read.
#[derive(Clone, Copy)]
pub(super) enum Documents {
    /// In blocks, if it is long and starts in a form that allows it.
    InBlocks,
    /// As a whole.
    Whole,
}

impl Manifest {
    /// Opens a manifest and reads its head: settings, defaults, header. The path `-` is standard input.
    ///
    /// # Errors
    /// All errors of the head and, if it has any, those of the jobs. If the head is valid, [`Manifest::jobs`] returns
    /// the errors of the jobs.
    pub fn open(path: &Path) -> Result<Manifest, Problems> {
        Manifest::open_leftovers(path)?.with_rows()
    }

    /// Opens a manifest like [`Manifest::open`], but accepts a table without rows, because a run may leave no rows to
    /// run again.
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn open_leftovers(path: &Path) -> Result<Manifest, Problems> {
        if path.as_os_str() == stdin::DASH {
            let (copy, kind) = stdin::copied_stdin(io::stdin().lock())?;
            let source = Source::of(copy, stdin::NAME.to_owned(), kind)?;
            let manifest =
                Manifest::understand(source, kind, stdin::NAME.to_owned(), PathBuf::new(), Documents::InBlocks)?;
            return manifest.whole_unless_plain();
        }
        let manifest = Manifest::open_with(path, |name, kind| match path.metadata() {
            // A pipe can only be read once, but a manifest is read several times.
            Ok(found) if !found.is_file() && !found.is_dir() => {
                let copy = stdin::copied_pipe(path)
                    .map_err(|error| Diagnostic::about_file(&name, format!("it cannot be read: {error}"), None))?;
                Source::of(copy, name, kind)
            }
            _ => Source::open(path, name, kind),
        })?;
        manifest.whole_unless_plain()
    }

    /// Opens a manifest whose rows will all be read once. If the file starts as UTF-8, or as a plain list in YAML, the
    /// rest is not checked in a separate pass. If rows cannot be read, [`Manifest::is_as_trusted`] returns whether the
    /// rest is as expected; if not, open the manifest again with [`Manifest::open`].
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn open_on_trust(path: &Path) -> Result<Manifest, Problems> {
        let is_file = path.as_os_str() != stdin::DASH && path.metadata().is_ok_and(|found| found.is_file());
        let trusted = is_file.then(|| Manifest::open_with(path, |name, kind| Source::open_on_trust(path, name, kind)));
        match trusted {
            Some(Ok(manifest)) => manifest.with_rows(),
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

    fn with_rows(self) -> Result<Manifest, Problems> {
        match &self.body {
            Body::Table(table) if !table.has_rows => Err(Problems::from(vec![Table::without_rows(&self.source)])),
            _ => Ok(self),
        }
    }

    /// Returns the manifest. If it is a document that cannot be read in blocks up to its end, it is reopened as a
    /// whole.
    pub(super) fn whole_unless_plain(self) -> Result<Manifest, Problems> {
        if let Body::Long(_) = self.body {
            let stop = |found: Found<'_, ()>| if matches!(found, Found::Broken(_)) { Err(()) } else { Ok(()) };
            if !matches!(self.read(|_| (), stop), Ok(Ok(()))) {
                return Manifest::understand(self.source, FileKind::Yaml, self.name, self.folder, Documents::Whole);
            }
        }
        Ok(self)
    }

    pub(super) fn understand(
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
                    Documents::InBlocks => LongList::open(&source, &folder, long_list::BLOCK_BYTES),
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

    /// Returns the errors of the head and of the jobs.
    fn all_problems(&self, head: Vec<Diagnostic>) -> Problems {
        let mut problems = Problems::from(head);
        match self.jobs() {
            Ok(jobs) => jobs.take(MAX_JOBS_CHECKED).filter_map(Result::err).for_each(|wrong| problems.extend(wrong)),
            Err(unreadable) => problems.extend(unreadable.diagnostics),
        }
        problems
    }
}
