use std::time::Duration;

use crate::job::Rate;

/// How many polls tell whether refusals are frequent, and whether they are rarer at another rate. Doubled each time that
/// another rate was tried for nothing.
const SAMPLE_SIZE: u32 = 32;
const MAX_FAILED_TRIALS: u32 = 5;

/// How many polls tell how a rate goes that was found.
const EPOCH_SIZE: u32 = 16;

/// From which share on refusals are frequent: fewer cost less than finding out why they come.
const MIN_REFUSED_SHARE: f64 = 0.18;

/// From which share on it is most of the polls that are refused.
const MAJORITY: f64 = 0.5;

/// The least share of refusals, and of answers, in each half of a sample. Where a moment's trouble refuses all polls, one
/// half has none of either.
const MIN_MIX: f64 = 0.1;

/// What the rate grows by while refusals are rare, and once that went well for a while.
const SLOW_GROWTH: f64 = 1.1;
const FAST_GROWTH: f64 = 1.3;
const SLOW_STEPS: u32 = 2;

/// How many of them there are at first where an earlier run has found the limit.
const PROBE_AFTER_IF_LEARNED: u32 = 3;

/// How many epochs without frequent refusals must pass before the rate begins to grow, at most. Doubled each time that the limit is
/// met where it was.
const MAX_PROBE_AFTER: u32 = 6;

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
    phase: LimitPhase,
    sample: Option<PollSample>,
    /// How often another rate was tried for nothing.
    failed_trials: u32,
    /// How many more epochs must go well before the rate begins to grow, and how many there were at first.
    epochs_left: u32,
    probe_after: u32,
    /// How often it grew since the limit was last met.
    growth_steps: u32,
    /// The rate at which refusals stayed away, and the share of them that did not.
    good_rate: f64,
    unrelated_share: f64,
    /// The rate that was last seen to be answered, or that an earlier run has found.
    settled: Option<Rate>,
}

#[derive(Clone, Copy, Debug, Default)]
enum LimitPhase {
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
struct PollSample {
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
        f64::from(self.answered.min(self.refused)) >= MIN_MIX * f64::from(self.total())
    }
}

