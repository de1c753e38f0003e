//! The pictures to edit, as the page and a manifest can name them.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::ImageFormat;

use super::error::ReportError;
use super::files::ReportFolder;
use super::model::JobView;
use crate::job::{ContentHash, ImageSource};
use crate::pictures::{LocalPictures, PictureProblem};

/// A picture to edit, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// A file on this machine.
    File {
        /// Absolute.
        path: PathBuf,
        /// Its name for the user.
        label: String,
        /// The hash of its content, if it is a picture that can be shown as a thumbnail.
        content: Option<ContentHash>,
    },
    /// A URL, which the page names and never loads by itself.
    Url(String),
    /// Something that can't be shown, in words.
    Words(String),
}

/// The pictures to edit of `job`; `data:` URIs become files of the report.
///
/// A picture in a URI would stand in the page's data a second time, and a browser refuses to open it in a tab.
pub(crate) fn gather(
    job: &JobView,
    known: &mut LocalPictures,
    folder: &mut ReportFolder,
) -> Result<Vec<Before>, ReportError> {
    let mut found = Vec::new();
    for image in &job.images {
        found.push(match image {
            ImageSource::File(path) => local(path, known),
            ImageSource::Url(url) => Before::Url(url.clone()),
            ImageSource::Data(uri) => match picture_of(uri) {
                Some((bytes, extension)) => Before::File {
                    path: keep(&bytes, extension, folder)?,
                    content: Some(ContentHash::of(&bytes)),
                    label: format!("data: URI, {}", extension.to_uppercase()),
                },
                None => Before::Words(format!("{image} (no picture that can be shown)")),
            },
        });
    }
    for path in &job.before {
        let copy = local(path, known);
        if !found.contains(&copy) {
            found.push(copy);
        }
    }
    Ok(found)
}

/// The file that stands in for `path` where a manifest's cell can't name it: a copy in the report with a plain name.
///
/// The content is the same, and so is the job's fingerprint.
pub(crate) fn stand_in(path: &Path, folder: &mut ReportFolder) -> Result<Option<PathBuf>, ReportError> {
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let Some(extension) = extension_of(&bytes) else {
        return Ok(None);
    };
    keep(&bytes, extension, folder).map(Some)
}

fn local(path: &Path, known: &mut LocalPictures) -> Before {
    let label = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let found = known.look(path);
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match found {
        Ok(picture) => Before::File { path, label, content: Some(picture.hash) },
        Err(PictureProblem::Missing { .. }) => Before::Words(format!("{label} is no longer there")),
        Err(PictureProblem::Unusable { .. }) => Before::File { path, label, content: None },
    }
}

/// Returns the file of the report for a `data:` URI, if there is a picture in it.
pub(crate) fn data_file(uri: &str, folder: &mut ReportFolder) -> Result<Option<PathBuf>, ReportError> {
    picture_of(uri).map(|(bytes, extension)| keep(&bytes, extension, folder)).transpose()
}

fn keep(bytes: &[u8], extension: &str, folder: &mut ReportFolder) -> Result<PathBuf, ReportError> {
    let hash = ContentHash::of(bytes).to_string();
    let name = format!("inputs/{}.{extension}", &hash[..32]);
    folder.write_once(&name, bytes)?;
    Ok(folder.root().join(name))
}

/// Returns the picture in a `data:` URI, whatever its media type claims: its bytes and the extension for its format.
fn picture_of(uri: &str) -> Option<(Vec<u8>, &'static str)> {
    let (head, body) = uri.split_once(',')?;
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(body).collect();
    let is_base64 = head.trim_end().to_ascii_lowercase().ends_with(";base64");
    let bytes = if is_base64 { BASE64_STANDARD.decode(bytes.trim_ascii()).ok()? } else { bytes };
    let extension = extension_of(&bytes)?;
    Some((bytes, extension))
}

fn extension_of(bytes: &[u8]) -> Option<&'static str> {
    match image::guess_format(bytes).ok()? {
        ImageFormat::Png => Some("png"),
        ImageFormat::Jpeg => Some("jpg"),
        ImageFormat::Gif => Some("gif"),
        ImageFormat::WebP => Some("webp"),
        _ => None,
    }
}
