use std::time::Duration;

use crate::job::Rate;

/// How many polls tell whether refusals are frequent, and whether they are rarer at another rate. Doubled each time that
/// another rate was tried for nothing.
const SAMPLE: u32 = 32;
const MAX_DOUBTS: u32 = 5;

/// How many polls tell how a rate goes that was found.
const EPOCH: u32 = 16;

/// From which share on refusals are frequent: fewer cost less than finding out why they come.
const FREQUENT: f64 = 0.18;

/// From which share on it is most of the polls that are refused.
const MOST: f64 = 0.5;

/// The least share of refusals, and of answers, in each half of a sample. Where a moment's trouble refuses all polls, one
/// half has none of either.
const MIXED: f64 = 0.1;

/// What the rate grows by while refusals are rare, and once that went well for a while.
const STEP: f64 = 1.1;
const STRIDE: f64 = 1.3;
const STEPS_BEFORE_STRIDES: u32 = 2;

/// How many of them there are at first where an earlier run has found the limit.
const PATIENCE_WITH_WHAT_WAS_LEARNED: u32 = 3;

/// How many epochs without frequent refusals must pass before the rate begins to grow, at most. Doubled each time that the limit is
/// met where it was.
const MAX_PATIENCE: u32 = 6;

/// Finds out whether the provider answers only so many polls a second, where it refuses many of them.
///
/// Beyond a limit it is the rest that is refused: polls that go no faster than they were answered are all answered. A
/// refusal that has nothing to do with the rate comes as often then as before. So when refusals are frequent, polls go
/// for a while at the rate at which they were answered, and if at least half of the refusals stay away, there is a limit.
/// Otherwise all is as before, at the price of a few polls that were a little late; the next trial takes more evidence.
/// A limit that was found is felt for upwards, and is none any more once it is twice what is asked for. Pure: the time is
/// handed in, as what has passed since the run began.
#[derive(Debug, Default)]
pub(in crate::runner) struct PollLimit {
    phase: Phase,
    sample: Option<Sample>,
    /// How often another rate was tried for nothing.
    doubts: u32,
    /// How many more epochs must go well before the rate begins to grow, and how many there were at first.
    left: u32,
    patience: u32,
    /// How often it grew since the limit was last met.
    grown: u32,
    /// The rate at which refusals stayed away, and the share of them that did not.
    good: f64,
    unrelated: f64,
    /// The rate that was last seen to be answered, or that an earlier run has found.
    settled: Option<Rate>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    /// No limit is known.
    #[default]
    Free,
    /// Polls go at a rate to see whether fewer are refused; up to so many refusals are.
    Trial { per_second: f64, refused: u32, is_first: bool },
    /// There is a limit.
    Found { per_second: f64 },
}

/// Polls since some time.
#[derive(Clone, Copy, Debug)]
struct Sample {
    since: Duration,
    size: u32,
    halves: [Count; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    answered: u32,
    refused: u32,
}

impl Count {
    fn total(self) -> u32 {
        self.answered + self.refused
    }

    fn is_mixed(self) -> bool {
        f64::from(self.answered.min(self.refused)) >= MIXED * f64::from(self.total())
    }
}

impl Sample {
    fn begun(since: Duration, size: u32) -> Sample {
        Sample { since, size, halves: [Count::default(); 2] }
    }

    fn half(&mut self) -> &mut Count {
        let [first, second] = &mut self.halves;
        if first.total() < self.size / 2 { first } else { second }
    }

    fn whole(&self) -> Count {
        let [first, second] = self.halves;
        Count { answered: first.answered + second.answered, refused: first.refused + second.refused }
    }

    fn refused_share(&self) -> f64 {
        f64::from(self.whole().refused) / f64::from(self.whole().total().max(1))
    }

    fn answered_per_second(&self, now: Duration) -> f64 {
        f64::from(self.whole().answered) / (now - self.since).as_secs_f64().max(f64::EPSILON)
    }

    fn asked_per_second(&self, now: Duration) -> f64 {
        f64::from(self.whole().total()) / (now - self.since).as_secs_f64().max(f64::EPSILON)
    }
}

impl PollLimit {
    /// Begins with the limit that an earlier run has found.
    pub(in crate::runner) fn new(learned: Option<Rate>) -> PollLimit {
        let Some(rate) = learned else { return PollLimit::default() };
        let per_second = rate.per_second_f64();
        PollLimit {
            phase: Phase::Found { per_second },
            left: PATIENCE_WITH_WHAT_WAS_LEARNED,
            patience: PATIENCE_WITH_WHAT_WAS_LEARNED,
            good: per_second,
            settled: learned,
            ..PollLimit::default()
        }
    }

    /// What the next run should begin with, where a limit was met.
    pub(in crate::runner) fn learned(&self) -> Option<Rate> {
        self.settled
    }

