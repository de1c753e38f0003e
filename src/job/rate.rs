use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::text::serde_as_text;

/// A number of events per unit of time: `10/min`, `2/s`, `600/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// The number of events.
    pub count: NonZeroU32,
    /// The unit of time.
    pub per: Per,
}

/// The unit of time of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

/// The rate of submits: fixed by the user, or adapted to the provider's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubmitRate {
    /// `auto`: adapted to the provider's limit by trying.
    Auto,
    /// A fixed rate.
    Fixed(Rate),
}

impl SubmitRate {
    /// The initial rate of `auto` if no earlier run has learned one. It is low, because the provider documents no
    /// limit.
    pub const FIRST: Rate = Rate { count: NonZeroU32::MIN, per: Per::Second };

    /// Returns the rate to plan with. `learned` is the rate that an earlier run has learned.
    pub fn expected(self, learned: Option<Rate>) -> Rate {
        match self {
            SubmitRate::Auto => learned.unwrap_or(SubmitRate::FIRST),
            SubmitRate::Fixed(rate) => rate,
        }
    }
}

impl FromStr for SubmitRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<SubmitRate, RateError> {
        if text.trim().eq_ignore_ascii_case("auto") {
            Ok(SubmitRate::Auto)
        } else {
            text.parse().map(SubmitRate::Fixed)
        }
    }
}

impl fmt::Display for SubmitRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitRate::Auto => formatter.write_str("the provider's pace"),
            SubmitRate::Fixed(rate) => rate.fmt(formatter),
        }
    }
}

/// The error of a text that is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rate: write a whole number over a unit, as in 10/min, 2/s or 600/h")]
pub struct RateError;

impl Rate {
    /// Returns the rate of `count` per second.
    pub fn per_second(count: NonZeroU32) -> Rate {
        Rate { count, per: Per::Second }
    }

    /// Returns the rate of `count` per minute.
    pub fn per_minute(count: NonZeroU32) -> Rate {
        Rate { count, per: Per::Minute }
    }

    /// Returns the rate in whole events per hour that is nearest to `per_second`, at least one.
    pub fn from_per_second(per_second: f64) -> Rate {
        // The conversion saturates if the number is out of range.
        let count = NonZeroU32::new((per_second * 3600.0).round() as u32).unwrap_or(NonZeroU32::MIN);
        Rate { count, per: Per::Hour }
    }

    /// Returns the number of events per second.
    pub fn per_second_f64(self) -> f64 {
        f64::from(self.count.get()) / self.per.duration().as_secs_f64()
    }

    /// Returns the faster rate.
    pub fn max(self, other: Rate) -> Rate {
        if other.interval() < self.interval() { other } else { self }
    }

    /// Returns the time between two events.
    pub fn interval(self) -> Duration {
        // Four billion events per second are a quarter of a nanosecond apart, which must not be rounded to zero.
        (self.per.duration() / self.count.get()).max(Duration::from_nanos(1))
    }

    /// Returns the number of seconds that `count` events take. The first of them is immediate.
    pub fn seconds_for(self, count: u64) -> u64 {
        let span = u128::from(count.saturating_sub(1)) * u128::from(self.per.duration().as_secs());
        u64::try_from(span.div_ceil(u128::from(self.count.get()))).unwrap_or(u64::MAX)
    }
}

impl Per {
    /// Returns the length of the unit.
    pub fn duration(self) -> Duration {
        match self {
            Per::Second => Duration::from_secs(1),
            Per::Minute => Duration::from_secs(60),
            Per::Hour => Duration::from_secs(3600),
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Rate, RateError> {
        let (count, unit) = text.split_once('/').ok_or(RateError)?;
        let per = match unit.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => Per::Second,
            "min" | "m" | "minute" => Per::Minute,
            "h" | "hr" | "hour" => Per::Hour,
            _ => return Err(RateError),
        };
        let count = count.trim().parse().map_err(|_| RateError)?;
        Ok(Rate { count, per })
    }
}

serde_as_text!(Rate, RateError);

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        };
        write!(formatter, "{}/{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_notations_of_rates_are_parsed() {
        for (text, shown, millis) in [("10/min", "10/min", 6000), ("2/s", "2/s", 500), (" 600 / hour ", "600/h", 6000)]
        {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.to_string().as_str(), rate.interval().as_millis()), (shown, millis));
        }
        for bad in ["", "10", "0/min", "-1/s", "1.5/s", "10/day", "/s", "99999999999/s"] {
            assert_eq!(bad.parse::<Rate>(), Err(RateError), "{bad}");
        }
    }

    #[test]
    fn submit_rates_are_a_rate_or_auto() {
        assert_eq!("auto".parse(), Ok(SubmitRate::Auto));
        assert_eq!("2/s".parse(), Ok(SubmitRate::Fixed(Rate::per_second(NonZeroU32::new(2).unwrap()))));
        assert_eq!("fast".parse::<SubmitRate>(), Err(RateError));
        assert_eq!(Rate::from_per_second(2.5).to_string(), "9000/h");
        assert_eq!(Rate::from_per_second(0.0).to_string(), "1/h");
    }

    #[test]
    fn the_time_for_jobs_is_the_sum_of_the_intervals_between_them() {
        let rate: Rate = "10/min".parse().unwrap();
        assert_eq!([0, 1, 2, 11].map(|count| rate.seconds_for(count)), [0, 0, 6, 60]);
        assert_eq!(rate.seconds_for(u64::MAX), u64::MAX);
    }
}
