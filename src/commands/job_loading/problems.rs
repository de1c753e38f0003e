//! What is found out about jobs after their rows were read, which has its place among what is wrong with rows.

use std::path::PathBuf;

use crate::manifest::{Diagnostic, Problems};

/// What is wrong with an image of a job, by its number in the manifest.
pub(super) struct ImageProblem {
    pub(super) image: usize,
    pub(super) message: String,
    pub(super) hint: String,
    /// The file that is not there, where another one may be meant.
    pub(super) missing: Option<PathBuf>,
}

/// What is wrong with some jobs, as far as it is told.
#[derive(Default)]
pub(super) struct DeferredProblems {
    found: Vec<Diagnostic>,
    more: u64,
}

impl DeferredProblems {
    /// Takes one more, whose place is looked for only if there is room to tell it.
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

    /// Puts all of them among `problems`, in the manifest's order.
    pub(super) fn join(self, problems: &mut Problems) {
        if !self.is_empty() {
            problems.merge(self.found, self.more);
        }
    }
}
