use crate::commands::options::Options;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Severity};
use crate::plan::Advice;

use super::forecast::Forecast;

/// The files that diagnostics refer to.
pub(super) struct Files {
    pub(super) manifest: String,
    /// The file whose lines are counted.
    pub(super) lines: String,
}

pub(super) fn warnings(
    files: &Files,
    forecast: &Forecast,
    advice: &mut Advice,
    ledger: &Ledger,
    options: &Options,
) -> Vec<Diagnostic> {
    let mut warnings: Vec<Diagnostic> = advice
        .warnings()
        .into_iter()
        .map(|warning| {
            let (line, id) = &warning.first;
            Diagnostic::about_job(
                Severity::Warning,
                &files.lines,
                Some((*line, id.as_ref())),
                warning.message,
                warning.hint,
            )
        })
        .collect();
    let mut warn = |message: String, hint: &str| {
        warnings.push(Diagnostic::about_job(Severity::Warning, &files.manifest, None, message, hint));
    };
    if let Some(budget) = options.settings.budget {
        let whole = ledger.spent() + ledger.reserved() + forecast.estimate_cents;
        if whole > budget {
            let message = format!("the budget of {budget} ends before the batch does: it would come to {whole}");
            warn(message, "raise --budget, or run a part with --limit; a run stops in good order and can be resumed");
        }
    }
    let price = ledger.estimate();
    if price > options.settings.price_limit && forecast.submits > 0 {
        let message = format!("a submit costs {price}, which is above the limit of {}", options.settings.price_limit);
        warn(message, "see what the provider's dashboard says; nothing is submitted unless --price-limit allows it");
    }
    if let Some(budget) = options.settings.budget_per_run
        && forecast.estimate_cents > budget
        && price <= options.settings.price_limit
    {
        let now = budget.0 / options.price(ledger).0.max(1);
        let message = format!("the budget of {budget} per run covers {now} of the {} submits", forecast.submits);
        match now {
            0 => warn(
                format!("{message}: the highest price so far is {price}"),
                "raise --budget-per-run to that at least",
            ),
            _ => warn(message, "the next runs make the others; or raise --budget-per-run"),
        }
    }
    if forecast.jobs == 0 {
        match options.selection.only().is_none() {
            _ if !options.selection.is_below_limit(0) => {
                warn("no job is within --limit 0".to_owned(), "give the number of jobs to begin with");
            }
            true => warn("the manifest makes no job".to_owned(), "its `when:` leaves every row out"),
            false => warn("no job of this share matches --only".to_owned(), "others may have one"),
        }
    }
    warnings
}
