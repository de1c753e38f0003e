//! Serialization of a ledger: a line of JSON, the archived edits, and the predictions.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::append_log::ReadAt;
use crate::job::JobId;
use crate::journal::archive::{ArchivedEdit, ArchivedEdits, ArchivedHead, FingerprintPrefix, HashKey, JournalSource};
use crate::journal::edits::Tracked;

use super::aggregates::Aggregates;
use super::known_predictions::KnownPredictions;
use super::ledger::Ledger;

/// The first line of a snapshot.
#[derive(Serialize, Deserialize)]
struct LedgerHead {
    key: [u8; 16],
    archived: ArchivedHead,
    /// The edits of live jobs, as the offsets of their lines.
    live: Vec<(JobId, Vec<ArchivedEdit>)>,
    aggregates: serde_json::Value,
}

impl Ledger {
    /// Returns an empty ledger whose ids are hashed with `key`, as if it were read from a snapshot.
    #[cfg(test)]
    pub(in crate::journal) fn with_key(key: [u8; 16], journal: Arc<dyn ReadAt>) -> Ledger {
        let head = LedgerHead {
            key,
            archived: ArchivedEdits::default().head(),
            live: Vec::new(),
            aggregates: serde_json::to_value(Aggregates::default()).unwrap(),
        };
        let mut empty = serde_json::to_vec(&head).unwrap();
        empty.push(b'\n');
        KnownPredictions::default().write(&mut empty).unwrap();
        Ledger::read(&mut &empty[..], journal).unwrap()
    }

    /// Writes the ledger. Of live jobs, only the offsets of their lines are written.
    ///
    /// # Errors
    ///
    /// `out` cannot be written.
    pub(in crate::journal) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let live = self.live.iter().map(|(job, history)| {
            let stored = |Tracked { edit, offsets }: &Tracked| ArchivedEdit {
                edit: FingerprintPrefix::of(edit.fingerprint),
                is_shown: history.shown == Some(edit.fingerprint),
                offsets: offsets.clone(),
            };
            (job.clone(), history.edits.iter().map(stored).collect())
        });
        let head = LedgerHead {
            key: self.archived.key().to_bytes(),
            archived: self.archived.head(),
            live: live.collect(),
            aggregates: serde_json::to_value(&self.aggregates)?,
        };
        serde_json::to_writer(&mut *out, &head)?;
        out.write_all(b"\n")?;
        self.archived.write(out)?;
        self.aggregates.known.write(out)
    }

    /// Reads a ledger. The lines of its live jobs are read from `journal` again.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read, or is damaged.
    pub(in crate::journal) fn read(input: &mut impl BufRead, journal: Arc<dyn ReadAt>) -> io::Result<Ledger> {
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line)?;
        let LedgerHead { key, archived, live, aggregates } = serde_json::from_slice(&line)?;
        let key = HashKey::from_bytes(&key);
        let archived = ArchivedEdits::read(key, archived, input)?;
        let aggregates =
            Aggregates { known: KnownPredictions::read(key, input)?, ..serde_json::from_value(aggregates)? };
        let mut ledger = Ledger { archived, source: JournalSource::of(journal), aggregates, ..Ledger::default() };
        for (job, edits) in live {
            let history = ledger.source.history(&job, &edits).map_err(io::Error::other)?;
            ledger.live.insert(job, history);
        }
        Ok(ledger)
    }
}
