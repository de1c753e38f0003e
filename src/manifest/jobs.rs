use crate::job::{DEFAULT_MODEL, ImageSource, Job, JobRef, is_shortened_number};

use super::diagnostic::{Diagnostic, Problems, quoted};
use super::field::Field;
use super::id_index::{Before, HashedId, IdIndex, IdKey};
use super::model::Manifest;
use super::row::{self, At, Row, RowError, parse_row};
use super::row_cursor::{Parts, RowCursor};

/// An iterator over the jobs of a manifest, in order. An item is a job, or all errors of its row.
pub struct Jobs<'m> {
    reading: Reading<'m>,
    parts: Parts<'m>,
    part: Option<Box<dyn RowCursor + 'm>>,
    ids: IdIndex,
    is_over: bool,
}

/// A job that still borrows from its row.
pub struct FoundJob<'r> {
    /// The job without the user's own columns.
    pub job: &'r JobRef<'r>,
    columns: Columns<'r>,
}

/// The source of the user's own columns.
enum Columns<'r> {
    InRow(&'r dyn RowCursor),
    KnownNames(&'r [(String, String)]),
}

impl<'r> FoundJob<'r> {
    /// Creates a job with the user's own `columns`.
    pub fn with(job: &'r JobRef<'r>, columns: &'r [(String, String)]) -> FoundJob<'r> {
        FoundJob { job, columns: Columns::KnownNames(columns) }
    }

    /// Returns the name of an empty column that leaves a gap in the prompt or the id.
    pub fn gap(&self) -> Option<&str> {
        match self.columns {
            Columns::InRow(pass) => pass.gap(),
            Columns::KnownNames(_) => None,
        }
    }

    /// Whether `is` holds for any cell of a catalog that the id is made of.
    pub fn has_id_cell(&self, is: fn(&str) -> bool) -> bool {
        match self.columns {
            Columns::InRow(pass) => pass.has_id_cell(is),
            Columns::KnownNames(_) => false,
        }
    }

    /// Whether the file seems to be truncated inside the job's row.
    pub fn is_cut(&self) -> bool {
        match self.columns {
            Columns::InRow(pass) => pass.is_cut(),
            Columns::KnownNames(_) => false,
        }
    }

    /// Copies the job with the user's own columns.
    pub fn to_job(&self) -> Job {
        self.job.to_job(self.columns.copied())
    }
}

impl Columns<'_> {
    fn copied(&self) -> Vec<(String, String)> {
        match self {
            Columns::InRow(pass) => pass.columns(),
            Columns::KnownNames(columns) => columns.to_vec(),
        }
    }
}

/// The manifest, and the keys for hashing the ids of one pass over it.
pub(super) struct Reading<'m> {
    manifest: &'m Manifest,
    key: IdKey,
}

/// A row that was read.
pub(super) struct ReadRow<T> {
    /// The line where the row starts, from 1.
    pub(super) line: u64,
    /// The id, valid or not. `None` if its error was already reported.
    pub(super) id: Option<HashedId>,
    /// The value made from the job. `None` if the row has errors.
    pub(super) made: Option<T>,
}

impl<'m> Reading<'m> {
    pub(super) fn new(manifest: &'m Manifest) -> Reading<'m> {
        Reading { manifest, key: IdKey::new() }
    }

    /// Reads the current row of `pass`, and makes a value from its job with `each`.
    pub(super) fn read<T>(&self, pass: &dyn RowCursor, each: impl FnOnce(&FoundJob<'_>) -> T) -> ReadRow<T> {
        let (row, shape) = pass.row();
        let job = self.parse_row(&row, pass);
        let id = id(&row, &job).map(|id| self.key.hash(id));
        let good = job.as_ref().ok().filter(|_| shape.is_empty());
        ReadRow { line: pass.line(), id, made: good.map(|job| each(&FoundJob { job, columns: Columns::InRow(pass) })) }
    }

    /// Returns all errors of the current row of `pass`. `first` is the line that already uses its id.
    pub(super) fn diagnose(&self, pass: &dyn RowCursor, first: Option<u64>) -> Vec<Diagnostic> {
        let (row, mut row_errors) = pass.row();
        let job = self.parse_row(&row, pass);
        let id = id(&row, &job).map(str::to_owned);
        row_errors.extend(first.map(|first| duplicate(&row, id.as_deref().unwrap_or_default(), first, pass)));
        row_errors.extend(job.err().into_iter().flatten());
        let mut diagnostics: Vec<Diagnostic> = row_errors
            .into_iter()
            .map(|row_error| Diagnostic { job: id.clone(), ..pass.diagnostic(row_error) })
            .collect();
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        diagnostics
    }

    /// Returns an error of the current row of `pass`: about image number `image`, or about the row as a whole.
    pub(super) fn about(
        &self,
        pass: &dyn RowCursor,
        image: Option<usize>,
        message: String,
        hint: String,
    ) -> Diagnostic {
        let (row, _) = pass.row();
        let at = image.map_or(At::Row, |image| row.image(image));
        self.about_location(pass, at, message, hint)
    }

    /// Returns an error of the current row of `pass` about the empty column that [`RowCursor::gap`] returns.
    pub(super) fn about_gap(&self, pass: &dyn RowCursor, message: String, hint: String) -> Diagnostic {
        let at = pass.gap().map_or(At::Row, |name| At::OfRow(Box::new(At::Column(name.to_owned()))));
        self.about_location(pass, at, message, hint)
    }

    fn about_location(&self, pass: &dyn RowCursor, at: At, message: String, hint: String) -> Diagnostic {
        let (row, _) = pass.row();
        let job = self.parse_row(&row, pass);
        let diagnostic = pass.diagnostic(RowError::new(at, message, hint));
        Diagnostic { job: id(&row, &job).map(str::to_owned), ..diagnostic }
    }

    /// Returns the images of the current row of `pass` with their numbers, even if the row has errors.
    pub(super) fn pictures(&self, pass: &dyn RowCursor) -> Vec<(usize, ImageSource)> {
        let (row, shape) = pass.row();
        // In a row with too many cells, the columns may be shifted.
        let is_shifted = shape.iter().any(|row_error| row_error.at == At::Row);
        if is_shifted { Vec::new() } else { row::pictures(&row, pass.defaults(), &self.manifest.folder) }
    }

    fn parse_row<'p>(&'p self, row: &Row<'p>, pass: &'p dyn RowCursor) -> Result<JobRef<'p>, Vec<RowError>> {
        let model = self.manifest.settings.model.as_deref().unwrap_or(DEFAULT_MODEL);
        parse_row(row, pass.defaults(), model, &self.manifest.folder, pass.line())
    }
}

