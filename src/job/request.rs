use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Hex, JobId, words};

/// The default model.
pub const DEFAULT_MODEL: &str = "flux-2-pro-edit";

/// The maximum number of images per request.
pub const MAX_IMAGES: usize = 8;

/// The maximum size of an image in a request, in bytes.
pub const MAX_IMAGE_BYTES: u64 = 20 << 20;

/// A requested edit: a parsed and validated row of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The id, unique in the manifest.
    pub id: JobId,
    /// The request.
    pub request: EditRequest,
    /// The requested color, for checking the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Hex>,
    /// The user's own columns, name and value, in the order of the manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, String)>,
    /// The line of the manifest at which it begins, from 1.
    pub line: u64,
}

/// The request that is sent to the API for a job.
///
/// Options that are `None` are left out of the request: the provider documents no defaults, so values that were not set
/// are never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditRequest {
    /// The model's name in the URL of the submit.
    pub model: String,
    /// The instruction, as written.
    pub prompt: String,
    /// The pictures to edit, in order. A prompt may refer to "image 1" and "image 2".
    pub images: Vec<ImageSource>,
    /// The size of the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The seed of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// The three switches.
    #[serde(flatten)]
    pub switches: Switches,
}

/// The API's three switches. Each is sent only if it was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// Whether the answer to the submit waits for the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_sync_mode: Option<bool>,
    /// Whether outputs are base64 text instead of URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_base64_output: Option<bool>,
    /// Whether the provider checks the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_safety_checker: Option<bool>,
}

impl EditRequest {
    /// Returns the request with its relative paths joined to `folder`.
    #[must_use]
    pub fn seen_from(mut self, folder: &Path) -> EditRequest {
        for image in &mut self.images {
            if let ImageSource::File(path) = image {
                *path = folder.join(&*path);
            }
        }
        self
    }
}

/// The source of an input picture.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageSource {
    /// An `http` or `https` URL that the API fetches by itself.
    Url(String),
    /// A `data:` URI with the picture in it.
    Data(String),
    /// A local file, with its path already joined to the manifest's folder.
    File(PathBuf),
}

impl fmt::Display for ImageSource {
    /// Formats the source for messages: a `data:` URI is shortened to its media type.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageSource::Url(url) => formatter.write_str(url),
            ImageSource::Data(uri) => write!(formatter, "{},…", uri.split(',').next().unwrap_or("data:")),
            ImageSource::File(path) => write!(formatter, "{}", path.display()),
        }
    }
}

/// The size of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// The smallest; 512 px on the longer side in the embedded editor.
    Small,
    /// The middle one; 1024 px in the embedded editor.
    Medium,
    /// The largest; 2048 px in the embedded editor.
    Large,
}

words!(Size, "small" => Size::Small, "medium" => Size::Medium, "large" => Size::Large);

/// A seed of the generator: 0 to 10000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Seed(u16);

impl Seed {
    /// The maximum seed of the API.
    pub const MAX: u16 = 10_000;

    /// Accepts `value`, if it is at most [`Seed::MAX`].
    pub fn new(value: u16) -> Option<Seed> {
        (value <= Self::MAX).then_some(Seed(value))
    }

    /// Returns the seed as a number.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// The error of a number that is not a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {0} is over {max}", max = Seed::MAX)]
pub struct SeedError(u16);

impl TryFrom<u16> for Seed {
    type Error = SeedError;

    fn try_from(value: u16) -> Result<Seed, SeedError> {
        Seed::new(value).ok_or(SeedError(value))
    }
}

impl From<Seed> for u16 {
    fn from(seed: Seed) -> u16 {
        seed.0
    }
}
