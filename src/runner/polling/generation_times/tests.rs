//! Planned polls compared with polls every second, for typical generation times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;

const BUDGET: PollBudget = PollBudget { lag: 0.46, polls_each: 1.0, free: 0.0, answered_each: None, longest: 2.0 };

/// The mean cost of polling over many edits.
#[derive(Debug, Default)]
struct Cost {
    polls: f64,
    lag: f64,
    worst: f64,
}

/// Polls edits that take `draw()` seconds until each is finished, one after the other, learning from each.
fn by_plan(
    times: &mut GenerationTimes,
    edits: u32,
    draw: impl FnMut(&mut fastrand::Rng) -> (Option<RequestKind>, f64),
) -> Cost {
    by_plan_reported(times, edits, None, draw)
}

/// The same if the provider reports the time `reported` for each edit.
fn by_plan_reported(
    times: &mut GenerationTimes,
    edits: u32,
    reported: Option<Duration>,
    mut draw: impl FnMut(&mut fastrand::Rng) -> (Option<RequestKind>, f64),
) -> Cost {
    let mut random = fastrand::Rng::with_seed(7);
    let mut cost = Cost::default();
    for _ in 0..edits {
        let (kind, takes) = draw(&mut random);
        let (mut age, mut in_work, jitter) = (0.0, 0.0, random.f64());
        loop {
            let wait = times.wait(kind, Duration::from_secs_f64(age), jitter);
            age += wait.map_or((age * 0.2).clamp(0.25, 2.0), |wait| wait.as_secs_f64());
            cost.polls += 1.0 / f64::from(edits);
            if age >= takes {
                break;
            }
            times.in_progress(kind, Duration::from_secs_f64(in_work), Duration::from_secs_f64(age));
            in_work = age;
        }
        cost.lag += (age - takes) / f64::from(edits);
        cost.worst = cost.worst.max(age - takes);
        let (in_work, done) = (Some(Duration::from_secs_f64(in_work)), Duration::from_secs_f64(age));
        times.learn(kind, Observation { in_work, done, reported });
    }
    cost
}

/// The same edits, each polled every second.
fn every_second(edits: u32, mut draw: impl FnMut(&mut fastrand::Rng) -> (Option<RequestKind>, f64)) -> Cost {
    let mut random = fastrand::Rng::with_seed(7);
    let mut cost = Cost::default();
    for _ in 0..edits {
        let (_, takes) = draw(&mut random);
        random.f64();
        cost.polls += takes.ceil() / f64::from(edits);
        cost.lag += (takes.ceil() - takes) / f64::from(edits);
    }
    cost
}

#[test]
fn while_submits_wait_for_a_slot_answers_are_noticed_sooner_with_as_many_polls_as_every_second() {
    for (least, most) in [(1.0, 2.0), (2.0, 6.0), (8.0, 9.0), (15.0, 40.0)] {
        let draw = |random: &mut fastrand::Rng| (None, least + (most - least) * random.f64());
        let usual = by_plan(&mut GenerationTimes::new(BUDGET, &[]), 2000, draw);
        let mut times = GenerationTimes::new(BUDGET, &[]);
        times.set_haste(Haste::Slots);
        let hurried = by_plan(&mut times, 2000, draw);
        let each_second = every_second(2000, draw);
        assert!(hurried.polls <= each_second.polls.max(usual.polls), "{least} to {most}: {hurried:?}, {each_second:?}");
        assert!(hurried.lag < 0.28 && hurried.lag <= usual.lag * 1.01, "{least} to {most}: {hurried:?}, {usual:?}");
    }
}

fn kind(images: usize) -> Option<RequestKind> {
    Some(RequestKind { size: None, images })
}

/// About 27 s and nearly always between 15 and 40 s, as a sum of many small delays.
fn bell(random: &mut fastrand::Rng) -> (Option<RequestKind>, f64) {
    (None, 27.5 + 4.0 * ((0..12).map(|_| random.f64()).sum::<f64>() - 6.0))
}

/// Between 15 and 40 s depending on the kind, with a variation of 10 % each.
fn by_kind(random: &mut fastrand::Rng) -> (Option<RequestKind>, f64) {
    let images = random.usize(1..=3);
    (kind(images), [16.5, 26.0, 36.4][images - 1] * (0.9 + 0.2 * random.f64()))
}

/// Uniform between 15 and 40 s.
fn flat(random: &mut fastrand::Rng) -> (Option<RequestKind>, f64) {
    (None, 15.0 + 25.0 * random.f64())
}

