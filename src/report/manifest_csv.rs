//! `failed.csv`: the rows that did not complete, as a manifest for the next run.
//!
//! Its cells are the unchanged text of the manifest. They are not neutralized for spreadsheets like those of
//! `results.csv`: a prompt that begins with `=` must be sent unchanged, or it would be another edit with another
//! fingerprint. All text in this file is the user's. The provider's text is untrusted, and left out.

use std::path::Path;

use super::error::ReportError;
use super::files::ReportFolder;
use super::inputs;
use super::model::{JobImage, JobView};
use crate::job::ImageSource;
use crate::manifest::Field;

/// The columns of a manifest, before the user's own.
pub(crate) const COLUMNS: [&str; Field::KEYS.len()] = Field::KEYS;

/// The representation of pictures in `data:` URIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataUris {
    /// The unchanged URI, so that the job stays the same.
    AsTheyAre,
    /// A file of the report, so that the page does not contain megabytes of data.
    AsFiles,
}

/// Returns the cells of a job for [`COLUMNS`].
///
/// The id and the content of the pictures are preserved, so it is the same job in the folder of the same run.
pub(crate) fn cells(job: &JobView, uris: DataUris, folder: &mut ReportFolder) -> Result<Vec<String>, ReportError> {
    let mut images = Vec::new();
    for JobImage { source, .. } in &job.images {
        let file = match source {
            ImageSource::Data(uri) if uris == DataUris::AsFiles => inputs::data_file(uri, folder)?,
            _ => None,
        };
        let file = file.map(ImageSource::File);
        images.push(image_cell(file.as_ref().unwrap_or(source), folder)?);
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
        job.color.map_or_else(String::new, |color| color.to_string()),
    ])
}

/// Returns a picture for a cell whose pictures are separated by `|`.
///
/// A `|` in a URL is written as `%7C`, which is how clients send it anyway. A file whose path contains `|` or is not
/// Unicode is replaced by a copy.
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

/// Returns the path if a cell can have it: Unicode on one line, no `|`, no leading or trailing white space.
fn plain(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| !text.contains('|') && !text.contains(char::is_control) && text.trim() == *text)
}
