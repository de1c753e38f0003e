//! Problems with jobs that are found after their rows were read, and are sorted into the problems with rows.

use std::path::PathBuf;

use crate::manifest::{Diagnostic, Problems};

/// A problem with an image of a job, by its number in the manifest.
pub(super) struct ImageProblem {
    pub(super) image: usize,
    pub(super) message: String,
    pub(super) hint: String,
    /// The missing file, if another one may be meant.
    pub(super) missing: Option<PathBuf>,
}

/// Problems with jobs; the rest are only counted once there are too many to list.
#[derive(Default)]
pub(super) struct DeferredProblems {
    found: Vec<Diagnostic>,
    more: u64,
}

impl DeferredProblems {
    /// Adds a problem. The diagnostic is made only if there is room for it.
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

    /// Merges all of them into `problems`, in the manifest's order.
    pub(super) fn join(self, problems: &mut Problems) {
        if !self.is_empty() {
            problems.merge(self.found, self.more);
        }
    }
}
