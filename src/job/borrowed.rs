//! Borrowed jobs, whose texts stay in the manifest's buffer. Most rows are only read, and copying them would take
//! longer.

use std::borrow::Cow;
use std::ops::Deref;
use std::path::Path;
use std::slice;

use super::{EditRequest, Hex, ImageSource, Job, JobIdRef, Seed, Size, Switches, UrlRef};

/// A [`Job`] without the user's own columns, borrowed from its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRef<'a> {
    /// The id, unique in the manifest.
    pub id: JobIdRef<'a>,
    /// The request.
    pub request: RequestRef<'a>,
    /// The requested color.
    pub color: Option<Hex>,
    /// The line of the manifest at which it begins, from 1.
    pub line: u64,
}

/// A borrowed [`EditRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRef<'a> {
    /// The model's name in the URL of the submit.
    pub model: &'a str,
    /// The instruction, as written.
    pub prompt: &'a str,
    /// The pictures to edit, in order.
    pub images: ImageRefs<'a>,
    /// The size of the output.
    pub size: Option<Size>,
    /// The seed of the generator.
    pub seed: Option<Seed>,
    /// The three switches.
    pub switches: Switches,
}

/// The pictures of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageRefs<'a> {
    /// A single picture, as for nearly all jobs, without an allocation.
    One(ImageRef<'a>),
    /// Several, or none.
    Several(Vec<ImageRef<'a>>),
}

/// A borrowed [`ImageSource`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageRef<'a> {
    /// An `http` or `https` URL.
    Url(UrlRef<'a>),
    /// A `data:` URI.
    Data(&'a str),
    /// A local file, with its path already joined to the manifest's folder.
    File(Cow<'a, Path>),
}

impl JobRef<'_> {
    /// Returns an owned job with the user's `columns`.
    pub fn to_job(&self, columns: Vec<(String, String)>) -> Job {
        let request = self.request.to_request();
        Job { id: self.id.to_id(), request, color: self.color, columns, line: self.line }
    }
}

impl RequestRef<'_> {
    fn to_request(&self) -> EditRequest {
        EditRequest {
            model: self.model.to_owned(),
            prompt: self.prompt.to_owned(),
            images: self.images.iter().map(ImageRef::to_source).collect(),
            size: self.size,
            seed: self.seed,
            switches: self.switches,
        }
    }
}

impl<'a> Deref for ImageRefs<'a> {
    type Target = [ImageRef<'a>];

    fn deref(&self) -> &[ImageRef<'a>] {
        match self {
            ImageRefs::One(image) => slice::from_ref(image),
            ImageRefs::Several(images) => images,
        }
    }
}

impl<'a> FromIterator<ImageRef<'a>> for ImageRefs<'a> {
    fn from_iter<I: IntoIterator<Item = ImageRef<'a>>>(images: I) -> Self {
        let mut images = images.into_iter();
        match (images.next(), images.next()) {
            (Some(image), None) => ImageRefs::One(image),
            (first, second) => ImageRefs::Several(first.into_iter().chain(second).chain(images).collect()),
        }
    }
}

impl ImageRef<'_> {
    /// Returns an owned source.
    pub fn to_source(&self) -> ImageSource {
        match self {
            ImageRef::Url(url) => ImageSource::Url(url.as_str().to_owned()),
            ImageRef::Data(uri) => ImageSource::Data((*uri).to_owned()),
            ImageRef::File(path) => ImageSource::File(path.to_path_buf()),
        }
    }
}

impl Job {
    /// Returns a borrowed job.
    pub fn borrowed(&self) -> JobRef<'_> {
        JobRef { id: JobIdRef::from(&self.id), request: self.request.borrowed(), color: self.color, line: self.line }
    }
}

impl EditRequest {
    /// Returns a borrowed request.
    pub fn borrowed(&self) -> RequestRef<'_> {
        RequestRef {
            model: &self.model,
            prompt: &self.prompt,
            images: self.images.iter().map(ImageSource::borrowed).collect(),
            size: self.size,
            seed: self.seed,
            switches: self.switches,
        }
    }
}

impl ImageSource {
    /// Returns a borrowed source.
    pub fn borrowed(&self) -> ImageRef<'_> {
        match self {
            ImageSource::Url(url) => ImageRef::Url(UrlRef::of(url)),
            ImageSource::Data(uri) => ImageRef::Data(uri),
            ImageSource::File(path) => ImageRef::File(Cow::Borrowed(path)),
        }
    }
}
