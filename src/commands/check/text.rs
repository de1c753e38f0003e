use std::time::Duration;

use crate::job::{Backend, Cents, SubmitRate, UncertainPolicy};
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Problems, Style};
use crate::plan::{Advice, FailedPolicy};
use crate::progress::at_most;
use crate::words;

use super::forecast::Forecast;
use crate::commands::failure::problems_text;
use crate::commands::options::Options;

/// Returns the output for a manifest without errors: the forecast, what the jobs request, and the warnings.
pub(super) fn text(
    forecast: &Forecast,
    advice: &Advice,
    warnings: &[Diagnostic],
    ledger: &Ledger,
    options: &Options,
) -> String {
    let counts = &forecast.counts;
    let displaced_note = if counts.displaced > 0 { "the earlier results are kept aside" } else { "" };
    let reroll_note = format!("submitted again because of --reroll {}", options.settings.color.rerolls);
    let rows = [
        ("new", counts.new, ""),
        ("changed", counts.changed, displaced_note),
        ("reused", counts.reused, "already paid for"),
        (
            "missing",
            counts.missing,
            "not in results/ any more; downloaded again if the provider still has the pictures",
        ),
        ("off before", counts.rerolls, &reroll_note),
        ("failed before", counts.failed, failed_note(options.choices.failed)),
        ("uncertain", counts.uncertain, uncertain_note(options.choices.uncertain)),
        ("held back", counts.held_back, "the existing pictures stay as they are"),
        ("removed", forecast.removed, removed_note(options.prunes)),
    ];
    let jobs = words::counted(counts.jobs, "job");
    let mut text = format!("{jobs} on {} in {}\n", options.backend, options.folder.path().display());
    for (name, count, note) in rows.into_iter().filter(|(_, count, _)| *count > 0) {
        let note = if note.is_empty() { String::new() } else { format!("   {note}") };
        text.push_str(&format!("  {name:<14}{count:>7}{note}\n"));
    }
    let submits = words::counted(counts.submits, "submit");
    let time = time(forecast, options).map_or_else(String::new, |time| format!(", {time}"));
    text.push_str(&match (counts.submits, options.backend) {
        (0, _) => submits,
        (_, Backend::Embedded) => format!("{submits}{time}"),
        (_, Backend::Vibedream) => format!("{submits}, about {}{time}", forecast.estimate_cents),
    });
    if counts.further_rerolls > 0 {
        let price = (options.backend == Backend::Vibedream).then(|| options.price(ledger));
        text.push_str(&format!(", and {}", at_most(counts.further_rerolls, price)));
    }
    if options.backend == Backend::Vibedream {
        text.push_str(&so_far(ledger.spent(), ledger.reserved()));
    }
    text.push('\n');
    let sizes = advice.sizes();
    if sizes.keys().any(|size| *size != Advice::DEFAULT_SIZE) {
        text.push_str(&asked_for("sizes", sizes.into_iter()));
    }
    let colors = advice.colors();
    text.push_str(&asked_for("colors", colors.iter().map(|(color, count)| (color.as_str(), *count))));
    if !warnings.is_empty() {
        text.push_str(&format!("\n{}\n", problems_text(&Problems::from(warnings.to_vec()), Style::Plain)));
    }
    text
}

/// Returns the money that was spent and reserved before, after a `;`.
fn so_far(spent: Cents, reserved: Cents) -> String {
    match (spent, reserved) {
        (Cents::ZERO, Cents::ZERO) => String::new(),
        (spent, Cents::ZERO) => format!("; {spent} spent so far"),
        (spent, reserved) => format!("; {spent} spent and {reserved} reserved so far"),
    }
}

/// Returns how long the submits take, and what limits them; `None` if they take less than a second.
fn time(forecast: &Forecast, options: &Options) -> Option<String> {
    if forecast.pace.seconds == 0 {
        return None;
    }
    let time = words::about(Duration::from_secs(forecast.pace.seconds));
    let (rate, in_flight) = (options.settings.submits, options.settings.in_flight);
    Some(match (forecast.pace.in_flight_for_rate, rate) {
        (None, _) => format!("about {time} at {rate}"),
        (Some(needed), SubmitRate::Fixed(_)) => {
            format!("about {time} with {in_flight} in flight (--in-flight {needed} keeps up with {rate})")
        }
        (Some(_), SubmitRate::Auto) => {
            format!("about {time} with {in_flight} in flight (more may be faster: --in-flight)")
        }
    })
}

fn removed_note(prunes: bool) -> &'static str {
    match prunes {
        true => "no longer in the manifest; --prune moves the pictures to earlier/",
        false => "no longer in the manifest; the pictures stay (--prune moves them to earlier/)",
    }
}

fn failed_note(choice: FailedPolicy) -> &'static str {
    match choice {
        FailedPolicy::Keep => "not submitted without --retry-failed",
        FailedPolicy::Retry => "submitted again because of --retry-failed, if polling finds no picture",
    }
}

fn uncertain_note(choice: UncertainPolicy) -> &'static str {
    match choice {
        UncertainPolicy::Hold => {
            "not submitted without --uncertain resubmit; `dyehouse release` frees the money of submits that were not charged"
        }
        UncertainPolicy::Resubmit => "submitted again because of --uncertain resubmit; both submits may be charged",
    }
}

/// Returns the requested values on one line, the most frequent first.
fn asked_for<'n>(name: &str, counts: impl Iterator<Item = (&'n str, u64)>) -> String {
    const SHOWN: usize = 8;
    let mut counts: Vec<(&str, u64)> = counts.collect();
    if counts.is_empty() {
        return String::new();
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut parts: Vec<String> = counts.iter().take(SHOWN).map(|(what, count)| format!("{what} ×{count}")).collect();
    if counts.len() > SHOWN {
        parts.push(format!("and {} more", counts.len() - SHOWN));
    }
    format!("{name}: {}\n", parts.join(", "))
}
