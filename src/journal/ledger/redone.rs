use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::job::{Fingerprint, JobId, Seed};
use crate::journal::format::Redo;

/// The edits that are made anew with other seeds, by job.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Redone(BTreeMap<JobId, Vec<Replacement>>);

/// An edit, and the seed with which it is made anew.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Replacement {
    fingerprint: Fingerprint,
    instead_of: Option<Seed>,
    seed: Seed,
    /// Whether the user has undone it. Its seed stays used.
    is_undone: bool,
}

impl Redone {
    pub(super) fn apply(&mut self, redo: &Redo) {
        let Redo { job, fingerprint, instead_of, seed } = redo;
        let replacements = self.0.entry(job.clone()).or_default();
        for replacement in replacements.iter_mut().filter(|known| known.fingerprint == *fingerprint) {
            replacement.is_undone = true;
        }
        let (fingerprint, instead_of) = (*fingerprint, *instead_of);
        replacements.extend(seed.map(|seed| Replacement { fingerprint, instead_of, seed, is_undone: false }));
    }

    /// Whether no job is made anew.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the edit that takes the place of one, and its seed; `None` if the edit is not made anew. `with_seed`
    /// returns the fingerprint of the same request with another seed.
    ///
    /// # Errors
    ///
    /// An error of `with_seed`.
    pub fn newest<E>(
        &self,
        job: &str,
        fingerprint: Fingerprint,
        with_seed: impl Fn(Seed) -> Result<Fingerprint, E>,
    ) -> Result<Option<(Fingerprint, Seed)>, E> {
        // What takes the place of an edit is made anew later than that.
        let mut newest = None;
        for replacement in self.current(job) {
            if replacement.fingerprint == newest.map_or(fingerprint, |(fingerprint, _)| fingerprint) {
                newest = Some((with_seed(replacement.seed)?, replacement.seed));
            }
        }
        Ok(newest)
    }

    /// Whether an edit is made anew.
    pub fn has(&self, job: &str, fingerprint: Fingerprint) -> bool {
        self.current(job).any(|known| known.fingerprint == fingerprint)
    }

    /// Returns the edit that was made anew last, if any was.
    pub fn last(&self, job: &str) -> Option<Fingerprint> {
        self.current(job).last().map(|known| known.fingerprint)
    }

    /// Whether a result of the job was made with this seed, as far as is known.
    pub fn is_used(&self, job: &str, seed: Seed) -> bool {
        self.of(job).any(|known| known.seed == seed || known.instead_of == Some(seed))
    }

    fn current(&self, job: &str) -> impl Iterator<Item = &Replacement> {
        self.of(job).filter(|known| !known.is_undone)
    }

    fn of(&self, job: &str) -> impl Iterator<Item = &Replacement> {
        self.0.get(job).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redo(fingerprint: u128, seed: Option<u16>) -> Redo {
        let fingerprint = format!("{fingerprint:032x}").parse().unwrap();
        let seed = seed.and_then(Seed::new);
        Redo { job: JobId::new("a").unwrap(), fingerprint, instead_of: Seed::new(42), seed }
    }

    #[test]
    fn a_job_is_made_anew_again_and_taken_back_step_by_step() {
        let (first, second) = (redo(1, Some(5)), redo(2, Some(6)));
        let of = |number: u128| redo(number, None).fingerprint;
        let with_seed = |seed: Seed| Ok::<_, ()>(of(u128::from(seed.get()) - 3));
        let newest = |redone: &Redone, number| {
            redone.newest("a", of(number), with_seed).unwrap().map(|(fingerprint, seed)| (fingerprint, seed.get()))
        };
        let mut redone = Redone::default();
        redone.apply(&first);
        assert_eq!((newest(&redone, 1), newest(&redone, 2)), (Some((of(2), 5)), None));
        redone.apply(&second);
        assert_eq!((newest(&redone, 1), newest(&redone, 2)), (Some((of(3), 6)), Some((of(3), 6))));
        assert_eq!((redone.last("a"), redone.last("b")), (Some(of(2)), None));
        redone.apply(&redo(2, None));
        assert_eq!((newest(&redone, 1), newest(&redone, 2)), (Some((of(2), 5)), None));
        assert_eq!(redone.last("a"), Some(of(1)));
        let is_used = |seed| redone.is_used("a", Seed::new(seed).unwrap());
        assert!(is_used(5) && is_used(6) && is_used(42) && !is_used(7), "a seed that was tried stays used");
        redone.apply(&redo(2, Some(8)));
        assert_eq!(newest(&redone, 1), Some((of(5), 8)));
        assert!(redone.has("a", of(2)) && !redone.has("a", of(5)));
    }
}
