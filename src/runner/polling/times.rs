use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::job::{EditRequest, Size};

use super::plan::{Plan, PollBudget};

/// How many times are remembered: enough for a distribution, few enough to follow a provider that changes.
const REMEMBERED: usize = 256;

/// How many are needed before they are relied on; of one kind of edit, more.
const ENOUGH: usize = 8;
const ENOUGH_OF_A_KIND: usize = 24;

/// How many parts the times are divided in that a later run begins with.
const KEPT_PARTS: usize = 8;

/// What was done already when it was first asked for took less than that: this share of it, as far as anybody knows. Of
/// less than a second, a smaller share: asking once more is nothing there, and waiting too long is much.
const UNSEEN: f64 = 0.85;
const UNSEEN_MOMENT: f64 = 0.5;

/// What makes edits take longer or shorter, as far as a request tells.
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

/// How long edits took in this run, and so when to ask for the next ones. Pure.
#[derive(Debug)]
pub(super) struct Times {
    aim: PollBudget,
    all: Sample,
    kinds: HashMap<RequestKind, Sample>,
}

/// The times of the last edits, and the plan that follows from them.
#[derive(Debug, Default)]
struct Sample {
    seconds: VecDeque<f64>,
    since_plan: usize,
    plan: Option<Plan>,
}

/// What was seen of an edit that is done.
#[derive(Clone, Copy, Debug)]
pub(in crate::runner) struct Observation {
    /// At which age it was last seen to be in work. None where it may have been older than is known.
    pub(in crate::runner) in_work: Option<Duration>,
    /// At which age it was seen to be done.
    pub(in crate::runner) done: Duration,
    /// What the provider says that it took.
    pub(in crate::runner) told: Option<Duration>,
}

impl Observation {
    /// The most likely time that it took.
    fn took(self) -> Option<f64> {
        let done = self.done.as_secs_f64();
        match (self.in_work, self.told) {
            // The provider's clock is its own: what cannot be by ours is cut.
            (Some(in_work), Some(told)) => Some(told.as_secs_f64().clamp(in_work.as_secs_f64(), done)),
            (None, Some(told)) => Some(told.as_secs_f64()),
            (Some(Duration::ZERO), None) => Some(done * if done < 1.0 { UNSEEN_MOMENT } else { UNSEEN }),
            (Some(in_work), None) => Some((in_work.as_secs_f64() + done) / 2.0),
            (None, None) => None,
        }
    }
}

impl Times {
    /// Begins with what an earlier run has learned: quantiles in milliseconds, or nothing.
    pub(super) fn new(aim: PollBudget, learned: &[u64]) -> Times {
        let mut times = Times { aim, all: Sample::default(), kinds: HashMap::new() };
        for pair in learned.windows(2) {
            let between = |share: f64| (pair[0] as f64 * (1.0 - share) + pair[1] as f64 * share) / 1000.0;
            [0.0, 0.5, 1.0].into_iter().for_each(|share| times.all.push(between(share), aim, ENOUGH));
        }
        times
    }

    /// Takes in how long an edit took.
    pub(super) fn learn(&mut self, kind: Option<RequestKind>, seen: Observation) {
        let Some(seconds) = seen.took() else { return };
        self.all.push(seconds, self.aim, ENOUGH);
        if let Some(kind) = kind {
            self.kinds.entry(kind).or_default().push(seconds, self.aim, ENOUGH_OF_A_KIND);
        }
    }

    /// Plans for as many polls a second as the provider answers for each prediction, or for as many as are set.
    pub(super) fn plan_for(&mut self, answered_each: Option<f64>) {
        self.aim.answered_each = answered_each;
        for sample in self.kinds.values_mut().chain([&mut self.all]).filter(|sample| sample.plan.is_some()) {
            sample.plan = Some(Plan::new(&sample.sorted(), self.aim));
        }
    }

    /// How long edits take in the mean, in seconds; none where too little is known.
    pub(super) fn mean(&self) -> Option<f64> {
        self.all.plan.as_ref().map(Plan::mean)
    }

    /// The wait before the next poll of an edit of this age; none where too little is known.
    pub(super) fn wait(&self, kind: Option<RequestKind>, age: Duration, jitter: f64) -> Option<Duration> {
        let of_a_kind = kind.and_then(|kind| self.kinds.get(&kind)).and_then(|sample| sample.plan.as_ref());
        Some(of_a_kind.or(self.all.plan.as_ref())?.wait(age, jitter))
    }

    /// What a later run should begin with: the times' quantiles in milliseconds, from the least to the greatest.
    pub(super) fn learned(&self) -> Vec<u64> {
        let sorted = self.all.sorted();
        if sorted.len() < ENOUGH {
            return Vec::new();
        }
        let quantile = |part: usize| sorted[part * (sorted.len() - 1) / KEPT_PARTS];
        (0..=KEPT_PARTS).map(|part| (quantile(part) * 1000.0).round() as u64).collect()
    }
}

impl Sample {
    fn push(&mut self, seconds: f64, aim: PollBudget, enough: usize) {
        self.seconds.push_back(seconds);
        if self.seconds.len() > REMEMBERED {
            self.seconds.pop_front();
        }
        self.since_plan += 1;
        if self.seconds.len() >= enough && self.since_plan * 8 >= self.seconds.len() {
            self.since_plan = 0;
            self.plan = Some(Plan::new(&self.sorted(), aim));
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
