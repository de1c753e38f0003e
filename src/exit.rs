//! The exit codes: a promise to scripts.

use crate::color::VerdictCounts;
use crate::job::{StatusCounts, StopKind};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every job is completed.
    Complete,
    /// The run could not continue: no key, a refused key, an API that answers otherwise than documented, a full disk, a
    /// journal that cannot be read, a report that cannot be written.
    CannotGoOn,
    /// Bad usage or a bad manifest: nothing was submitted.
    Usage,
    /// Finished, and some jobs are failed, uncertain, held back, or missed their color.
    Incomplete,
    /// Stopped early and resumable: budget, price limit, deadline, balance, an API that cannot be reached, predictions
    /// that could not be polled, first Ctrl-C or SIGTERM.
    StoppedEarly,
    /// Another process holds this run's folder.
    Locked,
}

impl Exit {
    /// Returns the code for jobs with these statuses and colors, and the reason why their run stopped early.
    pub(crate) fn of(counts: StatusCounts, colors: VerdictCounts, stopped: Option<StopKind>) -> Exit {
        match stopped {
            Some(kind) if kind.is_resumable() => Exit::StoppedEarly,
            Some(_) => Exit::CannotGoOn,
            None if counts.completed == counts.total && colors.off == 0 => Exit::Complete,
            None => Exit::Incomplete,
        }
    }

    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Complete => 0,
            Exit::CannotGoOn => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
            Exit::StoppedEarly => 4,
            Exit::Locked => 5,
        }
    }
}
