//! `summary.json`: the whole batch in one object, version 1.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::duplicate_pictures::DuplicatePictures;
use super::model::BatchView;
use super::tally::Tally;
use crate::color::VerdictCounts;
use crate::job::{Backend, ErrorClass, HeldBack, StatusCounts};

/// The object in `summary.json`. Fields are added within a version, and none changes its meaning or goes.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    version: u32,
    title: &'a str,
    manifest: &'a str,
    backend: &'a str,
    /// `running`, `finished` or `stopped`.
    state: &'a str,
    /// When the last thing happened that this knows of, while it is `running`; `null` otherwise.
    as_of: Option<Timestamp>,
    /// Why the batch ended early; `null` where it did not.
    stopped_because: Option<&'a str>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    /// From the first submit to the end of the last job.
    seconds: Option<f64>,
    jobs: StatusCounts,
    /// Jobs with pictures in `results/` that the manifest no longer has; `jobs` does not count them.
    removed: u64,
    /// Jobs that the last run did not submit because of pictures in `results/` that the journal does not know.
    held_back: &'a HeldBack,
    cost_cents: Cost,
    /// Results by verdict on their color, of those that were checked.
    colors: VerdictCounts,
    /// How many results the color lock has corrected.
    corrected: u64,
    /// How many jobs have results that the user has changed since they were saved.
    retouched: u64,
    /// How many submits were made again because the color was missed; `attempts` counts them too.
    rerolls: u64,
    /// Jobs by error class; classes that no job has are left out.
    errors: &'a BTreeMap<ErrorClass, u64>,
    /// How many submits were made.
    attempts: u64,
    pictures: Pictures,
    /// Jobs that show exactly the same picture as an earlier job.
    alike: &'a DuplicatePictures,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct Cost {
    spent: u64,
    reserved: u64,
    budget: Option<u64>,
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
            state: batch.state.as_str(),
            as_of: batch.as_of,
            stopped_because: batch.state.reason(),
            started_at: batch.started_at,
            finished_at: batch.finished_at,
            seconds: seconds(batch),
            jobs: batch.counts,
            removed: batch.removed,
            held_back: &batch.held_back,
            cost_cents: Cost {
                spent: batch.spent.0,
                reserved: batch.reserved.0,
                budget: batch.budget.map(|budget| budget.0),
            },
            colors: tally.colors,
            corrected: tally.corrected,
            retouched: tally.retouched,
            rerolls: tally.rerolls,
            errors: &tally.errors,
            attempts: tally.attempts,
            pictures: Pictures { files: tally.pictures, bytes: tally.picture_bytes },
            alike: &tally.duplicate_pictures.found,
            notes: &batch.notes,
        }
    }
}

/// How long the batch took, once it is over.
pub(crate) fn seconds(batch: &BatchView) -> Option<f64> {
    Some(batch.finished_at?.duration_since(batch.started_at?).as_secs_f64()).filter(|seconds| *seconds >= 0.0)
}
