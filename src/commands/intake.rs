//! From a manifest to planned jobs: patterns are followed, local pictures looked at, and requests get their
//! fingerprints.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::job::{ContentHash, Fingerprint, ImageSource, Job, JobId};
use crate::manifest::{Backend, Diagnostic, ImagesVia, Manifest, Problems, Severity, near_file};
use crate::pictures::{LocalPictures, PictureProblem};
use crate::plan::PlannedJob;

use super::Failure;
use super::options::Options;
use super::places::{Places, Wrong};

/// The most images of a job, as in the manifest.
const MOST_IMAGES: usize = 8;

/// A job of the manifest, and whether it is this process's.
pub(super) enum Dealt {
    /// It is in the share that is meant, as all are where no share is.
    Ours(PlannedJob),
    /// It is in another share. Nobody has looked at its pictures.
    Theirs(JobId),
}

/// How many rows go from the thread that reads them to the one that plans them at once.
const ROWS: usize = 256;

/// What a row of a manifest is.
type Found = Result<Job, Vec<Diagnostic>>;

/// Hands all jobs of `manifest` to `take`, one at a time and in its order, so that a manifest may be larger than memory.
/// Rows are read on a thread of their own.
///
/// # Errors
///
/// Everything that is wrong with any of them, pictures included; what `take` was handed by then is of no use.
pub(super) fn for_each(
    manifest: &Manifest,
    options: &Options,
    pictures: &mut LocalPictures,
    mut take: impl FnMut(Dealt) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let refuses_local = options.backend == Backend::Vibedream && options.images_via != Some(ImagesVia::Inline);
    let mut problems = Problems::default();
    let mut places = Places::default();
    let mut locals = Locals::default();
    read_beside(manifest, |rows| {
        for found in rows.into_iter().flatten() {
            let job = match found {
                Ok(job) => job,
                Err(diagnostics) => {
                    problems.extend(diagnostics);
                    continue;
                }
            };
            let is_good = problems.is_empty() && places.is_empty();
            if options.partition.is_some_and(|share| !share.takes(&job.id)) {
                if is_good {
                    take(Dealt::Theirs(job.id))?;
                }
                continue;
            }
            if refuses_local {
                locals.note(&job);
            }
            let id = job.id.clone();
            match plan(job, manifest.folder(), pictures) {
                Ok(planned) if is_good => take(Dealt::Ours(planned))?,
                Ok(_) => {}
                Err(wrongs) => wrongs.into_iter().for_each(|wrong| places.push(&id, wrong)),
            }
        }
        Ok(())
    })?;
    if let Some((id, wrong)) = locals.told() {
        places.push(&id, wrong);
    }
    places.find(manifest, &mut problems)?;
    if problems.is_empty() { Ok(()) } else { Err(Failure::Manifest(problems)) }
}

