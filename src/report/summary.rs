//! `summary.json`: the whole batch as one object, version 1.

use jiff::Timestamp;
use serde::Serialize;

use super::batch_totals::BatchTotals;
use super::model::{BatchView, LastRun, seconds_from};
use super::rounded::rounded;
use super::tally::Tally;
use crate::job::{Backend, Cents, StopKind};
use crate::journal::Costs;

/// The object in `summary.json`. Within a version, fields may be added, but none is removed or changes its meaning.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    version: u32,
    title: &'a str,
    manifest: &'a str,
    backend: &'a str,
    /// `running`, `finished`, `partial` or `stopped`.
    state: &'a str,
    /// The time of the last known event of a `running` batch; `null` otherwise.
    as_of: Option<Timestamp>,
    /// The reason why the batch ended early; `null` if it did not.
    stopped_because: Option<&'a str>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    /// The time from the first submit to the end of the last job.
    seconds: Option<f64>,
    /// The time of work, without breaks of more than an hour; `null` if nothing has ended.
    working_seconds: Option<f64>,
    last_run: Option<LastRunFigures>,
    #[serde(flatten)]
    totals: BatchTotals,
    cost_cents: Costs,
    /// The number of results that the color lock has corrected.
    corrected: u64,
    /// The number of submits that were repeated because the color was missed. They count in `attempts` too.
    rerolls: u64,
    /// The number of submits.
    attempts: u64,
    pictures: Pictures,
    notes: &'a [String],
}

/// The last run of the folder.
#[derive(Debug, Serialize)]
struct LastRunFigures {
    started_at: Timestamp,
    /// Its end; `null` if it is still running, or if its process was killed.
    ended_at: Option<Timestamp>,
    seconds: Option<f64>,
    submits: Option<u64>,
    spent_cents: Option<Cents>,
    /// The kind of reason why it stopped before its work was done; `null` if it did not, or if that is not known.
    stop: Option<StopKind>,
}

impl LastRunFigures {
    fn of(LastRun { started_at, ended_at, totals, stop }: LastRun) -> LastRunFigures {
        LastRunFigures {
            started_at,
            ended_at,
            seconds: seconds_from(Some(started_at), ended_at).map(in_milliseconds),
            submits: totals.map(|totals| totals.submits),
            spent_cents: totals.map(|totals| totals.spent_cents),
            stop,
        }
    }
}

#[derive(Debug, Serialize)]
struct Pictures {
    files: u64,
    bytes: u64,
}

impl<'a> Summary<'a> {
    pub(crate) fn of(batch: &'a BatchView, tally: &'a Tally) -> Summary<'a> {
        Summary {
            version: 1,
            title: &batch.title,
            manifest: &batch.manifest,
            backend: batch.backend.map_or("", Backend::as_str),
            state: batch.state_name(),
            as_of: batch.as_of,
            stopped_because: batch.state.reason(),
            started_at: batch.started_at,
            finished_at: batch.finished_at,
            seconds: seconds_from(batch.started_at, batch.finished_at).map(in_milliseconds),
            working_seconds: tally.working_time(batch).map(|time| in_milliseconds(time.seconds())),
            last_run: batch.last_run.map(LastRunFigures::of),
            totals: BatchTotals {
                jobs: batch.counts,
                open: batch.open,
                removed: batch.removed,
                outdated: batch.outdated,
                held_back: batch.held_back.clone(),
                colors: tally.colors,
                retouched: tally.retouched,
                errors: tally.errors.clone(),
                duplicates: tally.duplicates(),
            },
            cost_cents: batch.costs,
            corrected: tally.corrected,
            rerolls: tally.rerolls,
            attempts: tally.attempts,
            pictures: Pictures { files: tally.pictures, bytes: tally.picture_bytes },
            notes: &batch.notes,
        }
    }
}

fn in_milliseconds(seconds: f64) -> f64 {
    rounded(seconds, 1000.0)
}
