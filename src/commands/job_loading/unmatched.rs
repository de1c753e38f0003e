use crate::commands::UsageError;
use crate::job::IdPattern;
use crate::manifest::{Manifest, nearest};

/// Returns the error for a pattern of `--only` that matches no job, with a similar id: one that contains the pattern,
/// or one with nearly the same spelling.
pub(in crate::commands) fn unmatched(only: &IdPattern, manifest: &Manifest) -> UsageError {
    let pattern = only.to_string();
    let Ok(jobs) = manifest.jobs() else { return UsageError::NoMatch { pattern, near: None } };
    let mut near: Option<String> = None;
    for job in jobs.flatten() {
        let id = job.id.as_str();
        if only.matches_within(id) {
            near = Some(id.to_owned());
            break;
        }
        let candidates = near.as_deref().into_iter().chain([id]);
        near = nearest(only.as_str(), candidates).map(str::to_owned);
    }
    UsageError::NoMatch { pattern, near }
}
