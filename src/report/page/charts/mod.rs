//! Charts as inline SVG, colored by the page's style sheet, with a text alternative.

mod axis;
mod chart;
mod curves;
mod histogram;

use super::super::model::BatchView;
use super::super::tally::Tally;

pub(crate) use chart::Chart;

/// Returns the charts for which there is data.
pub(crate) fn charts(batch: &BatchView, tally: &Tally) -> Vec<Chart> {
    let time = tally.working_time(batch);
    let all = [
        time.as_ref().and_then(|time| curves::progress(batch, &tally.ends, time)),
        histogram::latency(&tally.seconds),
        time.as_ref().and_then(|time| curves::cost(batch, &tally.ends, time)),
        histogram::differences(&tally.differences),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::tally::End;
    use super::*;
    use crate::color::Verdict;
    use crate::job::{Cents, JobStatus};
    use crate::journal::Costs;
    use crate::report::{TimelineEvent, TimelineKind};
    use jiff::{SignedDuration, Timestamp};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn each_chart_has_a_text_alternative() {
        let ends = (0..40).map(|number| End {
            at: at(30 + number * 6),
            status: if number % 10 == 0 { JobStatus::Failed } else { JobStatus::Completed },
            cost: Cents(7),
        });
        let tally = Tally {
            ends: ends.collect(),
            seconds: (0..40).map(|number| 20.0 + (number % 13) as f32).collect(),
            differences: (0..36).map(|number| (number as f32 / 4.0, Verdict::On)).collect(),
            ..Tally::default()
        };
        let pause = TimelineEvent { at: at(60), until: Some(at(70)), kind: TimelineKind::RateLimited };
        let batch = BatchView {
            started_at: Some(at(0)),
            costs: Costs { spent: Cents(280), budget: Some(Cents(500)), ..Costs::default() },
            timeline: vec![pause],
            ..BatchView::default()
        };
        let charts = charts(&batch, &tally);
        let words: Vec<&str> = charts.iter().map(|chart| chart.words.as_str()).collect();
        insta::assert_debug_snapshot!(words, @r#"
        [
            "36 completed and 4 failed in 4 min 24 s; the provider slowed the batch down 1 time",
            "median 26 s, 95th percentile 32 s, slowest 32 s",
            "$2.80 of a budget of $5.00",
            "ΔE00 between the requested and the measured color: half of the results up to 4.4, the largest 8.8",
        ]
        "#);
        for chart in charts {
            assert!(chart.svg.starts_with("<svg") && chart.svg.ends_with("</svg>"), "{}", chart.svg);
            assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf"), "{}", chart.svg);
        }
    }

    #[test]
    fn the_cost_of_earlier_edits_is_shown_separately() {
        let end = |second| End { at: at(second), status: JobStatus::Completed, cost: Cents(42) };
        let tally = Tally { ends: vec![end(10), end(20)], ..Tally::default() };
        let started_at = Some(at(0));
        let batch = BatchView {
            started_at,
            costs: Costs { spent: Cents(168), budget: Some(Cents(200)), ..Costs::default() },
            ..BatchView::default()
        };
        let charts = charts(&batch, &tally);
        let cost = charts.iter().find(|chart| chart.name.starts_with("Cost")).unwrap();
        assert_eq!(cost.name, "Cost of the current manifest");
        assert_eq!(cost.words, "$0.84; with earlier edits $1.68 of a budget of $2.00");
        assert!(!cost.svg.contains("budget"), "the budget is for all of it: {}", cost.svg);
    }

    #[test]
    fn a_batch_of_less_than_a_second_has_its_duration() {
        let end = |after| End {
            at: at(0) + SignedDuration::from_millis(after),
            status: JobStatus::Completed,
            cost: Cents(7),
        };
        let tally = Tally { ends: vec![end(100), end(300)], ..Tally::default() };
        let charts = charts(&BatchView { started_at: Some(at(0)), ..BatchView::default() }, &tally);
        assert_eq!(charts[0].words, "2 completed and 0 failed in 0.3 s");
    }

    #[test]
    fn charts_of_equal_values_are_valid() {
        let end = End { at: at(0), status: JobStatus::Completed, cost: Cents::ZERO };
        let tally = Tally {
            ends: vec![end, end],
            seconds: vec![0.0, 0.0],
            differences: vec![(0.0, Verdict::On)],
            ..Tally::default()
        };
        for chart in charts(&BatchView { started_at: Some(at(0)), ..BatchView::default() }, &tally) {
            assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf"), "{}", chart.svg);
        }
        assert!(charts(&BatchView::default(), &Tally::default()).is_empty());
    }
}
