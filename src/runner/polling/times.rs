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

/// By how much the provider's clock may differ from ours: it often tells whole seconds.
const CLOCKS_DIFFER: Duration = Duration::from_secs(1);

/// By what share more or fewer polls are worth a new plan.
const WORTH_A_NEW_PLAN: f64 = 0.2;

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
    /// Whether the provider has said that an edit took a time that it cannot have taken.
    is_told_nonsense: bool,
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
    /// Whether what the provider says cannot be.
    fn is_told_nonsense(self) -> bool {
        self.in_work
            .zip(self.told)
            .is_some_and(|(in_work, told)| told + CLOCKS_DIFFER < in_work || told > self.done + CLOCKS_DIFFER)
    }

    /// The most likely time that it took.
    fn took(self) -> Option<f64> {
        let done = self.done.as_secs_f64();
        match (self.in_work, self.told) {
            (Some(in_work), Some(told)) => Some(told.as_secs_f64().clamp(in_work.as_secs_f64(), done)),
            (Some(Duration::ZERO), None) => Some(done * if done < 1.0 { UNSEEN_MOMENT } else { UNSEEN }),
            (Some(in_work), None) => Some((in_work.as_secs_f64() + done) / 2.0),
            // What nobody has seen in work says nothing that could be checked: a plan that rests on the provider's word alone
            // may ask so late that it never learns better.
            (None, _) => None,
        }
    }
}

impl Times {
    /// Begins with what an earlier run has learned: quantiles in milliseconds, or nothing.
    pub(super) fn new(aim: PollBudget, learned: &[u64]) -> Times {
        let mut times = Times { aim, all: Sample::default(), kinds: HashMap::new(), is_told_nonsense: false };
        for pair in learned.windows(2) {
            let between = |share: f64| (pair[0] as f64 * (1.0 - share) + pair[1] as f64 * share) / 1000.0;
            [0.0, 0.5, 1.0].into_iter().for_each(|share| times.all.push(between(share), aim, ENOUGH));
        }
        times
    }

    /// Takes in how long an edit took. A provider that has said what cannot be, as one whose answers name the same two times
    /// for all edits, is not believed again.
    pub(super) fn learn(&mut self, kind: Option<RequestKind>, seen: Observation) {
        self.is_told_nonsense |= seen.is_told_nonsense();
        let told = seen.told.filter(|_| !self.is_told_nonsense);
        let Some(seconds) = (Observation { told, ..seen }).took() else { return };
        self.all.push(seconds, self.aim, ENOUGH);
        if let Some(kind) = kind {
            self.kinds.entry(kind).or_default().push(seconds, self.aim, ENOUGH_OF_A_KIND);
        }
    }

    /// Plans for as many polls a second as the provider answers for each prediction, or for as many as are set, where that
    /// is not about what is planned for already.
    pub(super) fn plan_for(&mut self, answered_each: Option<f64>) {
        let is_about_the_same = match (answered_each, self.aim.answered_each) {
            (Some(each), Some(planned)) => (each / planned - 1.0).abs() < WORTH_A_NEW_PLAN,
            (each, planned) => each == planned,
        };
        if is_about_the_same {
            return;
        }
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
