use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ZonedDateTime};

/// A local time of day, such as 06:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay(Time);

/// The error of an invalid time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time of day from 00:00 to 23:59, such as 06:00")]
pub struct TimeOfDayError;

impl TimeOfDay {
    /// Returns the next time at which a clock shows this time, strictly after `now` and in its time zone.
    ///
    /// If clocks are set forward past it, the result is later by the same amount. If they are set back past it, it
    /// occurs twice. `None` at the end of the calendar.
    pub fn next(self, now: &ZonedDateTime) -> Option<Timestamp> {
        let on = |date: Date| {
            let at = now.time_zone().to_ambiguous_timestamp(date.to_datetime(self.0));
            [at.compatible(), at.later()]
        };
        let today = on(now.date()).into_iter();
        let tomorrow = now.date().tomorrow().ok().map(on).into_iter().flatten();
        today.chain(tomorrow).filter_map(Result::ok).find(|at| *at > now.timestamp())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeOfDayError;

    fn from_str(text: &str) -> Result<TimeOfDay, TimeOfDayError> {
        let is_number = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = text
            .trim()
            .split_once(':')
            .filter(|(hour, minute)| is_number(hour) && is_number(minute) && minute.len() == 2);
        let time = parts.and_then(|(hour, minute)| Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok());
        time.map(TimeOfDay).ok_or(TimeOfDayError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(time: &str, now: &str) -> String {
        let now: ZonedDateTime = now.parse().unwrap();
        let next = time.parse::<TimeOfDay>().unwrap().next(&now).unwrap();
        next.to_zoned_datetime(now.time_zone().clone()).to_string()
    }

    #[test]
    fn a_time_of_day_is_today_if_it_is_still_to_come_and_tomorrow_otherwise() {
        assert_eq!(next("06:00", "2026-11-24T22:15:00[Europe/Berlin]"), "2026-11-25T06:00:00+01:00[Europe/Berlin]");
        assert_eq!(next("06:00", "2026-11-25T05:59:59[Europe/Berlin]"), "2026-11-25T06:00:00+01:00[Europe/Berlin]");
        assert_eq!(next("06:00", "2026-11-25T06:00:00[Europe/Berlin]"), "2026-11-26T06:00:00+01:00[Europe/Berlin]");
        assert_eq!(next("6:05", "2026-11-25T06:00:00[UTC]"), "2026-11-25T06:05:00+00:00[UTC]");
    }

    #[test]
    fn daylight_saving_changes_keep_the_local_time() {
        // Clocks go forward at 2:00 on the 29th of March, and back at 3:00 on the 25th of October.
        assert_eq!(next("06:00", "2026-03-28T22:00:00[Europe/Berlin]"), "2026-03-29T06:00:00+02:00[Europe/Berlin]");
        assert_eq!(next("06:00", "2026-10-24T22:00:00[Europe/Berlin]"), "2026-10-25T06:00:00+01:00[Europe/Berlin]");
        assert_eq!(next("02:30", "2026-03-28T22:00:00[Europe/Berlin]"), "2026-03-29T03:30:00+02:00[Europe/Berlin]");
        assert_eq!(next("02:30", "2026-10-24T22:00:00[Europe/Berlin]"), "2026-10-25T02:30:00+02:00[Europe/Berlin]");
        for between in ["2026-10-25T02:30:00+02:00[Europe/Berlin]", "2026-10-25T02:15:00+01:00[Europe/Berlin]"] {
            assert_eq!(next("02:30", between), "2026-10-25T02:30:00+01:00[Europe/Berlin]", "clocks show it twice");
        }
        let after = "2026-10-25T02:30:00+01:00[Europe/Berlin]";
        assert_eq!(next("02:30", after), "2026-10-26T02:30:00+01:00[Europe/Berlin]");
    }

    #[test]
    fn texts_that_are_not_a_time_of_day_are_refused() {
        for bad in ["", "6", "24:00", "06:60", "6:0", "06:00:00", "-1:00", "+6:00", "6h"] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
        assert_eq!("6:00".parse::<TimeOfDay>().unwrap().to_string(), "06:00");
    }
}
