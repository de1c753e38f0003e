//! `results.csv`: one row per job, in the order of the manifest, for spreadsheets and scripts.

use std::borrow::Cow;

use super::model::{JobView, ResultFile};
use crate::job::{ErrorClass, Hex, Size};

/// The columns before the user's own. Scripts depend on the names: new columns are added after them, and none is
/// removed.
pub(crate) const COLUMNS: [&str; 28] = [
    "id",
    "status",
    "prediction_id",
    "cost_cents",
    "files",
    "error_class",
    "error",
    "hint",
    "reserved_cents",
    "attempts",
    "submitted_at",
    "finished_at",
    "seconds",
    "color",
    "color_measured",
    "delta_e",
    "color_verdict",
    "color_reason",
    "size",
    "seed",
    "prompt",
    "images",
    "line",
    "fingerprint",
    "originals",
    "rerolls",
    "retouched",
    "same_picture_as",
];

/// Returns the cells of a job for [`COLUMNS`], without the last one, which is known once all jobs are.
pub(crate) fn cells(job: &JobView) -> Vec<String> {
    let check = job.check.as_ref();
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let color = |color: Option<Hex>| color.map_or_else(String::new, |color| color.to_string());
    let paths = |files: &[ResultFile]| {
        let paths: Vec<_> = files.iter().map(|file| file.path.to_string_lossy().replace('\\', "/")).collect();
        paths.join("|")
    };
    let images: Vec<_> = job.images.iter().map(|image| image.source.to_string()).collect();
    vec![
        job.id.to_string(),
        job.status.to_string(),
        text(job.prediction_id.as_deref()),
        job.cost.0.to_string(),
        paths(&job.files),
        text(job.error_class.map(ErrorClass::as_str)),
        text(job.error.as_deref()),
        job.advice().unwrap_or_default(),
        job.reserved.0.to_string(),
        job.attempts.to_string(),
        job.submitted_at.map_or_else(String::new, |at| at.to_string()),
        job.finished_at.map_or_else(String::new, |at| at.to_string()),
        job.seconds().map_or_else(String::new, |seconds| format!("{seconds:.1}")),
        color(check.map(|check| check.asked).or(job.color)),
        color(check.and_then(|check| check.measured)),
        check.and_then(|check| check.delta_e).map_or_else(String::new, |delta| format!("{delta:.2}")),
        text(check.map(|check| check.verdict.as_str())),
        text(check.and_then(|check| check.reason.as_deref())),
        text(job.size.map(Size::as_str)),
        job.seed.map_or_else(String::new, |seed| seed.get().to_string()),
        job.prompt.clone(),
        images.join("|"),
        job.line.to_string(),
        job.fingerprint.map_or_else(String::new, |fingerprint| fingerprint.to_string()),
        paths(&job.originals),
        job.tries.len().saturating_sub(1).to_string(),
        text(job.is_retouched.then_some("true")),
    ]
}

/// Returns the name of a user's own column. If it equals one of [`COLUMNS`], it gets the prefix `own_`.
pub(crate) fn own_column(name: &str) -> String {
    let mut name = name.to_owned();
    while COLUMNS.contains(&name.as_str()) {
        name.insert_str(0, "own_");
    }
    name
}

/// Returns a cell that is safe in spreadsheets: text that would be run as a formula is prefixed with an apostrophe.
///
/// The rule is OWASP's (CSV Injection): `=`, `+`, `-`, `@`, their full-width forms, tab and line ends at the start.
/// Plain numbers stay unchanged.
pub(crate) fn neutral(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
    let is_number = || {
        let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && digits.parse::<f64>().is_ok()
    };
    if is_formula && !is_number() {
        return Cow::Owned(format!("'{cell}"));
    }
    Cow::Borrowed(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_neutralized() {
        for bad in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝1", "-", "-1e5x", "-inf"] {
            assert_eq!(neutral(bad), format!("'{bad}"));
        }
        for good in ["", "plain", "a=b", "-5", "+3.25", "-0.5", "#1E90FF"] {
            assert_eq!(neutral(good), good);
        }
    }

    #[test]
    fn a_users_column_never_replaces_a_standard_column() {
        assert_eq!(own_column("sku"), "sku");
        assert_eq!(own_column("status"), "own_status");
    }
}
