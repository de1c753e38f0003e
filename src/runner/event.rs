use std::time::Duration;

use crate::api::PredictionId;
use crate::color::Check;
use crate::job::{Cents, ErrorClass, JobId, Rate, StatusCounts};
use crate::journal::{Ledger, SavedFile};

use super::StopReason;

/// Something that happened in a run, after it was recorded.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A submit is about to be sent.
    Submitting {
        /// The job.
        job: &'a JobId,
        /// The number of this attempt, from 1.
        attempt: u32,
    },
    /// The provider accepted a submit.
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
        /// The result of the check.
        check: &'a Check,
        /// Which picture was checked.
        of: CheckedPicture,
    },
    /// A re-roll failed; the result stays as it is.
    RerollLost {
        /// The job.
        job: &'a JobId,
        /// The cause.
        message: &'a str,
    },
    /// It is unknown whether the submit of a re-roll was accepted; the result stays as it is.
    RerollUncertain {
        /// The job.
        job: &'a JobId,
        /// The cause.
        message: &'a str,
    },
    /// A job ended without pictures.
    Failed {
        /// The job.
        job: &'a JobId,
        /// The kind of failure.
        class: ErrorClass,
        /// The cause.
        message: &'a str,
    },
    /// It is unknown whether a submit was accepted.
    Uncertain {
        /// The job.
        job: &'a JobId,
        /// The cause.
        message: &'a str,
    },
    /// All submits wait.
    Paused {
        /// For how long.
        wait: Duration,
        /// Why.
        reason: &'a str,
    },
    /// The search for the provider's rate has found its limit.
    RateLimitDetected {
        /// The approximate limit.
        near: Rate,
    },
    /// A submit cost more than any before it, or more than expected before the first.
    PriceRise {
        /// The job.
        job: &'a JobId,
        /// The highest price before.
        from: Cents,
        /// The price.
        to: Cents,
    },
    /// A submit was answered without a price, the first one of the run.
    Unpriced {
        /// The job.
        job: &'a JobId,
        /// What such submits count as: the highest price so far.
        counted: Cents,
    },
    /// The provider used a status that it does not document.
    UnknownStatus {
        /// The job.
        job: &'a JobId,
        /// The status.
        word: &'a str,
    },
    /// A prediction has more pictures than are saved.
    ExtraOutputs {
        /// The job.
        job: &'a JobId,
        /// How many are saved.
        kept: usize,
        /// How many are not saved.
        left: usize,
    },
    /// A prediction is left at the provider for a later run.
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
        /// What happens to predictions in progress.
        under_way: InFlight,
    },
}

/// What happens to predictions in progress when no more submits go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// They are followed until they end.
    Drained,
    /// They are left for a later run. Downloads in progress get a few more seconds, and open submits are waited for.
    Abandoned {
        /// The number of open submits.
        submits: usize,
    },
    /// There are none.
    Nothing,
}

impl InFlight {
    /// Returns its name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            InFlight::Drained => "drained",
            InFlight::Abandoned { .. } => "left",
            InFlight::Nothing => "none",
        }
    }

    /// Returns the number of open submits that are waited for.
    pub fn submits(self) -> u64 {
        match self {
            InFlight::Abandoned { submits } => submits as u64,
            InFlight::Drained | InFlight::Nothing => 0,
        }
    }
}

/// Which picture was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedPicture {
    /// The picture that the provider made.
    Result,
    /// The picture of a re-roll.
    Reroll,
    /// A picture that was corrected on this machine.
    Correction,
}

impl CheckedPicture {
    /// Returns its name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckedPicture::Result => "result",
            CheckedPicture::Reroll => "reroll",
            CheckedPicture::Correction => "correction",
        }
    }
}

/// Receives the events of a run, in the dispatcher's order. It must not block.
pub trait Observer: Send {
    /// Handles an event; `totals` is the state after it.
    fn observe(&mut self, event: &Event<'_>, totals: &RunTotals);
}

/// The state of a run in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// The number of jobs of the manifest by status.
    pub counts: StatusCounts,
    /// How many predictions are in progress at the provider.
    pub in_flight: u64,
    /// How many jobs have their pictures downloaded and named.
    pub saving: u64,
    /// How many results wait for a check or a correction of their color, or are worked on.
    pub color_checks: u64,
    /// The amount that was charged.
    pub spent: Cents,
    /// The amount that may still be charged for open and uncertain submits.
    pub reserved: Cents,
}

impl RunTotals {
    pub(super) fn of(ledger: &Ledger) -> RunTotals {
        RunTotals {
            counts: ledger.counts(),
            spent: ledger.spent(),
            reserved: ledger.reserved(),
            ..RunTotals::default()
        }
    }
}
