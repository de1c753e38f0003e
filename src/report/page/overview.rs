//! The part of the page above the cards.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::super::model::BatchView;
use super::super::tally::Tally;
use super::charts::charts;
use crate::job::{Backend, Cents, JobStatus, StatusCounts};
use crate::words::{self, grouped};

#[derive(Serialize)]
struct Figure {
    kind: &'static str,
    value: String,
    name: &'static str,
    /// The URL fragment that shows the counted jobs.
    view: &'static str,
}

#[derive(Serialize)]
struct Heading<'a> {
    title: &'a str,
    state: &'static str,
    state_text: String,
    about: String,
    jobs: u64,
    bar: Vec<BarPart>,
    bar_text: String,
    notes: Vec<String>,
    /// The note about jobs that show the picture of another one.
    alike: Option<String>,
    /// The words of the command that continues the run. The page breaks between them only.
    resume: Option<Vec<&'a str>>,
}

/// A part of the bar, in percent of its length.
#[derive(Serialize)]
struct BarPart {
    kind: &'static str,
    from: f64,
    width: f64,
}

/// Returns the values for the page's templates.
pub(crate) fn values(batch: &BatchView, tally: &Tally) -> BTreeMap<&'static str, Value> {
    let parts = parts(&batch.counts);
    let alike = tally.duplicates().all;
    let heading = Heading {
        title: batch.heading(),
        state: batch.state_name(),
        state_text: match (batch.state.reason(), batch.as_of) {
            (Some(reason), _) => format!("stopped: {reason}"),
            (None, Some(at)) => format!("{}, as of {}", batch.state_name(), at.strftime("%F %H:%M:%S UTC")),
            (None, None) => batch.state_name().to_owned(),
        },
        about: about(batch),
        jobs: batch.counts.total,
        bar: bar(&parts, batch.counts.total),
        bar_text: parts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", "),
        notes: batch.notes.clone(),
        alike: (alike.jobs > 0).then(|| alike.to_string()),
        resume: batch.resume.as_ref().map(|command| command.split(' ').collect()),
    };
    BTreeMap::from([
        ("batch", Value::from(Serde(&heading))),
        ("figures", Value::from(Serde(figures(batch, tally)))),
        ("charts", Value::from(Serde(charts(batch, tally)))),
    ])
}

fn parts(counts: &StatusCounts) -> [(&'static str, u64); 4] {
    JobStatus::ALL.map(|status| (status.as_str(), counts.of(status)))
}

fn bar(parts: &[(&'static str, u64)], total: u64) -> Vec<BarPart> {
    let mut from = 0.0;
    let filled = parts.iter().filter(|(_, count)| *count > 0);
    filled
        .map(|(kind, count)| {
            let width = *count as f64 * 100.0 / total.max(1) as f64;
            let part = BarPart { kind, from, width };
            from += width;
            part
        })
        .collect()
}

fn about(batch: &BatchView) -> String {
    let backend = match batch.backend {
        Some(Backend::Embedded) => "edited on this machine".to_owned(),
        Some(Backend::Vibedream) => match &batch.other_origin {
            None => "edited by vibedream.ai".to_owned(),
            Some(origin) => format!("edited through {origin}"),
        },
        None => String::new(),
    };
    let started = batch.started_at.map(|at| format!("started {}", at.strftime("%F %H:%M UTC")));
    let parts = [Some(batch.manifest.as_str()), Some(&backend), started.as_deref()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn figures(batch: &BatchView, tally: &Tally) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |kind, value: String, name, view| figures.push(Figure { kind, value, name, view });
    let counts = &batch.counts;
    // None is nothing to be shown in green.
    let good = |kind, count| if count == 0 { "none" } else { kind };
    add(
        good("completed", counts.completed),
        format!("{} of {}", grouped(counts.completed), grouped(counts.total)),
        "completed",
        "state=completed",
    );
    for (kind, count, view) in [
        ("failed", counts.failed, "state=failed"),
        ("uncertain", counts.uncertain, "state=uncertain"),
        ("pending", counts.pending, "state=pending"),
    ] {
        if count > 0 {
            add(kind, grouped(count), kind, view);
        }
    }
    if tally.colors.total() > 0 {
        let colors = tally.colors;
        add(
            good("on", colors.on),
            format!("{} of {}", grouped(colors.on), grouped(colors.total())),
            "have the requested color",
            "verdict=on",
        );
        for (kind, count, name, view) in [
            ("near", colors.near, "nearly right", "verdict=near"),
            ("off", colors.off, "have the wrong color", "verdict=off"),
            ("unmeasurable", colors.unmeasurable, "not measured", "verdict=unmeasurable"),
        ] {
            if count > 0 {
                add(kind, grouped(count), name, view);
            }
        }
    }
    for (count, name, view) in
        [(tally.corrected, "corrected here", "find=corrected+here"), (tally.rerolls, "re-rolled", "find=re-rolled")]
    {
        if count > 0 {
            add("color", grouped(count), name, view);
        }
    }
    let name = if batch.backend == Some(Backend::Embedded) { "the provider would charge" } else { "spent" };
    let spent = match batch.costs.budget {
        Some(budget) => format!("{} of {budget}", batch.costs.spent),
        None => batch.costs.spent.to_string(),
    };
    add("cost", spent, name, "");
    if batch.costs.reserved > Cents::ZERO {
        add("uncertain", batch.costs.reserved.to_string(), "reserved", "find=reserved+money");
    }
    if let Some(seconds) = tally.working_time(batch).filter(|_| batch.finished_at.is_some()).map(|time| time.seconds())
    {
        add("time", words::seconds(seconds), "working time", "");
        if seconds > 0.0 && batch.counts.completed > 1 {
            let rate = batch.counts.completed as f64 * 60.0 / seconds;
            add("time", words::per_minute(rate), "pictures per minute", "");
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_another_api_than_the_provider() {
        let about = |other_origin: Option<&str>| {
            let other_origin = other_origin.map(str::to_owned);
            let backend = Some(Backend::Vibedream);
            about(&BatchView { manifest: "spring.csv".to_owned(), backend, other_origin, ..BatchView::default() })
        };
        assert_eq!(about(None), "spring.csv · edited by vibedream.ai");
        assert_eq!(about(Some("http://127.0.0.1:8787")), "spring.csv · edited through http://127.0.0.1:8787");
    }
}
