use serde::Serialize;

use crate::color::Hex;
use crate::commands::decision::Decider;
use crate::commands::options::Options;
use crate::job::Cents;
use crate::journal::{EditKey, Ledger};
use crate::plan::{Decided, Decision, DecisionCounts};
use crate::run_folder::FolderError;

use super::pace::Pace;

/// A forecast of what a run would do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Forecast {
    #[serde(flatten)]
    pub(super) counts: DecisionCounts,
    /// The number of jobs with pictures that are no longer in the manifest.
    pub(super) removed: u64,
    pub(super) estimate_cents: Cents,
    /// The cost of the re-rolls that may follow, at most.
    pub(super) further_rerolls_cents: Cents,
    #[serde(flatten)]
    pub(super) pace: Pace,
}

impl Forecast {
    /// Adds a job, which is new if it has no `key`. Returns its decision and the picture that holds it back; `None` if
    /// it is beyond `--limit`.
    pub(super) fn add<'l>(
        &mut self,
        key: Option<&EditKey>,
        colors: &[Hex],
        ledger: &Ledger,
        decider: &Decider<'l>,
        options: &Options,
    ) -> Result<Option<(Decided<'l>, Option<String>)>, FolderError> {
        if !options.selection.is_below_limit(usize::try_from(self.counts.jobs).unwrap_or(usize::MAX)) {
            return Ok(None);
        }
        let (decided, picture) = match key {
            Some(key) => decider.decide(key, || Ok(colors.to_vec()))?,
            None => {
                let rules = options.color_rules();
                (Decided::of(None, Decision::New, Decision::New, colors, rules.as_ref()), None)
            }
        };
        let is_changed = decided.decision == Decision::Changed;
        self.counts.add(&decided, is_changed && key.is_some_and(|key| ledger.is_shown(&key.job)));
        Ok(Some((decided, picture)))
    }

    pub(super) fn finish(&mut self, ledger: &Ledger, options: &Options) {
        let price = options.price(ledger);
        self.estimate_cents = price.times(self.counts.submits);
        self.further_rerolls_cents = price.times(self.counts.further_rerolls);
        self.pace = Pace::of(self.counts.submits, &options.settings, options.backend, ledger);
    }
}
