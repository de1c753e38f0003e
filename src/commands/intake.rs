//! From a manifest to planned jobs: patterns are followed, local pictures looked at, and requests get their
//! fingerprints.

use std::path::{Path, PathBuf};

use crate::job::{ContentHash, Fingerprint, ImageSource, Job, JobId};
use crate::manifest::{Backend, Diagnostic, ImagesVia, Manifest, Problems, Severity};
use crate::pictures::LocalPictures;
use crate::plan::PlannedJob;

use super::Failure;
use super::options::Options;

/// The most images of a job, as in the manifest.
const MOST_IMAGES: usize = 8;

/// A job of the manifest, and whether it is this process's.
pub(super) enum Dealt {
    /// It is in the share that is meant, as all are where no share is.
    Ours(PlannedJob),
    /// It is in another share. Nobody has looked at its pictures.
    Theirs(JobId),
}

/// Hands all jobs of `manifest` to `take`, one at a time and in its order, so that a manifest may be larger than memory.
///
/// # Errors
///
/// Everything that is wrong with any of them, pictures included; what `take` was handed by then is of no use.
pub(super) fn for_each(
    manifest: &Manifest,
    file: &str,
    options: &Options,
    pictures: &mut LocalPictures,
    mut take: impl FnMut(Dealt) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let refuses_local = options.backend == Backend::Vibedream && options.images_via != Some(ImagesVia::Inline);
    let mut intake = Intake { file, pictures, problems: Problems::default(), first_local: None, locals: 0 };
    for found in manifest.jobs().map_err(Failure::Manifest)? {
        match found {
            Ok(job) if options.partition.is_some_and(|share| !share.takes(&job.id)) => {
                if intake.problems.is_empty() {
                    take(Dealt::Theirs(job.id))?;
                }
            }
            Ok(job) => {
                if let Some(planned) = intake.plan(job)
                    && intake.problems.is_empty()
                {
                    take(Dealt::Ours(planned))?;
                }
            }
            Err(diagnostics) => intake.problems.extend(diagnostics),
        }
    }
    if refuses_local {
        intake.refuse_local();
    }
    if intake.problems.is_empty() { Ok(()) } else { Err(Failure::Manifest(intake.problems)) }
}

struct Intake<'f> {
    file: &'f str,
    pictures: &'f mut LocalPictures,
    problems: Problems,
    first_local: Option<(u64, JobId)>,
    locals: u64,
}

impl Intake<'_> {
    fn plan(&mut self, mut job: Job) -> Option<PlannedJob> {
        self.expand(&mut job)?;
        let mut hashes: Vec<(PathBuf, ContentHash)> = Vec::new();
        let mut is_whole = true;
        for image in &job.request.images {
            let ImageSource::File(path) = image else { continue };
            match self.pictures.look(path) {
                Ok(picture) => hashes.push((path.clone(), picture.hash)),
                Err(problem) => {
                    is_whole = false;
                    let (message, hint) = (problem.to_string(), problem.hint());
                    self.say(Some((job.line, &job.id)), message, hint);
                }
            }
        }
        if job.request.images.iter().any(|image| matches!(image, ImageSource::File(_))) {
            self.locals += 1;
            self.first_local.get_or_insert_with(|| (job.line, job.id.clone()));
        }
        let hash_of = |path: &Path| {
            hashes.iter().find(|(known, _)| known == path).map_or(ContentHash::of(&[]), |(_, hash)| *hash)
        };
        let fingerprint = is_whole.then(|| Fingerprint::of(&job.request, hash_of))?;
        Some(PlannedJob { fingerprint, job })
    }

    /// Puts the pictures that a pattern matches, by their names, in its place. A file of that very name goes before.
    fn expand(&mut self, job: &mut Job) -> Option<()> {
        let is_pattern = |image: &ImageSource| match image {
            ImageSource::File(path) => path.to_string_lossy().contains(['*', '?', '[']) && !path.exists(),
            _ => false,
        };
        if !job.request.images.iter().any(is_pattern) {
            return Some(());
        }
        let mut images = Vec::new();
        for image in std::mem::take(&mut job.request.images) {
            let ImageSource::File(path) = &image else {
                images.push(image);
                continue;
            };
            if !is_pattern(&image) {
                images.push(image);
                continue;
            }
            let found = glob::glob(&path.to_string_lossy()).map(|paths| paths.flatten().collect::<Vec<_>>());
            let mut found: Vec<PathBuf> = found.unwrap_or_default();
            found.retain(|path| path.is_file());
            found.sort();
            if found.is_empty() {
                let message = format!("no picture matches {}", path.display());
                self.say(Some((job.line, &job.id)), message, "patterns are relative to the manifest's own folder");
                return None;
            }
            images.extend(found.into_iter().map(ImageSource::File));
        }
        if images.len() > MOST_IMAGES {
            let message = format!("{} pictures match, and the API takes {MOST_IMAGES} at most", images.len());
            let hint = "narrow the pattern; for a job each, write `rows: photos/*.jpg` in a YAML manifest";
            self.say(Some((job.line, &job.id)), message, hint);
            return None;
        }
        job.request.images = images;
        Some(())
    }

    /// The provider fetches pictures by itself, and cannot fetch from this machine.
    fn refuse_local(&mut self) {
        let Some((line, id)) = self.first_local.take() else { return };
        let message = match self.locals {
            1 => "the job names a local picture, which the provider cannot fetch".to_owned(),
            more => format!("this job and {} more name local pictures, which the provider cannot fetch", more - 1),
        };
        let hint = "publish them under https:// URLs; or say `images_via: inline` under `run:` to send them in the \
                    request, which the provider does not document; or try the batch with --backend embedded";
        self.say(Some((line, &id)), message, hint);
    }

    fn say(&mut self, job: Option<(u64, &JobId)>, message: String, hint: &str) {
        self.problems.push(about(Severity::Error, self.file, job.map(|(line, id)| (line, Some(id))), message, hint));
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
    }
}
