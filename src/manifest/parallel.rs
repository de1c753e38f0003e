//! Reads the rows of a manifest on all cores, and returns the results in the manifest's order.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::job::ImageSource;

use super::diagnostic::{Diagnostic, Problems};
use super::id_index::{Before, IdIndex};
use super::jobs::{FoundJob, ReadRow, Reading};
use super::model::Manifest;
use super::row_cursor::RowCursor;

/// The maximum number of parts that a thread reads ahead. More would only use memory.
const MAX_WAITING_PARTS: usize = 4;

/// The maximum number of reader threads. With this many, the thread that takes the results is fully occupied.
const MAX_THREADS: usize = 8;

/// The expected number of rows per part.
const EXPECTED_ROWS_PER_PART: usize = 1 << 10;

/// The result of reading a row.
pub enum Found<'b, T> {
    /// A job without errors.
    Job {
        /// The value made from the job.
        made: T,
        /// The line of another job whose id names the same file on Windows or macOS.
        alike: Option<u64>,
        /// The location of the row.
        location: RowLocation<'b>,
    },
    /// All errors of a row, and its location.
    Wrong(Vec<Diagnostic>, RowLocation<'b>),
    /// An error after which neither this row nor any later one can be read.
    Broken(Diagnostic),
}

/// The location of a row.
pub struct RowLocation<'b> {
    reading: &'b Reading<'b>,
    pass: &'b mut (dyn RowCursor + 'b),
    /// The number of rows that the pass has advanced over.
    passed: &'b mut usize,
    row: usize,
}

/// A part whose rows have all been read.
struct Batch<'m, T> {
    pass: Box<dyn RowCursor + 'm>,
    rows: Vec<ReadRow<T>>,
    broken: Option<Diagnostic>,
}

impl Manifest {
    /// Reads all rows. `each` makes a value from a job, on any thread. `take` gets these values and the errors of rows
    /// on the calling thread, in the manifest's order. If `take` fails, reading stops.
    ///
    /// # Errors
    /// The outer error means that the file cannot be read again. The inner error is that of `take`.
    pub fn read<T: Send, E>(
        &self,
        each: impl Fn(&FoundJob<'_>) -> T + Sync,
        take: impl FnMut(Found<'_, T>) -> Result<(), E>,
    ) -> Result<Result<(), E>, Problems> {
        let (reading, parts) = (Reading::new(self), self.parts()?);
        let (reading, each) = (&reading, &each);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        Ok(thread::scope(|scope| {
            // The threads take turns: each takes the next part of the file and then passes the turn on. This keeps the
            // parts in order, and a thread reads the rows of a part while it is still in the cache of its core.
            let (mut next_turns, turns): (Vec<_>, Vec<_>) = (0..threads).map(|_thread| sync_channel(1)).unzip();
            // Starts the first turn.
            let _ = next_turns[0].send(parts);
            next_turns.rotate_left(1);
            let batches: Vec<_> = turns
                .into_iter()
                .zip(next_turns)
                .map(|(turns, next_turn)| {
                    let (sender, batches) = sync_channel(MAX_WAITING_PARTS);
                    scope.spawn(move || {
                        for mut parts in turns {
                            let Some(part) = parts.next() else { break };
                            // This fails only if the next thread has ended because reading stops.
                            let _ = next_turn.send(parts);
                            let batch = part.map(|pass| Batch::read(reading, pass, each));
                            if sender.send(batch).is_err() {
                                break;
                            }
                        }
                    });
                    batches
                })
                .collect();
            // On return, the receivers are dropped, which ends threads that are still reading.
            collect(reading, &batches, take)
        }))
    }
}

/// Passes the results to `take`.
fn collect<'m, T, E>(
    reading: &Reading<'_>,
    batches: &[Receiver<Result<Batch<'m, T>, Diagnostic>>],
    mut take: impl FnMut(Found<'_, T>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut ids, mut before) = (IdIndex::default(), Vec::new());
    // Parts were handed out in turn, so the first thread without another batch is the one that found no more parts.
    for batch in batches.iter().cycle().map_while(|batches| batches.recv().ok()) {
        let Batch { mut pass, rows, broken } = match batch {
            Ok(batch) => batch,
            Err(diagnostic) => return take(Found::Broken(diagnostic)),
        };
        before.clear();
        before.extend(rows.iter().map(|row| row.id.and_then(|id| ids.note(id, row.line))));
        let mut passed = usize::MAX;
        for (number, (ReadRow { made, .. }, before)) in rows.into_iter().zip(&before).enumerate() {
            let (first, alike) = match *before {
                Some(Before::Same(first)) => (Some(first), None),
                Some(Before::Alike(other)) => (None, Some(other)),
                None => (None, None),
            };
            let mut location = RowLocation { reading, pass: &mut *pass, passed: &mut passed, row: number };
            take(match (made, first) {
                (Some(made), None) => Found::Job { made, alike, location },
                (_, first) => Found::Wrong(reading.diagnose(location.pass(), first), location),
            })?;
        }
        if let Some(diagnostic) = broken {
            return take(Found::Broken(diagnostic));
        }
    }
    Ok(())
}

impl<'m, T> Batch<'m, T> {
    fn read(
        reading: &Reading<'m>,
        mut pass: Box<dyn RowCursor + 'm>,
        each: impl Fn(&FoundJob<'_>) -> T,
    ) -> Batch<'m, T> {
        let mut rows = Vec::with_capacity(EXPECTED_ROWS_PER_PART);
        let broken = loop {
            match pass.advance() {
                Ok(true) => {}
                Ok(false) => break None,
                Err(diagnostic) => break Some(diagnostic),
            }
            rows.push(reading.read(&*pass, &each));
        };
        Batch { pass, rows, broken }
    }
}

impl RowLocation<'_> {
    /// Returns an error about the row: about image number `image` in the manifest, or about the row as a whole.
    pub fn about(&mut self, image: Option<usize>, message: String, hint: String) -> Diagnostic {
        self.reading.about(self.pass(), image, message, hint)
    }

    /// Returns an error about the empty column that leaves a gap in the prompt or the id.
    pub fn about_gap(&mut self, message: String, hint: String) -> Diagnostic {
        self.reading.about_gap(self.pass(), message, hint)
    }

    /// Returns the images of the row with their numbers, even if the row has errors.
    pub fn pictures(&mut self) -> Vec<(usize, ImageSource)> {
        self.reading.pictures(self.pass())
    }

    /// Returns the pass, moved to the row.
    fn pass(&mut self) -> &dyn RowCursor {
        if *self.passed > self.row + 1 {
            self.pass.rewind();
            *self.passed = 0;
        }
        while *self.passed <= self.row {
            // The row exists, because it was read before.
            let _ = self.pass.advance();
            *self.passed += 1;
        }
        self.pass
    }
}