/// Reads the rows of `manifest` on a thread of their own, and hands them to `take` here.
fn read_beside<T>(
    manifest: &Manifest,
    take: impl FnOnce(Receiver<Vec<Found>>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(4);
        let reader = scope.spawn(move || read(manifest, &sender));
        let taken = take(receiver);
        match reader.join() {
            Ok(Err(problems)) => Err(Failure::Manifest(problems)),
            Ok(Ok(())) => taken,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn read(manifest: &Manifest, sender: &SyncSender<Vec<Found>>) -> Result<(), Problems> {
    let mut jobs = manifest.jobs()?;
    loop {
        let rows: Vec<Found> = jobs.by_ref().take(ROWS).collect();
        // Whoever no longer listens has found an error of its own.
        if rows.is_empty() || sender.send(rows).is_err() {
            return Ok(());
        }
    }
}

fn plan(mut job: Job, folder: &Path, pictures: &mut LocalPictures) -> Result<PlannedJob, Vec<Wrong>> {
    if job.request.images.iter().any(is_pattern) {
        job.request.images = expanded(&job.request.images, folder).map_err(|wrong| vec![wrong])?;
    }
    let mut hashes: Vec<(PathBuf, ContentHash)> = Vec::new();
    let mut wrongs = Vec::new();
    for (number, image) in job.request.images.iter().enumerate() {
        let ImageSource::File(path) = image else { continue };
        match pictures.look(path) {
            Ok(picture) => hashes.push((path.clone(), picture.hash)),
            Err(problem) => {
                let is_missing = matches!(problem, PictureProblem::Missing { .. });
                let near = is_missing.then(|| near_file(path, |_| true)).flatten();
                let hint = near.map_or_else(|| problem.hint().to_owned(), |near| format!("did you mean `{near}`?"));
                wrongs.push(Wrong { image: Some(number), message: problem.to_string(), hint });
            }
        }
    }
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    let hash_of =
        |path: &Path| hashes.iter().find(|(known, _)| known == path).map_or(ContentHash::of(&[]), |(_, hash)| *hash);
    Ok(PlannedJob { fingerprint: Fingerprint::of(&job.request, hash_of), job })
}

/// Whether an image stands for all pictures that match it. A file of that very name goes before.
fn is_pattern(image: &ImageSource) -> bool {
    match image {
        ImageSource::File(path) => path.to_string_lossy().contains(['*', '?', '[']) && !path.exists(),
        _ => false,
    }
}

/// The images with those that patterns match, by their names, in the patterns' places.
fn expanded(images: &[ImageSource], folder: &Path) -> Result<Vec<ImageSource>, Wrong> {
    let mut expanded = Vec::new();
    for (number, image) in images.iter().enumerate() {
        let ImageSource::File(path) = image else {
            expanded.push(image.clone());
            continue;
        };
        if !is_pattern(image) {
            expanded.push(image.clone());
            continue;
        }
        // The manifest's own folder is no pattern, whatever it is called.
        let pattern = path.strip_prefix(folder).unwrap_or(path);
        let whole = Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(pattern);
        let refuse = |message: String, hint: &str| Wrong { image: Some(number), message, hint: hint.to_owned() };
        let found = glob::glob(&whole.to_string_lossy()).map_err(|error| {
            refuse(format!("{} is no pattern: {}", path.display(), error.msg), "as in photos/m1-*.jpg")
        })?;
        let mut found: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
        found.sort();
        if found.is_empty() {
            let message = format!("no picture matches {}", path.display());
            return Err(refuse(message, "patterns are relative to the manifest's own folder"));
        }
        expanded.extend(found.into_iter().map(ImageSource::File));
    }
    if expanded.len() > MOST_IMAGES {
        let message = format!("{} pictures match, and the API takes {MOST_IMAGES} at most", expanded.len());
        let hint = "narrow the pattern; for a job each, write `rows: photos/*.jpg` in a YAML manifest".to_owned();
        return Err(Wrong { image: Some(0), message, hint });
    }
    Ok(expanded)
}

/// The jobs that name local pictures: the provider fetches by itself, and cannot fetch from this machine.
#[derive(Default)]
struct Locals {
    first: Option<(JobId, usize)>,
    count: u64,
}

impl Locals {
    fn note(&mut self, job: &Job) {
        if let Some(image) = job.request.images.iter().position(|image| matches!(image, ImageSource::File(_))) {
            self.count += 1;
            self.first.get_or_insert_with(|| (job.id.clone(), image));
        }
    }

    fn told(self) -> Option<(JobId, Wrong)> {
        let (id, image) = self.first?;
        let message = match self.count {
            1 => "the job names a local picture, which the provider cannot fetch".to_owned(),
            more => format!("this job and {} more name local pictures, which the provider cannot fetch", more - 1),
        };
        let hint = "publish them under https:// URLs; or say `images_via: inline` under `run:` to send them in the \
                    request, which the provider does not document; or try the batch with --backend embedded";
        Some((id, Wrong { image: Some(image), message, hint: hint.to_owned() }))
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
