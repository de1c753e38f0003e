use std::time::Duration;

use jiff::Timestamp;

use crate::commands::job_loading::advice_warnings;
use crate::commands::manifest_scope::ManifestScope;
use crate::commands::many_changed::many_changed_warning;
use crate::commands::options::Options;
use crate::job::HeldBack;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Severity};
use crate::plan::Advice;
use crate::runner::Settings;
use crate::words::{counted, duration};

use super::forecast::Forecast;

/// The files that diagnostics refer to.
pub(super) struct Files {
    pub(super) manifest: String,
    /// The file that line numbers refer to.
    pub(super) lines: String,
}

impl Files {
    /// Returns a warning about the manifest as a whole.
    fn warning(&self, message: String, hint: &str) -> Diagnostic {
        Diagnostic::about_job(Severity::Warning, &self.manifest, None, message, hint)
    }
}

/// Returns the warnings about the plan: the requests, the money, and the selection.
pub(super) fn warnings(
    files: &Files,
    forecast: &Forecast,
    advice: &mut Advice,
    ledger: &Ledger,
    options: &Options,
) -> Vec<Diagnostic> {
    let mut warnings = advice_warnings(advice, &files.lines);
    let price = options.price(ledger);
    warnings.extend(many_changed_warning(&forecast.counts, options.backend, price, &files.manifest));
    warnings.extend(money_warnings(files, forecast, ledger, options));
    warnings.extend(time_warning(files, forecast, &options.settings, Timestamp::now()));
    warnings.extend(selection_warning(files, forecast, options));
    warnings
}

/// Returns the warning that some jobs are not submitted because of pictures that the journal does not know.
pub(super) fn held_back_warning(files: &Files, held_back: &HeldBack) -> Option<Diagnostic> {
    (!held_back.is_empty()).then(|| files.warning(held_back.to_string(), HeldBack::HINT))
}

fn money_warnings(files: &Files, forecast: &Forecast, ledger: &Ledger, options: &Options) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let mut warn = |message: String, hint: &str| warnings.push(files.warning(message, hint));
    if let Some(budget) = options.settings.budget {
        let whole = ledger.spent() + ledger.reserved() + forecast.estimate_cents;
        if whole > budget && forecast.counts.submits > 0 {
            let left = budget.minus(ledger.spent() + ledger.reserved());
            let now = left.0 / options.price(ledger).0.max(1);
            let message = format!(
                "the budget of {budget} covers {now} of the {}: the batch would come to {whole}",
                counted(forecast.counts.submits, "submit")
            );
            warn(message, "raise --budget, or run a part with --limit; a run stops in good order and can be resumed");
        }
    }
    let price = ledger.estimate();
    if price > options.settings.price_limit && forecast.counts.submits > 0 {
        let message = format!("a submit costs {price}, which is above the limit of {}", options.settings.price_limit);
        warn(message, "see what the provider's dashboard says; nothing is submitted unless --price-limit allows it");
    }
    if let Some(budget) = options.settings.budget_per_run
        && forecast.estimate_cents > budget
        && price <= options.settings.price_limit
    {
        let now = budget.0 / options.price(ledger).0.max(1);
        let message = format!(
            "the budget of {budget} per run covers {now} of the {}",
            counted(forecast.counts.submits, "submit")
        );
        match now {
            0 => warn(
                format!("{message}: the highest price so far is {price}"),
                "raise --budget-per-run to that at least",
            ),
            _ => warn(message, "the next runs make the others; or raise --budget-per-run"),
        }
    }
    warnings
}

/// Returns the warning that the time limit of a run comes before its last submit.
fn time_warning(files: &Files, forecast: &Forecast, settings: &Settings, now: Timestamp) -> Option<Diagnostic> {
    let deadline = settings.deadline.map(|deadline| (deadline, format!("the deadline of {}", duration(deadline))));
    let not_after = settings.not_after.map(|end| {
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        (left, format!("--not-after, in {},", duration(left)))
    });
    let (window, limit) = deadline.into_iter().chain(not_after).min()?;
    let submits = forecast.counts.submits;
    let covered = forecast.pace.submits_within(submits, window);
    (covered < submits).then(|| {
        let message = format!("{limit} covers about {covered} of the {} at this pace", counted(submits, "submit"));
        files.warning(message, "the next runs make the others")
    })
}

/// Returns why no job is selected, if none is.
fn selection_warning(files: &Files, forecast: &Forecast, options: &Options) -> Option<Diagnostic> {
    if forecast.counts.jobs > 0 || options.scope == ManifestScope::Part {
        return None;
    }
    let (message, hint) = if !options.selection.is_below_limit(0) {
        ("no job is within --limit 0", "give the number of jobs to begin with")
    } else if options.selection.only().is_none() {
        ("the manifest makes no job", "its `when:` leaves every row out")
    } else {
        ("no job of this share matches --only", "others may have one")
    };
    Some(files.warning(message.to_owned(), hint))
}
