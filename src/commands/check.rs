use serde::Serialize;

use crate::cli::Check;
use crate::exit::Exit;
use crate::job::Cents;
use crate::journal::Ledger;
use crate::manifest::{Backend, Diagnostic, Manifest, Problems, Severity, Style};
use crate::plan::{self, Decision, Kept, PlannedJob};
use crate::progress;
use crate::run_folder::{FolderError, JournalFile, RunFolder};

use super::failure::problems_text;
use super::intake::intake;
use super::options::Options;
use super::{Failure, print, print_json};

/// What `check --json` prints.
#[derive(Debug, Serialize)]
struct Checked {
    version: u32,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    plan: Option<Forecast>,
}

/// What a run would do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Forecast {
    jobs: u64,
    new: u64,
    changed: u64,
    reused: u64,
    failed: u64,
    uncertain: u64,
    estimate_cents: Cents,
    seconds_at_rate: u64,
    #[serde(skip)]
    submits: u64,
}

/// Tells what a run of the manifest would do. No network is touched, and nothing is written.
pub(super) fn check(arguments: &Check) -> Result<Exit, Failure> {
    let batch = &arguments.batch;
    let found = (|| {
        let manifest = Manifest::open(&batch.manifest).map_err(Failure::Manifest)?;
        let options = Options::merge(batch, None, &manifest)?;
        let file = batch.manifest.display().to_string();
        let jobs = intake(&manifest, &file, &options).map_err(Failure::Manifest)?;
        let ledger = ledger(&options.folder)?;
        let forecast = forecast(&jobs, &ledger, &options);
        let warnings = warnings(&file, &forecast, &ledger, &options);
        Ok((options, ledger, forecast, warnings))
    })();
    match found {
        Ok((options, ledger, forecast, warnings)) => {
            if batch.json {
                print_json(&Checked { version: 1, errors: Vec::new(), warnings, plan: Some(forecast) });
            } else {
                print(text(&forecast, &warnings, &ledger, &options).as_bytes());
            }
            Ok(Exit::Complete)
        }
        Err(Failure::Manifest(problems)) if batch.json => {
            print_json(&Checked { version: 1, errors: problems.diagnostics, warnings: Vec::new(), plan: None });
            Ok(Exit::Usage)
        }
        Err(failure) => Err(failure),
    }
}

fn ledger(folder: &RunFolder) -> Result<Ledger, FolderError> {
    match JournalFile::read(folder) {
        Err(FolderError::NoRun { .. }) => Ok(Ledger::default()),
        other => other,
    }
}

fn forecast(jobs: &[PlannedJob], ledger: &Ledger, options: &Options) -> Forecast {
    let mut forecast = Forecast::default();
    for planned in jobs {
        if !options.selection.takes(planned.job.id.as_str(), usize::try_from(forecast.jobs).unwrap_or(usize::MAX)) {
            continue;
        }
        forecast.jobs += 1;
        let decision = plan::decide(&planned.key(), ledger, options.choices, |file| options.folder.holds(file));
        *match decision {
            Decision::New => &mut forecast.new,
            Decision::Changed => &mut forecast.changed,
            Decision::Keep(Kept::Failed) | Decision::Retry => &mut forecast.failed,
            Decision::Keep(Kept::Uncertain) | Decision::Resubmit => &mut forecast.uncertain,
            Decision::Follow | Decision::Recover | Decision::Reinstate | Decision::Keep(Kept::Completed) => {
                &mut forecast.reused
            }
        } += 1;
        forecast.submits += u64::from(decision.submits());
    }
    forecast.estimate_cents = ledger.estimate().times(forecast.submits);
    forecast.seconds_at_rate = options.settings.submits.seconds_for(forecast.submits);
    forecast
}

fn warnings(file: &str, forecast: &Forecast, ledger: &Ledger, options: &Options) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let mut warn = |message: String, hint: &str| {
        warnings.push(Diagnostic {
            severity: Severity::Warning,
            file: file.to_owned(),
            line: None,
            column: None,
            job: None,
            message,
            hint: Some(hint.to_owned()),
            excerpt: None,
        });
    };
    if let Some(budget) = options.settings.budget {
        let whole = ledger.spent() + ledger.reserved() + forecast.estimate_cents;
        if whole > budget {
            let message = format!("the budget of {budget} ends before the batch does: it would come to {whole}");
            warn(message, "raise --budget, or run a part with --limit; a run stops in good order and can be resumed");
        }
    }
    if forecast.jobs == 0 {
        warn("no job matches --only".to_owned(), "a pattern covers the whole id: 'mug-*' finds mug-ocean");
    }
    warnings
}

fn text(forecast: &Forecast, warnings: &[Diagnostic], ledger: &Ledger, options: &Options) -> String {
    let rows = [
        ("new", forecast.new, ""),
        ("changed", forecast.changed, "the earlier results are kept aside"),
        ("reused", forecast.reused, "nothing is paid for again"),
        ("failed before", forecast.failed, "left alone without --retry-failed"),
        ("uncertain", forecast.uncertain, "left alone without --uncertain resubmit"),
    ];
    let jobs = progress::counted(forecast.jobs, "job");
    let mut text = format!("{jobs} on {} in {}\n", options.backend, options.folder.path().display());
    for (name, count, note) in rows.into_iter().filter(|(_, count, _)| *count > 0) {
        let note = if note.is_empty() { String::new() } else { format!("   {note}") };
        text.push_str(&format!("  {name:<14}{count:>7}{note}\n"));
    }
    let submits = progress::counted(forecast.submits, "submit");
    let time = progress::duration(std::time::Duration::from_secs(forecast.seconds_at_rate));
    text.push_str(&match options.backend {
        Backend::Embedded => format!("{submits}, {time} at {}", options.settings.submits),
        Backend::Vibedream => {
            format!("{submits}, about {}, {time} at {}", forecast.estimate_cents, options.settings.submits)
        }
    });
    if ledger.spent() > Cents::ZERO {
        text.push_str(&format!("; {} spent so far", ledger.spent()));
    }
    text.push('\n');
    if !warnings.is_empty() {
        text.push_str(&format!("\n{}\n", problems_text(&Problems::from(warnings.to_vec()), Style::Plain)));
    }
    text
}
