use std::time::Duration;

use super::life_table::LifeTable;

/// The maximum number of parts of equal probability into which the times are divided.
const MAX_PARTS: u32 = 16;

/// The minimum number of polls planned per prediction: if its time is well known, they are used to poll sooner.
const MIN_POLLS_PER_PREDICTION: f64 = 2.0;

/// One in this many times may be unusually short.
const OUTLIER_EVERY: u32 = 64;

/// The shortest part, in seconds.
const MIN_WIDTH: f64 = 0.001;

/// The shortest wait between two polls of a prediction, in seconds.
const MIN_WAIT: f64 = 0.02;

/// The mean time that a finished answer may wait for its poll while submits wait for its slot, in seconds. It is longer
/// where more polls than one every second were needed.
const HURRIED_LAG: f64 = 0.1;

/// Whether anything waits for predictions to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::runner) enum Haste {
    /// Nothing but their pictures.
    #[default]
    Usual,
    /// Submits, because the provider allows no more open predictions. Each second until an end is seen is lost. Then as many
    /// polls are planned as with one every second, if they are of use.
    Slots,
}

/// The limits and goals of a poll plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct PollBudget {
    /// The mean time that a finished answer may wait for its poll, in seconds.
    pub(super) lag: f64,
    /// How many polls per second each prediction in flight can have.
    pub(super) polls_each: f64,
    /// How many polls it can have in addition to those.
    pub(super) free: f64,
    /// How many polls per second and prediction the provider answers, if known. This includes the free ones.
    pub(super) answered_each: Option<f64>,
    /// The longest wait once a prediction takes longer than any before, in seconds.
    pub(super) longest: f64,
}

/// The ages at which predictions are polled.
///
/// With the density f of generation times, S the share of predictions that take longer, and gaps d between polls, a
/// prediction costs ∫ S/d polls and its answer waits for ∫ f·d/2. For a given wait the polls are fewest where d =
/// δ·√(S/f): rare while an answer is unlikely, frequent when it is due, and the product of polls and wait is (∫
/// √(S·f))²/2 for any δ. (Lagrange's condition for the two integrals.)
#[derive(Clone, Debug)]
pub(super) struct PollPlan {
    /// The start of each part, and the units of ∫ √(f/S) before it.
    edges: Vec<(f64, f64)>,
    /// The units per second after the last part.
    last_slope: f64,
    unit: f64,
    /// The same while submits wait for a slot.
    hurried_unit: f64,
    /// The share of predictions whose generation time is known.
    known: f64,
    longest: f64,
    mean: f64,
}

impl PollPlan {
    /// Creates the plan for generation times, of which at least one is known. Predictions that take longer than all known
    /// times are expected to end as often as those in the last part.
    pub(super) fn new(times: &LifeTable, budget: PollBudget) -> PollPlan {
        let distribution = times.distribution();
        let known = distribution.known();
        let parts = MAX_PARTS.min(times.count() / 2).max(1);
        let share = known / f64::from(parts);
        // The shortest times are ignored, so that a few outliers do not cause early polls of all predictions.
        let outliers = f64::from(times.count() / OUTLIER_EVERY) / f64::from(times.count());
        let at = |part: u32| distribution.quantile((share * f64::from(part)).max(outliers));
        let (mut edges, mut units, mut spread, mut last_slope) = (vec![(at(0), 0.0)], 0.0, 0.0, 0.0);
        for part in 0..parts {
            let width = (at(part + 1) - at(part)).max(MIN_WIDTH);
            let longer = 1.0 - (f64::from(part) + 0.5) * share;
            last_slope = (share / longer / width).sqrt();
            units += width * last_slope;
            spread += (width * share * longer).sqrt();
            edges.push((at(part + 1), units));
        }
        let unknown = (1.0 - known).max(0.0);
        spread += unknown / last_slope;
        let mean = distribution.mean_of_known() + unknown * (at(parts) + 1.0 / last_slope.powi(2));
        let affordable = budget.polls_each * mean + budget.free;
        // A prediction is polled until its answer is seen, which takes longer the fewer polls are answered.
        let answered = budget.answered_each.map_or(f64::INFINITY, |each| {
            (each * mean + ((each * mean).powi(2) + 2.0 * each * spread.powi(2)).sqrt()) / 2.0
        });
        let affordable = affordable.min(answered).max(f64::EPSILON);
        let unit_for = |lag: f64| (2.0 * lag / spread).min(spread / MIN_POLLS_PER_PREDICTION).max(spread / affordable);
        let unit = unit_for(budget.lag);
        // The polls of a plan are half a poll more in the mean, as those every second are.
        let every_second = spread / (mean - 0.5).max(MIN_POLLS_PER_PREDICTION);
        let hurried_unit = unit_for(HURRIED_LAG).max(every_second).min(unit);
        PollPlan { edges, last_slope, unit, hurried_unit, known, longest: budget.longest, mean }
    }

