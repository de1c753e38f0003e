use std::time::Duration;

use super::search::Estimate;

/// How many refusals in a row, each after the pause of the one before, or how many times apart from each other, make one
/// try whether there is a cap. One more for each time that this was wrong.
const ENOUGH: u32 = 2;

/// Up to how many others a submit that goes through with as many of them as were there when another was refused shows that it
/// is not their number. Of more, some have ended, which nobody has heard of.
const FEW: u32 = 12;

/// How often a cap that was seen may prove none before no more is made of what looks like one.
const MAX_ERRORS: u32 = 3;

/// After how many submits that took the last slot one more is tried. Doubled each time that it is refused.
const MIN_PATIENCE: u32 = 20;
const MAX_PATIENCE: u32 = 640;

/// The same after one more was taken: the cap has moved, and may have moved far.
const PATIENCE_ON_THE_WAY_UP: u32 = 3;

/// After how many episodes below a cap that has proved one, while no refusal came at it, there is none.
const STRIKES: u32 = 3;

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
    episode: Option<RefusalStreak>,
    peaks: Option<PlateauEvidence>,
    errors: u32,
    /// The number that it began with, 0 for none.
    began_with: u32,
}

/// How many predictions may be in flight.
#[derive(Clone, Copy, Debug)]
struct Cap {
    taken: u32,
    /// How many submits have taken the last slot, and how many must before one more is tried.
    filled: u32,
    patience: u32,
    /// How many episodes were below it since a refusal came at it.
    strikes: u32,
    /// The lower one that it was a moment ago, as far as refusals have told.
    met: Option<PreviousCap>,
    /// Until it has proved one.
    trial: Option<CapTrial>,
}

/// A cap at which submits were refused, before one more was taken.
#[derive(Clone, Copy, Debug)]
struct PreviousCap {
    taken: u32,
    patience: u32,
}

/// A cap that is tried.
#[derive(Clone, Copy, Debug)]
struct CapTrial {
    /// How many submits must go through before it has proved one.
    left: u32,
    /// What is to be thought of the rate if it does not.
    otherwise: Estimate,
}

impl Cap {
    fn of(taken: u32, patience: u32) -> Cap {
        Cap { taken: taken.max(1), filled: 0, patience, strikes: 0, met: None, trial: None }
    }

    /// What it is after a submit was accepted with `others`: one more, or nothing but a prediction that had ended, which
    /// nobody had heard of.
    fn raised(self, others: u32) -> Cap {
        let met = self.met.unwrap_or(PreviousCap { taken: self.taken, patience: self.patience });
        let met = Some(met).filter(|met| others <= met.taken + unobserved_completions(met.taken));
        Cap { met, trial: self.trial, ..Cap::of(others + 1, PATIENCE_ON_THE_WAY_UP) }
    }

    /// What it is after a submit was refused with `others`, if that was at it.
    fn refused(self, others: u32) -> Option<Cap> {
        let PreviousCap { taken, patience } = match self.met {
            Some(met) if others >= met.taken => PreviousCap { taken: others.min(self.taken - 1), ..met },
            _ if others >= self.taken => PreviousCap { taken: self.taken, patience: self.patience },
            _ => return None,
        };
        let patience = (patience.max(MIN_PATIENCE / 2) * 2).min(MAX_PATIENCE);
        Some(Cap { trial: self.trial, ..Cap::of(taken, patience) })
    }
}

/// How many of so many predictions may have ended in the time that polls take.
fn unobserved_completions(others: u32) -> u32 {
    others / FEW
}

/// Refusals since a submit was last accepted.
#[derive(Clone, Copy, Debug)]
struct RefusalStreak {
    /// The fewest and the most others there were.
    least: u32,
    most: u32,
    count: u32,
    /// How many others there were last, and in how many refusals.
    last: u32,
    at_last: u32,
    /// When the last one came that counts.
    at: Duration,
    /// What was thought of the rate before.
    before: Estimate,
}

