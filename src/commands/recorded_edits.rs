use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use crate::job::{ContentHash, Fingerprint, JobId, JobIdRef, Seed};
use crate::journal::{EditKey, Ledger};
use crate::plan::PlannedJob;
use crate::run_folder::{RunFolder, plan_lines};

use super::job_loading::{NotHashed, Sent};

/// The edits of a folder, for finding the one that a row asks for under the fingerprint that it was recorded with.
/// Earlier versions computed fingerprints of requests as they were written, and not of their normal form.
///
/// Only rows that are not in normal form are looked up.
pub(super) struct RecordedEdits<'f, L> {
    folder: &'f RunFolder,
    /// Returns the folder's ledger, if it has one. It may take a while.
    ledger: L,
    /// The fingerprints of the folder's plan that are not those of the normal form. It is read when the first row needs
    /// it.
    planned: OnceLock<HashMap<JobId, Planned>>,
}

/// The fingerprints of a job of the plan.
struct Planned {
    normal: Fingerprint,
    recorded: Fingerprint,
}

impl<'f, 'l, L: Fn() -> Option<&'l Ledger>> RecordedEdits<'f, L> {
    pub(super) fn of(folder: &'f RunFolder, ledger: L) -> RecordedEdits<'f, L> {
        RecordedEdits { folder, ledger, planned: OnceLock::new() }
    }

    /// Returns the fingerprint of the edit that a row asks for. If the user wants another result than that of the row's own
    /// request, it also returns the seed that takes the place of the row's.
    ///
    /// # Errors
    ///
    /// A local picture was not hashed.
    pub(super) fn edit(&self, id: &JobIdRef<'_>, sent: &Sent<'_>) -> Result<(Fingerprint, Option<Seed>), NotHashed> {
        let own = self.fingerprint(id, sent)?;
        let Some(ledger) = (self.ledger)() else { return Ok((own, None)) };
        let newest = ledger.redone().newest(id.as_str(), own, |seed| sent.fingerprint_with(seed))?;
        Ok(newest.map_or((own, None), |(fingerprint, seed)| (fingerprint, Some(seed))))
    }

    /// Returns the fingerprint of a row's own request. It is that of the normal form, unless the journal only knows the
    /// edit under another one.
    ///
    /// # Errors
    ///
    /// A local picture was not hashed.
    fn fingerprint(&self, id: &JobIdRef<'_>, sent: &Sent<'_>) -> Result<Fingerprint, NotHashed> {
        let normal = sent.fingerprint()?;
        let Some(written) = sent.fingerprint_as_written()? else { return Ok(normal) };
        let Some(ledger) = (self.ledger)() else { return Ok(normal) };
        let job = id.to_id();
        let is_recorded = |fingerprint| ledger.brief(&EditKey { job: job.clone(), fingerprint }).is_some();
        if !ledger.knows(&job) || is_recorded(normal) {
            return Ok(normal);
        }
        if is_recorded(written) {
            return Ok(written);
        }
        let planned = self.planned.get_or_init(|| planned(self.folder)).get(&job);
        let planned = planned.filter(|planned| planned.normal == normal && is_recorded(planned.recorded));
        Ok(planned.map_or(normal, |planned| planned.recorded))
    }
}

/// Returns the jobs of the folder's plan that were recorded with other fingerprints than those of their normal forms. A
/// plan that cannot be read has none; it is replaced anyway. Nor have jobs with local pictures, whose content may have
/// changed since.
fn planned(folder: &RunFolder) -> HashMap<JobId, Planned> {
    let Ok(lines) = plan_lines(folder) else { return HashMap::new() };
    let other = |PlannedJob { fingerprint: recorded, job }: PlannedJob| {
        let normal = Fingerprint::of(&job.request, |_: &Path| Err::<ContentHash, ()>(())).ok()?;
        (normal != recorded).then_some((job.id, Planned { normal, recorded }))
    };
    lines.filter_map(|line| other(line.ok()?.job().ok()?)).collect()
}
