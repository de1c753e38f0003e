//! From a manifest to planned jobs: local pictures are looked at, and requests get their fingerprints.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::job::{ContentHash, Fingerprint, ImageSource, Job};
use crate::manifest::{Backend, Diagnostic, ImagesVia, Manifest, Problems, Severity};
use crate::pictures::LocalPictures;
use crate::plan::PlannedJob;

use super::options::Options;

/// Reads all jobs of `manifest`, in its order.
///
/// # Errors
///
/// Everything that is wrong with any of them, pictures included.
pub(super) fn intake(manifest: &Manifest, file: &str, options: &Options) -> Result<Vec<PlannedJob>, Problems> {
    let mut intake = Intake { file, pictures: LocalPictures::default(), problems: Problems::default() };
    let mut jobs = Vec::new();
    for found in manifest.jobs()? {
        match found {
            Ok(job) => jobs.extend(intake.plan(job)),
            Err(diagnostics) => intake.problems.extend(diagnostics),
        }
    }
    if options.backend == Backend::Vibedream && options.images_via != Some(ImagesVia::Inline) {
        intake.refuse_local(&jobs);
    }
    if intake.problems.is_empty() { Ok(jobs) } else { Err(intake.problems) }
}

struct Intake<'f> {
    file: &'f str,
    pictures: LocalPictures,
    problems: Problems,
}

impl Intake<'_> {
    fn plan(&mut self, job: Job) -> Option<PlannedJob> {
        let mut hashes: HashMap<PathBuf, ContentHash> = HashMap::new();
        let mut is_whole = true;
        for image in &job.request.images {
            let ImageSource::File(path) = image else { continue };
            match self.pictures.look(path) {
                Ok(picture) => {
                    hashes.insert(path.clone(), picture.hash);
                }
                Err(problem) => {
                    is_whole = false;
                    let (message, hint) = (problem.to_string(), problem.hint());
                    self.problems.push(self.about(Some(&job), message, hint));
                }
            }
        }
        let fingerprint = is_whole
            .then(|| Fingerprint::of(&job.request, |path| hashes.get(path).copied().unwrap_or(ContentHash::of(&[]))))?;
        Some(PlannedJob { fingerprint, job })
    }

    /// The provider fetches pictures by itself, and cannot fetch from this machine.
    fn refuse_local(&mut self, jobs: &[PlannedJob]) {
        let is_local = |planned: &&PlannedJob| {
            planned.job.request.images.iter().any(|image| matches!(image, ImageSource::File(_)))
        };
        let mut local = jobs.iter().filter(is_local);
        let Some(first) = local.next() else { return };
        let message = match local.count() {
            0 => "the job names a local picture, which the provider cannot fetch".to_owned(),
            more => format!("this job and {more} more name local pictures, which the provider cannot fetch"),
        };
        let hint = "publish them under https:// URLs; or say `images_via: inline` under `run:` to send them in the \
                    request, which the provider does not document; or try the batch with --backend embedded";
        self.problems.push(self.about(Some(&first.job), message, hint));
    }

    fn about(&self, job: Option<&Job>, message: String, hint: &str) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: self.file.to_owned(),
            line: job.map(|job| job.line),
            column: None,
            job: job.map(|job| job.id.to_string()),
            message,
            hint: Some(hint.to_owned()),
            excerpt: None,
        }
    }
}
