use std::collections::VecDeque;
use std::time::Duration;

use super::search::Estimate;

/// Up to this many in flight, a cap is compared with recent answers, and with how many.
const FEW_IN_FLIGHT: u32 = 3;
const RECENT_ANSWERS: usize = 32;

/// The number of refusals in a row (each after the pause of the previous one), or of separate streaks, after which a
/// cap is tried. It rises by one with each trial that failed.
const MIN_REFUSALS: u32 = 2;

/// Up to this many predictions in flight, an accepted submit with as many in flight as at a refusal disproves a cap.
/// With more, some are likely to have ended without having been polled yet: one per this many.
const UNOBSERVED_PER: u32 = 12;

/// How many trials of a cap may fail before no more are made.
const MAX_ERRORS: u32 = 3;

/// The number of submits that take the last slot before one more slot is tried. It doubles with each refusal.
const MIN_PROBE_AFTER: u32 = 20;
const MAX_PROBE_AFTER: u32 = 640;

/// The same number after one more slot was accepted, because the cap may have risen by more.
const PROBE_AFTER_RAISE: u32 = 3;

/// The number of refusal streaks below an established cap, with none at it, after which the cap is dropped.
const MAX_STRIKES: u32 = 3;

/// Finds out how many predictions the provider allows in flight, if it answers further submits with 429 as it does
/// for rates that are too high.
///
/// If refusals come at about the same number in flight, and submits are accepted below it, that number may be the
/// cap, and the rate was not too high. This is tried: submits wait for a slot, at the same rate as before. A refusal
/// with free slots shows that the rate was too high; without one, the number is the cap, and one more slot is tried
/// from time to time. Pure: `in_flight_before` is the number of predictions in flight besides the answered submit;
/// some of them may have ended since their last poll.
#[derive(Debug, Default)]
pub(super) struct ConcurrencyLimit {
    cap: Option<Cap>,
    streak: Option<RefusalStreak>,
    plateau: Option<PlateauEvidence>,
    errors: u32,
    /// The last answers, each with the number in flight and whether it was a refusal.
    recent: VecDeque<(u32, bool)>,
    /// The cap that the run started with, 0 for none.
    initial: u32,
}

/// The number of predictions that may be in flight.
#[derive(Clone, Copy, Debug)]
struct Cap {
    size: u32,
    /// How many submits have taken the last slot, and how many must before one more slot is tried.
    filled: u32,
    probe_after: u32,
    /// How many refusal streaks came below the cap since one came at it.
    strikes: u32,
    /// The lower cap that refusals showed before it was raised.
    previous: Option<PreviousCap>,
    /// The trial of the cap, until it is established.
    trial: Option<CapTrial>,
}

/// A cap at which submits were refused, before one more was accepted.
#[derive(Clone, Copy, Debug)]
struct PreviousCap {
    size: u32,
    probe_after: u32,
}

/// The trial of a cap.
#[derive(Clone, Copy, Debug)]
struct CapTrial {
    /// How many submits must be accepted before the cap is established.
    submits_left: u32,
    /// The rate estimate to restore if the trial fails.
    estimate_before: Estimate,
}

impl Cap {
    fn of(size: u32, probe_after: u32) -> Cap {
        Cap { size: size.max(1), filled: 0, probe_after, strikes: 0, previous: None, trial: None }
    }

    /// Returns the cap after a submit was accepted with `in_flight_before`: it may have risen, or a prediction had
    /// ended without having been polled.
    fn raised(self, in_flight_before: u32) -> Cap {
        let previous = self.previous.unwrap_or(PreviousCap { size: self.size, probe_after: self.probe_after });
        let previous =
            Some(previous).filter(|previous| in_flight_before <= previous.size + unobserved_completions(previous.size));
        Cap { previous, trial: self.trial, ..Cap::of(in_flight_before + 1, PROBE_AFTER_RAISE) }
    }

    /// Returns the cap after a submit was refused with `in_flight_before`, or `None` if that was below it.
    fn refused(self, in_flight_before: u32) -> Option<Cap> {
        let PreviousCap { size, probe_after } = match self.previous {
            Some(previous) if in_flight_before >= previous.size => {
                PreviousCap { size: in_flight_before.min(self.size - 1), ..previous }
            }
            _ if in_flight_before >= self.size => PreviousCap { size: self.size, probe_after: self.probe_after },
            _ => return None,
        };
        let probe_after = (probe_after.max(MIN_PROBE_AFTER / 2) * 2).min(MAX_PROBE_AFTER);
        Some(Cap { trial: self.trial, ..Cap::of(size, probe_after) })
    }
}

