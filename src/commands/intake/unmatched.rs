use glob::{MatchOptions, Pattern};

use crate::commands::Failure;
use crate::manifest::{Manifest, nearest};

const HINT: &str = "a pattern covers the whole id: 'mug-*' finds mug-ocean";

/// Why a run of the jobs that `only` matches makes no sense where it matches none, and which job may have been meant: one
/// whose id has the pattern in it, else one that is spelt nearly so.
pub(in crate::commands) fn unmatched(only: &Pattern, manifest: &Manifest) -> Failure {
    let message = format!("find a job for --only '{only}': no id of the manifest matches");
    let Ok(jobs) = manifest.jobs() else { return Failure::Usage { message, hint: HINT.to_owned() } };
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
    let hint = near.map_or(HINT.to_owned(), |near| format!("did you mean `{near}`? {HINT}"));
    Failure::Usage { message, hint }
}
