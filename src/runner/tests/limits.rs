//! The limits of a run: the provider's rate, money, and time.

use jiff::SignedDuration;

use super::*;
use crate::journal::{Record, RunEvent, Step};

/// Answers 4 submits per second, and further ones with 429.
fn limited() -> impl Fn(u32) -> Exchange + Send + Sync + 'static {
    let free_at = std::sync::Mutex::new(tokio::time::Instant::now());
    move |number| {
        let now = tokio::time::Instant::now();
        let mut free_at = free_at.lock().unwrap();
        if *free_at > now + Duration::from_secs(1) {
            return answer(429, "");
        }
        *free_at = (*free_at).max(now) + Duration::from_millis(250);
        accepted(number)
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_provider_is_found_and_kept_for_the_next_run() {
    let started = tokio::time::Instant::now();
    let (ending, submits) = ending_at("auto", 1000, limited(), completed).await;
    assert_eq!((ending.stopped.as_ref(), with_status(&ending, JobStatus::Completed)), (None, 1000));
    assert!(submits < 1040, "{submits} submits for 1000 jobs");
    let pace = 1000.0 / started.elapsed().as_secs_f64();
    assert!(pace > 3.2, "{pace} a second of the 4 that there are");
    let learned = ending.ledger.learned();
    let rate = learned.submits.unwrap().per_second_f64();
    assert!((3.4..4.6).contains(&rate), "{learned:?}");
    assert!(!learned.generation_ms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_started_again_at_once_does_not_exceed_its_rate() {
    let elapsed_after = async |earlier: SignedDuration| {
        let mut ledger = Ledger::default();
        let intent = Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None };
        for step in [intent, Step::Refused { message: "HTTP 429".to_owned() }] {
            ledger.apply(fakes::START + earlier, &Record::Edit(work(9).key, step)).unwrap();
        }
        // The runs since then have submitted nothing, so that they do not put off the next submit.
        ledger.apply(fakes::START, &Record::Run(RunEvent::Ended { reason: None, stop: None })).unwrap();
        let settings = Settings { submits: "10/min".parse().unwrap(), ..Settings::default() };
        let started = tokio::time::Instant::now();
        let (_, submits) = ending_with(settings, ledger, 0..2, accepted, completed).await;
        assert_eq!(submits, 2);
        started.elapsed().as_secs()
    };
    assert_eq!(elapsed_after(SignedDuration::from_secs(-2)).await, 10, "four seconds, and six between the submits");
    assert_eq!(elapsed_after(SignedDuration::from_hours(-9)).await, 6);
    assert_eq!(elapsed_after(SignedDuration::from_hours(1)).await, 6, "the clock was set back");
}

/// A disk whose syncs take a varying time.
struct Uneven(fastrand::Rng);

impl Disk for Uneven {
    async fn append(&mut self, _bytes: Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    async fn sync(&mut self) -> io::Result<()> {
        tokio::time::sleep(Duration::from_millis(self.0.u64(1..60))).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_the_provider_s_strict_limit_is_kept_whatever_the_disk_does() {
    let free_at = std::sync::Mutex::new(tokio::time::Instant::now());
    let strict = move |number| {
        let now = tokio::time::Instant::now();
        let mut free_at = free_at.lock().unwrap();
        if now < *free_at {
            return Exchange::Answer(Answer { status: 429, retry_after: Some("1".into()), ..Answer::default() });
        }
        *free_at = now + Duration::from_millis(500);
        accepted(number)
    };
    let started = tokio::time::Instant::now();
    let api = Arc::new(Scripted { submits: AtomicU32::new(0), submit: strict, poll: completed });
    let settings = Settings { submits: "2/s".parse().unwrap(), ..Settings::default() };
    let disk = Uneven(fastrand::Rng::with_seed(1));
    let ending = simulate(settings, Arc::clone(&api), Ledger::default(), disk, (0..200).map(work)).await;
    assert_eq!(with_status(&ending, JobStatus::Completed), 200);
    let refused = api.submits.load(Ordering::Relaxed) - 200;
    assert!(refused <= 2, "{refused} of 200 were refused");
    assert!(started.elapsed() < Duration::from_secs(104), "{:?}", started.elapsed());
}

/// A provider that accepts a submit each `interval`, and no burst. Submits take a varying time to reach it.
struct Strict {
    interval: Duration,
    delays: std::ops::Range<u64>,
    retry_after: Option<&'static str>,
    /// The random delays, when the next submit is accepted, and how many were accepted and refused.
    state: std::sync::Mutex<(fastrand::Rng, tokio::time::Instant, u32, u32)>,
}

impl EditApi for Strict {
    async fn submit(&self, _request: &EditRequest, _intended: &Intended) -> Exchange {
        let delay = self.state.lock().unwrap().0.u64(self.delays.clone());
        tokio::time::sleep(Duration::from_millis(delay)).await;
        let exchange = {
            let (_, free_at, accepted_submits, refused) = &mut *self.state.lock().unwrap();
            let now = tokio::time::Instant::now();
            if now < *free_at {
                *refused += 1;
                let retry_after = self.retry_after.map(str::to_owned);
                Exchange::Answer(Answer { status: 429, retry_after, ..Answer::default() })
            } else {
                *free_at = now + self.interval;
                *accepted_submits += 1;
                accepted(*accepted_submits)
            }
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        exchange
    }

    async fn poll(&self, _prediction: &PredictionId, _path: Option<&StatusPath>) -> Exchange {
        completed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_the_provider_s_strict_limit_is_kept_whatever_the_network_does() {
    for (delays, retry_after, most_refused, longest) in
        [(0..3, None, 8, 1.06), (0..8, None, 12, 1.1), (0..8, Some("1"), 12, 1.2), (0..20, None, 16, 1.2)]
    {
        let interval = Duration::from_secs(1) / 6;
        let started = tokio::time::Instant::now();
        let state = std::sync::Mutex::new((fastrand::Rng::with_seed(7), started, 0, 0));
        let api = Arc::new(Strict { interval, delays: delays.clone(), retry_after, state });
        let settings = Settings { submits: "6/s".parse().unwrap(), ..Settings::default() };
        let ending = simulate(settings, Arc::clone(&api), Ledger::default(), FakeDisk, (0..400).map(work)).await;
        let (refused, took) = (api.state.lock().unwrap().3, started.elapsed().as_secs_f64() / 400.0 * 6.0);
        assert_eq!(with_status(&ending, JobStatus::Completed), 400);
        assert!(refused <= most_refused && took < longest, "{delays:?} {retry_after:?}: {refused} refused, {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_in_headers_are_kept_without_ever_being_met() {
    let started = tokio::time::Instant::now();
    let window = Duration::from_secs(60);
    let submit = move |number| {
        let limits = crate::api::RateLimits {
            quota: Some(crate::api::Quota { count: 600, window }),
            remaining: None,
            total: None,
        };
        let Exchange::Answer(answer) = accepted(number) else { panic!() };
        Exchange::Answer(Answer { limits: Some(limits), ..answer })
    };
    let (ending, submits) = ending_at("auto", 500, submit, completed).await;
    let pace = 500.0 / started.elapsed().as_secs_f64();
    assert!((9.0..10.0).contains(&pace) && submits == 500, "{pace} a second");
    assert_eq!(ending.ledger.learned().submits.unwrap().to_string(), "35640/h");
}

#[tokio::test(start_paused = true)]
async fn headers_that_say_nothing_is_left_while_all_goes_through_hold_a_run_up_for_a_minute() {
    let left = Some(crate::api::Remaining { count: 0, reset: Duration::from_secs(3600) });
    let limits = crate::api::RateLimits { quota: None, remaining: left, total: Some(1) };
    let used_up = move |exchange| match exchange {
        Exchange::Answer(answer) => Exchange::Answer(Answer { limits: Some(limits), ..answer }),
        other => other,
    };
    for rate in ["auto", "2/s"] {
        let started = tokio::time::Instant::now();
        let (ending, submits) =
            ending_at(rate, 60, move |number| used_up(accepted(number)), move || used_up(completed())).await;
        assert_eq!((ending.stopped.as_ref(), with_status(&ending, JobStatus::Completed)), (None, 60));
        assert_eq!(submits, 60);
        // One minute for submits, one for polls.
        assert!(started.elapsed() < Duration::from_secs(170), "{rate}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_begun_anew_in_a_window_that_is_used_up_do_not_get_slower_and_slower() {
    let mut ledger = ending_at("auto", 400, limited(), completed).await.0.ledger;
    let found = ledger.learned().submits.unwrap().per_second_f64();
    for run in 0..10 {
        let settings =
            Settings { submits: SubmitRate::Auto, burst: NonZeroU32::new(8).unwrap(), ..Settings::default() };
        let submit = move |number| if number < 2 { answer(429, "") } else { accepted(1000 * (run + 1) + number) };
        let from = 400 + run * 3;
        ledger = ending_with(settings, ledger, from..from + 3, submit, completed).await.0.ledger;
    }
    let left = ledger.learned().submits.unwrap().per_second_f64();
    assert!(left > found * 0.9, "{left} of {found} a second are left");
}

#[tokio::test(start_paused = true)]
async fn a_run_has_its_own_budget_whatever_earlier_ones_have_left_in_doubt() {
    let settings = Settings { budget_per_run: Some(Cents(50)), ..Settings::default() };
    let doubtful = |number| if number < 3 { answer(500, "") } else { accepted(number) };
    let (first, submits) = ending_with(settings.clone(), Ledger::default(), 0..9, doubtful, completed).await;
    assert_eq!(
        (first.stopped, submits),
        (Some(StopReason::BudgetPerRun { budget: Cents(50), price: Cents(7) }), 7),
        "seven submits are 49 cents"
    );
    assert_eq!((first.ledger.spent(), first.ledger.reserved()), (Cents(28), Cents(21)));
    let mut ledger = first.ledger;
    for (jobs, spent) in [(10..19, 78), (20..29, 128)] {
        let dearer =
            move |number| answer(200, &format!(r#"{{"id":"{spent}-{number}","status":"processing","costCents":10}}"#));
        let (next, submits) = ending_with(settings.clone(), ledger, jobs, dearer, completed).await;
        assert_eq!(
            (next.stopped, submits),
            (Some(StopReason::BudgetPerRun { budget: Cents(50), price: Cents(10) }), 5)
        );
        assert_eq!(next.ledger.spent(), Cents(spent));
        ledger = next.ledger;
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_above_the_documented_one_does_not_lead_past_the_budget() {
    let dearer = |number| answer(200, &format!(r#"{{"id":"p-{number}","status":"processing","costCents":20}}"#));
    let ceilings = |budget, budget_per_run| Settings { budget, budget_per_run, ..Settings::default() };
    for settings in [ceilings(Some(Cents(100)), None), ceilings(None, Some(Cents(100)))] {
        let (ending, submits) = ending_with(settings, Ledger::default(), 0..30, dearer, completed).await;
        assert_eq!((ending.ledger.spent(), submits), (Cents(100), 5), "the first went alone and told the price");
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_that_rises_in_the_middle_of_a_run_leads_past_the_budget_by_one_submit_at_most() {
    let rising = |number| match number {
        0..20 => accepted(number),
        _ => answer(200, &format!(r#"{{"id":"p-{number}","status":"processing","costCents":60}}"#)),
    };
    let ceilings = |budget, budget_per_run| Settings { budget, budget_per_run, ..Settings::default() };
    for (ceiling, spent) in [(300, 260), (150, 200)] {
        for settings in [ceilings(Some(Cents(ceiling)), None), ceilings(None, Some(Cents(ceiling)))] {
            let settings =
                Settings { submits: "50/s".parse().unwrap(), burst: NonZeroU32::new(9).unwrap(), ..settings };
            let (ending, _) = ending_with(settings, Ledger::default(), 0..60, rising, completed).await;
            assert_eq!(ending.ledger.spent(), Cents(spent), "of {ceiling}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_that_is_no_price_stops_the_submits_of_this_run_and_of_the_next() {
    let absurd = |number| match number {
        3 => answer(200, r#"{"id":"p-3","status":"processing","costCents":70000}"#),
        _ => accepted(number),
    };
    let settings = Settings { submits: "1/s".parse().unwrap(), ..Settings::default() };
    let reason = Some(StopReason::AbovePriceLimit { limit: Cents(70), price: Cents(70_000) });
    let (first, submits) = ending_with(settings.clone(), Ledger::default(), 0..30, absurd, completed).await;
    assert_eq!((first.stopped.as_ref(), submits), (reason.as_ref(), 4));
    assert_eq!(first.ledger.spent(), Cents(70_021), "what was charged counts");
    assert_eq!(with_status(&first, JobStatus::Completed), 4, "and is brought home");
    let later = |number| accepted(number + 10);
    let (next, submits) = ending_with(settings.clone(), first.ledger, 30..40, later, completed).await;
    assert_eq!((next.stopped, submits), (reason, 0), "nobody has said that it is one");
    let allowed = Settings { price_limit: Cents(70_000), ..settings };
    let (last, submits) = ending_with(allowed, next.ledger, 30..40, later, completed).await;
    assert_eq!((last.stopped, submits), (None, 10));
}

#[tokio::test(start_paused = true)]
async fn a_price_above_the_limit_is_reported_even_if_nothing_else_would_be_submitted() {
    let absurd = |_| answer(200, r#"{"id":"p","status":"processing","costCents":70000}"#);
    let (ending, _) = ending_of(1, absurd, completed).await;
    assert!(matches!(ending.stopped, Some(StopReason::AbovePriceLimit { .. })), "{:?}", ending.stopped);
}

#[tokio::test(start_paused = true)]
async fn a_price_that_rose_since_the_last_run_does_not_exceed_the_budget() {
    let settings = Settings { budget: Some(Cents(300)), ..Settings::default() };
    let (first, _) = ending_with(settings.clone(), Ledger::default(), 0..10, accepted, completed).await;
    assert_eq!(first.ledger.spent(), Cents(70));
    let dearer = |number| answer(200, &format!(r#"{{"id":"q-{number}","status":"processing","costCents":70}}"#));
    let (next, submits) = ending_with(settings, first.ledger, 10..40, dearer, completed).await;
    assert_eq!((next.ledger.spent(), submits), (Cents(280), 3), "the first of the night told the price");
}

#[tokio::test(start_paused = true)]
async fn a_price_that_leaps_is_paid_by_no_more_submits_than_were_answered_before_it() {
    let burst = NonZeroU32::new(32).unwrap();
    let settings =
        Settings { submits: "50/s".parse().unwrap(), burst, budget: Some(Cents(1000)), ..Settings::default() };
    for calm in 1..20 {
        let leaping = move |number: u32| {
            let price = if number < calm { 7 } else { 500 };
            answer(200, &format!(r#"{{"id":"p-{number}","status":"processing","costCents":{price}}}"#))
        };
        let (ending, submits) = ending_with(settings.clone(), Ledger::default(), 0..60, leaping, completed).await;
        assert!(matches!(ending.stopped, Some(StopReason::AbovePriceLimit { .. })), "{:?}", ending.stopped);
        assert!((calm + 1..=2 * calm).contains(&submits), "{submits} after {calm} at the usual price");
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_far_away_slows_no_run() {
    let burst = NonZeroU32::new(32).unwrap();
    let simulated_run = async |budget| {
        let started = tokio::time::Instant::now();
        let settings = Settings { submits: "50/s".parse().unwrap(), burst, budget, ..Settings::default() };
        let (ending, submits) = ending_with(settings, Ledger::default(), 0..500, accepted, completed).await;
        assert_eq!((ending.stopped, submits), (None, 500));
        started.elapsed()
    };
    let (bounded, unbounded) = (simulated_run(Some(Cents(100_000))).await, simulated_run(None).await);
    assert!(bounded < unbounded + Duration::from_secs(2), "{bounded:?} in place of {unbounded:?}");
}

#[tokio::test(start_paused = true)]
async fn a_price_of_nothing_and_one_that_is_missing_are_booked_as_the_highest_so_far() {
    let unpriced = |number: u32| {
        let cost = ["9", "0", "null", r#""11""#][number as usize];
        answer(200, &format!(r#"{{"id":"p-{number}","status":"processing","costCents":{cost}}}"#))
    };
    let (ending, _) = ending_at("1/s", 4, unpriced, completed).await;
    assert_eq!(ending.ledger.spent(), Cents(9 + 9 + 9 + 11));
}

#[tokio::test(start_paused = true)]
async fn submitting_ends_at_the_deadline_or_the_wall_clock_time_whichever_is_earlier() {
    let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
    let at = |seconds: i64| Some(fakes::START + SignedDuration::from_secs(seconds));
    let one_a_second = "1/s".parse().unwrap();
    for (deadline, not_after, expected, reason) in [
        (Some(minute), None, 60, StopReason::Deadline),
        (None, at(60), 60, StopReason::NotAfter),
        (Some(second * 30), at(60), 30, StopReason::Deadline),
        (Some(minute * 9), at(60), 60, StopReason::NotAfter),
        (None, at(-1), 0, StopReason::NotAfter),
    ] {
        let settings = Settings { submits: one_a_second, deadline, not_after, ..Settings::default() };
        let (ending, submits) = ending_with(settings, Ledger::default(), 0..500, accepted, completed).await;
        assert_eq!((ending.stopped.as_ref(), submits), (Some(&reason), expected), "{deadline:?} {not_after:?}");
        assert_eq!(with_status(&ending, JobStatus::Completed), expected as usize, "what is in flight may finish");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_stops_nothing_is_no_reason() {
    let settings =
        Settings { submits: "1/s".parse().unwrap(), deadline: Some(Duration::from_secs(3)), ..Settings::default() };
    let (ending, submits) = ending_with(settings, Ledger::default(), 0..3, accepted, completed).await;
    assert_eq!((ending.stopped, submits), (None, 3), "the last was submitted in time, and was done after it");
}