#[test]
fn a_third_of_the_polls_find_answers_as_soon_as_polls_every_second() {
    for draw in [bell, by_kind] {
        let (planned, naive) = (by_plan(&mut GenerationTimes::new(BUDGET, &[]), 2000, draw), every_second(2000, draw));
        assert!(planned.polls <= naive.polls / 3.0, "{planned:?} against {naive:?}");
        assert!(planned.lag <= naive.lag, "{planned:?} against {naive:?}");
        assert!(planned.worst < 10.0, "{planned:?}");
    }
}

/// No plan can do better than 0.40 of the polls here: the product of polls and lag is (∫ √(S·f))²/2, 5.6 for this one.
#[test]
fn with_only_the_bounds_known_the_poll_plan_is_near_the_optimum() {
    let (planned, naive) = (by_plan(&mut GenerationTimes::new(BUDGET, &[]), 2000, flat), every_second(2000, flat));
    assert!(planned.polls * planned.lag < 5.56 * 1.15, "{planned:?}");
    assert!(planned.polls < naive.polls * 0.48 && planned.lag <= naive.lag, "{planned:?} against {naive:?}");
}

/// The same edits, but one is submitted in each tenth of a second, so that many are in progress before the first ends.
fn by_plan_at_once(
    times: &mut GenerationTimes,
    edits: u32,
    mut draw: impl FnMut(&mut fastrand::Rng) -> (Option<RequestKind>, f64),
) -> Cost {
    let mut random = fastrand::Rng::with_seed(7);
    let drawn: Vec<_> = (0..edits).map(|_| (draw(&mut random), random.f64())).collect();
    let micros = |seconds: f64| (seconds * 1e6) as u64;
    let mut polls: BinaryHeap<Reverse<(u64, usize, u64)>> =
        (0..drawn.len()).map(|edit| Reverse((edit as u64 * 100_000, edit, 0))).collect();
    let mut cost = Cost::default();
    while let Some(Reverse((now, edit, in_work))) = polls.pop() {
        let ((kind, takes), jitter) = drawn[edit];
        let (in_work, age) = (Duration::from_micros(in_work), Duration::from_micros(now - edit as u64 * 100_000));
        cost.polls += 1.0 / f64::from(edits);
        if age.as_secs_f64() >= takes {
            cost.lag += (age.as_secs_f64() - takes) / f64::from(edits);
            times.learn(kind, Observation { in_work: Some(in_work), done: age, reported: None });
            continue;
        }
        times.in_progress(kind, in_work, age);
        let wait = times.wait(kind, age, jitter).map_or_else(
            || (age.as_secs_f64() * 0.5).clamp(0.25, 2.0).max(times.sure_wait(age).as_secs_f64()),
            |wait| wait.as_secs_f64(),
        );
        polls.push(Reverse((now + micros(wait), edit, age.as_micros() as u64)));
    }
    cost
}

#[test]
fn the_first_edits_of_a_run_cost_not_many_more_polls_than_later_ones() {
    for (draw, most) in [(bell as fn(&mut fastrand::Rng) -> _, 0.45), (by_kind, 0.4), (flat, 0.57)] {
        let planned = by_plan_at_once(&mut GenerationTimes::new(BUDGET, &[]), 500, draw);
        let naive = every_second(500, draw);
        assert!(planned.polls <= naive.polls * most, "{planned:?} against {naive:?}");
        assert!(planned.lag <= naive.lag * 1.15, "{planned:?} against {naive:?}");
    }
}

#[test]
fn a_provider_that_becomes_faster_or_slower_is_followed() {
    let mut times = GenerationTimes::new(BUDGET, &[]);
    by_plan(&mut times, 300, |random| (None, 30.0 + random.f64()));
    let faster = by_plan(&mut times, 600, |random| (None, 10.0 + random.f64()));
    let then = by_plan(&mut times, 300, |random| (None, 10.0 + random.f64()));
    assert!(then.lag < 1.0 && then.polls < 4.0, "{faster:?} then {then:?}");
    by_plan(&mut times, 600, |random| (None, 60.0 + random.f64()));
    let slower = by_plan(&mut times, 300, |random| (None, 60.0 + random.f64()));
    assert!(slower.lag < 1.0 && slower.polls < 4.0, "{slower:?}");
}