/// Returns how many of the predictions in flight may have ended since their last polls.
fn unobserved_completions(in_flight_before: u32) -> u32 {
    in_flight_before / UNOBSERVED_PER
}

/// The refusals since a submit was last accepted.
#[derive(Clone, Copy, Debug)]
struct RefusalStreak {
    /// The lowest and highest number in flight at these refusals.
    min_in_flight: u32,
    max_in_flight: u32,
    count: u32,
    /// The number in flight at the last refusal, and how many refusals in a row had it.
    last: u32,
    times_at_last: u32,
    /// The time of the last refusal that counts.
    at: Duration,
    /// The rate estimate before the first of them.
    before: Estimate,
}

/// Refusal streaks at about the highest number in flight since the first of them.
#[derive(Clone, Copy, Debug)]
struct PlateauEvidence {
    min_in_flight: u32,
    times: u32,
    /// How many submits were accepted since the first of them, and the highest number in flight at one of these.
    accepted: u32,
    max_in_flight: u32,
    /// The rate estimate before the first of them.
    before: Estimate,
}

/// Which limit a refusal belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum LimitedBy {
    /// The rate, as far as is known.
    Rate,
    /// The rate, whose estimate from before the trial of a cap is restored.
    RateNotSlots(Estimate),
    /// The cap, of which one more slot was tried.
    Slots,
}

impl ConcurrencyLimit {
    /// Starts with the cap that an earlier run has found, if any.
    pub(super) fn new(learned: Option<u32>) -> ConcurrencyLimit {
        let initial = learned.unwrap_or_default();
        let cap = (initial > 0).then(|| Cap::of(initial, MIN_PROBE_AFTER));
        ConcurrencyLimit { cap, initial, ..ConcurrencyLimit::default() }
    }

    /// Returns the cap for the next run to start with, 0 for none, or `None` if it is unchanged.
    pub(super) fn learned(&self) -> Option<u32> {
        let size = self.cap.filter(|cap| cap.trial.is_none()).map_or(0, |cap| cap.size);
        Some(size).filter(|size| *size != self.initial)
    }

    /// Returns how many predictions may be in flight, if that is known.
    pub(super) fn max_in_flight(&self) -> Option<u32> {
        self.cap.map(|cap| if cap.filled >= cap.probe_after { cap.size + 1 } else { cap.size })
    }

    /// Records an accepted submit; `estimate` is the current rate estimate. Returns the estimate from before the
    /// refusals if these seem to belong to a cap.
    pub(super) fn accepted(&mut self, in_flight_before: u32, estimate: Estimate) -> Option<Estimate> {
        self.note_answer(in_flight_before, false);
        if let Some(cap) = &mut self.cap {
            if let Some(trial) = &mut cap.trial {
                trial.submits_left = trial.submits_left.saturating_sub(1);
            }
            cap.trial.take_if(|trial| trial.submits_left == 0);
            if in_flight_before >= cap.size {
                *cap = cap.raised(in_flight_before);
            } else if in_flight_before + 1 == cap.size {
                cap.filled += 1;
            }
        }
        if let Some(plateau) = &mut self.plateau {
            plateau.accepted += 1;
            plateau.max_in_flight = plateau.max_in_flight.max(in_flight_before);
        }
        self.plateau.take_if(|plateau| {
            plateau.max_in_flight > plateau.min_in_flight + unobserved_completions(plateau.min_in_flight)
        });
        let streak = self.streak.take()?;
        let (size, before) = match self.cap {
            Some(cap) => {
                let is_lower =
                    streak.times_at_last >= MIN_REFUSALS && in_flight_before < streak.last && streak.last < cap.size;
                if is_lower { (streak.last, streak.before) } else { return None }
            }
            None if self.errors < MAX_ERRORS => {
                self.cap_from(streak, in_flight_before).filter(|(size, _)| self.often_refuses(*size))?
            }
            None => return None,
        };
        let trial = Some(CapTrial { submits_left: size * 2, estimate_before: estimate });
        self.cap = Some(Cap { trial, ..Cap::of(size, MIN_PROBE_AFTER) });
        self.plateau = None;
        Some(before)
    }