    /// How many polls a second may go out, where it is not as many as are asked for.
    pub(in crate::runner) fn per_second(&self) -> Option<f64> {
        match self.phase {
            Phase::Free => None,
            Phase::Trial { per_second, .. } | Phase::Found { per_second } => Some(per_second),
        }
    }

    /// How many polls a second there are to be planned with, once a limit was found.
    pub(in crate::runner) fn found(&self) -> Option<f64> {
        match self.phase {
            Phase::Free | Phase::Trial { is_first: true, .. } => None,
            Phase::Trial { per_second, .. } | Phase::Found { per_second } => Some(per_second),
        }
    }

    /// A poll that was sent at `sent` was answered at `now`, whatever the answer says. `least` is how many a second the run
    /// needs, where that is known: nothing slower is tried at first.
    pub(in crate::runner) fn answered(&mut self, sent: Duration, now: Duration, least: Option<f64>) {
        if let (Phase::Found { .. }, None) = (self.phase, self.sample) {
            // The first poll of a run that began with a limit: before it, nothing was to be asked for.
            self.sample = Some(Sample::begun(sent, EPOCH));
        }
        if let Some(sample) = self.sample.as_mut().filter(|sample| sent >= sample.since) {
            sample.half().answered += 1;
            self.judge(now, least);
        }
    }

    /// A poll that was sent at `sent` was refused at `now` because there were too many, as far as the provider says.
    pub(in crate::runner) fn refused(&mut self, sent: Duration, now: Duration, least: Option<f64>) {
        match self.sample.as_mut() {
            // The first refusal only begins the sample: it is there because it was one.
            None => {
                let size = if let Phase::Found { .. } = self.phase { EPOCH } else { SAMPLE << self.doubts };
                self.sample = Some(Sample::begun(now, size));
            }
            Some(sample) if sent >= sample.since => {
                sample.half().refused += 1;
                self.judge(now, least);
            }
            Some(_) => {}
        }
    }

    fn judge(&mut self, now: Duration, least: Option<f64>) {
        let Some(sample) = self.sample else { return };
        let is_full = sample.whole().total() >= sample.size;
        match self.phase {
            Phase::Trial { refused, .. } if sample.whole().refused > refused => {
                self.doubts = (self.doubts + 1).min(MAX_DOUBTS);
                (self.phase, self.sample) = (Phase::Free, None);
            }
            _ if !is_full => {}
            Phase::Free => {
                self.sample = None;
                let is_frequent =
                    sample.refused_share() >= FREQUENT && sample.halves.iter().all(|half| half.is_mixed());
                // Where most are refused, what is answered is no guess, however little it is.
                let least = if sample.refused_share() >= MOST { Some(0.0) } else { least };
                if let (true, Some(least)) = (is_frequent, least) {
                    self.patience = 1;
                    self.begin_trial(sample, sample.answered_per_second(now).max(least), now);
                }
            }
            Phase::Trial { per_second, .. } => {
                (self.good, self.unrelated) = (per_second, sample.refused_share());
                self.settled = Some(Rate::from_per_second(per_second));
                self.left = self.patience;
                self.go_on_at(per_second, now);
            }
            Phase::Found { per_second } if sample.refused_share() >= FREQUENT + self.unrelated => {
                let is_where_it_was = self.grown <= STEPS_BEFORE_STRIDES;
                self.patience = if is_where_it_was { (self.patience * 2).min(MAX_PATIENCE) } else { 1 };
                // Of evenly spaced polls that are a little too many, more are refused than are too many.
                let least = if self.grown > 0 { self.good } else { per_second / 2.0 };
                self.begin_trial(sample, sample.answered_per_second(now).max(least), now);
            }
            Phase::Found { per_second } => {
                self.settled = Some(Rate::from_per_second(per_second));
                self.feel_upwards(sample.asked_per_second(now), per_second, now);
            }
        }
    }

    /// Goes at `per_second` for a while, to see whether at least half of the refusals in `sample` stay away.
    fn begin_trial(&mut self, sample: Sample, per_second: f64, now: Duration) {
        let refused = (sample.refused_share() / 2.0 * f64::from(SAMPLE)) as u32;
        let is_first = matches!(self.phase, Phase::Free);
        self.phase = Phase::Trial { per_second, refused, is_first };
        self.sample = Some(Sample::begun(now, SAMPLE));
        self.grown = 0;
    }

    fn feel_upwards(&mut self, asked: f64, per_second: f64, now: Duration) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return self.go_on_at(per_second, now);
        }
        if asked < per_second / 2.0 {
            (self.phase, self.sample) = (Phase::Free, None);
            return;
        }
        let growth = if self.grown < STEPS_BEFORE_STRIDES { STEP } else { STRIDE };
        self.grown += 1;
        self.go_on_at(per_second * growth, now);
    }

    fn go_on_at(&mut self, per_second: f64, now: Duration) {
        self.phase = Phase::Found { per_second };
        self.sample = Some(Sample::begun(now, EPOCH));
    }
}

#[cfg(test)]
mod tests;
