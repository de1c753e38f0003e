//! Charts of progress and cost over time.

use jiff::Timestamp;

use super::super::super::model::{BatchView, TimelineKind};
use super::super::super::tally::End;
use super::super::super::working_time::WorkingTime;
use super::axis::Drawing;
use super::chart::Chart;
use crate::job::{Cents, JobStatus};
use crate::words;

/// The maximum number of points of a curve. More than there are pixels are of no use.
const MAX_POINTS: usize = 300;

/// Draws the number of ended jobs over time, and the events that slowed the batch down.
pub(super) fn progress(batch: &BatchView, ends: &[End], time: &WorkingTime) -> Option<Chart> {
    let span = Span::of(time);
    let count = |status| ends.iter().filter(|end| end.status == status).count();
    let (completed, failed) = (count(JobStatus::Completed), count(JobStatus::Failed));
    if completed + failed < 2 {
        return None;
    }
    let total = completed.max(failed).max(1) as f64;
    let mut drawing = Drawing::new(span.length(), total, |time| span.label(time), plain);
    let (mut limited, mut paused) = (0, 0);
    for event in &batch.timeline {
        let class = match event.kind {
            TimelineKind::RateLimited => {
                limited += 1;
                "limited"
            }
            TimelineKind::Paused => {
                paused += 1;
                "paused"
            }
        };
        let from = span.x_of(event.at);
        drawing.rectangle(class, (from, event.until.map_or(from, |until| span.x_of(until))), (0.0, total * 2.0));
    }
    for (class, status) in [("completed", JobStatus::Completed), ("failed", JobStatus::Failed)] {
        if count(status) > 0 {
            drawing.steps(class, &span.sums(ends.iter().filter(|end| end.status == status), |_| 1.0));
        }
    }
    let times = |what: &str, count: u64| (count > 0).then(|| format!("; {what} {}", words::counted(count, "time")));
    let slowed = times("the provider slowed the batch down", limited).unwrap_or_default();
    let slowed = slowed + &times("it paused", paused).unwrap_or_default();
    Some(Chart {
        name: "Progress",
        words: format!("{completed} completed and {failed} failed in {}{slowed}", words::seconds(span.took)),
        svg: drawing.finish(),
    })
}

/// Draws the cost of the jobs over time, with the budget. The cost of edits that the manifest no longer asks for
/// belongs to no job and cannot be drawn. In this case the text states the total, and the budget, which applies to all
/// edits, is not drawn.
pub(super) fn cost(batch: &BatchView, ends: &[End], time: &WorkingTime) -> Option<Chart> {
    let span = Span::of(time);
    let total = ends.iter().map(|end| end.cost.0).sum::<u64>();
    if total == 0 {
        return None;
    }
    let dollars = |cents: Cents| cents.0 as f64 / 100.0;
    let is_all = batch.costs.spent.0 <= total;
    let budget = batch.costs.budget.filter(|_| is_all).map(dollars);
    let spent = dollars(Cents(total));
    // A budget far above the cost would make the curve flat.
    let most = budget.filter(|budget| *budget <= spent * 4.0).map_or(spent, |budget| budget.max(spent));
    let label = |value: f64| if most < 10.0 { format!("${value:.2}") } else { format!("${value:.0}") };
    let mut drawing = Drawing::new(span.length(), most, |time| span.label(time), label);
    drawing.steps("cost", &span.sums(ends.iter(), |end| dollars(end.cost)));
    if let Some(budget) = budget.filter(|budget| *budget <= most) {
        drawing.level("budget", budget);
    }
    let of = batch.costs.budget.map_or_else(String::new, |budget| format!(" of a budget of {budget}"));
    let (name, words) = match is_all {
        true => ("Cost", format!("{}{of}", Cents(total))),
        false => {
            ("Cost of the current manifest", format!("{}; with earlier edits {}{of}", Cents(total), batch.costs.spent))
        }
    };
    Some(Chart { name, words, svg: drawing.finish() })
}

/// The working time of a batch so far, with a unit that suits it.
struct Span<'t> {
    time: &'t WorkingTime,
    took: f64,
    /// The length of the axis, which is not zero.
    seconds: f64,
    unit: (f64, &'static str),
}

impl Span<'_> {
    fn of(time: &WorkingTime) -> Span<'_> {
        let took = time.seconds();
        let seconds = took.max(1.0);
        let unit = match seconds {
            ..180.0 => (1.0, "s"),
            ..10_800.0 => (60.0, "min"),
            ..260_000.0 => (3600.0, "h"),
            _ => (86_400.0, "d"),
        };
        Span { time, took, seconds, unit }
    }

    fn length(&self) -> f64 {
        self.seconds / self.unit.0
    }

    fn x_of(&self, at: Timestamp) -> f64 {
        self.time.seconds_until(at) / self.unit.0
    }

    fn label(&self, time: f64) -> String {
        if time == 0.0 { "0".to_owned() } else { format!("{} {}", (time * 10.0).round() / 10.0, self.unit.1) }
    }

    /// Returns the running sum of `value`, reduced to as many points as can be seen.
    fn sums<'a>(&self, ends: impl Iterator<Item = &'a End>, value: impl Fn(&End) -> f64) -> Vec<(f64, f64)> {
        let mut ends: Vec<(f64, f64)> = ends.map(|end| (self.x_of(end.at), value(end))).collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        let stride = ends.len().div_ceil(MAX_POINTS).max(1);
        let (mut points, mut sum) = (vec![(0.0, 0.0)], 0.0);
        for (number, (x, value)) in ends.iter().enumerate() {
            sum += value;
            if (number + 1) % stride == 0 || number + 1 == ends.len() {
                points.push((*x, sum));
            }
        }
        points.push((self.length(), sum));
        points
    }
}

fn plain(value: f64) -> String {
    if value >= 10_000.0 { format!("{:.0}k", value / 1000.0) } else { format!("{value:.0}") }
}
