use super::ledger::Ledger;

impl Ledger {
    /// Whether another ledger has the same live jobs, the same archived ones and the same totals. Their lines may be at
    /// other places, as in a compacted journal.
    pub fn has_same_state(&self, other: &Ledger) -> bool {
        let is_live_there = |(job, history)| other.live_history(job).is_some_and(|there| there.has_same_edits(history));
        self.live.len() == other.live.len()
            && self.live.iter().all(is_live_there)
            && self.archived.has_same_edits(&other.archived)
            && self.aggregates == other.aggregates
    }
}

/// Asserts that two ledgers have the same state. Names the first edit that differs.
#[cfg(test)]
#[track_caller]
pub(crate) fn assert_same_state(one: &Ledger, other: &Ledger) {
    let mut jobs: Vec<_> = one.live.keys().chain(other.live.keys()).collect();
    jobs.sort();
    for job in jobs {
        let [this, that] = [one, other].map(|ledger| {
            let history = ledger.live_history(job);
            history.map(|history| (history.shown, history.edits().collect::<Vec<_>>()))
        });
        assert_eq!(this, that, "the edits of job {job} differ");
    }
    let [this, that] = [one, other].map(|ledger| serde_json::to_value(&ledger.aggregates).unwrap());
    assert_eq!(this, that, "the totals differ");
    assert!(one.has_same_state(other), "archived edits, or the predictions that are known, differ");
}
