use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::job::{EditRequest, Size};

use super::poll_plan::{PollBudget, PollPlan};

/// How many times are kept: enough for a distribution, few enough to follow a provider that changes.
const MAX_SAMPLES: usize = 256;

/// How many times are needed before they are used; of one kind of edit, more.
const MIN_SAMPLES: usize = 8;
const MIN_SAMPLES_OF_KIND: usize = 24;

/// The number of intervals between the quantiles that a later run starts with.
const LEARNED_INTERVALS: usize = 8;

/// An edit that was finished at its first poll is assumed to have taken this share of its age. The share is smaller
/// below one second, where one more poll costs little and a long wait costs much.
const UNOBSERVED_SHARE: f64 = 0.85;
const UNOBSERVED_SHARE_SHORT: f64 = 0.5;

/// The largest assumed error of the provider's times, which are often whole seconds.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

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
    all: TimeSample,
    kinds: HashMap<RequestKind, TimeSample>,
    /// Whether the provider has reported a time that is impossible.
    is_implausible: bool,
}

/// The times of the last edits, and the plan that follows from them.
#[derive(Debug, Default)]
struct TimeSample {
    seconds: VecDeque<f64>,
    since_plan: usize,
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
    /// Returns whether the time that the provider reports is impossible.
    fn is_implausible(self) -> bool {
        self.in_work.zip(self.reported).is_some_and(|(in_work, reported)| {
            reported + CLOCK_TOLERANCE < in_work || reported > self.done + CLOCK_TOLERANCE
        })
    }

    /// Returns the most likely generation time, in seconds.
    fn took(self) -> Option<f64> {
        let done = self.done.as_secs_f64();
        match (self.in_work, self.reported) {
            (Some(in_work), Some(reported)) => Some(reported.as_secs_f64().clamp(in_work.as_secs_f64(), done)),
            (Some(Duration::ZERO), None) => {
                Some(done * if done < 1.0 { UNOBSERVED_SHARE_SHORT } else { UNOBSERVED_SHARE })
            }
            (Some(in_work), None) => Some((in_work.as_secs_f64() + done) / 2.0),
            // A time that was never observed in progress cannot be verified. A plan based only on the provider's
            // times may poll so late that it is never corrected.
            (None, _) => None,
        }
    }
}

impl GenerationTimes {
    /// Starts with what an earlier run has learned: quantiles in milliseconds, or nothing.
    pub(super) fn new(budget: PollBudget, learned: &[u64]) -> GenerationTimes {
        let mut times =
            GenerationTimes { budget, all: TimeSample::default(), kinds: HashMap::new(), is_implausible: false };
        for pair in learned.windows(2) {
            let between = |share: f64| (pair[0] as f64 * (1.0 - share) + pair[1] as f64 * share) / 1000.0;
            [0.0, 0.5, 1.0].into_iter().for_each(|share| times.all.push(between(share), budget, MIN_SAMPLES));
        }
        times
    }

    /// Adds the time of an edit. Once the provider has reported an impossible time, such as the same one for all
    /// edits, its times are ignored.
    pub(super) fn learn(&mut self, kind: Option<RequestKind>, seen: Observation) {
        self.is_implausible |= seen.is_implausible();
        let reported = seen.reported.filter(|_| !self.is_implausible);
        let Some(seconds) = (Observation { reported, ..seen }).took() else { return };
        self.all.push(seconds, self.budget, MIN_SAMPLES);
        if let Some(kind) = kind {
            self.kinds.entry(kind).or_default().push(seconds, self.budget, MIN_SAMPLES_OF_KIND);
        }
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
        for sample in self.kinds.values_mut().chain([&mut self.all]).filter(|sample| sample.plan.is_some()) {
            sample.plan = Some(PollPlan::new(&sample.sorted(), self.budget));
        }
    }

    /// Returns the mean generation time in seconds, or `None` if too little is known.
    pub(super) fn mean(&self) -> Option<f64> {
        self.all.plan.as_ref().map(PollPlan::mean)
    }

    /// Returns the wait before the next poll of an edit of this age, or `None` if too little is known.
    pub(super) fn wait(&self, kind: Option<RequestKind>, age: Duration, jitter: f64) -> Option<Duration> {
        let of_kind = kind.and_then(|kind| self.kinds.get(&kind)).and_then(|sample| sample.plan.as_ref());
        Some(of_kind.or(self.all.plan.as_ref())?.wait(age, jitter))
    }

    /// Returns the quantiles for a later run to start with, in milliseconds, in ascending order.
    pub(super) fn learned(&self) -> Vec<u64> {
        let sorted = self.all.sorted();
        if sorted.len() < MIN_SAMPLES {
            return Vec::new();
        }
        let quantile = |part: usize| sorted[part * (sorted.len() - 1) / LEARNED_INTERVALS];
        (0..=LEARNED_INTERVALS).map(|part| (quantile(part) * 1000.0).round() as u64).collect()
    }
}

impl TimeSample {
    fn push(&mut self, seconds: f64, budget: PollBudget, min_samples: usize) {
        self.seconds.push_back(seconds);
        if self.seconds.len() > MAX_SAMPLES {
            self.seconds.pop_front();
        }
        self.since_plan += 1;
        if self.seconds.len() >= min_samples && self.since_plan * 8 >= self.seconds.len() {
            self.since_plan = 0;
            self.plan = Some(PollPlan::new(&self.sorted(), budget));
        }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.seconds.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests;
