//! The search against typical rate limiters, on a simulated clock.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::api::outcome::Obstacle;
use crate::api::{Quota, Remaining};
use crate::runner::breaker::{BreakerAction, CircuitBreaker};
use crate::runner::pacing::bucket::Bucket;

const LATENCY: Duration = Duration::from_millis(150);

/// How a provider limits submits.
#[derive(Clone, Copy, Debug)]
enum Limiter {
    /// This many per second, with this burst.
    Bucket { rate: f64, burst: u32 },
    /// The same, plus one random refusal in this many submits.
    Fickle { rate: f64, burst: u32, one_in: u32 },
    /// This many in each fixed window, with a hint when the next one starts.
    Window { count: u32, seconds: u64 },
    /// This many in any span of this many seconds.
    Sliding { count: usize, seconds: u64, headers: Headers },
}

/// The headers of answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Headers {
    None,
    /// The limit, the remainder, and when the first of them returns.
    True,
    /// A limit of a million, nearly all of which always remain.
    Lies,
}

/// The results of a search.
#[derive(Debug, Default)]
struct Simulated {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
    cuts: u32,
    learned: Option<LearnedRate>,
}

impl Simulated {
    /// Accepted submits per second from `from` to the end at `end`.
    fn pace(&self, from: Duration, end: Duration) -> f64 {
        self.accepted.iter().filter(|at| **at >= from).count() as f64 / (end - from).as_secs_f64()
    }
}

/// Sends submits for `seconds` as the dispatcher does: one at a time, with all pauses.
fn simulate(limiter: Limiter, mut search: RateSearch, seconds: u64) -> Simulated {
    let end = Duration::from_secs(seconds);
    let mut pace = Bucket::new(search.interval(), 1);
    let mut limit = match limiter {
        Limiter::Bucket { rate, burst } | Limiter::Fickle { rate, burst, .. } => {
            Bucket::new(Duration::from_secs_f64(1.0 / rate), burst)
        }
        Limiter::Window { .. } | Limiter::Sliding { .. } => Bucket::new(Duration::ZERO, 1),
    };
    let (mut window, mut in_window) = (0, 0);
    let mut recent: VecDeque<Duration> = VecDeque::new();
    let mut breaker = CircuitBreaker::new(Duration::MAX);
    let mut random = fastrand::Rng::with_seed(1);
    let mut answers: VecDeque<(Duration, bool, Option<Duration>, Option<RateLimits>)> = VecDeque::new();
    let (mut now, mut paused_until, mut simulated) = (Duration::ZERO, Duration::ZERO, Simulated::default());
    while now < end {
        while let Some((sent, is_good, hint, limits)) =
            answers.front().copied().filter(|(sent, ..)| *sent + LATENCY <= now)
        {
            answers.pop_front();
            if let Some(limits) = limits {
                search.advertised(limits, answers.len() as u64, now);
                paused_until = paused_until.max(now + limits.used_up().unwrap_or_default());
            }
            if is_good {
                breaker.submit_answered();
                search.accepted(sent);
                simulated.accepted.push(sent);
            } else {
                simulated.refused.push(sent);
                let is_limit = search.judge_refusal(sent);
                simulated.cuts += u32::from(is_limit && search.refused(sent, now, hint));
                if (is_limit || hint.is_some())
                    && let BreakerAction::Pause(wait) = breaker.submit_refused(sent, now, Obstacle::RateLimited(hint))
                {
                    paused_until = paused_until.max(now + wait);
                }
            }
            pace.set_interval(now, search.interval());
        }
        let answer = answers.front().map_or(end, |(sent, ..)| *sent + LATENCY);
        let turn = if paused_until > now { Err(paused_until) } else { pace.try_take(now) };
        if let Err(until) = turn {
            search.mark_rate_limited();
            now = until.min(answer).max(now + Duration::from_nanos(1));
            continue;
        }
        let mut limits = None;
        let (is_good, hint) = match limiter {
            Limiter::Bucket { .. } => (limit.try_take(now).is_ok(), None),
            Limiter::Fickle { one_in, .. } => {
                let is_good = random.u32(0..one_in) > 0 && limit.try_take(now).is_ok();
                (is_good, (!is_good).then_some(Duration::from_secs(1)))
            }
            Limiter::Sliding { count, seconds, headers } => {
                let length = Duration::from_secs(seconds);
                while recent.front().is_some_and(|first| *first + length <= now) {
                    recent.pop_front();
                }
                let is_good = recent.len() < count;
                recent.extend(is_good.then_some(now));
                let reset = recent.front().map_or(length, |first| *first + length - now);
                let remaining = Remaining { count: (count - recent.len()) as u64, reset };
                limits = match headers {
                    Headers::None => None,
                    Headers::True => {
                        Some(RateLimits { quota: None, remaining: Some(remaining), total: Some(count as u64) })
                    }
                    Headers::Lies => {
                        let remaining = Remaining { count: 999_999, reset: Duration::from_secs(1) };
                        Some(RateLimits { quota: None, remaining: Some(remaining), total: Some(1_000_000) })
                    }
                };
                (is_good, None)
            }
            Limiter::Window { count, seconds } => {
                if now.as_secs() / seconds > window {
                    (window, in_window) = (now.as_secs() / seconds, 0);
                }
                in_window += 1;
                (in_window <= count, Some(Duration::from_secs((window + 1) * seconds) - now))
            }
        };
        answers.push_back((now, is_good, hint, limits));
    }
    simulated.learned = search.learned();
    simulated
}

