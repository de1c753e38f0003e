use std::io;
use std::path::{Path, PathBuf};

use crate::job::ContentHash;

use super::diagnostic::Diagnostic;
use super::formats::catalog::{Catalog, RowSource};
use super::formats::entries::Entries;
use super::formats::lines::Lines;
use super::formats::long_list::LongList;
use super::formats::table::Table;
use super::reading::source::Source;
use super::row_cursor::Parts;
use super::settings::ManifestSettings;

/// A manifest whose head has been read.
#[derive(Debug)]
pub struct Manifest {
    pub(super) source: Source,
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) settings: ManifestSettings,
    pub(super) notices: Vec<Diagnostic>,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Table(Table),
    Lines(Lines),
    Listed(Entries),
    Long(LongList),
    Catalog(Box<Catalog>),
}

impl Manifest {
    /// Returns a hash of everything that the jobs depend on, except local images: the manifest's file, the file of its
    /// rows, and the version of this program. `None` if the rows are the images of a folder.
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

    /// Whether the file is what [`Manifest::open_on_trust`] assumed it to be.
    pub fn is_as_trusted(&self) -> bool {
        let is_plain = if let Body::Long(list) = &self.body { list.is_plain() } else { true };
        is_plain && self.source.is_utf8().unwrap_or(true)
    }

    /// Sets the model of all jobs, for a manifest that is part of another one.
    pub fn set_model(&mut self, model: Option<&str>) {
        self.settings.model = model.map(str::to_owned);
    }

    /// Returns the settings for the run.
    pub fn settings(&self) -> &ManifestSettings {
        &self.settings
    }

    /// Returns the file's stem, which names the run's folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the manifest's folder, which paths in it are relative to. The paths of jobs are already joined to it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the name of the file that the line numbers of jobs refer to: the file of the rows if it is a separate
    /// one, otherwise the manifest.
    pub fn file_of_lines(&self) -> &str {
        match &self.body {
            Body::Catalog(catalog) => catalog.rows.file().unwrap_or(&self.source.name),
            _ => &self.source.name,
        }
    }

    /// Returns notices about the head: interpretations that could surprise the user.
    pub fn notices(&self) -> &[Diagnostic] {
        &self.notices
    }

    /// Returns all rows, in parts.
    pub(super) fn parts(&self) -> Result<Parts<'_>, Diagnostic> {
        match &self.body {
            Body::Table(table) => table.parts(&self.source, 1),
            Body::Lines(lines) => lines.parts(&self.source, 1),
            Body::Listed(entries) => Ok(entries.parts(&self.source)),
            Body::Long(list) => Ok(list.parts(&self.source)),
            Body::Catalog(catalog) => catalog.parts(&self.source),
        }
    }
}
