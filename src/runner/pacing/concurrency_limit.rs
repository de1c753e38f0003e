use std::time::Duration;

use super::search::Estimate;

/// How many refusals in a row, each after the pause of the one before, or how many times apart from each other, make one
/// try whether there is a cap. One more for each time that this was wrong.
const MIN_REFUSALS: u32 = 2;

/// Up to how many others a submit that goes through with as many of them as were there when another was refused shows that it
/// is not their number. Of more, some have ended, which nobody has heard of.
const UNOBSERVED_PER: u32 = 12;

/// How often a cap that was seen may prove none before no more is made of what looks like one.
const MAX_ERRORS: u32 = 3;

/// After how many submits that took the last slot one more is tried. Doubled each time that it is refused.
const MIN_PROBE_AFTER: u32 = 20;
const MAX_PROBE_AFTER: u32 = 640;

/// The same after one more was taken: the cap has moved, and may have moved far.
const PROBE_AFTER_RAISE: u32 = 3;

/// After how many episodes below a cap that has proved one, while no refusal came at it, there is none.
const MAX_STRIKES: u32 = 3;

/// Finds out how many predictions the provider lets be in flight at once, where it answers others with 429 as it does too
/// fast ones.
///
/// Where refusals come at about the same number in flight, and submits go through below it, that number may be the cap, and
/// the rate was not too high. That is tried: submits wait for a slot, and go as fast as before. A refusal with free slots
/// shows that it was the rate; where there is none, it is the cap, and now and then one more is tried. Pure: `others` is
/// how many predictions are in flight beside the submit that was answered; some of them may have ended already, which
/// nobody has heard of.
#[derive(Debug, Default)]
pub(super) struct ConcurrencyLimit {
    cap: Option<Cap>,
    streak: Option<RefusalStreak>,
    plateau: Option<PlateauEvidence>,
    errors: u32,
    /// The number that it began with, 0 for none.
    initial: u32,
}

/// How many predictions may be in flight.
#[derive(Clone, Copy, Debug)]
struct Cap {
    size: u32,
    /// How many submits have taken the last slot, and how many must before one more is tried.
    filled: u32,
    probe_after: u32,
    /// How many episodes were below it since a refusal came at it.
    strikes: u32,
    /// The lower one that it was a moment ago, as far as refusals have told.
    previous: Option<PreviousCap>,
    /// Until it has proved one.
    trial: Option<CapTrial>,
}

/// A cap at which submits were refused, before one more was taken.
#[derive(Clone, Copy, Debug)]
struct PreviousCap {
    size: u32,
    probe_after: u32,
}

/// A cap that is tried.
#[derive(Clone, Copy, Debug)]
struct CapTrial {
    /// How many submits must go through before it has proved one.
    submits_left: u32,
    /// What is to be thought of the rate if it does not.
    estimate_before: Estimate,
}

impl Cap {
    fn of(size: u32, probe_after: u32) -> Cap {
        Cap { size: size.max(1), filled: 0, probe_after, strikes: 0, previous: None, trial: None }
    }

    /// What it is after a submit was accepted with `others`: one more, or nothing but a prediction that had ended, which
    /// nobody had heard of.
    fn raised(self, in_flight_before: u32) -> Cap {
        let previous = self.previous.unwrap_or(PreviousCap { size: self.size, probe_after: self.probe_after });
        let previous =
            Some(previous).filter(|previous| in_flight_before <= previous.size + unobserved_completions(previous.size));
        Cap { previous, trial: self.trial, ..Cap::of(in_flight_before + 1, PROBE_AFTER_RAISE) }
    }

    /// What it is after a submit was refused with `others`, if that was at it.
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

/// How many of so many predictions may have ended in the time that polls take.
fn unobserved_completions(in_flight_before: u32) -> u32 {
    in_flight_before / UNOBSERVED_PER
}

/// Refusals since a submit was last accepted.
#[derive(Clone, Copy, Debug)]
struct RefusalStreak {
    /// The fewest and the most others there were.
    min_in_flight: u32,
    max_in_flight: u32,
    count: u32,
    /// How many others there were last, and in how many refusals.
    last: u32,
    times_at_last: u32,
    /// When the last one came that counts.
    at: Duration,
    /// What was thought of the rate before.
    before: Estimate,
}

/// Episodes that came at about the most that were in flight since the first of them.
#[derive(Clone, Copy, Debug)]
struct PlateauEvidence {
    min_in_flight: u32,
    times: u32,
    /// How many submits were accepted since the first, and with how many others at most.
    accepted: u32,
    max_in_flight: u32,
    /// What was thought of the rate before the first of them.
    before: Estimate,
}

/// Whom a refusal concerns.
#[derive(Clone, Copy, Debug)]
pub(super) enum LimitedBy {
    /// The rate, as far as anybody knows.
    Rate,
    /// The rate, of which is to be thought as before a cap was tried.
    RateNotSlots(Estimate),
    /// A slot more than there are, which was tried.
    Slots,
}

impl ConcurrencyLimit {
    /// Begins with the number that an earlier run has found, where it was one.
    pub(super) fn new(learned: Option<u32>) -> ConcurrencyLimit {
        let initial = learned.unwrap_or_default();
        let cap = (initial > 0).then(|| Cap::of(initial, MIN_PROBE_AFTER));
        ConcurrencyLimit { cap, initial, ..ConcurrencyLimit::default() }
    }

    /// What the next run should begin with, 0 for no cap, where that is news.
    pub(super) fn learned(&self) -> Option<u32> {
        let size = self.cap.filter(|cap| cap.trial.is_none()).map_or(0, |cap| cap.size);
        Some(size).filter(|size| *size != self.initial)
    }

    /// How many predictions may be in flight, as far as that is known.
    pub(super) fn max_in_flight(&self) -> Option<u32> {
        self.cap.map(|cap| if cap.filled >= cap.probe_after { cap.size + 1 } else { cap.size })
    }

    /// A submit was accepted; `estimate` is what is thought of the rate. What was thought before the refusals, where they seem
    /// not to concern it.
    pub(super) fn accepted(&mut self, in_flight_before: u32, estimate: Estimate) -> Option<Estimate> {
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
            None if self.errors < MAX_ERRORS => self.cap_from(streak, in_flight_before)?,
            None => return None,
        };
        let trial = Some(CapTrial { submits_left: size * 2, estimate_before: estimate });
        self.cap = Some(Cap { trial, ..Cap::of(size, MIN_PROBE_AFTER) });
        self.plateau = None;
        Some(before)
    }

    /// The cap that an episode shows, or with those before it, and what was thought of the rate before the first of them.
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

    /// A submit that was sent at `sent` was refused at `now`; `estimate` is what was thought of the rate before it.
    pub(super) fn refused(
        &mut self,
        sent: Duration,
        now: Duration,
        in_flight_before: u32,
        estimate: Estimate,
    ) -> LimitedBy {
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