/// Refused submits in a thousand, from `from` on.
fn refused_share(simulated: &Simulated, from: Duration) -> usize {
    let late = |times: &[Duration]| times.iter().filter(|at| **at >= from).count();
    late(&simulated.refused) * 1000 / (late(&simulated.accepted) + late(&simulated.refused)).max(1)
}

#[test]
fn it_begins_gently_and_grows_while_answers_are_good() {
    let limiter = Limiter::Bucket { rate: 1_000.0, burst: 1_000 };
    let simulated = simulate(limiter, RateSearch::new(None), 20);
    let in_second = |second: u64| simulated.accepted.iter().filter(|at| at.as_secs() == second).count();
    assert!(in_second(0) <= 2, "{} in the first second", in_second(0));
    assert!(in_second(13) > 8, "{} in the 13th second", in_second(13));
    assert!(simulated.refused.is_empty());
}

#[test]
fn a_run_that_begins_in_a_window_that_is_used_up_learns_nothing_from_it() {
    let at = Duration::from_secs;
    let mut learned = Rate::from_per_second(8.0);
    for _ in 0..20 {
        let mut search = RateSearch::new(Some(LearnedRate::Limit(learned)));
        assert!(!search.refused(at(0), at(1), None));
        assert!(!search.refused(at(2), at(3), None));
        search.mark_rate_limited();
        search.accepted(at(4));
        learned = search.learned().map_or(learned, LearnedRate::rate);
    }
    assert_eq!(learned, Rate::from_per_second(8.0));
}

#[test]
fn many_refusals_of_one_moment_halve_it_once() {
    let mut search = RateSearch::new(Some(LearnedRate::Limit(Rate::from_per_second(8.0))));
    let at = Duration::from_secs;
    search.accepted(at(9));
    let news: Vec<bool> = (0..5).map(|_| search.refused(at(10), at(11), None)).collect();
    assert_eq!(news, [true, false, false, false, false]);
    assert!((search.estimate.rate - 4.0).abs() < 1e-9);
    assert!(
        !search.refused(at(12), at(13), None),
        "nothing went through in between, so it is the same limit once more"
    );
    search.accepted(at(14));
    assert!(search.refused(at(15), at(16), None), "a submit that left after a good one does tell something");
}

#[test]
fn a_good_answer_proves_nothing_where_something_else_held_submits_back() {
    let mut search = RateSearch::new(None);
    (0..1000).for_each(|second| search.accepted(Duration::from_secs(second)));
    assert_eq!(search.interval(), Duration::from_secs(1));
    assert_eq!(search.learned(), None);
}