#[test]
fn the_next_run_uses_learned_generation_times_from_its_first_edit() {
    let mut times = GenerationTimes::new(BUDGET, &[]);
    by_plan(&mut times, 300, by_kind);
    let learned = times.learned();
    assert_eq!(learned.len(), LEARNED_INTERVALS + 1);
    assert!(
        (12_000..19_000).contains(&learned[0]) && (36_000..42_000).contains(&learned[LEARNED_INTERVALS]),
        "{learned:?}"
    );
    let next = by_plan(&mut GenerationTimes::new(BUDGET, &learned), 5, by_kind);
    assert!(next.polls < 20.0, "{next:?}");
}

#[test]
fn polls_that_are_scarce_are_spread_over_all_predictions() {
    let scarce = PollBudget { polls_each: 0.1, ..BUDGET };
    let cost = by_plan(&mut GenerationTimes::new(scarce, &[]), 1000, flat);
    assert!(cost.polls < 6.5, "{cost:?}");
}

#[test]
fn the_provider_s_own_times_are_taken_where_they_can_be_true() {
    let seconds = Duration::from_secs;
    let took = |in_work, reported| Observation { in_work: None, done: seconds(20), reported }.took(in_work);
    assert_eq!(took(seconds(18), Some(seconds(19))), seconds(19));
    assert_eq!(took(seconds(18), Some(Duration::from_millis(20_400))), seconds(20));
    assert_eq!(took(seconds(18), None), seconds(19));
    assert_eq!(took(Duration::ZERO, None), seconds(17));
}

#[test]
fn nothing_is_learned_from_a_prediction_that_was_not_seen_in_progress() {
    let mut times = GenerationTimes::new(BUDGET, &[]);
    let done = Duration::from_secs(20);
    for _ in 0..100 {
        times.learn(None, Observation { in_work: None, done, reported: Some(done) });
    }
    assert_eq!(times.mean(), None);
}

#[test]
fn a_provider_that_tells_the_same_time_of_every_edit_is_not_believed() {
    let draw = |random: &mut fastrand::Rng| (None, 3.0 + 5.0 * random.f64());
    let reported = Some(Duration::from_secs(30));
    let (with, without) = (
        by_plan_reported(&mut GenerationTimes::new(BUDGET, &[]), 1000, reported, draw),
        by_plan(&mut GenerationTimes::new(BUDGET, &[]), 1000, draw),
    );
    assert!(with.lag < without.lag + 0.01, "{with:?} against {without:?}");
    assert!(without.lag < 0.6, "{without:?}");
}

proptest! {
    /// Whatever was learned, a wait is never zero, and an answer is found within a bounded time.
    #[test]
    fn every_answer_is_found(
        known in prop::collection::vec(0.0_f64..100.0, 2..300), takes in 0.0_f64..300.0, jitter in 0.0_f64..1.0,
    ) {
        let mut times = GenerationTimes::new(BUDGET, &[]);
        let done = |seconds| {
            let at = Duration::from_secs_f64(seconds);
            Observation { in_work: Some(at), done: at, reported: None }
        };
        for seconds in &known {
            times.in_progress(None, Duration::ZERO, Duration::from_secs_f64(*seconds));
            times.learn(None, done(*seconds));
        }
        let (mut age, mut polls) = (0.0, 0);
        while let (true, Some(wait)) = (age < takes, times.wait(None, Duration::from_secs_f64(age), jitter)) {
            prop_assert!(wait >= Duration::from_millis(20));
            // Before the shortest known time no poll is useful; after it, the wait is bounded.
            let known = known.iter().copied().fold(0.0, f64::max);
            prop_assert!(wait.as_secs_f64() <= (known - age).max(0.0) + (age / 8.0).max(2.0) + 0.1, "{wait:?} at {age}");
            age += wait.as_secs_f64();
            polls += 1;
            prop_assert!(polls < 1000);
        }
    }
}

#[test]
fn the_provider_s_times_are_used_once_a_few_that_differ_agree_with_the_polls() {
    let seconds = Duration::from_secs_f64;
    let longest = |reports: &[f64]| {
        let mut times = GenerationTimes::new(BUDGET, &[]);
        for reported in reports {
            let (in_work, done) = (Some(seconds(29.5)), seconds(30.5));
            times.learn(None, Observation { in_work, done, reported: Some(seconds(*reported)) });
        }
        for reported in std::iter::repeat_n(60.0, 40) {
            let (in_work, done) = (Some(seconds(10.0)), seconds(70.0));
            times.learn(None, Observation { in_work, done, reported: Some(seconds(reported)) });
        }
        *times.learned().last().unwrap()
    };
    assert!(longest(&[30.0; 20]) < 42_000, "an example agrees by chance");
    assert!((59_000..61_000).contains(&longest(&[29.8, 30.0, 30.2])));
}
