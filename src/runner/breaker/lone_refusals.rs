use std::time::Duration;

/// The number of submits that are answered otherwise before a lone refusal.
const MIN_ANSWERED: u32 = 5;

/// Tells a lone refusal among accepted submits from several in a short time. After a lone one, the rate alone is slow
/// enough, so that no pause is needed. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LoneRefusals {
    /// How many submits were answered otherwise since one was refused.
    answered: u32,
    /// When the last lone refusal was known.
    known_at: Duration,
}

impl LoneRefusals {
    /// Records that a submit was accepted, or rejected for itself.
    pub(super) fn answered(&mut self) {
        self.answered = self.answered.saturating_add(1);
    }

    /// Records that a submit sent at `sent` was refused at `now`. Returns whether that is a lone refusal. One of a submit
    /// that was open at a lone refusal belongs to it, unless it follows another one directly.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration) -> bool {
        let answered = std::mem::take(&mut self.answered);
        if sent < self.known_at {
            return answered > 0;
        }
        let is_lone = answered >= MIN_ANSWERED;
        if is_lone {
            self.known_at = now;
        }
        is_lone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_lone_if_several_submits_were_answered_before_it() {
        let at = Duration::from_secs;
        let mut refusals = LoneRefusals::default();
        assert!(!refusals.refused(at(0), at(2)), "none was answered before");
        (0..MIN_ANSWERED).for_each(|_| refusals.answered());
        assert!(refusals.refused(at(10), at(12)));
        refusals.answered();
        assert!(!refusals.refused(at(12), at(14)), "refusals are frequent");
        (1..MIN_ANSWERED).for_each(|_| refusals.answered());
        assert!(!refusals.refused(at(20), at(22)), "refusals are frequent");
    }

    #[test]
    fn open_submits_that_are_refused_too_belong_to_it_if_others_are_accepted() {
        let at = Duration::from_secs;
        let mut refusals = LoneRefusals::default();
        (0..MIN_ANSWERED).for_each(|_| refusals.answered());
        assert!(refusals.refused(at(10), at(14)));
        refusals.answered();
        assert!(refusals.refused(at(12), at(16)));
        assert!(!refusals.refused(at(13), at(17)), "all are refused");
    }
}
