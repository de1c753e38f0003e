//! The input pictures, in the form that the page and a manifest can refer to.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::files::ReportFolder;
use super::model::{JobImage, JobView};
use crate::data_uri;
use crate::job::{ContentHash, ImageSource};
use crate::photo::Format;
use crate::pictures::{LocalPictures, PictureProblem};

/// An input picture for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// A local file.
    File {
        /// The absolute path.
        path: PathBuf,
        /// The name as shown to the user: of the file, or the URL that it is a copy of.
        label: String,
        /// The hash of its content, if a thumbnail can be made of it.
        content: Option<ContentHash>,
    },
    /// A URL of which no copy was kept. The page never loads it by itself.
    Url(String),
    /// A text in place of an input that cannot be shown.
    Words(String),
}

/// Returns the input pictures of `job`. Those in `data:` URIs become files of the report.
///
/// The page's data would otherwise have the picture a second time, and browsers refuse to open `data:` URIs in a tab.
pub(crate) fn gather(
    job: &JobView,
    known: &mut LocalPictures,
    folder: &mut ReportFolder,
) -> Result<Vec<Before>, ReportError> {
    let mut found = Vec::new();
    for JobImage { source, local_copy } in &job.images {
        found.push(match source {
            ImageSource::File(path) => local(path, name_of(path), known),
            ImageSource::Url(url) => match local_copy.as_ref().map(|copy| local(copy, url.clone(), known)) {
                Some(picture @ Before::File { .. }) => picture,
                _ => Before::Url(url.clone()),
            },
            ImageSource::Data(uri) => match picture_of(uri) {
                Some((bytes, extension)) => Before::File {
                    path: keep(&bytes, extension, folder)?,
                    content: Some(ContentHash::of(&bytes)),
                    label: format!("data: URI, {}", extension.to_uppercase()),
                },
                None => Before::Words(format!("{source} (no picture that can be shown)")),
            },
        });
    }
    Ok(found)
}

/// Returns a file that replaces `path` in a manifest's cell that cannot have it: a copy in the report with a simple
/// name.
///
/// It has the same content, so the job has the same fingerprint.
pub(crate) fn stand_in(path: &Path, folder: &mut ReportFolder) -> Result<Option<PathBuf>, ReportError> {
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let Some(extension) = extension_of(&bytes) else {
        return Ok(None);
    };
    keep(&bytes, extension, folder).map(Some)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn local(path: &Path, label: String, known: &mut LocalPictures) -> Before {
    let found = known.look(path);
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match found {
        Ok(picture) => Before::File { path, label, content: Some(picture.hash) },
        Err(PictureProblem::Missing { .. }) => Before::Words(format!("{label} is no longer there")),
        Err(PictureProblem::Unusable { .. }) => Before::File { path, label, content: None },
    }
}

/// Returns the report's file for the picture in a `data:` URI, if it has one.
pub(crate) fn data_file(uri: &str, folder: &mut ReportFolder) -> Result<Option<PathBuf>, ReportError> {
    picture_of(uri).map(|(bytes, extension)| keep(&bytes, extension, folder)).transpose()
}

fn keep(bytes: &[u8], extension: &str, folder: &mut ReportFolder) -> Result<PathBuf, ReportError> {
    let hash = ContentHash::of(bytes).to_string();
    let name = format!("inputs/{}.{extension}", &hash[..32]);
    folder.write_once(&name, bytes)?;
    Ok(folder.root().join(name))
}

/// Returns the picture in a `data:` URI, whatever its media type: its bytes and the extension of its format.
fn picture_of(uri: &str) -> Option<(Vec<u8>, &'static str)> {
    let bytes = data_uri::decode(uri).ok()?;
    let extension = extension_of(&bytes)?;
    Some((bytes, extension))
}

fn extension_of(bytes: &[u8]) -> Option<&'static str> {
    Format::sniff(bytes).map(Format::extension)
}
