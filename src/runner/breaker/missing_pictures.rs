use std::time::Duration;

use crate::runner::streak::Streak;

use super::{BreakerAction, probe_delay};

/// The number of consecutive paid jobs without a picture from which the next submit is a probe.
const MAX_WITHOUT_PICTURE: u32 = 10;

/// Detects that what is paid for leaves no pictures, because all predictions fail or their host is down. Pure.
#[derive(Debug, Default)]
pub(super) struct MissingPictures {
    jobs: Streak,
    probes: u32,
    next_probe: Duration,
}

impl MissingPictures {
    /// Records that a paid job ended without a picture, or cannot download it for now.
    pub(super) fn add(&mut self, now: Duration, give_up_after: Duration) -> BreakerAction {
        self.jobs.fail(now);
        self.decide(now, give_up_after)
    }

    /// Decides anew after one of the jobs has failed to download its pictures again.
    pub(super) fn decide(&mut self, now: Duration, give_up_after: Duration) -> BreakerAction {
        if self.next_probe().is_none_or(|probe| now < probe) {
            return BreakerAction::Continue;
        }
        let Some(wait) = probe_delay(self.probes, self.jobs.lasted(now), give_up_after) else {
            return BreakerAction::GiveUp;
        };
        self.probes += 1;
        self.next_probe = now + wait;
        BreakerAction::Pause(wait)
    }

    /// Records that a picture was saved.
    pub(super) fn end(&mut self) {
        *self = MissingPictures::default();
    }

    /// Returns when the next submit may go out as a probe, if too many pictures are missing.
    pub(super) fn next_probe(&self) -> Option<Duration> {
        (self.jobs.count() >= MAX_WITHOUT_PICTURE).then_some(self.next_probe)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MIN_PROBE_DELAY;
    use super::*;

    const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn missing_at(second: u64) -> MissingPictures {
        let mut missing = MissingPictures::default();
        for _ in 1..MAX_WITHOUT_PICTURE {
            assert_eq!(missing.add(at(second), GIVE_UP_AFTER), BreakerAction::Continue);
        }
        missing
    }

    #[test]
    fn ten_jobs_in_a_row_without_a_picture_make_the_next_submits_probes_that_become_rarer() {
        let mut missing = missing_at(0);
        assert_eq!(missing.next_probe(), None);
        assert_eq!(missing.add(at(1), GIVE_UP_AFTER), BreakerAction::Pause(MIN_PROBE_DELAY));
        assert_eq!(missing.next_probe(), Some(at(6)));
        assert_eq!(missing.add(at(2), GIVE_UP_AFTER), BreakerAction::Continue, "it was submitted before");
        assert_eq!(missing.add(at(8), GIVE_UP_AFTER), BreakerAction::Pause(2 * MIN_PROBE_DELAY));
    }

    #[test]
    fn a_picture_ends_it() {
        let mut missing = missing_at(0);
        missing.add(at(1), GIVE_UP_AFTER);
        missing.end();
        assert_eq!(missing.next_probe(), None);
        assert_eq!(missing.add(at(90), GIVE_UP_AFTER), BreakerAction::Continue);
    }

    #[test]
    fn it_gives_up_in_time_even_if_only_downloads_are_tried_again() {
        let mut missing = missing_at(0);
        assert_eq!(missing.add(at(58), GIVE_UP_AFTER), BreakerAction::Pause(at(2)), "no longer than is left");
        assert_eq!(missing.decide(at(59), GIVE_UP_AFTER), BreakerAction::Continue);
        assert_eq!(missing.decide(at(60), GIVE_UP_AFTER), BreakerAction::GiveUp);
    }
}
