use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::disk::Disk;

/// The maximum number of queued lines. Beyond that, appending waits.
const BACKLOG: usize = 1024;

/// The writer of a log.
///
/// Lines are written in the order in which they were appended, and synced in groups: lines that are appended during a
/// sync are part of the next one, so that a slow disk costs latency but not throughput. After an error, nothing more is
/// written, because a log with a gap would be wrong: all waiting and all later lines fail with that error.
#[derive(Debug)]
pub(crate) struct AppendLog {
    lines: mpsc::Sender<Line>,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Line {
    bytes: Vec<u8>,
    durable: oneshot::Sender<Result<(), Arc<io::Error>>>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of bytes that were made durable since the start.
    durable: AtomicU64,
    /// The error that has ended the writer.
    failure: OnceLock<Arc<io::Error>>,
}

/// Lines that may not be durable yet.
#[derive(Debug)]
#[must_use = "a line may be acted upon only once it is durable"]
pub(crate) struct Receipt(oneshot::Receiver<Result<(), Arc<io::Error>>>);

impl Receipt {
    /// Waits until the lines are durable.
    pub(crate) async fn wait(self) -> Result<(), Arc<io::Error>> {
        self.0.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl AppendLog {
    /// Starts the writer on `disk`. The disk is dropped when the writer ends.
    pub(crate) fn start(disk: impl Disk) -> AppendLog {
        let (lines, receiver) = mpsc::channel(BACKLOG);
        let state = Arc::new(State::default());
        AppendLog { lines, state: Arc::clone(&state), task: tokio::spawn(write(disk, receiver, state)) }
    }

    /// Passes `bytes`, which are whole lines or nothing, to the writer. They are durable, like everything before them,
    /// once [`Receipt::wait`] of the returned value has returned.
    ///
    /// # Errors
    ///
    /// The writer has failed.
    pub(crate) async fn append(&self, bytes: Vec<u8>) -> Result<Receipt, Arc<io::Error>> {
        let (durable, receiver) = oneshot::channel();
        let sent = self.lines.send(Line { bytes, durable }).await;
        sent.map_err(|_| self.state.failure.get().map_or_else(ended, Arc::clone))?;
        Ok(Receipt(receiver))
    }

    /// Returns the number of bytes that were made durable since the start.
    pub(crate) fn durable(&self) -> u64 {
        self.state.durable.load(Ordering::Acquire)
    }

    /// Waits until all appended lines are durable, and closes the log.
    pub(crate) async fn finish(self) -> Result<(), Arc<io::Error>> {
        drop(self.lines);
        self.task.await.map_err(|error| Arc::new(io::Error::other(error)))?;
        self.state.failure.get().map_or(Ok(()), |error| Err(Arc::clone(error)))
    }
}

async fn write(mut disk: impl Disk, mut lines: mpsc::Receiver<Line>, state: Arc<State>) {
    let mut group = Vec::new();
    while lines.recv_many(&mut group, BACKLOG).await > 0 {
        let mut bytes = Vec::with_capacity(group.iter().map(|line| line.bytes.len()).sum());
        group.iter().for_each(|line| bytes.extend_from_slice(&line.bytes));
        let length = bytes.len() as u64;
        let outcome = commit(&mut disk, bytes).await.map_err(Arc::new);
        match &outcome {
            Ok(()) => drop(state.durable.fetch_add(length, Ordering::Release)),
            Err(error) => drop(state.failure.set(Arc::clone(error))),
        }
        for line in group.drain(..) {
            // The caller may have stopped waiting. The line is durable regardless.
            let _ = line.durable.send(outcome.clone());
        }
        if let Err(error) = outcome {
            return refuse(lines, &error).await;
        }
    }
}

async fn commit(disk: &mut impl Disk, bytes: Vec<u8>) -> io::Result<()> {
    disk.append(bytes).await?;
    disk.sync().await
}

/// Answers all lines that wait with the error that has ended the writer.
async fn refuse(mut lines: mpsc::Receiver<Line>, error: &Arc<io::Error>) {
    lines.close();
    while let Some(line) = lines.recv().await {
        let _ = line.durable.send(Err(Arc::clone(error)));
    }
}

/// Returns the error of a writer that has ended without one.
fn ended() -> Arc<io::Error> {
    Arc::new(io::Error::other("its writer has ended"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Counts the written bytes and syncs, and fails from the `fail_at`th sync on.
    #[derive(Clone, Default)]
    struct CountingDisk {
        log: Arc<Mutex<(Vec<u8>, usize)>>,
        fail_at: Option<usize>,
    }

    impl Disk for CountingDisk {
        async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
            self.log.lock().unwrap().0.extend(bytes);
            Ok(())
        }

        async fn sync(&mut self) -> io::Result<()> {
            tokio::task::yield_now().await;
            let mut log = self.log.lock().unwrap();
            log.1 += 1;
            match self.fail_at {
                Some(at) if log.1 >= at => Err(io::Error::from(io::ErrorKind::StorageFull)),
                _ => Ok(()),
            }
        }
    }

    fn line(number: usize) -> Vec<u8> {
        format!("{number}\n").into_bytes()
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_lines_share_a_sync_and_keep_their_order() {
        let disk = CountingDisk::default();
        let log = AppendLog::start(disk.clone());
        let mut waiting = Vec::new();
        for number in 0..100 {
            waiting.push(log.append(line(number)).await.unwrap());
        }
        for receipt in waiting {
            receipt.wait().await.unwrap();
        }
        log.finish().await.unwrap();
        let (bytes, syncs) = disk.log.lock().unwrap().clone();
        assert!(syncs < 10, "{syncs} syncs for 100 lines");
        assert_eq!(bytes, (0..100).flat_map(line).collect::<Vec<u8>>());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failed_sync_no_line_is_durable_and_each_says_why() {
        let disk = CountingDisk { fail_at: Some(2), ..CountingDisk::default() };
        let log = AppendLog::start(disk.clone());
        log.append(line(1)).await.unwrap().wait().await.unwrap();
        let [second, third] = [log.append(line(2)).await.unwrap(), log.append(line(3)).await.unwrap()];
        for waiting in [second, third] {
            assert_eq!(waiting.wait().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
        tokio::task::yield_now().await;
        assert_eq!(log.append(line(4)).await.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(log.durable(), 2);
        assert_eq!(disk.log.lock().unwrap().1, 2, "nothing is written after the error");
        assert_eq!(log.finish().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
