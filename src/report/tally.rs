//! What is counted while the jobs go by.

use std::collections::BTreeMap;

use serde::Serialize;

use super::JobView;
use crate::color::Verdict;
use crate::job::ErrorClass;

/// Figures over all jobs that the batch itself does not carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) jobs: u64,
    pub(crate) colors: Colors,
    pub(crate) errors: BTreeMap<ErrorClass, u64>,
    pub(crate) pictures: u64,
    pub(crate) picture_bytes: u64,
    pub(crate) attempts: u64,
}

/// Jobs by the verdict on their color.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Colors {
    pub(crate) on: u64,
    pub(crate) near: u64,
    pub(crate) off: u64,
    pub(crate) unmeasurable: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, job: &JobView) {
        self.jobs += 1;
        self.attempts += u64::from(job.attempts);
        self.pictures += job.files.len() as u64;
        self.picture_bytes += job.files.iter().map(|file| file.bytes).sum::<u64>();
        if let Some(check) = &job.check {
            *match check.verdict {
                Verdict::On => &mut self.colors.on,
                Verdict::Near => &mut self.colors.near,
                Verdict::Off => &mut self.colors.off,
                Verdict::Unmeasurable => &mut self.colors.unmeasurable,
            } += 1;
        }
        if let Some(class) = job.error_class {
            *self.errors.entry(class).or_default() += 1;
        }
    }
}

impl Colors {
    /// The verdicts in their words, best first.
    pub(crate) fn by_word(self) -> [(&'static str, u64); 4] {
        [("on", self.on), ("near", self.near), ("off", self.off), ("unmeasurable", self.unmeasurable)]
    }

    pub(crate) fn total(self) -> u64 {
        self.on + self.near + self.off + self.unmeasurable
    }
}
