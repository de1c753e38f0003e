use crate::manifest::{Diagnostic, Severity};
use crate::plan::{Advice, Warning};

/// Returns the warnings about jobs that are probably not intended. `lines` is the file that line numbers refer to.
pub(in crate::commands) fn advice_warnings(advice: &mut Advice, lines: &str) -> Vec<Diagnostic> {
    let about_row = |warning: Warning| {
        let (line, id) = &warning.first;
        Diagnostic::about_job(Severity::Warning, lines, Some((*line, id.as_ref())), warning.message, warning.hint)
    };
    advice.warnings().into_iter().map(about_row).collect()
}
