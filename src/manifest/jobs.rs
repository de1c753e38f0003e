use crate::job::{DEFAULT_MODEL, ImageSource, Job, JobRef, is_shortened_number};

use super::diagnostic::{Diagnostic, Problems, quoted};
use super::field::Field;
use super::id_index::{Before, HashedId, IdIndex, IdKey};
use super::model::Manifest;
use super::row::{self, At, Row, RowError, parse_row};
use super::row_cursor::{Parts, RowCursor};

/// One pass over the jobs of a manifest, in its order. An item is a job, or everything that is wrong with its row.
pub struct Jobs<'m> {
    reading: Reading<'m>,
    parts: Parts<'m>,
    part: Option<Box<dyn RowCursor + 'm>>,
    ids: IdIndex,
    is_over: bool,
}

/// A job that is not copied out of its row yet.
pub struct FoundJob<'r> {
    /// The job without the user's own columns.
    pub job: &'r JobRef<'r>,
    columns: Columns<'r>,
}

/// Where the user's own columns are.
enum Columns<'r> {
    InRow(&'r dyn RowCursor),
    KnownNames(&'r [(String, String)]),
}

impl<'r> FoundJob<'r> {
    /// A job with the user's own `columns`.
    pub fn with(job: &'r JobRef<'r>, columns: &'r [(String, String)]) -> FoundJob<'r> {
        FoundJob { job, columns: Columns::KnownNames(columns) }
    }

    /// A column that is empty and whose text is missed inside the prompt or the id.
    pub fn gap(&self) -> Option<&str> {
        match self.columns {
            Columns::InRow(pass) => pass.gap(),
            Columns::KnownNames(_) => None,
        }
    }

    /// Whether any cell of a catalog that the id is made of is so.
    pub fn has_id_cell(&self, is: fn(&str) -> bool) -> bool {
        match self.columns {
            Columns::InRow(pass) => pass.has_id_cell(is),
            Columns::KnownNames(_) => false,
        }
    }

    /// Whether the text ends before the job's row does, by its looks.
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

/// The manifest and the keys with which rows are read.
pub(super) struct Reading<'m> {
    manifest: &'m Manifest,
    key: IdKey,
}

/// A row that was read.
pub(super) struct ReadRow<T> {
    /// The line where it begins, from 1.
    pub(super) line: u64,
    /// Its id, valid or not, unless its error was reported already.
    pub(super) id: Option<HashedId>,
    /// The value that was made of the job, if the row has no error.
    pub(super) made: Option<T>,
}

impl<'m> Reading<'m> {
    pub(super) fn new(manifest: &'m Manifest) -> Reading<'m> {
        Reading { manifest, key: IdKey::new() }
    }

    /// Reads the row where `pass` is; `each` makes of its job what is needed of it.
    pub(super) fn read<T>(&self, pass: &dyn RowCursor, each: impl FnOnce(&FoundJob<'_>) -> T) -> ReadRow<T> {
        let (row, shape) = pass.row();
        let job = self.parse_row(&row, pass);
        let id = id(&row, &job).map(|id| self.key.hash(id));
        let good = job.as_ref().ok().filter(|_| shape.is_empty());
        ReadRow { line: pass.line(), id, made: good.map(|job| each(&FoundJob { job, columns: Columns::InRow(pass) })) }
    }

    /// Returns all errors of the row at which `pass` is; `first` is the line that has its id already.
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

    /// An error of the row where `pass` is: of its image with the number `image`, or of the row as a whole.
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

    /// An error of the column whose text is missed in the row where `pass` is.
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

    /// Returns the images that the row at which `pass` is names, with their numbers, whether the row has errors or not.
    pub(super) fn pictures(&self, pass: &dyn RowCursor) -> Vec<(usize, ImageSource)> {
        let (row, shape) = pass.row();
        // In a row with too many cells, none may be what it seems to be.
        let is_shifted = shape.iter().any(|row_error| row_error.at == At::Row);
        if is_shifted { Vec::new() } else { row::pictures(&row, pass.defaults(), &self.manifest.folder) }
    }

    fn parse_row<'p>(&'p self, row: &Row<'p>, pass: &'p dyn RowCursor) -> Result<JobRef<'p>, Vec<RowError>> {
        let model = self.manifest.settings.model.as_deref().unwrap_or(DEFAULT_MODEL);
        parse_row(row, pass.defaults(), model, &self.manifest.folder, pass.line())
    }
}

/// The id of a row, or what should be one.
fn id<'j>(row: &Row<'j>, job: &'j Result<JobRef<'_>, Vec<RowError>>) -> Option<&'j str> {
    match job {
        Ok(_) if row.is_id_refused() => None,
        Ok(job) => Some(job.id.as_str()),
        Err(_) => row.id(),
    }
}

impl Manifest {
    /// Begins a pass over the jobs; there may be any number of passes.
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

    /// Returns an error of the job that was returned last: of the image with the number `image` in the manifest, or of
    /// the job as a whole. `None` if no job was returned yet.
    pub fn about(&self, image: Option<usize>, message: String, hint: String) -> Option<Diagnostic> {
        Some(self.reading.about(self.part.as_deref()?, image, message, hint))
    }

    /// Goes to the next row; false at the end.
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
        // A number that a spreadsheet has shortened is no longer the number that it was.
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
