use std::time::Duration;

/// The rate from which requests are not held back, per second. More than a few are rarely under way at once.
const FASTEST: f64 = 64.0;

/// The lowest rate, per second. It shows soon enough that a host is no longer busy.
const SLOWEST: f64 = 0.2;

/// What a refusal leaves of the rate. Half of it, as in plain congestion control, takes a quarter longer for a host that
/// counts its requests.
const DECREASE: f64 = 0.7;

/// By which factor, and by how much per second in addition, the rate grows with each answer. The factor sets the share of
/// refusals at which the rate stays the same, one in ten: more of them show that a host is busy, and fewer, at random, must
/// not hold downloads back. The addition is for low rates, after an outage.
const GROWTH: f64 = 1.04;
const INCREASE: f64 = 0.1;

/// The rate of requests to a host that has refused some: it falls with each wave of refusals and grows with each answer. Pure:
/// callers pass the time since some start.
#[derive(Debug)]
pub(super) struct HostRate {
    per_second: f64,
    /// When the next request may be sent at this rate.
    due: Duration,
    /// When the last of the waits ends for which the host has asked.
    paused_until: Duration,
    /// When the rate last fell. Refusals of requests that were sent before say nothing about the new rate.
    slowed_at: Duration,
}

impl HostRate {
    /// Returns the rate of a host that has refused nothing so far.
    pub(super) fn new() -> HostRate {
        let zero = Duration::ZERO;
        HostRate { per_second: FASTEST, due: zero, paused_until: zero, slowed_at: zero }
    }

    /// Takes the turn of a request at `now`, or returns how long it must wait for one.
    pub(super) fn try_take(&mut self, now: Duration) -> Result<(), Duration> {
        let at = self.due.max(self.paused_until);
        if at > now {
            return Err(at - now);
        }
        self.due = now + self.interval();
        Ok(())
    }

    /// Records at `now` that a request sent at `sent` was refused, and how long the host asks to wait.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, wait: Duration) {
        self.paused_until = self.paused_until.max(now + wait);
        if sent >= self.slowed_at {
            self.per_second = (self.per_second * DECREASE).max(SLOWEST);
            self.slowed_at = now;
            self.due = now + self.interval();
        }
    }

    /// Records that a request was answered.
    pub(super) fn answered(&mut self) {
        self.per_second = self.per_second * GROWTH + INCREASE;
    }

    /// Whether requests are no longer held back.
    pub(super) fn is_unlimited(&self) -> bool {
        self.per_second >= FASTEST
    }

    fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long an answer takes, and the number of requests under way at once, in a simulation.
    const LATENCY: Duration = Duration::from_millis(50);
    const AT_ONCE: usize = 8;

    /// The results of a simulation.
    #[derive(Debug)]
    struct Simulated {
        took: Duration,
        requests: u32,
        longest_gap: Duration,
    }

    /// Downloads pictures from a host that `allows` requests at some times. A request that is refused is repeated.
    fn simulate(pictures: u32, wait: Duration, mut allows: impl FnMut(Duration) -> bool) -> Simulated {
        let (mut rate, mut now, mut answered) = (HostRate::new(), Duration::ZERO, 0);
        let mut simulated = Simulated { took: now, requests: 0, longest_gap: now };
        let (mut under_way, mut last) = (std::collections::VecDeque::new(), now);
        while answered < pictures {
            let turn = if under_way.len() < AT_ONCE { rate.try_take(now) } else { Err(Duration::MAX) };
            let Err(until) = turn else {
                simulated.requests += 1;
                simulated.longest_gap = simulated.longest_gap.max(now - last);
                last = now;
                under_way.push_back((now, allows(now)));
                continue;
            };
            let next_answer = under_way.front().map(|(sent, _)| *sent + LATENCY);
            match next_answer.filter(|at| *at <= now.saturating_add(until)) {
                None => now += until,
                Some(at) => {
                    now = at;
                    match under_way.pop_front() {
                        Some((sent, false)) => rate.refused(sent, now, wait),
                        _ => {
                            answered += 1;
                            rate.answered();
                        }
                    }
                }
            }
        }
        simulated.took = now;
        simulated
    }

    /// A host that allows this many requests in each second, whenever they come in it.
    fn in_each_second(limit: u32) -> impl FnMut(Duration) -> bool {
        let (mut second, mut count) = (0, 0);
        move |now| {
            if now.as_secs() != second {
                (second, count) = (now.as_secs(), 0);
            }
            count += 1;
            count <= limit
        }
    }

    #[test]
    fn a_host_with_a_limit_is_asked_little_more_than_once_per_picture_in_little_more_than_the_shortest_time() {
        const TO_FIND_IT: u32 = 24;
        for limit in [2, 6, 20] {
            let simulated = simulate(40 * limit, Duration::ZERO, in_each_second(limit));
            assert!(simulated.requests < 40 * limit * 13 / 10 + TO_FIND_IT, "{limit} per second: {simulated:?}");
            assert!(simulated.took < Duration::from_secs(50), "{limit} per second: {simulated:?}");
        }
    }

    #[test]
    fn a_host_that_is_down_is_asked_rarely_and_used_again_soon() {
        let down = Duration::from_secs(120);
        let simulated = simulate(200, Duration::ZERO, |now| now >= down);
        assert!(simulated.requests < 200 + 80, "{simulated:?}");
        assert!(simulated.longest_gap <= Duration::from_secs(5) + LATENCY, "{simulated:?}");
        assert!(simulated.took < down + Duration::from_secs(60), "{simulated:?}");
    }

    #[test]
    fn single_refusals_do_not_stop_downloads() {
        for (odd, seconds) in [(50, 10), (20, 15), (10, 30)] {
            let mut random = fastrand::Rng::with_seed(1);
            let simulated = simulate(1000, Duration::ZERO, |_| random.u32(..odd) > 0);
            assert!(simulated.took < Duration::from_secs(seconds), "one in {odd}: {simulated:?}");
        }
    }

    #[test]
    fn a_host_gets_no_request_before_the_end_of_the_wait_that_it_asks_for() {
        let mut rate = HostRate::new();
        let second = Duration::from_secs;
        rate.refused(second(1), second(2), second(30));
        rate.refused(second(1), second(3), second(1));
        assert_eq!(rate.try_take(second(5)), Err(second(27)));
        assert_eq!(rate.try_take(second(32)), Ok(()));
        assert!(rate.try_take(second(32)).is_err(), "those that have waited still go one by one");
    }

    #[test]
    fn requests_that_are_refused_together_slow_a_host_down_once_and_answers_make_it_unlimited_again() {
        let mut rate = HostRate::new();
        let at = Duration::from_millis;
        for answer in 10..18 {
            rate.refused(at(5), at(answer), Duration::ZERO);
        }
        assert_eq!(rate.per_second, FASTEST * DECREASE);
        rate.refused(at(20), at(30), Duration::ZERO);
        assert_eq!(rate.per_second, FASTEST * DECREASE * DECREASE);
        let answers = (0..1000).take_while(|_| {
            rate.answered();
            !rate.is_unlimited()
        });
        assert!((10..25).contains(&answers.count()));
    }
}
