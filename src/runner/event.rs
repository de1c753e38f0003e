use std::time::Duration;

use crate::api::PredictionId;
use crate::color::Check;
use crate::job::{Cents, ErrorClass, JobId, Rate, StatusCounts};
use crate::journal::{Ledger, SavedFile};

use super::StopReason;

/// Something that happened in a run, after it was recorded.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A submit is on its way.
    Submitting {
        /// The job.
        job: &'a JobId,
        /// Which try it is.
        attempt: u32,
    },
    /// The provider took a job.
    Accepted {
        /// The job.
        job: &'a JobId,
        /// The prediction.
        prediction: &'a PredictionId,
        /// Its price.
        cost: Cents,
    },
    /// A job's pictures are in place.
    Completed {
        /// The job.
        job: &'a JobId,
        /// The pictures.
        files: &'a [SavedFile],
    },
    /// A job's color was checked, or corrected on this machine.
    Checked {
        /// The job.
        job: &'a JobId,
        /// What was found.
        check: &'a Check,
        /// Whether it is about the provider's picture, a re-roll's, or a corrected one.
        of: CheckedPicture,
    },
    /// A re-roll came to nothing: the result stays as it is.
    RerollLost {
        /// The job.
        job: &'a JobId,
        /// What was seen.
        message: &'a str,
    },
    /// Nobody knows whether the submit of a re-roll was accepted: the result stays as it is.
    RerollUncertain {
        /// The job.
        job: &'a JobId,
        /// What was seen.
        message: &'a str,
    },
    /// A job ended without pictures.
    Failed {
        /// The job.
        job: &'a JobId,
        /// The kind of failure.
        class: ErrorClass,
        /// What was seen.
        message: &'a str,
    },
    /// Nobody knows whether a submit was accepted.
    Uncertain {
        /// The job.
        job: &'a JobId,
        /// What was seen.
        message: &'a str,
    },
    /// All submitters wait.
    Paused {
        /// For how long.
        wait: Duration,
        /// Why.
        reason: &'a str,
    },
    /// The provider's limit was met while it was searched for.
    RateLimitDetected {
        /// About where it is.
        near: Rate,
    },
    /// The provider uses a word that its page does not document.
    UnknownStatus {
        /// The job.
        job: &'a JobId,
        /// The word.
        word: &'a str,
    },
    /// A prediction has more pictures than are brought here.
    ExtraOutputs {
        /// The job.
        job: &'a JobId,
        /// How many are.
        kept: usize,
        /// How many are not.
        left: usize,
    },
    /// A prediction stays at the provider for a later run.
    Deferred {
        /// The job.
        job: &'a JobId,
        /// Why.
        cause: &'a str,
    },
    /// No more submits go out.
    Stopping {
        /// Why.
        reason: &'a StopReason,
        /// What becomes of what is at the provider.
        under_way: InFlight,
    },
}

/// What becomes of predictions in work when no more submits go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// They are followed to their end.
    Drained,
    /// They are left to a later run. Only submits and downloads under way get a few seconds more.
    Abandoned,
    /// There are none.
    Nothing,
}

/// What a check was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedPicture {
    /// The picture that the provider made.
    Result,
    /// That of a re-roll.
    Reroll,
    /// One that the color lock has corrected.
    Correction,
}

/// Whoever wants to know what happens. Called in the dispatcher's order; it must not block.
pub trait Observer: Send {
    /// Takes note of an event; `tally` is how everything stands after it.
    fn observe(&mut self, event: &Event<'_>, totals: &RunTotals);
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// The jobs of the manifest.
    pub counts: StatusCounts,
    /// How many are in work at the provider.
    pub in_flight: u64,
    /// What was charged.
    pub spent: Cents,
    /// What may yet be charged for what is under way or uncertain.
    pub reserved: Cents,
}

impl RunTotals {
    pub(super) fn of(ledger: &Ledger, in_flight: usize) -> RunTotals {
        RunTotals {
            counts: ledger.counts(),
            in_flight: in_flight as u64,
            spent: ledger.spent(),
            reserved: ledger.reserved(),
        }
    }
}
