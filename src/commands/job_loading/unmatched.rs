use glob::{MatchOptions, Pattern};

use crate::commands::UsageError;
use crate::manifest::{Manifest, nearest};

/// Why a run of the jobs that `only` matches makes no sense where it matches none, and which job may have been meant: one
/// whose id has the pattern in it, else one that is spelled nearly so.
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
