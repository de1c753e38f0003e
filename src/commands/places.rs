//! What is found out about jobs after their rows were read, and where in the manifest it belongs.

use std::collections::HashMap;

use crate::job::JobId;
use crate::manifest::{Manifest, Problems};

use super::Failure;

/// What is wrong with an image of a job, by its number in the manifest, or with the job as a whole.
pub(super) struct Wrong {
    pub(super) image: Option<usize>,
    pub(super) message: String,
    pub(super) hint: String,
}

/// What is wrong with some jobs. The manifest is read once more to find their places, which is for those alone who have
/// something to mend.
#[derive(Default)]
pub(super) struct Places {
    wrongs: HashMap<JobId, Vec<Wrong>>,
    kept: usize,
    more: u64,
}

impl Places {
    /// Takes one more.
    pub(super) fn push(&mut self, job: &JobId, wrong: Wrong) {
        if self.kept == Problems::KEPT {
            self.more += 1;
            return;
        }
        self.kept += 1;
        self.wrongs.entry(job.clone()).or_default().push(wrong);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept == 0
    }

    /// Puts all of them among `problems`, in the manifest's order.
    pub(super) fn find(mut self, manifest: &Manifest, problems: &mut Problems) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        let mut jobs = manifest.jobs().map_err(Failure::Manifest)?;
        let mut found = Vec::with_capacity(self.kept);
        while let Some(job) = jobs.next() {
            let Ok(job) = job else { continue };
            let wrongs = self.wrongs.remove(&job.id).unwrap_or_default();
            found.extend(wrongs.into_iter().map(|wrong| jobs.about(&job.id, wrong.image, wrong.message, wrong.hint)));
            if self.wrongs.is_empty() {
                break;
            }
        }
        problems.merge(found, self.more);
        Ok(())
    }
}
