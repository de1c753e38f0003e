use serde::{Serialize, Serializer};

use super::ledger::Ledger;
use super::run_end::RunEnd;

/// The state of a folder's jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunState {
    /// A process is working on them.
    #[default]
    Running,
    /// Nothing is left to do.
    Finished,
    /// The last run took only some of them, held some back, or a submit was released since, and others are left.
    Partial,
    /// The last run stopped early. The text is the reason.
    Stopped(String),
    /// The process of the last run ended unexpectedly.
    Interrupted,
}

impl RunState {
    /// Returns the state of a folder with `pending` jobs. `is_running` says whether a process is working on them.
    pub fn of(ledger: &Ledger, pending: u64, is_running: bool) -> RunState {
        let leaves_jobs = ledger.last_run().is_some() && pending > 0;
        RunState::after(ledger.last_run_end(), leaves_jobs, is_running)
    }

    fn after(end: RunEnd<'_>, leaves_jobs: bool, is_running: bool) -> RunState {
        match end {
            _ if is_running => RunState::Running,
            RunEnd::Finished if leaves_jobs => RunState::Partial,
            RunEnd::Finished => RunState::Finished,
            RunEnd::Stopped(reason) => RunState::Stopped(reason.to_owned()),
            RunEnd::Unknown => RunState::Interrupted,
        }
    }

    /// Returns the reason why the last run ended early.
    pub fn reason(&self) -> Option<&str> {
        match self {
            RunState::Stopped(reason) => Some(reason),
            RunState::Interrupted => RunEnd::Unknown.why_unfinished(),
            RunState::Running | RunState::Finished | RunState::Partial => None,
        }
    }

    /// Returns its name.
    pub fn as_str(&self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Partial => "partial",
            RunState::Stopped(_) => "stopped",
            RunState::Interrupted => "interrupted",
        }
    }
}

impl Serialize for RunState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_folder_follows_from_the_end_of_its_last_run_and_from_what_is_left() {
        let ends = [RunEnd::Unknown, RunEnd::Finished, RunEnd::Stopped("the budget is used up")];
        for (leaves_jobs, states) in
            [(false, ["interrupted", "finished", "stopped"]), (true, ["interrupted", "partial", "stopped"])]
        {
            assert_eq!(ends.map(|end| RunState::after(end, leaves_jobs, false).as_str()), states);
            assert_eq!(ends.map(|end| RunState::after(end, leaves_jobs, true)), [const { RunState::Running }; 3]);
        }
    }
}
