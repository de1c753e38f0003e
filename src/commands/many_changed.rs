use crate::job::{Backend, Cents};
use crate::manifest::{Diagnostic, Severity};
use crate::plan::DecisionCounts;

/// The minimum number of completed jobs at which a share of them says something.
const MIN_COMPLETED: u64 = 20;

/// Returns the warning that most completed jobs are paid for again because their requests have changed. A shop that
/// exports its catalog again with other URLs does this unintentionally. `price` is that of a submit.
pub(super) fn many_changed_warning(
    counts: &DecisionCounts,
    backend: Backend,
    price: Cents,
    manifest: &str,
) -> Option<Diagnostic> {
    const HINT: &str = "if nobody has edited them, restore the prompts and image URLs of the last run: the existing pictures \
                        are then used again at no cost; --budget-per-run limits the cost of a run";
    let DecisionCounts { displaced, reused, missing, rerolls, .. } = *counts;
    let completed = displaced + reused + missing + rerolls;
    let are_most = completed >= MIN_COMPLETED && displaced > completed / 2;
    (are_most && backend == Backend::Vibedream).then(|| {
        let message = format!(
            "{displaced} of {completed} completed jobs have changed, and are paid for again, about {}",
            price.times(displaced)
        );
        Diagnostic::about_job(Severity::Warning, manifest, None, message, HINT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(displaced: u64, reused: u64, rerolls: u64, backend: Backend) -> Option<String> {
        let counts = DecisionCounts { displaced, reused, rerolls, ..DecisionCounts::default() };
        many_changed_warning(&counts, backend, Cents(7), "catalog.csv").map(|warning| warning.message)
    }

    #[test]
    fn a_warning_is_given_if_more_than_half_of_at_least_twenty_completed_jobs_have_changed() {
        let warned = warning(11, 8, 1, Backend::Vibedream);
        insta::assert_snapshot!(warned.unwrap(), @"11 of 20 completed jobs have changed, and are paid for again, about $0.77");
        assert_eq!(warning(10, 10, 0, Backend::Vibedream), None);
        assert_eq!(warning(19, 0, 0, Backend::Vibedream), None, "a few rows are edited by hand");
        assert_eq!(warning(20, 0, 0, Backend::Embedded), None, "nothing is paid for");
    }
}
