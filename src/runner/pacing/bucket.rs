use std::time::Duration;

/// A token bucket that stores only when the next token is due: the generic cell rate algorithm of ITU-T I.371. Pure:
/// callers pass the time since the run started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    interval: Duration,
    burst: u32,
    due: Duration,
}

impl Bucket {
    /// Creates a full bucket of `burst` tokens, one of which is added each `interval`.
    pub(super) fn new(interval: Duration, burst: u32) -> Bucket {
        Bucket { interval, burst, due: Duration::ZERO }
    }

    /// Returns the bucket as it is if it was empty this long before now.
    pub(super) fn empty_before(self, idle: Duration) -> Bucket {
        Bucket { due: self.interval.saturating_mul(self.burst).saturating_sub(idle), ..self }
    }

    /// Takes a token at `now`, or returns when the next one is available.
    pub(super) fn try_take(&mut self, now: Duration) -> Result<(), Duration> {
        let due = self.due.max(now);
        let allowance = self.interval.saturating_mul(self.burst.saturating_sub(1));
        if due > now + allowance {
            return Err(due.saturating_sub(allowance));
        }
        self.due = due + self.interval;
        Ok(())
    }

    /// Adds a token each `interval` from `now` on. Tokens that are missing stay missing, and return at the new rate.
    pub(super) fn set_interval(&mut self, now: Duration, interval: Duration) {
        let missing = self.due.saturating_sub(now).as_secs_f64() / self.interval.as_secs_f64().max(f64::EPSILON);
        let missing = missing.min(f64::from(self.burst));
        if missing > 0.0 {
            self.due = now + interval.mul_f64(missing);
        }
        self.interval = interval;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_that_was_empty_has_the_tokens_of_the_time_since() {
        let second = Duration::from_secs;
        let empty_before = |idle| Bucket::new(second(6), 2).empty_before(second(idle));
        assert_eq!(empty_before(1).try_take(Duration::ZERO), Err(second(5)));
        assert_eq!(empty_before(1).try_take(second(5)), Ok(()));
        let (mut one, mut full) = (empty_before(6), empty_before(60));
        assert_eq!([(); 2].map(|()| one.try_take(Duration::ZERO)), [Ok(()), Err(second(6))]);
        assert_eq!([(); 3].map(|()| full.try_take(Duration::ZERO)), [Ok(()), Ok(()), Err(second(6))]);
    }

    proptest! {
        /// Whatever the times of requests, no span has more tokens than its share and a burst.
        #[test]
        fn no_span_holds_more_than_its_share(
            interval in 1_u64..2_000, burst in 1_u32..8, steps in prop::collection::vec(0_u64..3_000, 1..200),
        ) {
            let mut bucket = Bucket::new(Duration::from_millis(interval), burst);
            let (mut now, mut taken) = (0, Vec::new());
            for step in steps {
                now += step;
                while bucket.try_take(Duration::from_millis(now)).is_ok() {
                    taken.push(now);
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (count, end) in taken[first..].iter().enumerate() {
                    prop_assert!((count as u64) < (end - start) / interval + u64::from(burst));
                }
            }
        }

        /// Whatever the changes of the rate, no more tokens are given out than at the fastest, and no change creates
        /// one.
        #[test]
        fn a_change_of_pace_makes_no_token(
            intervals in prop::collection::vec(1_u64..2_000, 1..20), burst in 1_u32..8, wait in 0_u64..500,
        ) {
            let mut bucket = Bucket::new(Duration::from_secs(3), burst);
            let mut now = Duration::from_secs(5);
            while bucket.try_take(now).is_ok() {}
            for interval in intervals {
                bucket.set_interval(now, Duration::from_millis(interval));
                prop_assert!(bucket.clone().try_take(now).is_err(), "a change to {interval} ms gave one away");
                now += Duration::from_millis(wait);
                while bucket.try_take(now).is_ok() {}
            }
        }

        /// A request at the returned time gets a token.
        #[test]
        fn the_time_that_is_named_is_right(interval in 1_u64..2_000, burst in 1_u32..8) {
            let mut bucket = Bucket::new(Duration::from_millis(interval), burst);
            let mut now = Duration::from_secs(5);
            for _ in 0..50 {
                while let Err(until) = bucket.try_take(now) {
                    prop_assert!(until > now);
                    prop_assert!(bucket.clone().try_take(until - Duration::from_nanos(1)).is_err());
                    now = until;
                }
            }
        }
    }
}