#[test]
fn headers_set_the_rate_at_once() {
    let mut search = RateSearch::new(None);
    let limits = |count, seconds| RateLimits {
        quota: None,
        remaining: Some(Remaining { count, reset: Duration::from_secs(seconds) }),
        total: None,
    };
    for second in 0..10 {
        search.advertised(limits(600, 60), 0, Duration::from_secs(second));
    }
    assert!((search.estimate.rate - 9.9).abs() < 1e-9, "{}", search.estimate.rate);
    search.mark_rate_limited();
    search.accepted(Duration::from_secs(1));
    assert!((search.estimate.rate - 9.9).abs() < 1e-9, "it does not grow above what is allowed");
    search.advertised(limits(10, 60), 4, Duration::from_secs(10));
    assert!(search.estimate.rate < 5.0, "what other programs use up is felt");
    let quota =
        RateLimits { quota: Some(Quota { count: 120, window: Duration::from_secs(60) }), remaining: None, total: None };
    (10..20).for_each(|second| search.advertised(quota, 0, Duration::from_secs(second)));
    assert_eq!(search.learned().unwrap().rate().to_string(), "7128/h");
}

#[test]
fn a_quota_tells_more_than_the_remainder_of_a_second() {
    let mut search = RateSearch::new(None);
    let quota = Some(Quota { count: 50, window: Duration::from_secs(10) });
    let remaining = Some(Remaining { count: 2, reset: Duration::from_secs(1) });
    (0..10).for_each(|second| {
        search.advertised(RateLimits { quota, remaining, total: None }, 0, Duration::from_secs(second));
    });
    assert!((search.estimate.rate - 4.95).abs() < 1e-9, "{}", search.estimate.rate);
}

/// The search at a limit of `count` in any `seconds`: its rate as a share of the limit in the second half of
/// `minutes`, and the number of refusals.
fn under(count: usize, seconds: u64, headers: Headers, minutes: u64) -> (f64, Simulated) {
    let simulated = simulate(Limiter::Sliding { count, seconds, headers }, RateSearch::new(None), minutes * 60);
    let end = Duration::from_secs(minutes * 60);
    (simulated.pace(end / 2, end) * seconds as f64 / count as f64, simulated)
}

#[test]
fn a_window_that_is_used_up_without_a_word_is_learned_as_a_whole() {
    for (count, seconds) in [(10, 60), (20, 60), (50, 10), (100, 300)] {
        let (pace, simulated) = under(count, seconds, Headers::None, 30);
        assert!(
            pace > 0.8,
            "{count} in {seconds} s: {pace}, {} refused, {:?}",
            simulated.refused.len(),
            simulated.learned
        );
        let refused = refused_share(&simulated, Duration::ZERO);
        assert!(refused <= 60, "{count} in {seconds} s: {refused} of 1000 are refused");
    }
}

#[test]
fn a_refusal_in_the_middle_of_a_window_does_not_hide_its_beginning() {
    let mut search = RateSearch::new(None);
    let at = Duration::from_secs;
    let go_well = |search: &mut RateSearch, seconds: std::ops::Range<u64>| {
        for second in seconds {
            search.mark_rate_limited();
            search.accepted(at(second));
        }
    };
    go_well(&mut search, 0..30);
    search.refused(at(30), at(31), None);
    go_well(&mut search, 31..40);
    search.refused(at(40), at(40), Some(at(20)));
    go_well(&mut search, 60..61);
    assert!((search.estimate.rate - 39.0 / 60.0).abs() < 1e-9, "{}", search.estimate.rate);
}

#[test]
fn headers_of_a_window_that_moves_along_are_understood() {
    for (count, seconds) in [(10, 60), (50, 10), (600, 60)] {
        let (pace, simulated) = under(count, seconds, Headers::True, 30);
        assert!(
            pace > 0.9,
            "{count} in {seconds} s: {pace}, {} refused, {:?}",
            simulated.refused.len(),
            simulated.learned
        );
        assert!(simulated.refused.len() <= 30, "{count} in {seconds} s: {} refused", simulated.refused.len());
    }
}

#[test]
fn headers_that_foretell_no_refusal_are_believed_no_more() {
    let (pace, simulated) = under(50, 10, Headers::Lies, 30);
    assert!(pace > 0.8, "{pace}, {} refused, {:?}", simulated.refused.len(), simulated.learned);
    let refused = refused_share(&simulated, Duration::ZERO);
    assert!(refused <= 30, "{refused} of 1000 are refused");
}

