//! From a manifest to planned jobs: patterns are followed, local pictures looked at, and requests get their
//! fingerprints.

use std::path::{Path, PathBuf};

use crate::job::{ContentHash, Fingerprint, ImageRef, ImageSource, Job, JobId, Likeness, RequestRef};
use crate::manifest::{
    Backend, Diagnostic, Found, FoundJob, ImagesVia, Manifest, Place, Problems, Severity, near_file,
};
use crate::pictures::{LocalPictures, PictureProblem};

use super::Failure;
use super::options::Options;
use super::places::{Later, Wrong};

/// The most images of a job, as in the manifest.
const MOST_IMAGES: usize = 8;

/// A job of the manifest, and whether it is this process's.
pub(super) enum Dealt<T> {
    /// What was made of one that is in the share that is meant, as all are where no share is.
    Ours(T),
    /// It is in another share. Nobody has looked at its pictures.
    Theirs(JobId),
}

/// What can be done with a row wherever it is read.
enum Prepared<T> {
    Dealt(Dealt<T>),
    /// Its pictures have to be looked at first.
    Local(Job),
}

/// Hands all jobs of `manifest` to `take`, one at a time and in its order, so that a manifest may be larger than memory;
/// `each` makes of a job and what it sends what is needed of it, on any of the threads that read rows. The answer is a
/// warning, where ids are nearly the same.
///
/// # Errors
///
/// Everything that is wrong with any of them, pictures included; what `take` was handed by then is of no use.
pub(super) fn for_each<T: Send>(
    manifest: &Manifest,
    options: &Options,
    pictures: &mut LocalPictures,
    each: impl Fn(&FoundJob<'_>, &Sent<'_>) -> T + Sync,
    mut take: impl FnMut(Dealt<T>) -> Result<(), Failure>,
) -> Result<Option<Diagnostic>, Failure> {
    let refuses_local = options.backend == Backend::Vibedream && options.images_via != Some(ImagesVia::Inline);
    let share = options.partition;
    let prepare = |found: &FoundJob<'_>| {
        let job = &found.job;
        match share.map(|share| (share, job.id.to_id())) {
            Some((share, id)) if !share.takes(&id) => Prepared::Dealt(Dealt::Theirs(id)),
            _ if job.request.images.iter().any(|image| matches!(image, ImageRef::File(_))) => {
                Prepared::Local(found.to_job())
            }
            _ => Prepared::Dealt(Dealt::Ours(each(found, &Sent { request: &job.request, hashes: &[] }))),
        }
    };
    let mut looked = Looked { folder: manifest.folder(), pictures, wrongs: Later::default() };
    let mut problems = Problems::default();
    let (mut locals, mut likes) = (Locals::default(), Alike::default());
    let taken = manifest.read(prepare, |found| {
        let is_good = problems.is_empty() && looked.wrongs.is_empty();
        match found {
            Found::Job { made, alike, mut place } => {
                if let Some(line) = alike {
                    likes.note(line, &mut place);
                }
                let mut job = match made {
                    Prepared::Dealt(dealt) if is_good => return take(dealt),
                    Prepared::Dealt(_) => return Ok(()),
                    Prepared::Local(job) => job,
                };
                if refuses_local {
                    locals.note(&job, &mut place);
                }
                let images = std::mem::take(&mut job.request.images).into_iter().enumerate().collect();
                if let Some((images, hashes)) = looked.at(images, &mut place)
                    && is_good
                {
                    job.request.images = images;
                    let found = FoundJob::from(&job);
                    let sent = Sent { request: &found.job.request, hashes: &hashes };
                    return take(Dealt::Ours(each(&found, &sent)));
                }
            }
            Found::Wrong(diagnostics, mut place) => {
                problems.extend(diagnostics);
                // Whose share it is in is not known for certain.
                if share.is_none() {
                    looked.at(place.pictures(), &mut place);
                }
            }
            Found::Broken(diagnostic) => problems.push(diagnostic),
        }
        Ok(())
    });
    taken.map_err(Failure::Manifest)??;
    let Looked { mut wrongs, .. } = looked;
    if let Some(diagnostic) = locals.told() {
        wrongs.push(|| diagnostic);
    }
    wrongs.join(&mut problems);
    if problems.is_empty() { Ok(likes.told()) } else { Err(Failure::Manifest(problems)) }
}

/// The local pictures of jobs, as far as they were looked at.
struct Looked<'l> {
    folder: &'l Path,
    pictures: &'l mut LocalPictures,
    wrongs: Later,
}

/// The hashes of local pictures.
type Hashes = Vec<(PathBuf, ContentHash)>;

impl Looked<'_> {
    /// Looks at the images of the row at `place`, each with its number there: those that patterns match are in the
    /// patterns' places then. Nothing where anything is wrong with them.
    fn at(&mut self, images: Vec<(usize, ImageSource)>, place: &mut Place<'_>) -> Option<(Vec<ImageSource>, Hashes)> {
        let mut wrongs = Vec::new();
        let images = expanded(images, self.folder, &mut wrongs);
        let mut hashes = Vec::new();
        for (number, image) in &images {
            let ImageSource::File(path) = image else { continue };
            match self.pictures.look(path) {
                Ok(picture) => hashes.push((path.clone(), picture.hash)),
                Err(problem) => {
                    let is_missing = matches!(problem, PictureProblem::Missing { .. });
                    let near = is_missing.then(|| near_file(path, |_| true)).flatten();
                    let hint = near.map_or_else(|| problem.hint().to_owned(), |near| format!("did you mean `{near}`?"));
                    wrongs.push(Wrong { image: *number, message: problem.to_string(), hint });
                }
            }
        }
        if wrongs.is_empty() {
            return Some((images.into_iter().map(|(_, image)| image).collect(), hashes));
        }
        for Wrong { image, message, hint } in wrongs {
            self.wrongs.push(|| place.about(Some(image), message, hint));
        }
        None
    }
}

