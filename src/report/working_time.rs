use jiff::Timestamp;

/// The longest time without any event that counts as work, in seconds.
const MAX_BREAK: f64 = 3600.0;

/// The time in which a batch was worked on. A catalog is often continued each night, so breaks of more than an hour
/// between two events are left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorkingTime {
    /// The stretches of work, oldest first. There is at least one.
    stretches: Vec<Stretch>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    /// The seconds of work before this stretch.
    seconds_before: f64,
}

impl WorkingTime {
    /// Returns the working time of a batch with events at `times`; `None` if there are none.
    pub(crate) fn of(times: impl IntoIterator<Item = Timestamp>) -> Option<WorkingTime> {
        let mut times: Vec<Timestamp> = times.into_iter().collect();
        times.sort_unstable();
        let (first, rest) = times.split_first()?;
        let mut stretches = Vec::new();
        let mut stretch = Stretch { from: *first, to: *first, seconds_before: 0.0 };
        for at in rest {
            if seconds_between(stretch.to, *at) > MAX_BREAK {
                stretches.push(stretch);
                stretch = Stretch { from: *at, to: *at, seconds_before: stretch.seconds_at(stretch.to) };
            }
            stretch.to = *at;
        }
        stretches.push(stretch);
        Some(WorkingTime { stretches })
    }

    /// Returns the whole working time, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.stretches.last().map_or(0.0, |last| last.seconds_at(last.to))
    }

    /// Returns the working time until `at`, in seconds.
    pub(crate) fn seconds_until(&self, at: Timestamp) -> f64 {
        let begun = self.stretches.partition_point(|stretch| stretch.from <= at);
        begun.checked_sub(1).map_or(0.0, |last| self.stretches[last].seconds_at(at))
    }
}

impl Stretch {
    fn seconds_at(&self, at: Timestamp) -> f64 {
        self.seconds_before + seconds_between(self.from, at.min(self.to))
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_days_between_two_nights_do_not_count() {
        const DAY: i64 = 86_400;
        let times = [0, 60, 120, DAY, DAY + 30, 2 * DAY].map(at);
        let time = WorkingTime::of(times).unwrap();
        assert_eq!(time.seconds(), 150.0);
        let until = |second| time.seconds_until(at(second));
        assert_eq!([-5, 0, 60, 4000, DAY, DAY + 10, 3 * DAY].map(until), [0.0, 0.0, 60.0, 120.0, 120.0, 130.0, 150.0]);
        assert_eq!(WorkingTime::of([]), None);
    }

    #[test]
    fn a_wait_of_less_than_an_hour_counts() {
        assert_eq!(WorkingTime::of([at(0), at(3500), at(7000)]).unwrap().seconds(), 7000.0);
    }
}
