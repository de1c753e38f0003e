use std::time::Duration;

use crate::job::Rate;

/// How many polls are counted to decide whether refusals are frequent, and whether they are rarer at another rate. It
/// doubles with each trial that failed.
const SAMPLE_SIZE: u32 = 32;
const MAX_FAILED_TRIALS: u32 = 5;

/// How many polls are counted to judge a limit that was found.
const EPOCH_SIZE: u32 = 16;

/// The share of refused polls from which refusals are frequent: fewer cost less than a trial.
const MIN_REFUSED_SHARE: f64 = 0.18;

/// The share from which most polls are refused.
const MAJORITY: f64 = 0.5;

/// The minimum share of refused and of answered polls in each half of a sample. In a short outage, one half has none
/// of either.
const MIN_MIX: f64 = 0.1;

/// The growth factors of the rate: while refusals are rare, and after that has continued for a while.
const SLOW_GROWTH: f64 = 1.1;
const FAST_GROWTH: f64 = 1.3;
const SLOW_STEPS: u32 = 2;

/// The number of slow steps at first if an earlier run has found the limit.
const PROBE_AFTER_IF_LEARNED: u32 = 3;

/// The maximum number of epochs without frequent refusals before the rate grows. It doubles each time that the limit
/// is found unchanged.
const MAX_PROBE_AFTER: u32 = 6;

/// Finds out whether the provider limits the rate of polls, if it refuses many of them.
///
/// Above a limit only the excess is refused: polls sent no faster than they were answered are all answered. A refusal
/// that is unrelated to the rate is then as frequent as before. So if refusals are frequent, polls are sent for a
/// while at the rate at which they were answered. If at least half of the refusals stop, there is a limit. Otherwise
/// the previous rate is restored, at the cost of a few late polls, and the next trial needs more evidence. Higher
/// rates are probed above a known limit, and the limit is dropped once it is twice the requested rate. Pure: callers
/// pass the time since the run started.
#[derive(Debug, Default)]
pub(in crate::runner) struct PollLimit {
    phase: LimitPhase,
    sample: Option<PollSample>,
    /// How many trials of another rate have failed.
    failed_trials: u32,
    /// How many epochs must succeed before the rate grows: those left, and their initial number.
    epochs_left: u32,
    probe_after: u32,
    /// How often the rate has grown since the limit was last met.
    growth_steps: u32,
    /// The rate at which refusals stopped, and the share of refusals that remained.
    good_rate: f64,
    unrelated_share: f64,
    /// The rate that was last answered, or that an earlier run has found.
    settled: Option<Rate>,
}

#[derive(Clone, Copy, Debug, Default)]
enum LimitPhase {
    /// No limit is known.
    #[default]
    Free,
    /// Polls are sent at a rate to see whether fewer are refused; more refusals than `refused` end the trial.
    Trial { per_second: f64, refused: u32, is_first: bool },
    /// The limit is known.
    Found { per_second: f64 },
}

/// The polls since a point in time.
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
    /// Starts with the limit that an earlier run has found, if any.
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

    /// Returns the limit for the next run to start with, if one was found.
    pub(in crate::runner) fn learned(&self) -> Option<Rate> {
        self.settled
    }

    /// Returns how many polls per second may go out, if fewer than requested.
    pub(in crate::runner) fn per_second(&self) -> Option<f64> {
        match self.phase {
            LimitPhase::Free => None,
            LimitPhase::Trial { per_second, .. } | LimitPhase::Found { per_second } => Some(per_second),
        }
    }

    /// Returns how many polls per second to plan with, once a limit was found.
    pub(in crate::runner) fn found(&self) -> Option<f64> {
        match self.phase {
            LimitPhase::Free | LimitPhase::Trial { is_first: true, .. } => None,
            LimitPhase::Trial { per_second, .. } | LimitPhase::Found { per_second } => Some(per_second),
        }
    }

    /// Records that a poll sent at `sent` was answered at `now`, whatever the answer is. `min_rate` is how many per
    /// second the run needs, if known: the first trial is not slower than that.
    pub(in crate::runner) fn answered(&mut self, sent: Duration, now: Duration, min_rate: Option<f64>) {
        if let (LimitPhase::Found { .. }, None) = (self.phase, self.sample) {
            // The first poll of a run that started with a limit: nothing was polled before it.
            self.sample = Some(PollSample::new(sent, EPOCH_SIZE));
        }
        if let Some(sample) = self.sample.as_mut().filter(|sample| sent >= sample.since) {
            sample.half().answered += 1;
            self.judge(now, min_rate);
        }
    }

    /// Records that a poll sent at `sent` was answered at `now` with 429.
    pub(in crate::runner) fn refused(&mut self, sent: Duration, now: Duration, min_rate: Option<f64>) {
        match self.sample.as_mut() {
            // The first refusal only starts the sample; counting it would bias the share.
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
                // If most polls are refused, the answered rate is a good estimate, however low it is.
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
                // If evenly spaced polls slightly exceed the limit, more of them are refused than exceed it.
                let min_rate = if self.growth_steps > 0 { self.good_rate } else { per_second / 2.0 };
                self.start_trial(sample, sample.answered_per_second(now).max(min_rate), now);
            }
            LimitPhase::Found { per_second } => {
                self.settled = Some(Rate::from_per_second(per_second));
                self.probe_upwards(sample.asked_per_second(now), per_second, now);
            }
        }
    }

    /// Sends polls at `per_second` for a while, to see whether at least half of the refusals in `sample` stop.
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
