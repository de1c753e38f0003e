//! Keeps a report up to date during its run. It uses only the journal, so that any process can do it.

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::run_folder::{Lock, ReportTurn, RunFolder};

use super::{ReadLedger, ReportInputs, manifest, read_ledger, write};
use crate::commands::Failure;

/// The minimum time between two reads of the journal. An open page reloads at the same interval.
const MIN_INTERVAL: Duration = Duration::from_secs(4);

/// The pause after a refresh, as a multiple of its duration, so that refreshing a large batch uses at most a twentieth
/// of a core.
const REST_FACTOR: u32 = 20;

/// Writes a folder's report if its journal has grown.
#[derive(Debug)]
pub(in crate::commands) struct Refresher {
    folder: RunFolder,
    /// The journal's length when the report was last written.
    seen: Option<u64>,
    took: Duration,
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Refreshed {
    /// Whether a process is working on the run.
    pub(in crate::commands) is_running: bool,
    /// Whether the report was written.
    pub(in crate::commands) is_written: bool,
}

impl Refresher {
    pub(in crate::commands) fn new(folder: RunFolder) -> Refresher {
        Refresher { folder, seen: None, took: Duration::ZERO }
    }

    /// Refreshes the report once.
    pub(in crate::commands) fn refresh(&mut self) -> Result<Refreshed, Failure> {
        let started_at = Instant::now();
        // Records that are appended from now on are seen by the next refresh.
        let length = fs::metadata(self.folder.journal()).map(|found| found.len()).ok();
        let is_new = length.is_none() || length != self.seen;
        if !is_new {
            let is_running = Lock::holder(&self.folder).is_some();
            return Ok(Refreshed { is_running, is_written: false });
        }
        let _turn = ReportTurn::wait(&self.folder)?;
        let ReadLedger { ledger, holder } = read_ledger(&self.folder)?;
        let (manifest, is_running) = (manifest(&ledger), holder.is_some());
        write(&ReportInputs { folder: &self.folder, ledger: &ledger, manifest, is_running, junit: None })?;
        self.seen = length;
        self.took = started_at.elapsed();
        Ok(Refreshed { is_running, is_written: true })
    }

    /// Returns the pause before the next refresh.
    pub(in crate::commands) fn rest(&self) -> Duration {
        (self.took * REST_FACTOR).max(MIN_INTERVAL)
    }
}

/// Refreshes the report of this process's own run on a separate thread, until it is dropped.
#[derive(Debug)]
pub(in crate::commands) struct Live {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Starts with a pause. Failures are only logged, because the report is written again at the end of the run.
    pub(in crate::commands) fn begin(folder: &RunFolder) -> Result<Live, Failure> {
        let (end, ended) = mpsc::channel::<()>();
        let mut refresher = Refresher::new(folder.clone());
        let refresh = move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(refresher.rest()) {
                if let Err(failure) = refresher.refresh() {
                    tracing::debug!(?failure, "the report was not refreshed");
                }
            }
        };
        let thread = thread::Builder::new().name("report".to_owned()).spawn(refresh);
        let thread = thread.map_err(|cause| Failure::Start { cause })?;
        Ok(Live { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // The message of a panic was already printed, and the run is not affected.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::StatusCounts;
    use crate::journal::{Record, RunEvent, RunStart};
    use crate::run_folder::PlanDraft;

    fn append(folder: &RunFolder, event: RunEvent) {
        let line = Record::Run(event).to_line(jiff::Timestamp::UNIX_EPOCH).unwrap();
        let mut journal = fs::read(folder.journal()).unwrap_or_default();
        journal.extend(line);
        fs::write(folder.journal(), journal).unwrap();
    }

    /// Returns the summary in the report.
    fn state(folder: &RunFolder) -> String {
        fs::read_to_string(folder.path().join("report/summary.json")).unwrap()
    }

    /// Begins a run without jobs in `folder`.
    fn begin(folder: &RunFolder) -> Lock {
        let lock = Lock::take(folder).unwrap();
        PlanDraft::begin(folder).unwrap().publish().unwrap();
        let jobs = StatusCounts::default();
        let [manifest, program] = ["catalog.csv", "0.1.0"].map(str::to_owned);
        append(folder, RunEvent::Run(RunStart { manifest, program, jobs, ..RunStart::default() }));
        lock
    }

    #[test]
    fn a_run_that_ends_while_its_report_is_written_is_not_said_to_have_died() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        let lock = begin(&folder);
        let ReadLedger { ledger, holder } = read_ledger(&folder).unwrap();
        append(&folder, RunEvent::Ended { reason: None, stop: None });
        drop(lock);
        let (manifest, is_running) = (manifest(&ledger), holder.is_some());
        write(&ReportInputs { folder: &folder, ledger: &ledger, manifest, is_running, junit: None }).unwrap();
        assert!(state(&folder).contains("\"running\""), "{}", state(&folder));
    }

    #[test]
    fn a_report_is_written_again_only_when_its_journal_has_grown() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temporary.path());
        let lock = begin(&folder);
        let mut refresher = Refresher::new(folder.clone());
        assert_eq!(refresher.refresh().unwrap(), Refreshed { is_running: true, is_written: true });
        let now = state(&folder);
        assert!(now.contains("\"running\"") && now.contains("\"as_of\": \"1970-01-01T00:00:00Z\""), "{now}");
        fs::remove_file(folder.path().join("report/summary.json")).unwrap();
        assert_eq!(refresher.refresh().unwrap(), Refreshed { is_running: true, is_written: false });
        append(&folder, RunEvent::Ended { reason: None, stop: None });
        drop(lock);
        assert_eq!(refresher.refresh().unwrap(), Refreshed { is_running: false, is_written: true });
        let now = state(&folder);
        assert!(now.contains("\"finished\"") && now.contains("\"as_of\": null"), "{now}");
    }

    #[test]
    fn a_slow_refresh_is_followed_by_a_rest_twenty_times_as_long() {
        let mut refresher = Refresher::new(RunFolder::new("out"));
        assert_eq!(refresher.rest(), MIN_INTERVAL);
        refresher.took = Duration::from_secs(3);
        assert_eq!(refresher.rest(), Duration::from_secs(60));
    }
}
