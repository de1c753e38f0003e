use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many of something in a span of time: `10/min`, `2/s`, `600/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In which time.
    pub per: Per,
}

/// The span of time of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

/// Why a text is no [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rate: write a whole number over a unit, as in 10/min, 2/s or 600/h")]
pub struct RateError;

impl Rate {
    /// `count` a second.
    pub fn per_second(count: NonZeroU32) -> Rate {
        Rate { count, per: Per::Second }
    }

    /// `count` a minute.
    pub fn per_minute(count: NonZeroU32) -> Rate {
        Rate { count, per: Per::Minute }
    }

    /// The time between two events at this rate.
    pub fn interval(self) -> Duration {
        // Four billion a second are a quarter of a nanosecond apart, which must not round to nothing at all.
        (self.per.duration() / self.count.get()).max(Duration::from_nanos(1))
    }

    /// How many seconds `count` events take at this rate, the first one at once.
    pub fn seconds_for(self, count: u64) -> u64 {
        let span = u128::from(count.saturating_sub(1)) * u128::from(self.per.duration().as_secs());
        u64::try_from(span.div_ceil(u128::from(self.count.get()))).unwrap_or(u64::MAX)
    }
}

impl Per {
    /// The span itself.
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
    fn rates_read_as_people_write_them() {
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
    fn the_time_for_jobs_counts_the_gaps_between_them() {
        let rate: Rate = "10/min".parse().unwrap();
        assert_eq!([0, 1, 2, 11].map(|count| rate.seconds_for(count)), [0, 0, 6, 60]);
        assert_eq!(rate.seconds_for(u64::MAX), u64::MAX);
    }
}
