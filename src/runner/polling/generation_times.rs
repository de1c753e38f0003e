use std::collections::HashMap;
use std::time::Duration;

use crate::job::{EditRequest, Size};

use super::life_table::LifeTable;
use super::plan_check::PlanCheck;
use super::poll_plan::{Haste, PollBudget, PollPlan};

/// How many times are needed before they are used; of one kind of edit, more.
const MIN_SAMPLES: u32 = 8;
const MIN_SAMPLES_OF_KIND: u32 = 24;

/// A new plan is made once one in this many of the times is new.
const REPLAN_AFTER_ONE_IN: u32 = 8;

/// The number of predictions that must be seen in progress at an age before others are not polled before it.
const MIN_PASSED: i32 = 16;

/// The number of intervals between the quantiles that a later run starts with.
const LEARNED_INTERVALS: usize = 8;

/// The share of the distribution that must be known before a later run starts with it.
const MIN_KNOWN_SHARE: f64 = 0.5;

/// An edit that was finished at its first poll is assumed to have taken this share of its age. The share is smaller
/// below one second, where one more poll costs little and a long wait costs much.
const UNOBSERVED_SHARE: f64 = 0.85;
const UNOBSERVED_SHARE_SHORT: f64 = 0.5;

/// The largest assumed error of the provider's times, which are often whole seconds.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

/// How many different times the provider must have reported that agree with polls shortly before and after them. An
/// example that is copied into every answer agrees by chance, but does not differ.
const MIN_FITTING_REPORTS: usize = 3;

/// The longest time between two polls that says when a prediction ended if one between them failed: this, or this share
/// of its age. The end of an outage is no generation time.
const NARROW: Duration = Duration::from_secs(2);
const NARROW_SHARE: u32 = 4;

/// How many predictions must have ended before the times of an earlier run are relied on. Until then, this share of
/// predictions is polled each time that their age has tripled, from two seconds on.
const UNCONFIRMED: u32 = 8;
const SCOUTS: f64 = 0.15;
const MIN_SCOUT_WAIT: Duration = Duration::from_secs(2);

/// The relative change of the poll rate that requires a new plan.
const REPLAN_SHARE: f64 = 0.2;

/// What affects how long an edit takes, as far as the request shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::runner) struct RequestKind {
    size: Option<Size>,
    images: usize,
}

impl RequestKind {
    pub(in crate::runner) fn of(request: &EditRequest) -> RequestKind {
        RequestKind { size: request.size, images: request.images.len() }
    }
}

/// The generation times of this run, and the poll plan that follows from them. Pure.
#[derive(Debug)]
pub(super) struct GenerationTimes {
    budget: PollBudget,
    haste: Haste,
    all: Planned,
    kinds: HashMap<RequestKind, Planned>,
    /// Whether the provider has reported a time that is impossible.
    is_implausible: bool,
    /// The different times that it has reported and that can be true.
    fitting_reports: Vec<Duration>,
    /// Tells whether the times are too long.
    check: PlanCheck,
    /// How many more predictions must end before the times of an earlier run are relied on.
    unconfirmed: u32,
}

/// The times of the last edits, and the plan that follows from them.
#[derive(Debug, Default)]
struct Planned {
    times: LifeTable,
    since_plan: u32,
    plan: Option<PollPlan>,
}

/// The times at which an edit was seen in progress and finished.
#[derive(Clone, Copy, Debug)]
pub(in crate::runner) struct Observation {
    /// The age at the last poll that found it in progress. `None` if its age is not known.
    pub(in crate::runner) in_work: Option<Duration>,
    /// The age at the poll that found it finished.
    pub(in crate::runner) done: Duration,
    /// The time that the provider reports.
    pub(in crate::runner) reported: Option<Duration>,
}

impl Observation {
    /// Returns whether it is known how long the time was at which a prediction ended, or how long it was in progress,
    /// between polls at the ages `from` and `to` if one between them was not answered.
    pub(in crate::runner) fn is_narrow(from: Duration, to: Duration) -> bool {
        to.saturating_sub(from) <= NARROW.max(from / NARROW_SHARE)
    }

