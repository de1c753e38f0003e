use glob::{MatchOptions, Pattern};

use crate::commands::UsageError;
use crate::manifest::{Manifest, nearest};

/// Returns the error for a pattern of `--only` that matches no job, with a similar id: one that contains the pattern,
/// or one with nearly the same spelling.
pub(in crate::commands) fn unmatched(only: &Pattern, manifest: &Manifest) -> UsageError {
    let pattern = only.to_string();
    let Ok(jobs) = manifest.jobs() else { return UsageError::NoMatch { pattern, near: None } };
    let within = Pattern::new(&format!("*{only}*")).ok();
    let loosely = MatchOptions { case_sensitive: false, ..MatchOptions::default() };
    let mut near: Option<String> = None;
    for job in jobs.flatten() {
        let id = job.id.as_str();
        if within.as_ref().is_some_and(|within| within.matches_with(id, loosely)) {
            near = Some(id.to_owned());
            break;
        }
        let candidates = near.as_deref().into_iter().chain([id]);
        near = nearest(only.as_str(), candidates).map(str::to_owned);
    }
    UsageError::NoMatch { pattern, near }
}
