use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

/// How much longer each bin of ages is than the one before, and where the first one ends, in seconds.
const BIN_RATIO: f64 = 1.01;
const FIRST_BIN_END: f64 = 0.05;

/// The number of ended predictions in a generation of counts. Only the last two generations are used: enough for a
/// distribution, few enough to follow a provider that changes.
const GENERATION: u32 = 256;

/// How many predictions were in progress at each age, and how many ended there: the life table of Kaplan and Meier
/// (1958). Predictions that are still in progress count up to the age at which they were last seen. Otherwise the first
/// ones to end, which are the fastest, would make all of them look fast. Pure.
#[derive(Clone, Debug, Default)]
pub(super) struct LifeTable {
    recent: Generation,
    earlier: Generation,
}

#[derive(Clone, Debug, Default)]
struct Generation {
    bins: BTreeMap<u32, Bin>,
    ended: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    /// How many predictions ended in this bin.
    ended: u32,
    /// By how many more predictions passed the end of this bin than that of the bin before.
    more_passed: i32,
}

/// The distribution of generation times, as far as predictions were followed.
#[derive(Clone, Debug, Default)]
pub(super) struct Distribution(Vec<Mass>);

/// The share of predictions that end within a range of ages, in seconds.
#[derive(Clone, Copy, Debug)]
struct Mass {
    from: f64,
    to: f64,
    share: f64,
}

impl LifeTable {
    /// Records that a prediction was in progress from the age `from` to the age `to`.
    pub(super) fn in_progress(&mut self, from: Duration, to: Duration) {
        let (from, to) = (bin_of(from.as_secs_f64()), bin_of(to.as_secs_f64()));
        if from < to {
            self.recent.bins.entry(from).or_default().more_passed += 1;
            self.recent.bins.entry(to).or_default().more_passed -= 1;
        }
    }

    /// Records that a prediction ended at the age `at`, after it was in progress from the age `from`.
    pub(super) fn ended(&mut self, from: Duration, at: Duration) {
        self.in_progress(from, at);
        self.recent.bins.entry(bin_of(at.as_secs_f64())).or_default().ended += 1;
        self.recent.ended += 1;
        if self.recent.ended == GENERATION {
            self.earlier = mem::take(&mut self.recent);
        }
    }

    /// Returns how many predictions have ended, of those that are still used.
    pub(super) fn count(&self) -> u32 {
        self.recent.ended + self.earlier.ended
    }

    /// Returns the distribution of generation times.
    pub(super) fn distribution(&self) -> Distribution {
        let (mut passed, mut longer, mut masses) = (0, 1.0, Vec::new());
        for (number, bin) in self.bins() {
            passed += bin.more_passed;
            if bin.ended > 0 {
                let share = longer * f64::from(bin.ended) / (f64::from(bin.ended) + f64::from(passed));
                longer -= share;
                masses.push(Mass { from: start_of(number), to: start_of(number + 1), share });
            }
        }
        Distribution(masses)
    }

    /// Returns the age that at least `count` predictions have passed before any has ended.
    pub(super) fn passed_by(&self, count: i32) -> Duration {
        let mut passed = 0;
        let end = self.bins().into_iter().find(|(_, bin)| {
            passed += bin.more_passed;
            bin.ended > 0 || passed < count
        });
        end.map_or(Duration::ZERO, |(number, _)| Duration::from_secs_f64(start_of(number)))
    }

    /// Returns the sums of both generations.
    fn bins(&self) -> BTreeMap<u32, Bin> {
        let mut bins = self.earlier.bins.clone();
        for (&number, bin) in &self.recent.bins {
            let sum = bins.entry(number).or_default();
            sum.ended += bin.ended;
            sum.more_passed += bin.more_passed;
        }
        bins
    }
}

impl Distribution {
    /// Returns the share of predictions whose generation time is known. The others take longer than all of these.
    pub(super) fn known(&self) -> f64 {
        self.0.iter().map(|mass| mass.share).sum()
    }

    /// Returns the age in seconds at which this share of all predictions has ended, or the last known one.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut before = 0.0;
        for mass in &self.0 {
            if before + mass.share >= share {
                return mass.from + (mass.to - mass.from) * ((share - before) / mass.share).clamp(0.0, 1.0);
            }
            before += mass.share;
        }
        self.0.last().map_or(0.0, |mass| mass.to)
    }

    /// Returns the part of the mean generation time, in seconds, that the known ones contribute.
    pub(super) fn mean_of_known(&self) -> f64 {
        self.0.iter().map(|mass| mass.share * (mass.from + mass.to) / 2.0).sum()
    }
}

fn bin_of(seconds: f64) -> u32 {
    ((seconds / FIRST_BIN_END).ln() / BIN_RATIO.ln() + 1.0).max(0.0) as u32
}

fn start_of(bin: u32) -> f64 {
    if bin == 0 { 0.0 } else { FIRST_BIN_END * BIN_RATIO.powf(f64::from(bin) - 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// The share of predictions that take longer than `age`.
    fn longer_than(table: &LifeTable, age: f64) -> f64 {
        1.0 - table.distribution().0.iter().filter(|mass| mass.from <= age).map(|mass| mass.share).sum::<f64>()
    }

    #[test]
    fn predictions_that_are_still_in_progress_count_as_slower_than_those_that_ended() {
        let mut table = LifeTable::default();
        (0..30).for_each(|_| table.in_progress(Duration::ZERO, seconds(20.0)));
        (0..10).for_each(|_| table.ended(Duration::ZERO, seconds(16.0)));
        assert!((longer_than(&table, 18.0) - 0.75).abs() < 1e-9);
    }

    #[test]
    fn a_prediction_whose_first_seconds_were_not_followed_says_nothing_about_them() {
        let mut table = LifeTable::default();
        (0..10).for_each(|_| table.ended(Duration::ZERO, seconds(5.0)));
        (0..90).for_each(|_| table.ended(seconds(8.0), seconds(10.0)));
        assert!(longer_than(&table, 6.0) < 1e-9, "{:?}", table.distribution());
    }

    #[test]
    fn the_age_that_predictions_pass_is_known_before_any_has_ended() {
        let mut table = LifeTable::default();
        assert_eq!(table.passed_by(3), Duration::ZERO);
        for age in [2.0, 4.0, 6.0, 8.0] {
            table.in_progress(Duration::ZERO, seconds(age / 2.0));
            table.in_progress(seconds(age / 2.0), seconds(age));
        }
        let passed = table.passed_by(3).as_secs_f64();
        assert!((3.9..=4.0).contains(&passed), "{passed}");
        table.ended(Duration::ZERO, seconds(1.0));
        assert!(table.passed_by(3) <= seconds(1.0));
    }

    proptest! {
        /// Where every prediction is followed to its end, the table has the shares of a plain count.
        #[test]
        fn it_equals_a_plain_count_of_finished_predictions(
            times in prop::collection::vec(0.0_f64..100.0, 1..200), polls in 1_u32..20, age in 0.0_f64..120.0,
        ) {
            let mut table = LifeTable::default();
            for time in &times {
                let at = |poll: u32| seconds(time * f64::from(poll) / f64::from(polls));
                (1..polls).for_each(|poll| table.in_progress(at(poll - 1), at(poll)));
                table.ended(at(polls - 1), at(polls));
            }
            let is_beyond = |time: &&f64| bin_of(**time) > bin_of(age);
            let share = times.iter().filter(is_beyond).count() as f64 / times.len() as f64;
            prop_assert!((longer_than(&table, age) - share).abs() < 1e-6, "{} against {share}", longer_than(&table, age));
        }
    }
}