/// Returns the id of the job, or the content of the id column if the row has errors. `None` if an error of the id was
/// already reported.
fn id<'j>(row: &Row<'j>, job: &'j Result<JobRef<'_>, Vec<RowError>>) -> Option<&'j str> {
    match job {
        Ok(_) if row.is_id_refused() => None,
        Ok(job) => Some(job.id.as_str()),
        Err(_) => row.id(),
    }
}

impl Manifest {
    /// Returns an iterator over the jobs. Each call starts a new pass over the manifest.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn jobs(&self) -> Result<Jobs<'_>, Problems> {
        Ok(Jobs::new(self, self.parts()?))
    }
}

impl<'m> Jobs<'m> {
    fn new(manifest: &'m Manifest, parts: Parts<'m>) -> Jobs<'m> {
        Jobs { reading: Reading::new(manifest), parts, part: None, ids: IdIndex::default(), is_over: false }
    }

    /// Returns an error about the last returned job: about image number `image` in the manifest, or about the job as a
    /// whole. `None` if no job was returned yet.
    pub fn about(&self, image: Option<usize>, message: String, hint: String) -> Option<Diagnostic> {
        Some(self.reading.about(self.part.as_deref()?, image, message, hint))
    }

    /// Advances to the next row. Returns false at the end.
    fn advance(&mut self) -> Result<bool, Diagnostic> {
        loop {
            if let Some(part) = &mut self.part
                && part.advance()?
            {
                return Ok(true);
            }
            self.part = self.parts.next().transpose()?;
            if self.part.is_none() {
                return Ok(false);
            }
        }
    }
}

impl Iterator for Jobs<'_> {
    type Item = Result<Job, Vec<Diagnostic>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let is_row = self.advance();
        self.is_over = !matches!(is_row, Ok(true));
        let part = match (is_row, self.part.as_deref()) {
            (Ok(true), Some(part)) => part,
            (Ok(_), _) => return None,
            (Err(diagnostic), _) => return Some(Err(vec![diagnostic])),
        };
        let ReadRow { line, id, made } = self.reading.read(part, |found| found.job.to_job(found.columns.copied()));
        let first = match id.and_then(|id| self.ids.note(id, line)) {
            Some(Before::Same(first)) => Some(first),
            Some(Before::Alike(_)) | None => None,
        };
        Some(match (made, first) {
            (Some(job), None) => Ok(job),
            (_, first) => Err(self.reading.diagnose(part, first)),
        })
    }
}

fn duplicate(row: &Row<'_>, id: &str, first: u64, pass: &dyn RowCursor) -> RowError {
    if row.id().is_some() {
        let message = if first == pass.line() {
            format!("the id {} is used by another job of the same row", quoted(id))
        } else {
            format!("the id {} is already used on line {first}", quoted(id))
        };
        // A spreadsheet may have shortened different numbers to the same text.
        let hint = if is_shortened_number(id) {
            "a spreadsheet has shortened the numbers: format the column as text, and enter the values again".to_owned()
        } else {
            pass.duplicates_hint()
        };
        RowError::new(At::Field(Field::Id), message, hint)
    } else {
        let message = format!("the row requests the same edit as line {first}");
        let hint = "remove one of them, or give each an `id` if you want both".to_owned();
        RowError::new(At::Row, message, hint)
    }
}
