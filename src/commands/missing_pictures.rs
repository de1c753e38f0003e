use crate::manifest::{Diagnostic, Severity};
use crate::plan::DecisionCounts;
use crate::words::counted;

/// Returns the warning that the pictures of completed jobs are not in `results/` any more. The provider keeps them only
/// for a limited time.
pub(super) fn missing_pictures_warning(counts: &DecisionCounts, manifest: &str) -> Option<Diagnostic> {
    const HINT: &str = "put moved pictures back at any time: they are recognized, and none is paid for again; to use them \
                        elsewhere, copy them";
    let missing = counts.missing;
    (missing > 0).then(|| {
        let jobs = counted(missing, "completed job");
        let has = if missing == 1 { "has" } else { "have" };
        let message = format!(
            "{jobs} {has} no picture in results/ any more; those that the provider still has are downloaded again"
        );
        Diagnostic::about_job(Severity::Warning, manifest, None, message, HINT)
    })
}