    /// Returns the time that the provider reports, if polls show it to be about right.
    fn fitting_report(self) -> Option<Duration> {
        let in_work = self.in_work.filter(|in_work| *in_work > Duration::ZERO)?;
        self.reported.filter(|_| !self.is_implausible() && Observation::is_narrow(in_work, self.done))
    }

    /// Returns whether the time that the provider reports is impossible.
    fn is_implausible(self) -> bool {
        self.in_work.zip(self.reported).is_some_and(|(in_work, reported)| {
            reported + CLOCK_TOLERANCE < in_work || reported > self.done + CLOCK_TOLERANCE
        })
    }

    /// Returns the most likely generation time of an edit that was seen in progress at the age `in_work`.
    fn took(self, in_work: Duration) -> Duration {
        match self.reported {
            Some(reported) => reported.clamp(in_work, self.done.max(in_work)),
            None if in_work > Duration::ZERO => (in_work + self.done) / 2,
            None if self.done < Duration::from_secs(1) => self.done.mul_f64(UNOBSERVED_SHARE_SHORT),
            None => self.done.mul_f64(UNOBSERVED_SHARE),
        }
    }
}

impl GenerationTimes {
    /// Starts with what an earlier run has learned: quantiles in milliseconds, or nothing.
    pub(super) fn new(budget: PollBudget, learned: &[u64]) -> GenerationTimes {
        let mut times = GenerationTimes {
            budget,
            haste: Haste::default(),
            all: Planned::default(),
            kinds: HashMap::new(),
            is_implausible: false,
            fitting_reports: Vec::new(),
            check: PlanCheck::default(),
            unconfirmed: 0,
        };
        if !learned.is_empty() {
            times.check = PlanCheck::of_earlier_run();
            times.unconfirmed = UNCONFIRMED;
        }
        for pair in learned.windows(2) {
            let between = |share: f64| (pair[0] as f64 * (1.0 - share) + pair[1] as f64 * share) / 1000.0;
            for share in [0.0, 0.5, 1.0] {
                let took = Duration::from_secs_f64(between(share));
                times.all.ended(Duration::ZERO, took, budget, MIN_SAMPLES);
            }
        }
        times
    }

    /// Records that an edit was in progress from the age `from` to the age `to`.
    pub(super) fn in_progress(&mut self, kind: Option<RequestKind>, from: Duration, to: Duration) {
        // Where no end is expected, its absence says nothing.
        if let Some((share, count)) = self.first_ends(kind, from, to).filter(|(share, _)| *share > 0.0) {
            self.check.in_progress(share, count);
        }
        self.all.times.in_progress(from, to);
        if let Some(kind) = kind {
            self.kinds.entry(kind).or_default().times.in_progress(from, to);
        }
    }

    /// Adds the time of an edit. Once the provider has reported an impossible time, such as the same one for all
    /// edits, its times are ignored. Returns whether all known times were forgotten because they are too long.
    pub(super) fn learn(&mut self, kind: Option<RequestKind>, seen: Observation) -> bool {
        self.is_implausible |= seen.is_implausible();
        if let Some(reported) = seen.fitting_report()
            && self.fitting_reports.len() < MIN_FITTING_REPORTS
            && !self.fitting_reports.contains(&reported)
        {
            self.fitting_reports.push(reported);
        }
        // A time that was never observed in progress cannot be verified. A plan based only on the provider's times may
        // poll so late that it is never corrected.
        let Some(in_work) = seen.in_work else { return false };
        // A quick edit is soon polled anyway, and each plan for it would seem too late.
        let first_ends = if seen.done > NARROW { self.first_ends(kind, in_work, seen.done) } else { None };
        let is_too_late = first_ends.is_some_and(|(share, count)| self.check.ended(share, count));
        if is_too_late {
            self.forget();
        }
        self.unconfirmed = self.unconfirmed.saturating_sub(1);
        let is_trusted = !self.is_implausible && self.fitting_reports.len() >= MIN_FITTING_REPORTS;
        let reported = seen.reported.filter(|_| is_trusted);
        let took = Observation { reported, ..seen }.took(in_work);
        self.all.ended(in_work, took, self.budget, MIN_SAMPLES);
        if let Some(kind) = kind {
            self.kinds.entry(kind).or_default().ended(in_work, took, self.budget, MIN_SAMPLES_OF_KIND);
        }
        is_too_late
    }