/// Episodes that came at about the most that were in flight since the first of them.
#[derive(Clone, Copy, Debug)]
struct PlateauEvidence {
    least: u32,
    times: u32,
    /// How many submits were accepted since the first, and with how many others at most.
    accepted: u32,
    most: u32,
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
        let began_with = learned.unwrap_or_default();
        let cap = (began_with > 0).then(|| Cap::of(began_with, MIN_PATIENCE));
        ConcurrencyLimit { cap, began_with, ..ConcurrencyLimit::default() }
    }

    /// What the next run should begin with, 0 for no cap, where that is news.
    pub(super) fn learned(&self) -> Option<u32> {
        let taken = self.cap.filter(|cap| cap.trial.is_none()).map_or(0, |cap| cap.taken);
        Some(taken).filter(|taken| *taken != self.began_with)
    }

    /// How many predictions may be in flight, as far as that is known.
    pub(super) fn most(&self) -> Option<u32> {
        self.cap.map(|cap| if cap.filled >= cap.patience { cap.taken + 1 } else { cap.taken })
    }

    /// A submit was accepted; `estimate` is what is thought of the rate. What was thought before the refusals, where they seem
    /// not to concern it.
    pub(super) fn accepted(&mut self, others: u32, estimate: Estimate) -> Option<Estimate> {
        if let Some(cap) = &mut self.cap {
            if let Some(trial) = &mut cap.trial {
                trial.left = trial.left.saturating_sub(1);
            }
            cap.trial.take_if(|trial| trial.left == 0);
            if others >= cap.taken {
                *cap = cap.raised(others);
            } else if others + 1 == cap.taken {
                cap.filled += 1;
            }
        }
        if let Some(peaks) = &mut self.peaks {
            (peaks.accepted, peaks.most) = (peaks.accepted + 1, peaks.most.max(others));
        }
        self.peaks.take_if(|peaks| peaks.most > peaks.least + unobserved_completions(peaks.least));
        let episode = self.episode.take()?;
        let (taken, before) = match self.cap {
            Some(cap) => {
                let is_lower = episode.at_last >= ENOUGH && others < episode.last && episode.last < cap.taken;
                if is_lower { (episode.last, episode.before) } else { return None }
            }
            None if self.errors < MAX_ERRORS => self.shown_by(episode, others)?,
            None => return None,
        };
        let trial = Some(CapTrial { left: taken * 2, otherwise: estimate });
        (self.cap, self.peaks) = (Some(Cap { trial, ..Cap::of(taken, MIN_PATIENCE) }), None);
        Some(before)
    }

    /// The cap that an episode shows, or with those before it, and what was thought of the rate before the first of them.
    fn shown_by(&mut self, episode: RefusalStreak, others: u32) -> Option<(u32, Estimate)> {
        let RefusalStreak { least, most, count, before, .. } = episode;
        let enough = ENOUGH + self.errors;
        let is_below = others < least || (least > FEW && others == least);
        if count >= enough && is_below && most - least <= 1 + unobserved_completions(least) {
            return Some((least, before));
        }
        let peaks = self.peaks.take().filter(|peaks| most + unobserved_completions(most) >= peaks.most);
        let peaks = match peaks {
            Some(peaks) => PlateauEvidence { least: peaks.least.min(most), times: peaks.times + 1, ..peaks },
            None => PlateauEvidence { least: most, times: 1, accepted: 0, most: others, before },
        };
        if peaks.times >= enough && peaks.accepted >= peaks.least {
            return Some((peaks.least, peaks.before));
        }
        self.peaks = Some(peaks);
        None
    }

    /// A submit that was sent at `sent` was refused at `now`; `estimate` is what was thought of the rate before it.
    pub(super) fn refused(&mut self, sent: Duration, now: Duration, others: u32, estimate: Estimate) -> LimitedBy {
        let mut concerns = LimitedBy::Rate;
        if let Some(cap) = &mut self.cap {
            if let Some(refused) = cap.refused(others) {
                *cap = refused;
                return LimitedBy::Slots;
            }
            cap.strikes += u32::from(self.episode.is_none());
            if let Some(CapTrial { otherwise, .. }) = cap.trial {
                concerns = LimitedBy::RateNotSlots(otherwise);
            }
            if cap.trial.is_some() || cap.strikes >= STRIKES {
                (self.cap, self.peaks) = (None, None);
                self.errors += 1;
            }
        }
        match &mut self.episode {
            Some(episode) if sent >= episode.at => {
                (episode.least, episode.most) = (episode.least.min(others), episode.most.max(others));
                episode.at_last = if episode.last == others { episode.at_last + 1 } else { 1 };
                (episode.count, episode.last, episode.at) = (episode.count + 1, others, now);
            }
            Some(_) => {}
            None => {
                let (least, most, last) = (others, others, others);
                self.episode =
                    Some(RefusalStreak { least, most, count: 1, last, at_last: 1, at: now, before: estimate });
            }
        }
        concerns
    }
}

#[cfg(test)]
mod tests;
