//! Reads the rows of a manifest on all cores, and returns the results in its order.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::job::ImageSource;

use super::diagnostic::{Diagnostic, Problems};
use super::id_index::{Before, IdIndex};
use super::jobs::{FoundJob, ReadRow, Reading};
use super::model::Manifest;
use super::row_cursor::RowCursor;

/// How many parts that a thread has read wait for their turn. More would only take memory.
const MAX_WAITING_PARTS: usize = 4;

/// How many threads read at most: the thread that takes the results is as busy as that many readers.
const MAX_THREADS: usize = 8;

/// About how many rows a part has.
const EXPECTED_ROWS_PER_PART: usize = 1 << 10;

/// The result of reading a row.
pub enum Found<'b, T> {
    /// A job without errors, and the row's location.
    Job {
        /// The value that was made of it.
        made: T,
        /// The line of another job whose id names the same file on Windows or macOS.
        alike: Option<u64>,
        /// Where it stands.
        location: RowLocation<'b>,
    },
    /// All its errors, and its location.
    Wrong(Vec<Diagnostic>, RowLocation<'b>),
    /// The error because of which neither it nor any later row can be read.
    Broken(Diagnostic),
}

/// Where a row stands.
pub struct RowLocation<'b> {
    reading: &'b Reading<'b>,
    pass: &'b mut (dyn RowCursor + 'b),
    /// How many rows the pass has gone over.
    passed: &'b mut usize,
    row: usize,
}

/// A part of which all rows were read.
struct Batch<'m, T> {
    pass: Box<dyn RowCursor + 'm>,
    rows: Vec<ReadRow<T>>,
    broken: Option<Diagnostic>,
}

impl Manifest {
    /// Reads all rows. `each` makes a value of a job, on any thread; `take` gets these values and the errors of rows on
    /// this thread, in the manifest's order. If `take` fails, nothing more is read.
    ///
    /// # Errors
    /// The file cannot be read again; inside that, the error of `take`.
    pub fn read<T: Send, E>(
        &self,
        each: impl Fn(&FoundJob<'_>) -> T + Sync,
        take: impl FnMut(Found<'_, T>) -> Result<(), E>,
    ) -> Result<Result<(), E>, Problems> {
        let (reading, parts) = (Reading::new(self), self.parts()?);
        let (reading, each) = (&reading, &each);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        Ok(thread::scope(|scope| {
            // The threads take turns: each takes the next part of the file and then passes the turn on. So the parts stay in
            // order, and a thread reads the rows of a part that is still in its core's cache.
            let (mut next_turns, turns): (Vec<_>, Vec<_>) = (0..threads).map(|_thread| sync_channel(1)).unzip();
            // The first turn.
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
                            // The next thread may have ended, and with it all of this.
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
            // When it returns, the receivers are dropped, and readers that are still at work end.
            collect(reading, &batches, take)
        }))
    }
}

/// Hands what was read to `take`.
fn collect<'m, T, E>(
    reading: &Reading<'_>,
    batches: &[Receiver<Result<Batch<'m, T>, Diagnostic>>],
    mut take: impl FnMut(Found<'_, T>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut ids, mut before) = (IdIndex::default(), Vec::new());
    // The first thread that has nothing more was to take the part behind the last one.
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
    /// An error of the row: of its image with the number `image` in the manifest, or of the row as a whole.
    pub fn about(&mut self, image: Option<usize>, message: String, hint: String) -> Diagnostic {
        self.reading.about(self.pass(), image, message, hint)
    }

    /// Returns an error of the column that is empty and whose text is missed in the job.
    pub fn about_gap(&mut self, message: String, hint: String) -> Diagnostic {
        self.reading.about_gap(self.pass(), message, hint)
    }

    /// Returns the images that the row names, with their numbers, whether the row has errors or not.
    pub fn pictures(&mut self) -> Vec<(usize, ImageSource)> {
        self.reading.pictures(self.pass())
    }

    /// The pass, at the row.
    fn pass(&mut self) -> &dyn RowCursor {
        if *self.passed > self.row + 1 {
            self.pass.rewind();
            *self.passed = 0;
        }
        while *self.passed <= self.row {
            // The row was there when the part was read.
            let _ = self.pass.advance();
            *self.passed += 1;
        }
        self.pass
    }
}
