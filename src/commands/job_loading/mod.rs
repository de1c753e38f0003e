//! Loads planned jobs from a manifest: expands patterns, hashes local pictures and computes the fingerprints of
//! requests.

mod advice_warnings;
mod problems;
mod remarks;
mod unmatched;

use std::path::{Path, PathBuf};

use crate::job::{
    Backend, ContentHash, Fingerprint, ImageRef, ImageSource, Job, JobId, MAX_IMAGES, Partition, RequestHash,
    RequestRef, Seed,
};
use crate::manifest::{
    Diagnostic, Found, FoundJob, ImagesVia, Manifest, Problems, RowLocation, files_matching, near_picture,
};
use crate::pictures::{LocalPictures, PictureProblem};

use super::Failure;
use super::options::Options;
use problems::{DeferredProblems, ImageProblem};
use remarks::JobRemarks;

pub(super) use advice_warnings::advice_warnings;
pub(super) use remarks::Counted;
pub(super) use unmatched::unmatched;

/// A job of the manifest, in this share or in another one.
pub(super) enum Partitioned<T> {
    /// The value that was created from a job in the selected share, or from any job if no share is selected.
    Ours(T),
    /// The id of a job in another share, whose pictures were not checked.
    Theirs(JobId),
}

/// The result of preparing a row on the thread that reads it.
enum Prepared<T> {
    Ready(Partitioned<T>),
    /// A job whose local pictures must be checked first.
    Local(Box<Job>),
}

/// Passes all jobs of `manifest` to `take`, one at a time and in order, so that a manifest may be larger than memory.
/// `each` creates the value for `take` from a job and its content to send, on any of the threads that read rows.
/// Returns the warnings.
///
/// # Errors
///
/// The manifest or a picture has errors. The values already passed to `take` must then be discarded.
pub(super) fn for_each<T: Send>(
    manifest: &Manifest,
    options: &Options,
    pictures: &mut LocalPictures,
    each: impl Fn(&FoundJob<'_>, &Sent<'_>) -> T + Sync,
    mut take: impl FnMut(Partitioned<T>) -> Result<(), Failure>,
) -> Result<Vec<Diagnostic>, Failure> {
    let refuses_local = options.backend == Backend::Vibedream && options.images_via != Some(ImagesVia::Inline);
    let is_remote = options.backend == Backend::Vibedream && !options.base_url.is_loopback();
    let share = options.partition;
    let prepare = |found: &FoundJob<'_>| (prepared(found, share, &each), JobRemarks::of(found));
    let mut checker = PictureChecker { folder: manifest.folder(), pictures, deferred: DeferredProblems::default() };
    let mut problems = Problems::default();
    let mut warnings = JobWarnings::default();
    let read = manifest.read(prepare, |found| {
        let is_good = problems.is_empty() && checker.deferred.is_empty();
        match found {
            Found::Job { made: (prepared, remarks), alike, mut location } => {
                warnings.note(remarks, alike, is_remote, &mut location);
                let mut job = match prepared {
                    Prepared::Ready(job) if is_good => return take(job),
                    Prepared::Ready(_) => return Ok(()),
                    Prepared::Local(job) => job,
                };
                if refuses_local {
                    warnings.note_local(&job, &mut location);
                }
                let images = std::mem::take(&mut job.request.images).into_iter().enumerate().collect();
                if let Some((images, hashes)) = checker.check(images, &mut location)
                    && is_good
                {
                    job.request.images = images;
                    let borrowed = job.borrowed();
                    let sent = Sent { request: &borrowed.request, hashes: &hashes };
                    return take(Partitioned::Ours(each(&FoundJob::with(&borrowed, &job.columns), &sent)));
                }
            }
            Found::Wrong(diagnostics, mut location) => {
                problems.extend(diagnostics);
                // The share of a row with errors is not certain.
                if share.is_none() {
                    checker.check(location.pictures(), &mut location);
                }
            }
            Found::Broken(diagnostic) => problems.push(diagnostic),
        }
        Ok(())
    });
    read.map_err(Failure::Manifest)??;
    let mut deferred = checker.deferred;
    let (error, warnings) = warnings.into_diagnostics();
    error.into_iter().for_each(|error| deferred.push(|| error));
    deferred.join(&mut problems);
    if problems.is_empty() { Ok(warnings) } else { Err(Failure::Manifest(problems)) }
}

fn prepared<T>(
    found: &FoundJob<'_>,
    share: Option<Partition>,
    each: impl Fn(&FoundJob<'_>, &Sent<'_>) -> T,
) -> Prepared<T> {
    let job = found.job;
    match share.map(|share| (share, job.id.to_id())) {
        Some((share, id)) if !share.takes(&id) => Prepared::Ready(Partitioned::Theirs(id)),
        _ if job.request.images.iter().any(|image| matches!(image, ImageRef::File(_))) => {
            Prepared::Local(Box::new(found.to_job()))
        }
        _ => Prepared::Ready(Partitioned::Ours(each(found, &Sent { request: &job.request, hashes: &[] }))),
    }
}

