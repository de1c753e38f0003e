use crate::commands::job_loading::{NotHashed, Sent};
use crate::commands::options::Selection;
use crate::commands::recorded_edits::RecordedEdits;
use crate::job::{ImageRef, JobRef};
use crate::journal::{EditKey, Ledger};
use crate::manifest::FoundJob;
use crate::plan::JobFeatures;

/// A job of the manifest.
pub(super) struct Row {
    /// Whether it has pictures in `results/`, of any edit.
    pub(super) is_shown: bool,
    /// `None` if `--only` does not select it.
    pub(super) candidate: Option<Candidate>,
}

/// The data of a job that `--only` selects.
pub(super) struct Candidate {
    pub(super) features: JobFeatures,
    /// `None` if only the features are needed, to save memory with a million jobs.
    pub(super) details: Option<Box<Details>>,
}

/// The parts of a job that are compared with the folder and the network.
#[derive(Default)]
pub(super) struct Details {
    pub(super) key: Option<EditKey>,
    /// The image URLs for `--probe`.
    pub(super) urls: Vec<String>,
}

/// Creates candidates from jobs, on any of the threads that read rows.
pub(super) struct Candidates<'s, L> {
    pub(super) selection: &'s Selection,
    pub(super) ledger: &'s Ledger,
    pub(super) recorded: RecordedEdits<'s, L>,
    /// Whether the folder has jobs that candidates are compared with.
    pub(super) needs_keys: bool,
    /// Whether URLs are probed.
    pub(super) needs_urls: bool,
}

impl<'l, L: Fn() -> Option<&'l Ledger>> Candidates<'_, L> {
    /// Returns the job, as a candidate if it is selected.
    ///
    /// # Errors
    ///
    /// A local picture was not hashed.
    pub(super) fn make(&self, found: &FoundJob<'_>, sent: &Sent<'_>) -> Result<Row, NotHashed> {
        let job = found.job;
        let is_shown = !self.ledger.is_blank() && self.ledger.is_shown(&job.id.to_id());
        if !self.selection.names(job.id.as_str()) {
            return Ok(Row { is_shown, candidate: None });
        }
        let (key, request_hash) = if self.needs_keys {
            let (fingerprint, _) = self.recorded.edit(&job.id, sent)?;
            (Some(EditKey { job: job.id.to_id(), fingerprint }), fingerprint.into())
        } else {
            (None, sent.request_hash()?)
        };
        let urls = if self.needs_urls { urls_of(job) } else { Vec::new() };
        let details = (self.needs_keys || self.needs_urls).then(|| Box::new(Details { key, urls }));
        let features = JobFeatures::of(job, request_hash);
        Ok(Row { is_shown, candidate: Some(Candidate { features, details }) })
    }
}

fn urls_of(job: &JobRef<'_>) -> Vec<String> {
    let url = |image: &ImageRef<'_>| match image {
        ImageRef::Url(url) => Some(url.as_str().to_owned()),
        ImageRef::Data(_) | ImageRef::File(_) => None,
    };
    job.request.images.iter().filter_map(url).collect()
}
