//! The details of edits. Live edits are in memory, and archived ones are read from the journal again.

use std::borrow::Cow;
use std::io;

use crate::job::{Cents, Fingerprint, JobId};
use crate::journal::archive::{ArchivedEdit, FingerprintPrefix, LinesError};
use crate::journal::edits::{Edit, History, LineOffsets, Tracked};
use crate::journal::format::{EditKey, EditState, SavedFile};

use super::ledger::Ledger;

/// The fingerprints of all shown edits, at eight bytes each.
#[derive(Debug)]
pub struct ShownFingerprints(Vec<FingerprintPrefix>);

impl ShownFingerprints {
    /// Whether an edit with this fingerprint may be shown; false if certainly none is.
    pub fn may_have(&self, fingerprint: Fingerprint) -> bool {
        self.0.binary_search(&FingerprintPrefix::of(fingerprint)).is_ok()
    }
}

impl Ledger {
    /// Returns an edit with all details; `None` if the journal does not know it. An archived edit is read again, and
    /// not kept in memory.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or its lines have changed.
    pub fn edit(&self, key: &EditKey) -> Result<Option<Cow<'_, Edit>>, LinesError> {
        if let Some(history) = self.live.get(&key.job) {
            return Ok(history.edit(key.fingerprint).map(Cow::Borrowed));
        }
        let edits = self.archived.stored(key.job.as_str());
        let Some(stored) = edits.iter().find(|stored| stored.edit == FingerprintPrefix::of(key.fingerprint)) else {
            return Ok(None);
        };
        let (owner, tracked) = self.source.edit(stored)?;
        if owner != *key {
            return Err(self.source.is_of_another(stored));
        }
        Ok(Some(Cow::Owned(tracked.edit)))
    }

    /// Returns all edits of a job; `None` if the journal does not know it. Archived edits are read again, and not kept
    /// in memory.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or its lines have changed.
    pub fn history(&self, job: &JobId) -> Result<Option<Cow<'_, History>>, LinesError> {
        if let Some(history) = self.live.get(job) {
            return Ok(Some(Cow::Borrowed(history)));
        }
        if !self.archived.knows(job.as_str()) {
            return Ok(None);
        }
        Ok(Some(Cow::Owned(self.source.history(job, &self.archived.stored(job.as_str()))?)))
    }

    /// Returns all edits, in arbitrary order. Archived ones are read again, one at a time.
    pub fn edits(&self) -> impl Iterator<Item = Result<(JobId, Cow<'_, Edit>), LinesError>> {
        let live = self.live_edits().map(|(job, edit)| Ok((job.clone(), Cow::Borrowed(edit))));
        live.chain(self.archived.all().map(|stored| self.owned(&stored)))
    }

    /// Returns the edits with submits that may have been charged, in arbitrary order: the uncertain ones, and those
    /// that were submitted again since.
    pub fn uncertain(&self) -> impl Iterator<Item = Result<(JobId, Cow<'_, Edit>), LinesError>> {
        self.may_reserve().filter(|found| found.as_ref().map_or(true, |(_, edit)| edit.uncertain_submits > 0))
    }

    /// Returns the edits for which money is reserved, with the money, in arbitrary order. Only these are read again.
    pub fn reservations(&self) -> impl Iterator<Item = Result<(EditKey, Cents), LinesError>> {
        self.may_reserve().filter_map(|found| {
            let reservation = |(job, edit): (JobId, Cow<'_, Edit>)| {
                Some((EditKey { job, fingerprint: edit.fingerprint }, edit.reserved()?))
            };
            found.map(reservation).transpose()
        })
    }

    /// Returns all edits for which money is reserved, and some others.
    fn may_reserve(&self) -> impl Iterator<Item = Result<(JobId, Cow<'_, Edit>), LinesError>> {
        let live = self.live_edits().map(|(job, edit)| Ok((job.clone(), Cow::Borrowed(edit))));
        live.chain(self.archived.reserving().map(|stored| self.owned(&stored)))
    }

    /// Returns the edits whose pictures are in `results/`, at most one per job, in arbitrary order.
    pub fn shown(&self) -> impl Iterator<Item = Result<(JobId, Cow<'_, Edit>), LinesError>> {
        let live = self.live.iter().filter_map(|(job, history)| Some((job, history.shown()?)));
        let live = live.map(|(job, edit)| Ok((job.clone(), Cow::Borrowed(edit))));
        live.chain(self.archived.shown().map(|stored| self.owned(&stored)))
    }

    /// Returns the completed edits whose pictures are not in `results/`, in arbitrary order: those of removed jobs, and
    /// those that another edit of their job has replaced. Only these are read again.
    pub fn put_aside(&self) -> impl Iterator<Item = Result<(JobId, Cow<'_, Edit>), LinesError>> {
        let live = self.live.iter().flat_map(|(job, history)| {
            let is_aside = |edit: &&Edit| {
                matches!(edit.state, EditState::Completed { .. }) && history.shown != Some(edit.fingerprint)
            };
            history.edits().filter(is_aside).map(move |edit| Ok((job.clone(), Cow::Borrowed(edit))))
        });
        live.chain(self.archived.put_aside().map(|stored| self.owned(&stored)))
    }

    /// Returns the names, without extensions, of all pictures with other names than their jobs, which are the further
    /// pictures of jobs with several.
    pub fn further_names(&self) -> impl Iterator<Item = &str> {
        let live = self
            .live_edits()
            .flat_map(|(job, edit)| edit.originals().iter().map(SavedFile::stem).filter(|stem| *stem != job.as_str()));
        live.chain(self.archived.further_names())
    }

    /// Returns the fingerprints of all shown edits, for many lookups without the journal.
    pub fn showing(&self) -> ShownFingerprints {
        let live = self.live.values().filter_map(|history| Some(FingerprintPrefix::of(history.shown?)));
        let mut halves: Vec<FingerprintPrefix> = live.chain(self.archived.shown().map(|stored| stored.edit)).collect();
        halves.sort_unstable();
        ShownFingerprints(halves)
    }

    /// Returns the edits with this fingerprint whose pictures are in `results/`, in arbitrary order. Only these are
    /// read again.
    pub fn shown_as(&self, fingerprint: Fingerprint) -> impl Iterator<Item = Result<EditKey, LinesError>> {
        let half = FingerprintPrefix::of(fingerprint);
        let live = self.live.iter().filter(move |(_, history)| history.shown == Some(fingerprint));
        let live = live.map(move |(job, _)| Ok(EditKey { job: job.clone(), fingerprint }));
        let archived = self.archived.shown().filter(move |stored| stored.edit == half);
        live.chain(archived.map(|stored| Ok(self.source.edit(&stored)?.0)))
    }

    /// Returns the edits whose pictures are in `results/` although `is_asked_for` is false for their jobs, sorted. They
    /// were paid for, so they stay until the user moves them away.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub fn shown_without(&self, is_asked_for: impl Fn(&JobId) -> bool) -> Result<Vec<EditKey>, LinesError> {
        let keys = self.shown().map(|shown| {
            let (job, edit) = shown?;
            Ok(EditKey { job, fingerprint: edit.fingerprint })
        });
        let mut unwanted: Vec<EditKey> =
            keys.filter(|key| key.as_ref().map_or(true, |key| !is_asked_for(&key.job))).collect::<Result<_, _>>()?;
        unwanted.sort();
        Ok(unwanted)
    }

    /// Calls `see` for all edits, with their lines and whether their pictures are in `results/` under the job's name.
    /// The edits of a job are consecutive, oldest first.
    pub(in crate::journal) fn for_each_edit(
        &self,
        mut see: impl FnMut(EditKey, &Edit, &LineOffsets, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        for stored in self.archived.in_order() {
            let (key, Tracked { edit, offsets }) = self.source.edit(&stored).map_err(io::Error::other)?;
            see(key, &edit, &offsets, stored.is_shown)?;
        }
        let mut live: Vec<_> = self.live.iter().collect();
        live.sort_unstable_by_key(|(job, _)| *job);
        for (job, history) in live {
            for Tracked { edit, offsets } in &history.edits {
                let key = EditKey { job: job.clone(), fingerprint: edit.fingerprint };
                see(key, edit, offsets, history.shown == Some(edit.fingerprint))?;
            }
        }
        Ok(())
    }

    fn owned(&self, stored: &ArchivedEdit) -> Result<(JobId, Cow<'_, Edit>), LinesError> {
        let (key, tracked) = self.source.edit(stored)?;
        Ok((key.job, Cow::Owned(tracked.edit)))
    }
}