/// Checks the local pictures of jobs, and collects the problems.
struct PictureChecker<'l> {
    folder: &'l Path,
    pictures: &'l mut LocalPictures,
    deferred: DeferredProblems,
}

/// The hashes of local pictures, by their paths.
type Hashes = Vec<(PathBuf, ContentHash)>;

impl PictureChecker<'_> {
    /// Checks the images of the row at `location`, each with its number in the row. A pattern is replaced by its
    /// matches. Returns `None` if there is a problem.
    fn check(
        &mut self,
        images: Vec<(usize, ImageSource)>,
        location: &mut RowLocation<'_>,
    ) -> Option<(Vec<ImageSource>, Hashes)> {
        let mut problems = Vec::new();
        let images = expand_patterns(images, self.folder, &mut problems);
        let mut hashes = Vec::new();
        for (number, image) in &images {
            let ImageSource::File(path) = image else { continue };
            match self.pictures.look(path) {
                Ok(picture) => hashes.push((path.clone(), picture.hash)),
                Err(problem) => {
                    let missing = matches!(problem, PictureProblem::Missing { .. }).then(|| path.clone());
                    let (message, hint) = (problem.to_string(), problem.hint().to_owned());
                    problems.push(ImageProblem { image: *number, message, hint, missing });
                }
            }
        }
        if problems.is_empty() {
            return Some((images.into_iter().map(|(_, image)| image).collect(), hashes));
        }
        for ImageProblem { image, message, hint, missing } in problems {
            self.deferred.push(|| {
                // This searches whole folders, so it is done only for errors.
                let near = missing.and_then(|path| near_picture(&path, self.folder));
                location.about(Some(image), message, near.map_or(hint, |near| format!("did you mean `{near}`?")))
            });
        }
        None
    }
}

/// The content that a job sends. Its hash is the fingerprint.
pub(super) struct Sent<'j> {
    request: &'j RequestRef<'j>,
    /// The hashes of its local pictures.
    hashes: &'j [(PathBuf, ContentHash)],
}

/// A local picture of a job that was not hashed.
#[derive(Debug)]
pub(super) struct NotHashed(PathBuf);

impl From<NotHashed> for Failure {
    fn from(NotHashed(path): NotHashed) -> Failure {
        Failure::Picture { path: path.display().to_string(), cause: "it was not looked at".to_owned() }
    }
}

impl Sent<'_> {
    pub(super) fn fingerprint(&self) -> Result<Fingerprint, NotHashed> {
        Fingerprint::of_borrowed(self.request, |path| self.content(path))
    }

    /// Returns the fingerprint of the request with another seed.
    pub(super) fn fingerprint_with(&self, seed: Seed) -> Result<Fingerprint, NotHashed> {
        let request = RequestRef { seed: Some(seed), ..self.request.clone() };
        Fingerprint::of_borrowed(&request, |path| self.content(path))
    }

    /// Returns the fingerprint that earlier versions recorded; `None` if it is the same.
    pub(super) fn fingerprint_as_written(&self) -> Result<Option<Fingerprint>, NotHashed> {
        let is_normal = self.request.is_in_normal_form();
        (!is_normal).then(|| Fingerprint::as_written(self.request, |path| self.content(path))).transpose()
    }

    pub(super) fn request_hash(&self) -> Result<RequestHash, NotHashed> {
        RequestHash::of(self.request, |path| self.content(path))
    }

    fn content(&self, path: &Path) -> Result<ContentHash, NotHashed> {
        let known = self.hashes.iter().find(|(known, _)| known == path);
        known.map(|(_, hash)| *hash).ok_or_else(|| NotHashed(path.to_owned()))
    }
}

/// Whether an image is a pattern. A file with exactly that name takes precedence.
fn is_pattern(image: &ImageSource) -> bool {
    match image {
        ImageSource::File(path) => path.to_string_lossy().contains(['*', '?', '[']) && !path.exists(),
        _ => false,
    }
}

/// Returns the images with each pattern replaced by its matches, sorted by name. Images with problems are left out.
fn expand_patterns(
    images: Vec<(usize, ImageSource)>,
    folder: &Path,
    problems: &mut Vec<ImageProblem>,
) -> Vec<(usize, ImageSource)> {
    if !images.iter().any(|(_, image)| is_pattern(image)) {
        return images;
    }
    let mut expanded = Vec::new();
    for (number, image) in images {
        match matching(&image, folder) {
            None => expanded.push((number, image)),
            Some(Ok(found)) => expanded.extend(found.into_iter().map(|path| (number, ImageSource::File(path)))),
            Some(Err(NoMatch { message, hint })) => {
                problems.push(ImageProblem { image: number, message, hint: hint.to_owned(), missing: None });
            }
        }
    }
    if expanded.len() > MAX_IMAGES {
        let message = format!("{} pictures match, but the API accepts at most {MAX_IMAGES}", expanded.len());
        let hint =
            "narrow the pattern; for one job per picture, write `rows: photos/*.jpg` in a YAML manifest".to_owned();
        problems.push(ImageProblem { image: 0, message, hint, missing: None });
        return Vec::new();
    }
    expanded
}