impl PollSample {
    fn new(since: Duration, size: u32) -> PollSample {
        PollSample { since, size, halves: [Count::default(); 2] }
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
            phase: LimitPhase::Found { per_second },
            epochs_left: PROBE_AFTER_IF_LEARNED,
            probe_after: PROBE_AFTER_IF_LEARNED,
            good_rate: per_second,
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
            LimitPhase::Free => None,
            LimitPhase::Trial { per_second, .. } | LimitPhase::Found { per_second } => Some(per_second),
        }
    }

    /// How many polls a second there are to be planned with, once a limit was found.
    pub(in crate::runner) fn found(&self) -> Option<f64> {
        match self.phase {
            LimitPhase::Free | LimitPhase::Trial { is_first: true, .. } => None,
            LimitPhase::Trial { per_second, .. } | LimitPhase::Found { per_second } => Some(per_second),
        }
    }

    /// A poll that was sent at `sent` was answered at `now`, whatever the answer says. `least` is how many a second the run
    /// needs, where that is known: nothing slower is tried at first.
    pub(in crate::runner) fn answered(&mut self, sent: Duration, now: Duration, min_rate: Option<f64>) {
        if let (LimitPhase::Found { .. }, None) = (self.phase, self.sample) {
            // The first poll of a run that began with a limit: before it, nothing was to be asked for.
            self.sample = Some(PollSample::new(sent, EPOCH_SIZE));
        }
        if let Some(sample) = self.sample.as_mut().filter(|sample| sent >= sample.since) {
            sample.half().answered += 1;
            self.judge(now, min_rate);
        }
    }

    /// A poll that was sent at `sent` was refused at `now` because there were too many, as far as the provider says.
    pub(in crate::runner) fn refused(&mut self, sent: Duration, now: Duration, min_rate: Option<f64>) {
        match self.sample.as_mut() {
            // The first refusal only begins the sample: it is there because it was one.
            None => {
                let size = if let LimitPhase::Found { .. } = self.phase {
                    EPOCH_SIZE
                } else {
                    SAMPLE_SIZE << self.failed_trials
                };
                self.sample = Some(PollSample::new(now, size));
            }
            Some(sample) if sent >= sample.since => {
                sample.half().refused += 1;
                self.judge(now, min_rate);
            }
            Some(_) => {}
        }
    }

    fn judge(&mut self, now: Duration, min_rate: Option<f64>) {
        let Some(sample) = self.sample else { return };
        let is_full = sample.whole().total() >= sample.size;
        match self.phase {
            LimitPhase::Trial { refused, .. } if sample.whole().refused > refused => {
                self.failed_trials = (self.failed_trials + 1).min(MAX_FAILED_TRIALS);
                self.phase = LimitPhase::Free;
                self.sample = None;
            }
            _ if !is_full => {}
            LimitPhase::Free => {
                self.sample = None;
                let is_frequent =
                    sample.refused_share() >= MIN_REFUSED_SHARE && sample.halves.iter().all(|half| half.is_mixed());
                // Where most are refused, what is answered is no guess, however little it is.
                let min_rate = if sample.refused_share() >= MAJORITY { Some(0.0) } else { min_rate };
                if let (true, Some(min_rate)) = (is_frequent, min_rate) {
                    self.probe_after = 1;
                    self.start_trial(sample, sample.answered_per_second(now).max(min_rate), now);
                }
            }
            LimitPhase::Trial { per_second, .. } => {
                self.good_rate = per_second;
                self.unrelated_share = sample.refused_share();
                self.settled = Some(Rate::from_per_second(per_second));
                self.epochs_left = self.probe_after;
                self.continue_at(per_second, now);
            }
            LimitPhase::Found { per_second } if sample.refused_share() >= MIN_REFUSED_SHARE + self.unrelated_share => {
                let is_where_it_was = self.growth_steps <= SLOW_STEPS;
                self.probe_after = if is_where_it_was { (self.probe_after * 2).min(MAX_PROBE_AFTER) } else { 1 };
                // Of evenly spaced polls that are a little too many, more are refused than are too many.
                let min_rate = if self.growth_steps > 0 { self.good_rate } else { per_second / 2.0 };
                self.start_trial(sample, sample.answered_per_second(now).max(min_rate), now);
            }
            LimitPhase::Found { per_second } => {
                self.settled = Some(Rate::from_per_second(per_second));
                self.probe_upwards(sample.asked_per_second(now), per_second, now);
            }
        }
    }

    /// Goes at `per_second` for a while, to see whether at least half of the refusals in `sample` stay away.
    fn start_trial(&mut self, sample: PollSample, per_second: f64, now: Duration) {
        let refused = (sample.refused_share() / 2.0 * f64::from(SAMPLE_SIZE)) as u32;
        let is_first = matches!(self.phase, LimitPhase::Free);
        self.phase = LimitPhase::Trial { per_second, refused, is_first };
        self.sample = Some(PollSample::new(now, SAMPLE_SIZE));
        self.growth_steps = 0;
    }

    fn probe_upwards(&mut self, asked: f64, per_second: f64, now: Duration) {
        self.epochs_left = self.epochs_left.saturating_sub(1);
        if self.epochs_left > 0 {
            return self.continue_at(per_second, now);
        }
        if asked < per_second / 2.0 {
            self.phase = LimitPhase::Free;
            self.sample = None;
            return;
        }
        let growth = if self.growth_steps < SLOW_STEPS { SLOW_GROWTH } else { FAST_GROWTH };
        self.growth_steps += 1;
        self.continue_at(per_second * growth, now);
    }

    fn continue_at(&mut self, per_second: f64, now: Duration) {
        self.phase = LimitPhase::Found { per_second };
        self.sample = Some(PollSample::new(now, EPOCH_SIZE));
    }
}

#[cfg(test)]
mod tests;