/// What a job sends, for whoever wants a hash of it.
pub(super) struct Sent<'j> {
    request: &'j RequestRef<'j>,
    /// Those of its local pictures.
    hashes: &'j [(PathBuf, ContentHash)],
}

impl Sent<'_> {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_borrowed(self.request, |path| self.content(path))
    }

    pub(super) fn likeness(&self) -> Likeness {
        Likeness::of(self.request, |path| self.content(path))
    }

    fn content(&self, path: &Path) -> ContentHash {
        self.hashes.iter().find(|(known, _)| known == path).map_or(ContentHash::of(&[]), |(_, hash)| *hash)
    }
}

/// Whether an image stands for all pictures that match it. A file of that very name goes before.
fn is_pattern(image: &ImageSource) -> bool {
    match image {
        ImageSource::File(path) => path.to_string_lossy().contains(['*', '?', '[']) && !path.exists(),
        _ => false,
    }
}

/// The images with those that patterns match, by their names, in the patterns' places. Those of which something is wrong
/// are left out.
fn expanded(images: Vec<(usize, ImageSource)>, folder: &Path, wrongs: &mut Vec<Wrong>) -> Vec<(usize, ImageSource)> {
    if !images.iter().any(|(_, image)| is_pattern(image)) {
        return images;
    }
    let mut expanded = Vec::new();
    for (number, image) in images {
        match matching(&image, folder) {
            None => expanded.push((number, image)),
            Some(Ok(found)) => expanded.extend(found.into_iter().map(|path| (number, ImageSource::File(path)))),
            Some(Err((message, hint))) => wrongs.push(Wrong { image: number, message, hint: hint.to_owned() }),
        }
    }
    if expanded.len() > MOST_IMAGES {
        let message = format!("{} pictures match, and the API takes {MOST_IMAGES} at most", expanded.len());
        let hint = "narrow the pattern; for a job each, write `rows: photos/*.jpg` in a YAML manifest".to_owned();
        wrongs.push(Wrong { image: 0, message, hint });
        return Vec::new();
    }
    expanded
}

/// The pictures that a pattern matches, or why there are none and the way out; nothing where `image` is no pattern.
fn matching(image: &ImageSource, folder: &Path) -> Option<Result<Vec<PathBuf>, (String, &'static str)>> {
    let ImageSource::File(path) = image else { return None };
    if !is_pattern(image) {
        return None;
    }
    // The manifest's own folder is no pattern, whatever it is called.
    let pattern = path.strip_prefix(folder).unwrap_or(path);
    let whole = Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(pattern);
    let found = match glob::glob(&whole.to_string_lossy()) {
        Ok(found) => found,
        Err(error) => {
            return Some(Err((format!("{} is no pattern: {}", path.display(), error.msg), "as in photos/m1-*.jpg")));
        }
    };
    let mut found: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
    found.sort();
    Some(match found.is_empty() {
        true => {
            let message = format!("no picture matches {}", path.display());
            Err((message, "patterns are relative to the manifest's own folder"))
        }
        false => Ok(found),
    })
}

/// The jobs that name local pictures: the provider fetches by itself, and cannot fetch from this machine.
#[derive(Default)]
struct Locals {
    first: Option<Diagnostic>,
    count: u64,
}

impl Locals {
    fn note(&mut self, job: &Job, place: &mut Place<'_>) {
        const HINT: &str = "publish them under https:// URLs; or say `images_via: inline` under `run:` to send them in \
                            the request, which the provider does not document; or try the batch with --backend embedded";
        self.count += 1;
        if self.first.is_none() {
            let image = job.request.images.iter().position(|image| matches!(image, ImageSource::File(_)));
            let message = "the job names a local picture, which the provider cannot fetch";
            self.first = Some(place.about(image, message.to_owned(), HINT.to_owned()));
        }
    }

    fn told(self) -> Option<Diagnostic> {
        let first = self.first?;
        Some(match self.count {
            1 => first,
            more => {
                let more = more - 1;
                let message = format!("this job and {more} more name local pictures, which the provider cannot fetch");
                Diagnostic { message, ..first }
            }
        })
    }
}

/// The jobs whose ids name the file of another one on Windows and macOS.
#[derive(Default)]
struct Alike {
    first: Option<Diagnostic>,
    count: u64,
}

impl Alike {
    fn note(&mut self, line: u64, place: &mut Place<'_>) {
        const HINT: &str = "on Windows and macOS both name one file: let more than that tell them apart";
        self.count += 1;
        if self.first.is_none() {
            let message = format!("the id differs from that of line {line} by capitals, or by how accents are written");
            let diagnostic = place.about(None, message, HINT.to_owned());
            self.first = Some(Diagnostic { severity: Severity::Warning, ..diagnostic });
        }
    }

    fn told(self) -> Option<Diagnostic> {
        let first = self.first?;
        let message = match self.count {
            1 => first.message,
            count => format!("{} (and in {} more)", first.message, count - 1),
        };
        Some(Diagnostic { message, ..first })
    }
}

/// Something to say about a job of `file`.
pub(super) fn about(
    severity: Severity,
    file: &str,
    job: Option<(u64, Option<&JobId>)>,
    message: String,
    hint: &str,
) -> Diagnostic {
    Diagnostic {
        severity,
        file: file.to_owned(),
        line: job.map(|(line, _)| line),
        column: None,
        job: job.and_then(|(_, id)| id.map(ToString::to_string)),
        message,
        hint: Some(hint.to_owned()),
        excerpt: None,
        same: None,
    }
}
