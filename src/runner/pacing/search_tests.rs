//! The search against limiters as providers have them, on a clock that is counted.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::api::{Left, Quota};
use crate::runner::pacing::bucket::Bucket;

const LATENCY: Duration = Duration::from_millis(150);

/// How a provider limits submits.
#[derive(Clone, Copy, Debug)]
enum Limiter {
    /// So many a second, and as many at once.
    Bucket { rate: f64, burst: u32 },
    /// So many in each window, and a hint when the next begins.
    Window { count: u32, seconds: u64 },
}

/// What a search did.
#[derive(Debug, Default)]
struct Played {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
    cuts: u32,
    learned: Option<Rate>,
}

impl Played {
    /// Accepted submits a second from `from` to the end at `end`.
    fn pace(&self, from: Duration, end: Duration) -> f64 {
        self.accepted.iter().filter(|at| **at >= from).count() as f64 / (end - from).as_secs_f64()
    }
}

/// Submits for `seconds` as the dispatcher does: one at a time, with all pauses.
fn play(limiter: Limiter, mut search: Search, seconds: u64) -> Played {
    let end = Duration::from_secs(seconds);
    let mut pace = Bucket::new(search.interval(), 1);
    let mut limit = match limiter {
        Limiter::Bucket { rate, burst } => Bucket::new(Duration::from_secs_f64(1.0 / rate), burst),
        Limiter::Window { .. } => Bucket::new(Duration::ZERO, 1),
    };
    let (mut window, mut in_window) = (0, 0);
    let mut answers: VecDeque<(Duration, bool, Option<Duration>)> = VecDeque::new();
    let (mut now, mut paused_until, mut played) = (Duration::ZERO, Duration::ZERO, Played::default());
    while now < end {
        while let Some((sent, is_good, hint)) = answers.front().copied().filter(|(sent, ..)| *sent + LATENCY <= now) {
            answers.pop_front();
            if is_good {
                search.accepted(sent);
                played.accepted.push(sent);
            } else {
                played.cuts += u32::from(search.refused(sent, now, hint));
                played.refused.push(sent);
                paused_until = paused_until.max(now + hint.unwrap_or(Duration::from_secs(1)));
            }
            pace.set_interval(now, search.interval());
        }
        let answer = answers.front().map_or(end, |(sent, ..)| *sent + LATENCY);
        let turn = if paused_until > now { Err(paused_until) } else { pace.try_take(now) };
        if let Err(until) = turn {
            search.held_back();
            now = until.min(answer).max(now + Duration::from_nanos(1));
            continue;
        }
        let (is_good, hint) = match limiter {
            Limiter::Bucket { .. } => (limit.try_take(now).is_ok(), None),
            Limiter::Window { count, seconds } => {
                if now.as_secs() / seconds > window {
                    (window, in_window) = (now.as_secs() / seconds, 0);
                }
                in_window += 1;
                (in_window <= count, Some(Duration::from_secs((window + 1) * seconds) - now))
            }
        };
        answers.push_back((now, is_good, hint));
    }
    played.learned = search.learned();
    played
}

/// Refused submits in a thousand, from `from` on.
fn refused_share(played: &Played, from: Duration) -> usize {
    let late = |times: &[Duration]| times.iter().filter(|at| **at >= from).count();
    late(&played.refused) * 1000 / (late(&played.accepted) + late(&played.refused)).max(1)
}

#[test]
fn it_begins_gently_and_grows_while_answers_are_good() {
    let limiter = Limiter::Bucket { rate: 1_000.0, burst: 1_000 };
    let played = play(limiter, Search::new(None), 30);
    let in_second = |second: u64| played.accepted.iter().filter(|at| at.as_secs() == second).count();
    assert_eq!(in_second(0), 1);
    assert!(in_second(25) > 8, "{} in the 25th second", in_second(25));
    assert!(played.refused.is_empty());
}