    fn note_answer(&mut self, in_flight_before: u32, is_refusal: bool) {
        self.recent.push_back((in_flight_before, is_refusal));
        if self.recent.len() > RECENT_ANSWERS {
            self.recent.pop_front();
        }
    }

    /// Returns whether at least half of the submits with as many in flight were refused lately, as by a cap. With few in
    /// flight, a rate limit also refuses at the same number twice, but not most of the time.
    fn often_refuses(&self, size: u32) -> bool {
        if size > FEW_IN_FLIGHT {
            return true;
        }
        let at_cap = self.recent.iter().filter(|(in_flight, _)| *in_flight >= size);
        at_cap.map(|(_, is_refusal)| if *is_refusal { 1 } else { -1 }).sum::<i32>() >= 0
    }

    /// Returns the cap that a streak shows, alone or with earlier ones, and the rate estimate before the first of
    /// them.
    fn cap_from(&mut self, streak: RefusalStreak, in_flight_before: u32) -> Option<(u32, Estimate)> {
        let RefusalStreak { min_in_flight, max_in_flight, count, before, .. } = streak;
        let min_refusals = MIN_REFUSALS + self.errors;
        let is_below =
            in_flight_before < min_in_flight || (min_in_flight > UNOBSERVED_PER && in_flight_before == min_in_flight);
        if count >= min_refusals
            && is_below
            && max_in_flight - min_in_flight <= 1 + unobserved_completions(min_in_flight)
        {
            return Some((min_in_flight, before));
        }
        let plateau = self
            .plateau
            .take()
            .filter(|plateau| max_in_flight + unobserved_completions(max_in_flight) >= plateau.max_in_flight);
        let plateau = match plateau {
            Some(plateau) => PlateauEvidence {
                min_in_flight: plateau.min_in_flight.min(max_in_flight),
                times: plateau.times + 1,
                ..plateau
            },
            None => PlateauEvidence {
                min_in_flight: max_in_flight,
                times: 1,
                accepted: 0,
                max_in_flight: in_flight_before,
                before,
            },
        };
        if plateau.times >= min_refusals && plateau.accepted >= plateau.min_in_flight {
            return Some((plateau.min_in_flight, plateau.before));
        }
        self.plateau = Some(plateau);
        None
    }

    /// Records that a submit sent at `sent` was refused at `now`; `estimate` is the rate estimate before that.
    pub(super) fn refused(
        &mut self,
        sent: Duration,
        now: Duration,
        in_flight_before: u32,
        estimate: Estimate,
    ) -> LimitedBy {
        self.note_answer(in_flight_before, true);
        let mut limited_by = LimitedBy::Rate;
        if let Some(cap) = &mut self.cap {
            if let Some(refused) = cap.refused(in_flight_before) {
                *cap = refused;
                return LimitedBy::Slots;
            }
            cap.strikes += u32::from(self.streak.is_none());
            if let Some(CapTrial { estimate_before, .. }) = cap.trial {
                limited_by = LimitedBy::RateNotSlots(estimate_before);
            }
            if cap.trial.is_some() || cap.strikes >= MAX_STRIKES {
                self.cap = None;
                self.plateau = None;
                self.errors += 1;
            }
        }
        match &mut self.streak {
            Some(streak) if sent >= streak.at => {
                streak.min_in_flight = streak.min_in_flight.min(in_flight_before);
                streak.max_in_flight = streak.max_in_flight.max(in_flight_before);
                streak.times_at_last = if streak.last == in_flight_before { streak.times_at_last + 1 } else { 1 };
                streak.count += 1;
                streak.last = in_flight_before;
                streak.at = now;
            }
            Some(_) => {}
            None => {
                let (min_in_flight, max_in_flight, last) = (in_flight_before, in_flight_before, in_flight_before);
                self.streak = Some(RefusalStreak {
                    min_in_flight,
                    max_in_flight,
                    count: 1,
                    last,
                    times_at_last: 1,
                    at: now,
                    before: estimate,
                });
            }
        }
        limited_by
    }
}

#[cfg(test)]
mod tests;
