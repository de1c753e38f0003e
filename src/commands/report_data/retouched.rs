//! Results that the user has changed since they were saved, with their current files.

use std::fs::File;

use crate::color::Verdict;
use crate::job::{ContentHash, JobId};
use crate::journal::{Brief, Presence, Stage};
use crate::photo;
use crate::report::{ColorCheck, JobView, ResultFile};
use crate::run_folder::RunFolder;

/// Whether the user has changed the pictures of an edit in `results/`, judged by their sizes.
pub(in crate::commands) fn is_retouched(brief: &Brief<'_>, job: &JobId, folder: &RunFolder) -> bool {
    brief.stage == Stage::Completed
        && brief.is_shown
        && brief.presence(job, |name, bytes| folder.presence(name, bytes)) == Presence::Changed
}

/// Returns a job with the current pictures in place of those that were saved.
pub(super) fn as_it_is(folder: &RunFolder, job: JobView) -> JobView {
    let files = job.files.into_iter().map(|file| reread(folder, file)).collect();
    JobView { files, check: job.check.as_ref().map(unmeasured), is_retouched: true, ..job }
}

/// Returns a picture of `results/` with its current content. Values that cannot be read are kept.
fn reread(folder: &RunFolder, file: ResultFile) -> ResultFile {
    let path = folder.path().join(&file.path);
    let content = File::open(&path).and_then(ContentHash::of_all);
    let (blake3, bytes) = content.unwrap_or((file.blake3, file.bytes));
    let size = photo::inspect(&path).map_or((file.width, file.height), |found| (found.width, found.height));
    ResultFile { bytes, blake3, width: size.0, height: size.1, ..file }
}

/// Returns the check of a picture that the user has changed, without its measurements, which are those of the old
/// picture.
fn unmeasured(check: &ColorCheck) -> ColorCheck {
    ColorCheck {
        asked: check.asked,
        measured: None,
        delta_e: None,
        plain: None,
        background: None,
        original: check.original,
        verdict: Verdict::Unmeasurable,
        reason: Some("changed by hand since it was saved, and not measured".to_owned()),
    }
}
