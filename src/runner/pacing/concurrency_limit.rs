use std::collections::VecDeque;
use std::time::Duration;

use super::cycle::MIN_WINDOW_REST;
use super::search::Estimate;

/// Up to this many in flight, a cap is compared with recent answers, and with how many.
const FEW_IN_FLIGHT: u32 = 3;
const RECENT_ANSWERS: usize = 32;

/// The number of refusals in a row (each after the pause of the previous one), or of separate streaks, after which a
/// cap is assumed. It rises by one with each cap that was wrong.
const MIN_REFUSALS: u32 = 2;

/// One of this many predictions in flight is likely to have ended without having been polled yet. With fewer, an accepted
/// submit with as many in flight as at a refusal disproves a cap.
const UNOBSERVED_PER: u32 = 12;

/// How many caps may be wrong before no more are assumed.
const MAX_ERRORS: u32 = 3;

/// The number of submits that take the last slot before one more slot is tried. It doubles with each refusal. As many
/// show that a cap has risen.
const MIN_PROBE_AFTER: u32 = 20;
const MAX_PROBE_AFTER: u32 = 640;

/// The same number after one more slot was accepted, because the cap may have risen by more.
const PROBE_AFTER_RAISE: u32 = 1;

/// A cap has also risen if a submit is accepted with so much more than it in flight: one for this many, and one.
const RISEN_PER: u32 = 4;

/// The number of refusal streaks below a cap, with none at it, after which the cap is dropped.
const MAX_STRIKES: u32 = 3;

/// Finds out how many predictions the provider allows in flight, if it answers further submits with 429 as it does
/// for rates that are too high.
///
/// A cap refuses at the same number in flight, whatever the rate. If submits are refused at about the same number twice,
/// and accepted below it, that number is assumed to be the cap: submits wait for a slot, at the rate from before these
/// refusals. That costs little if it is wrong, because one more slot is tried from time to time, and again soon
/// while these are accepted. A refusal with free slots belongs to the rate, which may be limited as well. Pure:
/// `in_flight_before` is the number of submits and predictions in flight when the answered submit was sent, or of others
/// when its answer came, if that is lower; some of them may have ended since their last poll.
#[derive(Debug, Default)]
pub(super) struct ConcurrencyLimit {
    cap: Option<Cap>,
    streak: Option<RefusalStreak>,
    plateau: Option<PlateauEvidence>,
    /// When the last refusal was known. Submits sent before that say nothing new.
    refused_at: Duration,
    /// How many caps were wrong.
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
}

/// A cap at which submits were refused, before one more was accepted.
#[derive(Clone, Copy, Debug)]
struct PreviousCap {
    size: u32,
    probe_after: u32,
    /// How many submits were accepted with as many in flight.
    passed: u32,
}

impl Cap {
    fn of(size: u32, probe_after: u32) -> Cap {
        Cap { size: size.max(1), filled: 0, probe_after, strikes: 0, previous: None }
    }

    /// Records an accepted submit. If it is not news, a submit before it was refused meanwhile, which shows that fewer were
    /// in flight than were counted.
    fn accepted(&mut self, in_flight_before: u32, is_news: bool) {
        if let Some(previous) = &mut self.previous {
            previous.passed += u32::from(in_flight_before >= previous.size);
        }
        self.previous.take_if(|previous| {
            previous.passed >= MIN_PROBE_AFTER || in_flight_before > previous.size + previous.size / RISEN_PER + 1
        });
        if in_flight_before >= self.size && is_news {
            // The cap may have risen, or a prediction had ended without having been polled.
            let is_rising = self.probe_after == PROBE_AFTER_RAISE;
            let previous = PreviousCap { size: self.size, probe_after: self.probe_after, passed: 0 };
            let previous = self.previous.or(Some(previous).filter(|_| !is_rising));
            *self = Cap { previous, ..Cap::of(in_flight_before + 1, PROBE_AFTER_RAISE) };
        } else if in_flight_before + 1 == self.size {
            self.filled += 1;
        }
    }

    /// Returns the cap after a submit was refused with `in_flight_before`, or `None` if that was below it.
    fn refused(self, in_flight_before: u32) -> Option<Cap> {
        let (size, probe_after) = match self.previous {
            Some(previous) if in_flight_before >= previous.size => {
                // Many more may have been accepted since. A single refusal does not take all of them back.
                let one_less = in_flight_before - unobserved_completions(in_flight_before) - 1;
                (previous.size.max(one_less), previous.probe_after)
            }
            _ if in_flight_before >= self.size => (self.size, self.probe_after),
            _ => return None,
        };
        let probe_after = (probe_after.max(MIN_PROBE_AFTER / 2) * 2).min(MAX_PROBE_AFTER);
        Some(Cap::of(size, probe_after))
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
    /// The longest wait that the provider asked for.
    rest: Duration,
    /// The number in flight at the last refusal, and how many refusals in a row had it.
    last: u32,
    times_at_last: u32,
    /// The rate estimate before the first of them.
    before: Estimate,
}

impl RefusalStreak {
    fn new(in_flight_before: u32, before: Estimate) -> RefusalStreak {
        RefusalStreak {
            min_in_flight: in_flight_before,
            max_in_flight: in_flight_before,
            count: 0,
            rest: Duration::ZERO,
            last: in_flight_before,
            times_at_last: 0,
            before,
        }
    }

