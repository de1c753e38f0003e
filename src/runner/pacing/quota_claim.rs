use std::time::Duration;

use crate::api::RateLimits;

use super::advertised::RESET_PRECISION;

/// The longest wait because of headers alone. After it, one request goes out and shows whether they are right: if so,
/// it is refused at no cost, with a hint of its own.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// What headers claim about an exhausted quota, and whether that was right. Pure: times are those since the run
/// started.
#[derive(Debug, Default)]
pub(in crate::runner) struct QuotaClaim {
    claim: Option<Claim>,
    is_disproved: bool,
}

/// The claim that every request before a point in time is refused.
#[derive(Clone, Copy, Debug)]
struct Claim {
    made: Duration,
    until: Duration,
}

impl QuotaClaim {
    /// Handles the headers of an answer at `now`. Returns how long to wait if the quota is used up.
    pub(in crate::runner) fn wait(&mut self, limits: RateLimits, now: Duration) -> Option<Duration> {
        let wait = limits.used_up().filter(|_| !self.is_disproved)?;
        // A claim that already holds is the one that later requests were sent against.
        let made = self.claim.filter(|claim| now < claim.until).map_or(now, |claim| claim.made);
        self.claim = Some(Claim { made, until: now + wait });
        Some(wait.min(MAX_WAIT))
    }

    /// Records that a request sent at `sent` was accepted. Returns whether that disproves the claim for the first
    /// time.
    pub(in crate::runner) fn went_through(&mut self, sent: Duration) -> bool {
        let was_disproved = self.is_disproved;
        self.is_disproved |= self.claim.is_some_and(|claim| claim.made < sent && sent + RESET_PRECISION < claim.until);
        self.is_disproved && !was_disproved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Remaining;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn none_for(seconds: u64) -> RateLimits {
        RateLimits { quota: None, remaining: Some(Remaining { count: 0, reset: at(seconds) }), total: None }
    }

    #[test]
    fn a_quota_that_is_used_up_is_waited_for_a_minute_at_most() {
        let mut claim = QuotaClaim::default();
        assert_eq!(claim.wait(none_for(12), at(1)), Some(at(12)));
        assert_eq!(claim.wait(none_for(3600), at(13)), Some(at(60)));
        assert_eq!(claim.wait(RateLimits::default(), at(80)), None);
    }

    #[test]
    fn headers_are_believed_no_more_once_something_went_through_against_them() {
        let mut claim = QuotaClaim::default();
        claim.wait(none_for(3600), at(10));
        assert!(!claim.went_through(at(9)), "it was under way before");
        claim.wait(none_for(3600), at(71));
        assert!(claim.went_through(at(70)));
        assert!(!claim.went_through(at(72)), "that is known");
        assert_eq!(claim.wait(none_for(3600), at(80)), None);
    }

    #[test]
    fn headers_that_are_right_stay_believed() {
        let mut claim = QuotaClaim::default();
        for window in 0..50 {
            let end = window * 10 + 10;
            assert_eq!(claim.wait(none_for(4), at(end - 4)), Some(at(4)));
            assert!(!claim.went_through(at(end)));
        }
    }
}