#[test]
fn a_refusal_that_no_other_confirms_halves_the_rate_and_makes_no_limit() {
    let mut search = RateSearch::new(None);
    let at = Duration::from_secs;
    let go_well = |search: &mut RateSearch, from: u64| {
        (from..from + 20).for_each(|second| {
            search.mark_rate_limited();
            search.accepted(at(second));
        });
        search.estimate.rate
    };
    assert!((go_well(&mut search, 0) - 10.4).abs() < 1e-9);
    assert!(search.refused(at(20), at(21), None));
    assert!((search.estimate.rate - 5.2).abs() < 1e-9);
    assert!(go_well(&mut search, 22) > 9.0, "it grows on");
}

#[test]
fn refusals_now_and_then_leave_most_of_the_rate() {
    // Each refusal asks for a pause of a second, so one in 20 leaves 0.71 of the rate at most.
    for (one_in, min_share) in [(1000, 0.9), (200, 0.8), (50, 0.7), (20, 0.6)] {
        let limiter = Limiter::Fickle { rate: 8.0, burst: 8, one_in };
        let simulated = simulate(limiter, RateSearch::new(None), 900);
        let pace = simulated.pace(Duration::ZERO, Duration::from_secs(900)) / 8.0;
        assert!(pace > min_share, "one in {one_in}: {pace}, {:?}", simulated.learned);
        let next = simulate(limiter, RateSearch::new(simulated.learned), 900);
        let pace = next.pace(Duration::ZERO, Duration::from_secs(900)) / 8.0;
        assert!(pace > min_share - 0.2, "one in {one_in} in the next run: {pace}, {:?}", next.learned);
    }
}

#[test]
fn the_next_run_knows_how_many_are_refused_at_any_rate() {
    let limiter = Limiter::Fickle { rate: 8.0, burst: 8, one_in: 20 };
    let search = || RateSearch::new(Some(LearnedRate::Limit(Rate::from_per_second(8.0))));
    let unaware = simulate(limiter, search(), 60).cuts;
    let aware = simulate(limiter, search().expecting_odd_refusals(0.05), 60).cuts;
    assert!(aware * 3 <= unaware, "{aware} instead of {unaware}");
    // A provider that has stopped doing so is a limit again at its first refusal.
    let mut mended = OddRefusals::expecting(0.05);
    (0..1000).for_each(|_| mended.accepted(Pace::FarBelow));
    assert!(mended.share().is_some_and(|share| share < 0.006));
}

#[test]
fn a_rate_that_met_no_limit_is_where_the_next_run_goes_on() {
    let (limiter, end) = (Limiter::Bucket { rate: 10.0, burst: 3 }, Duration::from_secs(20));
    let learned = simulate(limiter, RateSearch::new(None), 3).learned.unwrap();
    assert!(matches!(learned, LearnedRate::Unrefused(_)), "{learned:?}");
    let pace = |learned| simulate(limiter, RateSearch::new(Some(learned)), 20).pace(Duration::ZERO, end);
    let (goes_on, is_held) = (pace(learned), pace(LearnedRate::Limit(learned.rate())));
    assert!(goes_on > 1.3 * is_held, "{goes_on} {is_held}");
}

#[test]
fn the_next_run_begins_at_the_learned_limit() {
    let limiter = Limiter::Bucket { rate: 5.0, burst: 10 };
    let learned = simulate(limiter, RateSearch::new(None), 900).learned;
    let second = simulate(limiter, RateSearch::new(learned), 120);
    assert!(second.pace(Duration::ZERO, Duration::from_secs(120)) > 4.2, "{} cuts from {learned:?}", second.cuts);
    assert!(second.cuts <= 3, "{} cuts", second.cuts);
}

/// How long `jobs` submits take with a learned rate, as a multiple of the shortest time, and how many are refused.
fn next_run(limiter: Limiter, learned: f64, rate: f64, jobs: usize) -> (f64, usize) {
    let seconds = (4.0 * jobs as f64 / learned.min(rate)) as u64;
    let simulated =
        simulate(limiter, RateSearch::new(Some(LearnedRate::Limit(Rate::from_per_second(learned)))), seconds);
    let took = simulated.accepted[jobs - 1];
    let refused = simulated.refused.iter().filter(|at| **at < took).count();
    (took.as_secs_f64() * rate / jobs as f64, refused)
}

