//! Histograms.

use super::axis::{Drawing, step};
use super::chart::Chart;
use crate::color::Verdict;
use crate::words;

/// The approximate number of bars.
const TARGET_BARS: f64 = 26.0;

/// Draws the durations of jobs, from the submit to the picture.
pub(super) fn latency(seconds: &[f32]) -> Option<Chart> {
    let sorted = sorted(seconds)?;
    let (median, high, most) = (median(&sorted), at(&sorted, 0.95), at(&sorted, 1.0));
    // The axis ends after the 99th percentile, so that few slow jobs do not compress all others. They are in the last
    // bar.
    let end = at(&sorted, 0.99) * 1.15;
    let bars = Bars::of(sorted.iter().map(|seconds| (*seconds, "latency")), end, &["latency"]);
    let mut drawing = bars.draw(|seconds| duration_label(seconds, end));
    drawing.mark("median", median);
    Some(Chart {
        name: "Time per job",
        words: format!(
            "median {}, 95th percentile {}, slowest {}",
            words::seconds(median),
            words::seconds(high),
            words::seconds(most)
        ),
        svg: drawing.finish(),
    })
}

/// Draws the differences between the results and the requested colors.
pub(super) fn differences(found: &[(f32, Verdict)]) -> Option<Chart> {
    let sorted = sorted(&found.iter().map(|(difference, _)| *difference).collect::<Vec<_>>())?;
    let end = (at(&sorted, 0.99) * 1.1).max(6.0);
    let values = found.iter().map(|(difference, verdict)| (f64::from(*difference), verdict.as_str()));
    let bars = Bars::of(values, end, &["on", "near", "off", "unmeasurable"]);
    Some(Chart {
        name: "Distance to the color",
        words: format!(
            "ΔE00 between the requested and the measured color: half of the results up to {:.1}, the largest {:.1}",
            median(&sorted),
            at(&sorted, 1.0)
        ),
        svg: bars.draw(|value| format!("{value:.0}")).finish(),
    })
}

/// The share of the axis that the label of the last bar, for all values beyond the end, needs for itself.
const LAST_LABEL_SHARE: f64 = 0.35;

/// Counts by bar and kind. Values beyond the end are in the last bar, and its label says so.
struct Bars {
    width: f64,
    counts: Vec<Vec<u32>>,
    kinds: &'static [&'static str],
    is_beyond: bool,
}

impl Bars {
    fn of(values: impl Iterator<Item = (f64, &'static str)>, end: f64, kinds: &'static [&'static str]) -> Bars {
        let end = end.max(1e-3);
        let width = step(end, TARGET_BARS);
        let mut counts = vec![vec![0; kinds.len()]; (end / width).ceil() as usize + 1];
        let last = counts.len() - 1;
        let mut is_beyond = false;
        for (value, kind) in values {
            if let Some(number) = kinds.iter().position(|known| *known == kind) {
                let bar = (value / width) as usize;
                counts[bar.min(last)][number] += 1;
                is_beyond |= bar > last;
            }
        }
        Bars { width, counts, kinds, is_beyond }
    }

    fn draw(&self, label: impl Fn(f64) -> String) -> Drawing {
        let most = self.counts.iter().map(|bar| bar.iter().sum::<u32>()).max().unwrap_or(0);
        let end = self.width * self.counts.len() as f64;
        let free = if self.is_beyond { end * (1.0 - LAST_LABEL_SHARE) } else { end };
        let labelled = |value: f64| if value <= free { label(value) } else { String::new() };
        let mut drawing = Drawing::new(end, f64::from(most).max(3.0), labelled, |count| format!("{count:.0}"));
        if self.is_beyond {
            drawing.label("end", end, &format!("{} and more", label(end - self.width)));
        }
        for (number, bar) in self.counts.iter().enumerate() {
            let from = number as f64 * self.width;
            let mut below = 0;
            for (kind, count) in self.kinds.iter().zip(bar).filter(|(_, count)| **count > 0) {
                let rows = (f64::from(below), f64::from(below + count));
                drawing.rectangle(kind, (from, from + self.width * 0.86), rows);
                below += count;
            }
        }
        drawing
    }
}

/// Returns the values in ascending order, if there are enough for a distribution.
fn sorted(values: &[f32]) -> Option<Vec<f64>> {
    let mut sorted: Vec<f64> = values.iter().map(|value| f64::from(*value)).filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    (sorted.len() > 1).then_some(sorted)
}

/// Returns the value that half of the values do not exceed: of an even number, the middle between the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let (below, above) = (sorted.get((sorted.len().max(1) - 1) / 2), sorted.get(middle));
    (below.copied().unwrap_or_default() + above.copied().unwrap_or_default()) / 2.0
}

/// Returns the quantile `part`.
fn at(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
}

fn duration_label(seconds: f64, whole: f64) -> String {
    match whole {
        _ if seconds == 0.0 => "0".to_owned(),
        _ if whole < 4.0 => format!("{seconds:.1} s"),
        _ if whole < 300.0 => format!("{seconds:.0} s"),
        _ => format!("{:.0} min", seconds / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_an_even_number_of_values_is_below_the_median() {
        let words = |found: &[f32]| {
            let found: Vec<_> = found.iter().map(|difference| (*difference, Verdict::Near)).collect();
            differences(&found).unwrap().words
        };
        assert!(
            words(&[2.6, 6.7, 9.7, 13.8]).contains("half of the results up to 8.2,"),
            "{}",
            words(&[2.6, 6.7, 9.7, 13.8])
        );
        assert!(words(&[2.6, 6.7, 9.7]).contains("half of the results up to 6.7,"));
    }

    #[test]
    fn values_beyond_the_last_bin_are_in_a_labeled_bar() {
        let mut found = vec![(1.0, Verdict::On); 200];
        let svg = |found: &[(f32, Verdict)]| differences(found).unwrap().svg;
        assert!(!svg(&found).contains("and more"), "{}", svg(&found));
        found.push((46.0, Verdict::Off));
        assert!(svg(&found).contains(">6 and more</text>"), "{}", svg(&found));
        assert_eq!(svg(&found).matches("class=\"off\"").count(), 1);
    }
}
