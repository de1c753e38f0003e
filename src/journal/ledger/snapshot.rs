//! A ledger as bytes: a line of JSON, the settled edits, and the predictions.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::job::JobId;
use crate::journal::ReadAt;
use crate::journal::history::Tracked;
use crate::journal::key::Key;
use crate::journal::known::KnownPredictions;
use crate::journal::settled::{Half, Settled, SettledHead, Stored};
use crate::journal::source::Source;

use super::{Ledger, Sums};

/// What comes first.
#[derive(Serialize, Deserialize)]
struct Head {
    key: [u8; 16],
    settled: SettledHead,
    /// The edits of live jobs, by their lines.
    live: Vec<(JobId, Vec<Stored>)>,
    sums: serde_json::Value,
}

impl Ledger {
    /// Writes all that a ledger knows, but for what its journal tells of the live jobs.
    ///
    /// # Errors
    ///
    /// `out` cannot be written.
    pub(in crate::journal) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let live = self.live.iter().map(|(job, history)| {
            let stored = |Tracked { edit, offsets }: &Tracked| Stored {
                edit: Half::of(edit.fingerprint),
                is_shown: history.shown == Some(edit.fingerprint),
                offsets: offsets.clone(),
            };
            (job.clone(), history.edits.iter().map(stored).collect())
        });
        let head = Head {
            key: self.settled.key().to_bytes(),
            settled: self.settled.head(),
            live: live.collect(),
            sums: serde_json::to_value(&self.sums)?,
        };
        serde_json::to_writer(&mut *out, &head)?;
        out.write_all(b"\n")?;
        self.settled.write(out)?;
        self.sums.known.write(out)
    }

    /// Reads what was written of a ledger, whose live jobs are read from `journal` again.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not what was written.
    pub(in crate::journal) fn read(input: &mut impl BufRead, journal: Arc<dyn ReadAt>) -> io::Result<Ledger> {
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line)?;
        let Head { key, settled, live, sums } = serde_json::from_slice(&line)?;
        let key = Key::from_bytes(&key);
        let settled = Settled::read(key, settled, input)?;
        let sums = Sums { known: KnownPredictions::read(key, input)?, ..serde_json::from_value(sums)? };
        let mut ledger = Ledger { settled, source: Source::of(journal), sums, ..Ledger::default() };
        for (job, edits) in live {
            let history = ledger.source.history(&job, &edits).map_err(io::Error::other)?;
            ledger.live.insert(job, history);
        }
        Ok(ledger)
    }
}