#[test]
fn many_refusals_of_one_moment_halve_it_once() {
    let mut search = Search::new(Some(Rate::from_per_second(8.0)));
    let at = Duration::from_secs;
    let news: Vec<bool> = (0..5).map(|_| search.refused(at(10), at(11), None)).collect();
    assert_eq!(news, [true, false, false, false, false]);
    assert!((search.rate - 4.0).abs() < 1e-9);
    assert!(search.refused(at(12), at(13), None), "a submit that left after the cut does tell something");
}

#[test]
fn a_good_answer_proves_nothing_where_something_else_held_submits_back() {
    let mut search = Search::new(None);
    (0..1000).for_each(|second| search.accepted(Duration::from_secs(second)));
    assert_eq!(search.interval(), Duration::from_secs(1));
    assert_eq!(search.learned(), None);
}

#[test]
fn headers_set_the_rate_at_once() {
    let mut search = Search::new(None);
    let limits =
        |count, seconds| Limits { quota: None, left: Some(Left { count, reset: Duration::from_secs(seconds) }) };
    for _answer in 0..10 {
        search.told(limits(600, 60), 0);
    }
    assert!((search.rate - 9.9).abs() < 1e-9, "{}", search.rate);
    search.held_back();
    search.accepted(Duration::from_secs(1));
    assert!((search.rate - 9.9).abs() < 1e-9, "it does not grow above what is allowed");
    search.told(limits(10, 60), 4);
    assert!(search.rate < 5.0, "what other programs use up is felt");
    let quota = Limits { quota: Some(Quota { count: 120, window: Duration::from_secs(60) }), left: None };
    (0..10).for_each(|_| search.told(quota, 0));
    assert_eq!(search.learned().unwrap().to_string(), "7128/h");
}

#[test]
fn what_is_left_for_a_second_says_less_than_the_quota() {
    let mut search = Search::new(None);
    let quota = Some(Quota { count: 50, window: Duration::from_secs(10) });
    let left = Some(Left { count: 2, reset: Duration::from_secs(1) });
    (0..10).for_each(|_| search.told(Limits { quota, left }, 0));
    assert!((search.rate - 4.95).abs() < 1e-9, "{}", search.rate);
}

#[test]
fn what_was_learned_is_where_the_next_run_begins() {
    let limiter = Limiter::Bucket { rate: 5.0, burst: 10 };
    let learned = play(limiter, Search::new(None), 900).learned;
    let second = play(limiter, Search::new(learned), 120);
    assert!(second.pace(Duration::ZERO, Duration::from_secs(120)) > 4.2, "{} cuts from {learned:?}", second.cuts);
    assert!(second.cuts <= 3, "{} cuts", second.cuts);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the limit, it is found, nearly used, rarely passed, and not swung around.
    #[test]
    fn it_settles_under_a_bucket(rate in 0.2_f64..60.0, burst in 1_u32..120) {
        let seconds = 600 + (2000.0 / rate) as u64;
        let (from, end) = (Duration::from_secs(seconds / 2), Duration::from_secs(seconds));
        let played = play(Limiter::Bucket { rate, burst }, Search::new(None), seconds);
        let pace = played.pace(from, end) / rate;
        prop_assert!(pace > 0.85, "{pace} of {rate}/s is used, {} cuts", played.cuts);
        prop_assert!(refused_share(&played, from) <= 20, "{} of 1000 are refused", refused_share(&played, from));
        prop_assert!(played.cuts <= 40, "{} cuts", played.cuts);
    }

    /// A window that fills up is waited for, as the hint says.
    #[test]
    fn it_settles_under_a_window(count in 10_u32..600, seconds in 10_u64..120) {
        let windows = 40;
        let (from, end) = (Duration::from_secs(seconds * windows / 2), Duration::from_secs(seconds * windows));
        let played = play(Limiter::Window { count, seconds }, Search::new(None), seconds * windows);
        let pace = played.pace(from, end) * seconds as f64 / f64::from(count);
        prop_assert!(pace > 0.85, "{pace} of {count} in {seconds} s is used, {} cuts", played.cuts);
        prop_assert!(refused_share(&played, from) <= 80, "{} of 1000 are refused", refused_share(&played, from));
    }
}
