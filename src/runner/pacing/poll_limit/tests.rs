//! Polls requested at a constant rate, against providers that refuse some, on a simulated clock.

use proptest::prelude::*;

use super::*;
use crate::runner::pacing::bucket::Bucket;

/// How many polls per second are requested.
const ASKED: f64 = 11.0;

/// The polls that a provider refuses.
#[derive(Clone, Copy)]
struct Refusals {
    /// How many polls per second are answered, and how many at once.
    limit: Option<(f64, u32)>,
    /// The share that is refused at random.
    random: f64,
    /// The time in which all are refused: from and to.
    outage: (f64, f64),
    /// When refusals end.
    ends: f64,
}

const NONE: Refusals = Refusals { limit: None, random: 0.0, outage: (0.0, 0.0), ends: f64::INFINITY };

/// The results of a simulation.
#[derive(Debug, Default)]
struct Simulated {
    /// The rate at each second.
    rates: Vec<Option<f64>>,
    answered: u32,
    refused: u32,
}

impl Simulated {
    /// The share of the time from `second` on in which a rate delayed polls, and the lowest rate.
    fn held_back_from(&self, second: usize) -> (f64, f64) {
        let late = &self.rates[second..];
        let held = late.iter().flatten().copied().filter(|rate| *rate < ASKED);
        (held.clone().count() as f64 / late.len() as f64, held.fold(ASKED, f64::min))
    }
}

fn simulate(refusals: Refusals, seconds: usize, seed: u64) -> Simulated {
    let mut random = fastrand::Rng::with_seed(seed);
    let (rate, burst) = refusals.limit.unwrap_or((1.0, 1));
    let mut bucket = Bucket::new(Duration::from_secs_f64(1.0 / rate), burst);
    let (mut limit, mut simulated, mut now) = (PollLimit::default(), Simulated::default(), 0.0);
    while simulated.rates.len() < seconds {
        let at = Duration::from_secs_f64(now);
        let is_over = now >= refusals.ends;
        let is_beyond = refusals.limit.is_some() && bucket.try_take(at).is_err();
        let is_out = (refusals.outage.0..refusals.outage.1).contains(&now);
        let answer = at + Duration::from_millis(50);
        if !is_over && (is_beyond || is_out || random.f64() < refusals.random) {
            simulated.refused += 1;
            limit.refused(at, answer, Some(2.0));
        } else {
            simulated.answered += 1;
            limit.answered(at, answer, Some(2.0));
        }
        let gap = 1.0 / limit.per_second().map_or(ASKED, |rate| rate.min(ASKED));
        now += gap * (0.75 + 0.5 * random.f64());
        while (simulated.rates.len() as f64) < now {
            simulated.rates.push(limit.per_second());
        }
    }
    simulated
}

#[test]
fn a_limit_is_found_within_a_minute_and_kept_to() {
    for (burst, min_share) in [(1, 0.6), (4, 0.9), (40, 0.9)] {
        let simulated = simulate(Refusals { limit: Some((4.0, burst)), ..NONE }, 600, 1);
        let (share, slowest) = simulated.held_back_from(40);
        assert!(share > 0.95 && slowest > 2.0, "{share} of the time, {slowest}/s with bursts of {burst}");
        assert!(f64::from(simulated.answered) > min_share * 4.0 * 600.0, "{} answered", simulated.answered);
        assert!(f64::from(simulated.refused) < 0.3 * f64::from(simulated.answered), "{} refused", simulated.refused);
    }
}

#[test]
fn refusals_without_a_limit_cause_fewer_and_fewer_trials_and_hardly_slow_polls_down() {
    for (random, most) in [(0.05, 0.05), (0.2, 0.1), (0.4, 0.1)] {
        for seed in 0..20 {
            let simulated = simulate(Refusals { random, ..NONE }, 1200, seed);
            let (share, _) = simulated.held_back_from(0);
            assert!(share <= most, "{random}: {share} of the time, seed {seed}");
            let answered = f64::from(simulated.answered) / (ASKED * 1200.0 * (1.0 - random));
            assert!(answered >= 0.95, "{random}: {answered} of what is answered without a rate, seed {seed}");
        }
    }
}

#[test]
fn a_moment_in_which_all_are_refused_is_no_limit() {
    for length in [1.0, 3.0, 20.0] {
        let simulated = simulate(Refusals { outage: (30.0, 30.0 + length), ..NONE }, 120, 1);
        assert_eq!(simulated.held_back_from(0).0, 0.0, "{length} s");
    }
}

#[test]
fn a_limit_that_is_lifted_holds_nothing_up_after_a_minute() {
    let simulated = simulate(Refusals { limit: Some((4.0, 4)), ends: 300.0, ..NONE }, 600, 1);
    assert_eq!(simulated.held_back_from(360).0, 0.0, "{:?}", &simulated.rates[300..380]);
}

#[test]
fn nothing_is_tried_before_it_is_known_what_the_run_needs() {
    let mut limit = PollLimit::default();
    for number in 0..400 {
        let at = Duration::from_millis(number * 100);
        if number.is_multiple_of(2) { limit.refused(at, at, None) } else { limit.answered(at, at, None) }
    }
    assert_eq!(limit.per_second(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the refusals, polls never go slower than a fifth of what would be answered.
    #[test]
    fn polls_never_become_too_rare(rate in 0.5_f64..20.0, burst in 1_u32..60, random in 0.0_f64..0.4, seed in 0_u64..1000) {
        let simulated = simulate(Refusals { limit: Some((rate, burst)), random, ..NONE }, 400, seed);
        let answered = f64::from(simulated.answered) / 400.0;
        prop_assert!(answered > 0.2 * rate.min(ASKED) * (1.0 - random), "{answered} a second");
    }
}
