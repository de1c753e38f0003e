use std::path::Path;

use crate::job::{Backend, Cents};
use crate::journal::Costs;
use crate::progress::{SummaryText, UncertainSubmit, cost_here, open_text, outdated_text};
use crate::words;

use super::view::StatusView;
use super::work_left::WorkLeft;

/// The width of the bar for all jobs, in characters.
const BAR: u64 = 30;

/// Returns the state of a run as text.
pub(super) fn text(view: &StatusView) -> SummaryText {
    let mut text = SummaryText::new(head(view));
    add_jobs(&mut text, view);
    let colors = view.colors.by_word().into_iter().filter(|(_, count)| *count > 0);
    let colors: Vec<String> = colors.map(|(word, count)| format!("{count} {word}")).collect();
    if !colors.is_empty() {
        text.add("color", colors.join(", "));
    }
    let is_made_here = view.backend == Some(Backend::Embedded);
    let money = &view.cost_cents;
    text.add("cost", if is_made_here { cost_here(money.spent) } else { cost(money) });
    if let Some(pace) = &view.pace {
        let mut words = format!(
            "{} per minute, {} in {}",
            words::per_minute(pace.per_minute),
            pace.ended,
            words::seconds(pace.seconds)
        );
        let predictions = if view.held_by.is_some() { view.open } else { 0 };
        let left = WorkLeft { seconds: pace.seconds_left, predictions, color_checks: view.color_checks_left };
        if let Some(left) = left.words() {
            words.push_str(&format!("; {left}"));
        }
        text.add("pace", words);
    }
    for (name, at) in [("started", view.started_at), ("updated", view.last_record_at)] {
        if let Some(at) = at {
            text.add(name, at.strftime("%F %T UTC"));
        }
    }
    if let Some(resume) = &view.resume {
        text.add_whole("resume", resume);
    }
    text
}

fn head(view: &StatusView) -> String {
    let mut head = format!("{}: {}", view.folder, view.state.as_str());
    for note in [&view.held_by, &view.stopped].into_iter().flatten() {
        head.push_str(&format!(", {note}"));
    }
    if let Some(share) = view.partition {
        head.push_str(&format!(", share {share}"));
    }
    head
}

/// Adds the jobs by status, and those that need attention.
fn add_jobs(text: &mut SummaryText, view: &StatusView) {
    let folder = Path::new(&view.folder);
    let jobs = &view.jobs;
    let width = jobs.total.to_string().len();
    for (name, count) in [
        ("completed", jobs.completed),
        ("failed", jobs.failed),
        ("uncertain", jobs.uncertain),
        ("pending", jobs.pending),
    ] {
        text.add(name, format_args!("{count:>width$} of {}  {}", jobs.total, bar(count, jobs.total)));
        if name == "uncertain"
            && let Some(advice) = UncertainSubmit::asked(&view.uncertain, folder)
        {
            advice.submits.iter().for_each(|submit| text.add("", submit));
            text.add("", advice.text);
        }
    }
    if let Some(advice) = UncertainSubmit::left_behind(&view.uncertain, folder) {
        text.add("reserved", advice.text);
        advice.submits.iter().for_each(|submit| text.add("", submit));
    }
    // While the run is in progress, it follows them.
    let left = if view.held_by.is_none() { view.open } else { 0 };
    if let Some(open) = open_text(left, view.backend.unwrap_or_default()) {
        text.add("open", open);
    }
    if view.removed > 0 {
        text.add("removed", format_args!("{:>width$} no longer in the manifest; the pictures stay", view.removed));
    }
    if view.outdated > 0 {
        text.add("outdated", outdated_text(view.outdated));
    }
    if view.to_redo > 0 {
        text.add("redo", format_args!("{:>width$} to make anew by the next run", view.to_redo));
    }
    if !view.held_back.is_empty() {
        text.add("held back", format_args!("{:>width$}: {}", view.held_back.jobs, view.held_back.reason()));
    }
}

/// Returns a bar and its percentage. Any count above zero is visible, even one job of a million.
fn bar(count: u64, total: u64) -> String {
    if count == 0 || total == 0 {
        return String::new();
    }
    let eighths = (count * BAR * 8 / total).max(1);
    let end = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][(eighths % 8) as usize];
    let filled = "█".repeat((eighths / 8) as usize) + end;
    let percent = count as f64 * 100.0 / total as f64;
    let width = BAR as usize;
    format!("{filled:<width$} {percent:>5.1} %")
}

fn cost(money: &Costs) -> String {
    let mut cost = format!("{} spent", money.spent);
    if money.reserved > Cents::ZERO {
        cost.push_str(&format!(", {} reserved", money.reserved));
    }
    if let Some(budget) = money.budget {
        cost.push_str(&format!(", of a budget of {budget}"));
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::super::pace::MeasuredPace;
    use super::*;
    use crate::color::VerdictCounts;
    use crate::job::{HeldBack, StatusCounts};
    use crate::journal::RunState;

    #[test]
    fn the_state_of_a_run_is_a_table_of_a_dozen_lines() {
        let at = jiff::Timestamp::from_second(1_795_000_000).unwrap();
        let view = StatusView {
            version: 1,
            folder: "runs/spring".to_owned(),
            state: RunState::Running,
            held_by: Some("process 4711 (since 2026-11-18 11:06:40 UTC)".to_owned()),
            stopped: None,
            stop: None,
            manifest: Some("spring.yaml".to_owned()),
            backend: Some(Backend::Vibedream),
            partition: None,
            resume: None,
            started_at: Some(at),
            last_record_at: Some(at),
            jobs: StatusCounts { total: 5000, completed: 4120, failed: 12, uncertain: 0, pending: 868 },
            open: 0,
            removed: 0,
            outdated: 0,
            held_back: HeldBack::default(),
            to_redo: 0,
            colors: VerdictCounts { on: 3900, near: 150, off: 20, unmeasurable: 50 },
            color_checks_left: 30,
            cost_cents: Costs { charged: true, spent: Cents(28_840), reserved: Cents(21), budget: Some(Cents(35_000)) },
            pace: Some(MeasuredPace { ended: 1200, seconds: 7250.0, per_minute: 9.93, seconds_left: Some(5244.0) }),
            uncertain: Vec::new(),
        };
        insta::assert_snapshot!(text(&view).to_string());
        let running = StatusView { open: 3, ..view };
        assert!(!text(&running).to_string().contains("at the provider"), "a run that is in progress follows them");
        let view = StatusView { held_by: None, state: RunState::Interrupted, ..running };
        assert!(
            text(&view).to_string().contains("\n  open      3 predictions at the provider are paid for"),
            "{}",
            text(&view).to_string()
        );
        let here = text(&StatusView { backend: Some(Backend::Embedded), ..view }).to_string();
        assert!(here.contains("  cost      nothing; the provider would charge $288.40\n"), "{here}");
    }
}
