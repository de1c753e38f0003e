use std::path::Path;

use serde::Serialize;

use super::super::files::ReportFolder;
use super::super::inputs::Before;
use super::super::links::link;
use super::super::model::ResultFile;
use super::super::thumbnails::Thumbnails;
use super::value::cut;

/// A picture, or a text in its place.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// The URL of a picture of which there is no copy. The page never loads it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumb: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

impl Picture {
    /// Returns an input picture, and requests its thumbnail.
    pub(super) fn before(before: &Before, report: &mut ReportFolder, thumbnails: &mut Thumbnails) -> Picture {
        let words =
            |label: &str| Picture { label: cut(label), link: None, url: None, thumb: None, width: None, height: None };
        match before {
            Before::Url(url) => Picture { url: Some(url.clone()), ..words(&format!("no copy was kept of {url}")) },
            Before::Words(text) => words(text),
            Before::File { path, label, content } => Picture {
                link: Some(link(report.root(), path)),
                thumb: content.map(|content| thumbnails.of(path, &content, report)),
                ..words(label)
            },
        }
    }

    /// Returns a resulting picture, and requests its thumbnail.
    pub(super) fn of(file: &ResultFile, report: &mut ReportFolder, thumbnails: &mut Thumbnails) -> Picture {
        let path = report.root().parent().unwrap_or(Path::new("")).join(&file.path);
        Picture {
            label: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            link: Some(link(report.root(), &path)),
            url: None,
            thumb: Some(thumbnails.of(&path, &file.blake3, report)),
            width: Some(file.width),
            height: Some(file.height),
        }
    }
}
