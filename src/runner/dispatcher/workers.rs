use std::collections::HashMap;
use std::time::Duration;

use tokio::task::AbortHandle;
use tracing::Span;

use crate::plan::Work;

/// The jobs in progress, by the number of their executor. The number in each phase is counted as jobs change phase
/// because it is read at every step.
#[derive(Debug, Default)]
pub(super) struct Workers {
    by_number: HashMap<u64, Worker>,
    counts: [usize; PHASES],
    next_number: u64,
}

/// A job in progress.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) work: Work,
    /// When it started, as the time since the start of the run.
    pub(super) started: Duration,
    /// How many slots were taken by others then.
    pub(super) in_flight_before: usize,
    pub(super) phase: Phase,
    /// The tracing span of the job.
    pub(super) span: Span,
    /// Ends its executor.
    pub(super) executor: AbortHandle,
}

/// The phases of a job in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its submit is open.
    Submitting,
    /// The provider works on it.
    Generating,
    /// The same, but it takes longer than it may. It keeps no slot, so that new submits do not wait for it.
    Overdue,
    /// Its pictures are being downloaded and named.
    Saving,
    /// The same, but their host has failed, so that they are tried again later.
    Stalled,
    /// Its pictures are being checked or corrected.
    Checking,
    /// Its submit was not accepted, and its executor is about to end.
    Ending,
}

const PHASES: usize = 7;

impl Workers {
    /// Returns a new executor number.
    pub(super) fn next_id(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub(super) fn start(&mut self, number: u64, worker: Worker) {
        self.remove(number);
        self.counts[worker.phase as usize] += 1;
        self.by_number.insert(number, worker);
    }

    pub(super) fn enter(&mut self, number: u64, phase: Phase) {
        if let Some(worker) = self.by_number.get_mut(&number) {
            self.counts[worker.phase as usize] -= 1;
            self.counts[phase as usize] += 1;
            worker.phase = phase;
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Worker> {
        let worker = self.by_number.remove(&number)?;
        self.counts[worker.phase as usize] -= 1;
        Some(worker)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Worker> {
        self.by_number.get(&number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    pub(super) fn count(&self, phase: Phase) -> usize {
        self.counts[phase as usize]
    }

    /// Returns how many slots are taken by predictions that are in progress or about to be.
    pub(super) fn in_flight(&self) -> usize {
        self.count(Phase::Submitting) + self.count(Phase::Generating)
    }

    /// Returns how many are saving their pictures, or try to.
    pub(super) fn saving(&self) -> usize {
        self.count(Phase::Saving) + self.count(Phase::Stalled)
    }

    /// Returns whether one of them has more to do.
    pub(super) fn are_busy(&self) -> bool {
        self.by_number.len() > self.count(Phase::Ending)
    }

    /// Removes all jobs, and returns those whose submits have no answer.
    pub(super) fn take_submitting(&mut self) -> impl Iterator<Item = Worker> {
        self.counts = [0; PHASES];
        let workers = std::mem::take(&mut self.by_number).into_values();
        workers.filter(|worker| worker.phase == Phase::Submitting)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::job::JobId;
    use crate::journal::EditKey;
    use crate::plan::{Standing, Task};

    const ALL: [Phase; PHASES] = [
        Phase::Submitting,
        Phase::Generating,
        Phase::Overdue,
        Phase::Saving,
        Phase::Stalled,
        Phase::Checking,
        Phase::Ending,
    ];

    fn worker(executors: &Runtime, phase: Phase) -> Worker {
        let key =
            EditKey { job: JobId::new("a").unwrap(), fingerprint: "00000000000000000000000000000000".parse().unwrap() };
        let work = Work { key, task: Task::Follow, standing: Standing::Current, target: None::<Arc<_>> };
        let executor = executors.spawn(async {}).abort_handle();
        Worker { work, started: Duration::ZERO, in_flight_before: 0, phase, span: Span::none(), executor }
    }

    proptest! {
        #[test]
        fn the_counts_are_those_of_the_jobs_under_way(
            steps in prop::collection::vec((0..3u8, 0..8u64, 0..PHASES), 0..60)
        ) {
            let executors = Builder::new_current_thread().build().unwrap();
            let mut workers = Workers::default();
            for (step, number, phase) in steps {
                match step {
                    0 => workers.start(number, worker(&executors, ALL[phase])),
                    1 => workers.enter(number, ALL[phase]),
                    _ => drop(workers.remove(number)),
                }
            }
            for phase in ALL {
                let counted = workers.by_number.values().filter(|worker| worker.phase == phase).count();
                prop_assert_eq!(workers.count(phase), counted);
            }
            let submitting = workers.count(Phase::Submitting);
            prop_assert_eq!(workers.take_submitting().count(), submitting);
            prop_assert!(workers.is_empty() && workers.in_flight() == 0);
        }
    }
}
