//! `failed.csv`: the rows that did not complete, as a manifest that the next run takes as it is.
//!
//! Its cells are the manifest's own text, unchanged. They are not neutralised for spreadsheets as those of
//! `results.csv` are: a prompt that begins with `=` must be sent unchanged, or it would be another edit with another
//! fingerprint. All text in here is the user's; the provider's text, which is untrusted, stays out.

use std::path::Path;

use super::error::ReportError;
use super::files::ReportFolder;
use super::inputs;
use super::model::JobView;
use crate::job::ImageSource;
use crate::manifest::Field;

/// The columns before the user's own: a manifest's.
pub(crate) const COLUMNS: [&str; Field::KEYS.len()] = Field::KEYS;

/// How a picture in a `data:` URI is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataUris {
    /// To the letter, so that the job stays the same.
    AsTheyAre,
    /// By a file of the report, so that megabytes do not stand in a page.
    AsFiles,
}

/// The cells of a job under [`COLUMNS`].
///
/// The id is kept, and a picture keeps its content, so that in the folder of the same run this is the same job.
pub(crate) fn cells(job: &JobView, uris: DataUris, folder: &mut ReportFolder) -> Result<Vec<String>, ReportError> {
    let mut images = Vec::new();
    for image in &job.images {
        let file = match image {
            ImageSource::Data(uri) if uris == DataUris::AsFiles => inputs::data_file(uri, folder)?,
            _ => None,
        };
        let file = file.map(ImageSource::File);
        images.push(image_cell(file.as_ref().unwrap_or(image), folder)?);
    }
    let switch = |value: Option<bool>| value.map_or_else(String::new, |on| on.to_string());
    Ok(vec![
        job.id.to_string(),
        job.prompt.clone(),
        images.join("|"),
        job.size.map_or_else(String::new, |size| size.as_str().to_owned()),
        job.seed.map_or_else(String::new, |seed| seed.get().to_string()),
        switch(job.switches.enable_sync_mode),
        switch(job.switches.enable_base64_output),
        switch(job.switches.enable_safety_checker),
        job.color.clone().unwrap_or_default(),
    ])
}

/// A picture in a cell that separates pictures with `|`.
///
/// A `|` in a URL is written `%7C`, which is how a client sends it in any case. A file whose path holds one, or is no
/// Unicode text, is named by a copy of it.
fn image_cell(image: &ImageSource, folder: &mut ReportFolder) -> Result<String, ReportError> {
    Ok(match image {
        ImageSource::Url(text) | ImageSource::Data(text) => text.replace('|', "%7C"),
        ImageSource::File(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            match plain(&path) {
                Some(text) => text.to_owned(),
                None => inputs::stand_in(&path, folder)?.unwrap_or(path).display().to_string(),
            }
        }
    })
}

/// The path as a cell can hold it: Unicode, no `|`, no white space at its edges, on one line.
fn plain(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| !text.contains('|') && !text.contains(char::is_control) && text.trim() == *text)
}
