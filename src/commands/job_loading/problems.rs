//! Problems with jobs that are found after their rows were read, to be sorted into the problems with rows.

use std::path::PathBuf;

use crate::manifest::{Diagnostic, Problems};

/// A problem with an image of a job, by its number in the manifest.
pub(super) struct ImageProblem {
    pub(super) image: usize,
    pub(super) message: String,
    pub(super) hint: String,
    /// The missing file, if a similar name can be suggested.
    pub(super) missing: Option<PathBuf>,
}

/// Problems with jobs. If there are too many, further ones are only counted.
#[derive(Default)]
pub(super) struct DeferredProblems {
    found: Vec<Diagnostic>,
    more: u64,
}

impl DeferredProblems {
    /// Adds a problem. The diagnostic is created only if it is kept.
    pub(super) fn push(&mut self, diagnostic: impl FnOnce() -> Diagnostic) {
        if self.found.len() == Problems::MAX_KEPT {
            self.more += 1;
        } else {
            self.found.push(diagnostic());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Merges them into `problems`, in the order of the manifest.
    pub(super) fn join(self, problems: &mut Problems) {
        if !self.is_empty() {
            problems.merge(self.found, self.more);
        }
    }
}