    /// Returns the mean generation time, in seconds.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Returns the share of predictions that have ended at this `age`.
    pub(super) fn ended_by(&self, age: Duration) -> f64 {
        let age = age.as_secs_f64();
        let parts = (self.edges.len() - 1) as f64;
        let next = self.edges.partition_point(|(edge, _)| *edge <= age);
        let passed = match (next.checked_sub(1), self.edges.get(next)) {
            (None, _) => 0.0,
            (Some(_), None) => parts,
            (Some(before), Some((to, _))) => {
                let from = self.edges[before].0;
                before as f64 + (age - from) / (to - from)
            }
        };
        self.known * passed / parts
    }

    /// Returns the wait before the next poll of a prediction of this `age`. `jitter` in 0..1 is constant per
    /// prediction, and separates those that started together.
    pub(super) fn wait(&self, age: Duration, jitter: f64, haste: Haste) -> Duration {
        let unit = match haste {
            Haste::Usual => self.unit,
            Haste::Slots => self.hurried_unit,
        };
        let age = age.as_secs_f64();
        let passed = self.units_at(age);
        // The half prevents two polls in quick succession when the plan has changed in between.
        let turn = ((passed / unit) - jitter).ceil().max(0.0) + jitter + 0.5;
        let next = self.age_at(turn * unit).unwrap_or_else(|| self.beyond(age, unit));
        // A gap in the observed times does not mean that nothing finishes in it.
        let bound = self.edges[0].0.max(age) + (age / 8.0).max(self.longest);
        let next = next.min(bound);
        Duration::from_secs_f64((next - age).max(MIN_WAIT))
    }

    /// Returns the age of the next poll of a prediction that takes longer than any known time. Polls become less frequent
    /// the fewer such predictions are expected.
    fn beyond(&self, age: f64, unit: f64) -> f64 {
        let last = self.edges.last().map_or(0.0, |(age, _)| *age);
        let regular = (unit / self.last_slope).clamp(MIN_WAIT, self.longest);
        if age < last {
            return last + regular / 2.0;
        }
        let rare = ((age - last) / 2.0).clamp(regular, self.longest);
        age + regular + (rare - regular) * self.known
    }

    fn units_at(&self, age: f64) -> f64 {
        let next = self.edges.partition_point(|(edge, _)| *edge <= age);
        match (next.checked_sub(1).map(|before| self.edges[before]), self.edges.get(next)) {
            (None, _) => 0.0,
            (Some((_, units)), None) => units,
            (Some((from, before)), Some((to, after))) => before + (after - before) * (age - from) / (to - from),
        }
    }

    fn age_at(&self, units: f64) -> Option<f64> {
        let next = self.edges.partition_point(|(_, before)| *before < units);
        let (to, after) = *self.edges.get(next)?;
        let (from, before) = next.checked_sub(1).map_or((to, 0.0), |before| self.edges[before]);
        let share = if after > before { (units - before) / (after - before) } else { 1.0 };
        Some(from + (to - from) * share)
    }
}