#[test]
fn a_limit_that_has_doubled_since_the_last_run_is_taken_up_soon() {
    for (rate, burst, most) in [(8.0, 1, 1.3), (8.0, 5, 1.2), (8.0, 20, 1.2), (0.5, 1, 1.3), (0.5, 5, 1.2)] {
        let (took, refused) = next_run(Limiter::Bucket { rate, burst }, rate / 2.0, rate, 430);
        assert!(took < most && refused <= 8, "{rate}/s, burst {burst}: {took} times as long, {refused} refused");
    }
}

#[test]
fn a_limit_that_is_unchanged_since_the_last_run_refuses_few_submits() {
    for (rate, most) in [(0.2, 1.05), (1.0, 1.1), (4.0, 1.15), (30.0, 1.35)] {
        for burst in [1, 5, 20] {
            let limiter = Limiter::Bucket { rate, burst };
            let learned = simulate(limiter, RateSearch::new(None), (2000.0 / rate) as u64).learned.unwrap();
            let (took, refused) = next_run(limiter, learned.rate().per_second_f64(), rate, 400);
            assert!(took < most && refused <= 8, "{rate}/s, burst {burst}: {took} times as long, {refused} refused");
        }
    }
}

#[test]
fn a_limit_that_has_fallen_since_the_last_run_is_met_a_few_times_only() {
    for burst in [1, 5, 20] {
        let (took, refused) = next_run(Limiter::Bucket { rate: 4.0, burst }, 8.0, 4.0, 430);
        assert!(took < 1.5 && refused <= 6, "burst {burst}: {took} times as long, {refused} refused");
    }
}

#[test]
fn the_wait_between_two_tries_at_a_low_limit_is_not_taken_for_the_rest_of_a_window() {
    for (rate, burst) in [(0.35, 22), (0.28, 39), (0.26, 50), (0.23, 32)] {
        let seconds = 600 + (2000.0 / rate) as u64;
        let simulated = simulate(Limiter::Bucket { rate, burst }, RateSearch::new(None), seconds);
        let refused = refused_share(&simulated, Duration::from_secs(seconds / 2));
        assert!(refused <= 20, "{rate}/s, burst {burst}: {refused} of 1000 are refused");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every limit is found, nearly used, rarely exceeded, and the rate does not oscillate.
    #[test]
    fn the_searched_rate_settles_below_a_token_bucket_limit(rate in 0.2_f64..60.0, burst in 1_u32..120) {
        let seconds = 600 + (2000.0 / rate) as u64;
        let (from, end) = (Duration::from_secs(seconds / 2), Duration::from_secs(seconds));
        let simulated = simulate(Limiter::Bucket { rate, burst }, RateSearch::new(None), seconds);
        let pace = simulated.pace(from, end) / rate;
        prop_assert!(pace > 0.85, "{pace} of {rate}/s is used, {} cuts", simulated.cuts);
        prop_assert!(refused_share(&simulated, from) <= 50, "{} of 1000 are refused", refused_share(&simulated, from));
        prop_assert!(simulated.cuts <= 40, "{} cuts", simulated.cuts);
    }

    /// The search waits for the next window, as the hint says.
    #[test]
    fn the_searched_rate_settles_below_a_window_limit(count in 10_u32..600, seconds in 10_u64..120) {
        let windows = 40;
        let (from, end) = (Duration::from_secs(seconds * windows / 2), Duration::from_secs(seconds * windows));
        let simulated = simulate(Limiter::Window { count, seconds }, RateSearch::new(None), seconds * windows);
        let pace = simulated.pace(from, end) * seconds as f64 / f64::from(count);
        prop_assert!(pace > 0.85, "{pace} of {count} in {seconds} s is used, {} cuts", simulated.cuts);
        prop_assert!(refused_share(&simulated, from) <= 80, "{} of 1000 are refused", refused_share(&simulated, from));
    }
}