/// The reason why a pattern matches no picture.
struct NoMatch {
    message: String,
    /// A hint for the user.
    hint: &'static str,
}

/// Returns the pictures that a pattern matches, or the reason why there are none; `None` if `image` is not a pattern.
fn matching(image: &ImageSource, folder: &Path) -> Option<Result<Vec<PathBuf>, NoMatch>> {
    let ImageSource::File(path) = image else { return None };
    if !is_pattern(image) {
        return None;
    }
    // The path of the manifest's own folder is not part of the pattern, even if it has special characters.
    let pattern = path.strip_prefix(folder).unwrap_or(path);
    let found = match files_matching(folder, pattern) {
        Ok(found) => found,
        Err(error) => {
            let message = format!("{} is not a valid pattern: {error}", path.display());
            return Some(Err(NoMatch { message, hint: "as in photos/m1-*.jpg" }));
        }
    };
    Some(match found.is_empty() {
        true => {
            let message = format!("no picture matches {}", path.display());
            Err(NoMatch { message, hint: "patterns are relative to the manifest's own folder" })
        }
        false => Ok(found),
    })
}

/// Warnings about jobs, each reported once with the number of other jobs.
#[derive(Default)]
struct JobWarnings {
    /// Jobs with local pictures, which the provider cannot fetch from this machine.
    local: Counted,
    /// Jobs with pictures in networks that the provider cannot reach.
    private: Counted,
    /// Jobs with ids that have the same file name as another job's on Windows and macOS.
    alike: Counted,
    unread: Counted,
    dates: Counted,
    shortened: Counted,
    cut: Counted,
    /// Jobs whose text has a gap because of an empty cell.
    gaps: Counted,
}

impl JobWarnings {
    fn note(&mut self, remarks: JobRemarks, alike: Option<u64>, is_remote: bool, location: &mut RowLocation<'_>) {
        if let Some(line) = alike {
            const HINT: &str = "on Windows and macOS, both results would be the same file and push each other aside: make \
                                the ids differ in more than that";
            let message =
                format!("the id differs from that of line {line} only in capitals, or in how accents are encoded");
            self.alike.note(|| location.about(None, message, HINT.to_owned()));
        }
        if let Some(image) = remarks.private.filter(|_| is_remote) {
            const HINT: &str = "publish the picture, or name it as a local file with `images_via: inline`; for your own \
                                server, set --base-url or `base_url:` under `run:`";
            let message = "the picture is in a private network, which the provider cannot reach".to_owned();
            self.private.note(|| location.about(Some(image.into()), message, HINT.to_owned()));
        }
        if let Some(image) = remarks.unread {
            const HINT: &str = "the API documents JPEG, PNG, GIF and WebP: use one of those if possible";
            let message = "the API may not support the picture's format".to_owned();
            self.unread.note(|| location.about(Some(image.into()), message, HINT.to_owned()));
        }
        if remarks.has_gap {
            const HINT: &str = "set a default, as in `{{ title | default('product') }}`, or leave such rows out with \
                                `when:`";
            let message = "an empty cell leaves a gap in the prompt or in the id".to_owned();
            self.gaps.note(|| location.about_gap(message, HINT.to_owned()));
        }
        if remarks.is_date {
            const HINT: &str = "format the column as text, and enter the values again";
            let message = "the id contains a date; spreadsheets turn texts such as `3-1` into dates".to_owned();
            self.dates.note(|| location.about(None, message, HINT.to_owned()));
        }
        if remarks.is_shortened {
            const HINT: &str = "format the column as text, and enter the values again";
            let message = "the id contains a number that a spreadsheet has shortened".to_owned();
            self.shortened.note(|| location.about(None, message, HINT.to_owned()));
        }
        if remarks.is_cut {
            const HINT: &str =
                "check that no rows are missing: the file may be cut off, and this row may be incomplete";
            let message = "the file ends here, with fewer cells than columns and no line break".to_owned();
            self.cut.note(|| location.about(None, message, HINT.to_owned()));
        }
    }

    fn note_local(&mut self, job: &Job, location: &mut RowLocation<'_>) {
        const HINT: &str = "publish them under https:// URLs; or set `images_via: inline` under `run:` to send them in \
                            the request, which the provider does not document; or try the batch with --backend embedded";
        let image = job.request.images.iter().position(|image| matches!(image, ImageSource::File(_)));
        let message = "the job names a local picture, which the provider cannot fetch".to_owned();
        self.local.note(|| location.about(image, message, HINT.to_owned()));
    }

    /// Returns the error, if any, and the warnings.
    fn into_diagnostics(self) -> (Option<Diagnostic>, Vec<Diagnostic>) {
        let local = self.local.diagnostic(|_, more| {
            format!("this job and {more} more name local pictures, which the provider cannot fetch")
        });
        let warnings = [self.alike, self.private, self.unread, self.gaps, self.dates, self.shortened, self.cut];
        let warnings = warnings.into_iter().filter_map(Counted::warning);
        (local, warnings.collect())
    }
}