    fn add(&mut self, in_flight_before: u32, hint: Option<Duration>) {
        self.min_in_flight = self.min_in_flight.min(in_flight_before);
        self.max_in_flight = self.max_in_flight.max(in_flight_before);
        self.times_at_last = if self.last == in_flight_before { self.times_at_last + 1 } else { 1 };
        self.count += 1;
        self.rest = self.rest.max(hint.unwrap_or_default());
        self.last = in_flight_before;
    }
}

/// Refusal streaks at about the highest number in flight since the first of them.
#[derive(Clone, Copy, Debug)]
struct PlateauEvidence {
    min_in_flight: u32,
    times: u32,
    /// The highest number in flight at a submit that was accepted since the first of them.
    max_in_flight: u32,
    /// The rate estimate before the first of them.
    before: Estimate,
}

/// Which limit a refusal belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum LimitedBy {
    /// The rate, as far as is known.
    Rate,
    /// The cap.
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
        let size = self.cap.map_or(0, |cap| cap.size);
        Some(size).filter(|size| *size != self.initial)
    }

    /// Returns how many predictions may be in flight, if that is known.
    pub(super) fn max_in_flight(&self) -> Option<u32> {
        self.cap.map(|cap| if cap.filled >= cap.probe_after { cap.size + 1 } else { cap.size })
    }

    /// Records that a submit sent at `sent` was accepted. Returns the rate estimate from before the refusals if these
    /// seem to belong to a cap.
    pub(super) fn accepted(&mut self, sent: Duration, in_flight_before: u32) -> Option<Estimate> {
        let is_news = sent >= self.refused_at;
        if let Some(cap) = &mut self.cap {
            cap.accepted(in_flight_before, is_news);
        }
        if !is_news {
            return None;
        }
        self.note_answer(in_flight_before, false);
        if let Some(plateau) = &mut self.plateau {
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
        self.cap = Some(Cap::of(size, MIN_PROBE_AFTER));
        self.plateau = None;
        Some(before)
    }

    fn note_answer(&mut self, in_flight_before: u32, is_refusal: bool) {
        self.recent.push_back((in_flight_before, is_refusal));
        if self.recent.len() > RECENT_ANSWERS {
            self.recent.pop_front();
        }
    }

    /// Returns whether more submits with as many in flight were refused lately than accepted, as by a cap. With few in
    /// flight, a rate limit also refuses at the same number twice, but not most of the time.
    fn often_refuses(&self, size: u32) -> bool {
        if size > FEW_IN_FLIGHT {
            return true;
        }
        let at_cap = self.recent.iter().filter(|(in_flight, _)| *in_flight >= size);
        at_cap.map(|(_, is_refusal)| if *is_refusal { 1 } else { -1 }).sum::<i32>() >= MIN_REFUSALS as i32
    }

    /// Returns the cap that a streak shows, alone or with earlier ones, and the rate estimate before the first of
    /// them.
    fn cap_from(&mut self, streak: RefusalStreak, in_flight_before: u32) -> Option<(u32, Estimate)> {
        let RefusalStreak { min_in_flight, max_in_flight, count, before, .. } = streak;
        let min_refusals = MIN_REFUSALS + self.errors;
        // If a provider asks for a long wait, predictions end in it. One of them may have been waited for.
        let count = count + u32::from(streak.rest >= MIN_WINDOW_REST);
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
            None => PlateauEvidence { min_in_flight: max_in_flight, times: 1, max_in_flight: in_flight_before, before },
        };
        if plateau.times >= min_refusals {
            return Some((plateau.min_in_flight, plateau.before));
        }
        self.plateau = Some(plateau);
        None
    }

    /// Records that a submit sent at `sent` was refused at `now`, with a `hint` of how long to wait, if any; `estimate` is
    /// the rate estimate before that. `is_limit` tells whether a limit seems to have refused it: one that comes at any
    /// rate and number in flight is no evidence of a cap, but with few in flight, a cap refuses hardly more often.
    pub(super) fn refused(
        &mut self,
        sent: Duration,
        now: Duration,
        hint: Option<Duration>,
        in_flight_before: u32,
        estimate: Estimate,
        is_limit: bool,
    ) -> LimitedBy {
        let is_news = sent >= self.refused_at;
        let refused = self.cap.and_then(|cap| cap.refused(in_flight_before));
        let limited_by = if refused.is_some() { LimitedBy::Slots } else { LimitedBy::Rate };
        if !is_news {
            return limited_by;
        }
        if !is_limit && in_flight_before > FEW_IN_FLIGHT && refused.is_none() {
            return limited_by;
        }
        self.refused_at = now;
        self.note_answer(in_flight_before, true);
        if refused.is_some() {
            self.cap = refused;
            return limited_by;
        }
        self.refused_below_cap(in_flight_before);
        let streak = self.streak.get_or_insert(RefusalStreak::new(in_flight_before, estimate));
        streak.add(in_flight_before, hint);
        limited_by
    }

    /// Lowers the cap if a submit was refused just below it. Drops it if several were refused far below it.
    fn refused_below_cap(&mut self, in_flight_before: u32) {
        let is_first = self.streak.is_none();
        let Some(cap) = &mut self.cap else { return };
        let strikes = cap.strikes + u32::from(is_first);
        // Open submits that are refused as well were counted, which is much of a small cap.
        let uncertain = unobserved_completions(in_flight_before) + u32::from(cap.size > FEW_IN_FLIGHT);
        if in_flight_before + uncertain >= cap.size {
            *cap = Cap::of(in_flight_before, cap.probe_after);
        }
        cap.strikes = strikes;
        if cap.strikes >= MAX_STRIKES {
            self.cap = None;
            self.plateau = None;
            self.errors += 1;
        }
    }
}

#[cfg(test)]
mod tests;
