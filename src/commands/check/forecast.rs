use serde::Serialize;

use crate::commands::decision::decide;
use crate::commands::options::Options;
use crate::commands::unknown_pictures::UnknownPictures;
use crate::job::Cents;
use crate::journal::{EditKey, Ledger};
use crate::plan::{Decision, Kept, KnownEdit};
use crate::run_folder::FolderError;

use super::pace::Pace;

/// A forecast of what a run would do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Forecast {
    pub(super) jobs: u64,
    pub(super) new: u64,
    pub(super) changed: u64,
    pub(super) reused: u64,
    pub(super) failed: u64,
    pub(super) uncertain: u64,
    pub(super) held_back: u64,
    pub(super) estimate_cents: Cents,
    #[serde(flatten)]
    pub(super) pace: Pace,
    pub(super) submits: u64,
    /// The number of changed jobs whose pictures would be kept aside.
    #[serde(skip)]
    pub(super) displaced: u64,
}

impl Forecast {
    /// Adds a job, which is new if it has no `key`. Returns its decision and the picture that holds it back; `None` if
    /// it is beyond `--limit`.
    pub(super) fn add(
        &mut self,
        key: Option<&EditKey>,
        ledger: &Ledger,
        unknown_pictures: &UnknownPictures<'_>,
        options: &Options,
    ) -> Result<Option<(Decision, Option<String>)>, FolderError> {
        if !options.selection.is_below_limit(usize::try_from(self.jobs).unwrap_or(usize::MAX)) {
            return Ok(None);
        }
        self.jobs += 1;
        let (decision, picture) = match key {
            Some(key) => {
                let known = KnownEdit::of(key, ledger);
                let decision = decide(&options.folder, ledger, key, &known, options.choices)?;
                unknown_pictures.hold_back(&key.job, decision)?
            }
            None => (Decision::New, None),
        };
        *match decision {
            Decision::New => &mut self.new,
            Decision::Changed => &mut self.changed,
            Decision::Keep(Kept::Failed) | Decision::Retry | Decision::FollowOrResubmit => &mut self.failed,
            Decision::Keep(Kept::Uncertain) | Decision::Resubmit => &mut self.uncertain,
            Decision::Keep(Kept::HeldBack) => &mut self.held_back,
            Decision::Follow
            | Decision::Recover
            | Decision::Reinstate
            | Decision::ReviewColor
            | Decision::Keep(Kept::Completed | Kept::Retouched) => &mut self.reused,
        } += 1;
        self.submits += u64::from(decision.submits());
        let is_changed = decision == Decision::Changed;
        self.displaced += u64::from(is_changed && key.is_some_and(|key| ledger.is_shown(&key.job)));
        Ok(Some((decision, picture)))
    }

    pub(super) fn finish(&mut self, ledger: &Ledger, options: &Options) {
        self.estimate_cents = options.price(ledger).times(self.submits);
        self.pace = Pace::of(self.submits, &options.settings, options.backend, ledger);
    }
}