    fn forget(&mut self) {
        self.all = Planned::default();
        self.kinds.clear();
        self.check = PlanCheck::default();
        self.unconfirmed = 0;
    }

    /// Returns the share of edits that have ended at the age `to` by the current plan, if one was last seen in progress at
    /// the age `from`, before any ends by the plan; and how many times the plan is made of. Later ends say nothing about
    /// whether the plan begins too late.
    fn first_ends(&self, kind: Option<RequestKind>, from: Duration, to: Duration) -> Option<(f64, u32)> {
        let planned = self.planned(kind)?;
        let plan = planned.plan.as_ref()?;
        (plan.ended_by(from) == 0.0).then(|| (plan.ended_by(to), planned.times.count()))
    }

    /// Returns the times and the plan for this kind of edit, or else for all, if there is a plan.
    fn planned(&self, kind: Option<RequestKind>) -> Option<&Planned> {
        let of_kind = kind.and_then(|kind| self.kinds.get(&kind));
        [of_kind, Some(&self.all)].into_iter().flatten().find(|planned| planned.plan.is_some())
    }

    /// Makes new plans for this many answered polls per second and prediction, or for the configured rate if `None`,
    /// unless the change is small.
    pub(super) fn plan_for(&mut self, answered_each: Option<f64>) {
        let is_about_the_same = match (answered_each, self.budget.answered_each) {
            (Some(each), Some(planned)) => (each / planned - 1.0).abs() < REPLAN_SHARE,
            (each, planned) => each == planned,
        };
        if is_about_the_same {
            return;
        }
        self.budget.answered_each = answered_each;
        for planned in self.kinds.values_mut().chain([&mut self.all]).filter(|planned| planned.plan.is_some()) {
            planned.plan = Some(PollPlan::new(&planned.times, self.budget));
        }
    }

    /// Sets whether anything waits for predictions to end.
    pub(super) fn set_haste(&mut self, haste: Haste) {
        self.haste = haste;
    }

    /// Returns the mean generation time in seconds, or `None` if too little is known.
    pub(super) fn mean(&self) -> Option<f64> {
        self.all.plan.as_ref().map(PollPlan::mean)
    }

    /// Returns the wait before the next poll of an edit of this age, or `None` if too little is known.
    pub(super) fn wait(&self, kind: Option<RequestKind>, age: Duration, jitter: f64) -> Option<Duration> {
        let wait = self.planned(kind)?.plan.as_ref()?.wait(age, jitter, self.haste);
        let is_scout = self.unconfirmed > 0 && jitter < SCOUTS;
        Some(if is_scout { wait.min((age * 2).max(MIN_SCOUT_WAIT)) } else { wait })
    }

    /// Returns how long an edit of this age need not be polled, because all others were still in progress then.
    pub(super) fn sure_wait(&self, age: Duration) -> Duration {
        self.all.times.passed_by(MIN_PASSED).saturating_sub(age)
    }

    /// Returns the quantiles for a later run to start with, in milliseconds, in ascending order.
    pub(super) fn learned(&self) -> Vec<u64> {
        let distribution = self.all.times.distribution();
        // The times of a run that was interrupted before most predictions ended are too short.
        if self.all.times.count() < MIN_SAMPLES || distribution.known() < MIN_KNOWN_SHARE {
            return Vec::new();
        }
        let quantile =
            |part: usize| distribution.quantile(distribution.known() * part as f64 / LEARNED_INTERVALS as f64);
        (0..=LEARNED_INTERVALS).map(|part| (quantile(part) * 1000.0).round() as u64).collect()
    }
}

impl Planned {
    fn ended(&mut self, from: Duration, at: Duration, budget: PollBudget, min_samples: u32) {
        self.times.ended(from, at);
        self.since_plan += 1;
        let count = self.times.count();
        if count >= min_samples && self.since_plan * REPLAN_AFTER_ONE_IN >= count {
            self.since_plan = 0;
            self.plan = Some(PollPlan::new(&self.times, budget));
        }
    }
}

#[cfg(test)]
mod tests;
