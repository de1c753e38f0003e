//! A job's card.

use std::path::Path;

use serde::Serialize;

use super::heading::duration;
use super::inputs::Before;
use super::links::link;
use super::model::{JobView, verdict_word};
use crate::job::{Cents, JobStatus};

/// The most characters of a text of the user's or the provider's that a card shows; tables have all of it.
const ROOM: usize = 2000;

/// What the template of a card takes.
#[derive(Serialize)]
pub(crate) struct Card {
    number: u64,
    id: String,
    status: &'static str,
    class: &'static str,
    verdict: &'static str,
    delta: String,
    seconds: String,
    cost_cents: u64,
    prompt: String,
    pictures: Vec<Picture>,
    without: Vec<Words>,
    swatches: Vec<Swatch>,
    judged: Option<String>,
    error: Option<String>,
    advice: Option<String>,
    summary: String,
    facts: Vec<Fact>,
}

#[derive(Serialize)]
struct Picture {
    side: &'static str,
    link: String,
    alt: String,
    caption: String,
}

#[derive(Serialize)]
struct Words {
    text: String,
    caption: String,
}

#[derive(Serialize)]
struct Swatch {
    name: &'static str,
    hex: String,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

impl Card {
    /// The card of the `number`th job of the report in the folder `report`.
    pub(crate) fn new(job: &JobView, before: &[Before], report: &Path, number: u64) -> Card {
        let check = job.check.as_ref();
        let (mut pictures, mut without) = (Vec::new(), Vec::new());
        for before in before {
            match before {
                Before::File { path, label } if path.exists() => pictures.push(Picture {
                    side: "before",
                    link: link(report, path),
                    alt: format!("{} before", job.id),
                    caption: format!("before · {label}"),
                }),
                Before::File { label, .. } => without.push(words(format!("{label} is no longer there"), "before")),
                Before::Url(url) => without.push(words(cut(url), "before, at the provider's reach")),
                Before::Words(text) => without.push(words(cut(text), "before")),
            }
        }
        let run = report.parent().unwrap_or(report);
        for file in &job.files {
            pictures.push(Picture {
                side: "after",
                link: link(report, &run.join(&file.path)),
                alt: format!("{} after", job.id),
                caption: format!("after · {} × {}", file.width, file.height),
            });
        }
        if job.files.is_empty() {
            without.push(words(absent(job.status).to_owned(), "after"));
        }
        let asked = check.map(|check| check.asked.clone()).or(job.color.clone());
        let measured = check.and_then(|check| check.measured.clone());
        let swatches = [("asked", asked), ("measured", measured)];
        let swatches = swatches.into_iter().filter_map(|(name, hex)| Some(Swatch { name, hex: hex? })).collect();
        let seconds = job.seconds();
        let mut summary = vec![if job.cost > Cents::ZERO { job.cost.to_string() } else { "no cost".to_owned() }];
        summary.extend(seconds.map(duration));
        Card {
            number,
            id: job.id.to_string(),
            status: job.status.as_str(),
            class: job.error_class.map_or("", |class| class.as_str()),
            verdict: check.map_or("", |check| verdict_word(check.verdict)),
            delta: check.and_then(|check| check.delta_e).map_or_else(String::new, |delta| format!("{delta:.2}")),
            seconds: seconds.map_or_else(String::new, |seconds| format!("{seconds:.1}")),
            cost_cents: job.cost.0,
            prompt: cut(&job.prompt),
            pictures,
            without,
            swatches,
            judged: check.map(|check| match (check.delta_e, &check.reason) {
                (Some(delta), _) => format!("{}, ΔE {delta:.1}", verdict_word(check.verdict)),
                (None, Some(reason)) => format!("{}: {}", verdict_word(check.verdict), cut(reason)),
                (None, None) => verdict_word(check.verdict).to_owned(),
            }),
            error: job.error.as_deref().map(cut),
            advice: job.advice().map(cut),
            summary: summary.join(" · "),
            facts: facts(job),
        }
    }
}

fn facts(job: &JobView) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.filter(|value| !value.is_empty()).map(|value| Fact { name: cut(name), value: cut(&value) }));
    };
    add("prediction", job.prediction_id.clone());
    add("submits", (job.attempts > 0).then(|| job.attempts.to_string()));
    add("submitted", job.submitted_at.map(|at| at.strftime("%F %T UTC").to_string()));
    add("ended", job.finished_at.map(|at| at.strftime("%F %T UTC").to_string()));
    add("reserved", (job.reserved > Cents::ZERO).then(|| job.reserved.to_string()));
    add("size", job.size.map(|size| size.as_str().to_owned()));
    add("seed", job.seed.map(|seed| seed.get().to_string()));
    add("manifest line", Some(job.line.to_string()));
    for (name, value) in &job.columns {
        add(name, Some(value.clone()));
    }
    facts
}

fn words(text: String, caption: &str) -> Words {
    Words { text, caption: caption.to_owned() }
}

fn absent(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Completed => "no picture was recorded",
        JobStatus::Failed => "no picture: the edit failed",
        JobStatus::Uncertain => "no picture: nobody knows whether the submit was accepted",
        JobStatus::Pending => "no picture yet",
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
