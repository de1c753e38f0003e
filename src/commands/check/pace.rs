use std::time::Duration;

use serde::Serialize;

use crate::job::{Backend, Rate};
use crate::journal::Ledger;
use crate::runner::Settings;

/// The duration of an edit at the provider, before a run has measured it.
const DEFAULT_EDIT_TIME: Duration = Duration::from_secs(30);

/// The duration of all submits, and what limits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Pace {
    pub(super) seconds: u64,
    /// The duration of the submits at their rate alone.
    seconds_at_rate: u64,
    /// The time until the last submit is sent.
    #[serde(skip)]
    seconds_to_last_submit: u64,
    /// The number of predictions in flight that the rate needs, if fewer are allowed.
    #[serde(skip)]
    pub(super) in_flight_for_rate: Option<u64>,
}

impl Pace {
    /// Returns the pace of `submits`, based on what earlier runs have learned.
    pub(super) fn of(submits: u64, settings: &Settings, backend: Backend, ledger: &Ledger) -> Pace {
        let learned = ledger.learned();
        let median = learned.generation_ms.get(learned.generation_ms.len() / 2);
        let edit = match (median, backend) {
            (Some(milliseconds), _) => Duration::from_millis(*milliseconds),
            (None, Backend::Vibedream) => DEFAULT_EDIT_TIME,
            (None, Backend::Embedded) => Duration::ZERO,
        };
        Pace::at(settings.submits.expected(learned.submit_rate()), settings.in_flight.get().into(), edit, submits)
    }

    /// Returns how many of the `submits` are made within `window`.
    pub(super) fn submits_within(&self, submits: u64, window: Duration) -> u64 {
        let share = window.as_secs_f64() / self.seconds_to_last_submit.max(1) as f64;
        ((submits as f64 * share) as u64).min(submits)
    }

    fn at(rate: Rate, in_flight: u64, edit: Duration, submits: u64) -> Pace {
        let milliseconds = u64::try_from(edit.as_millis()).unwrap_or(u64::MAX);
        let seconds = |edits: u64| edits.saturating_mul(milliseconds).div_ceil(1000);
        let seconds_at_rate = rate.seconds_for(submits);
        let by_rate = seconds_at_rate.saturating_add(seconds(submits.min(1)));
        let by_slots = seconds(submits.div_ceil(in_flight));
        let needed = edit.as_nanos().div_ceil(rate.interval().as_nanos());
        Pace {
            seconds: by_rate.max(by_slots),
            seconds_at_rate,
            seconds_to_last_submit: seconds_at_rate.max(by_slots.saturating_sub(seconds(1))),
            in_flight_for_rate: (by_slots > by_rate).then_some(u64::try_from(needed).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_covers_its_share_of_the_submits() {
        let within = |submits, seconds| {
            let pace = Pace::at("10/min".parse().unwrap(), 3, DEFAULT_EDIT_TIME, submits);
            pace.submits_within(submits, Duration::from_secs(seconds))
        };
        assert_eq!([0, 8 * 3600, 80 * 3600].map(|seconds| within(5000, seconds)), [0, 2881, 5000]);
        assert_eq!(within(2, 10), 2, "only submits need to be made by then");
    }

    #[test]
    fn the_pace_is_limited_by_the_rate_or_by_the_predictions_in_flight() {
        let at = |rate: &str, in_flight, submits| {
            let pace = Pace::at(rate.parse().unwrap(), in_flight, DEFAULT_EDIT_TIME, submits);
            (pace.seconds, pace.in_flight_for_rate)
        };
        assert_eq!(at("10/min", 3, 40_000), (400_020, Some(5)), "111 hours, and not 67");
        assert_eq!(at("10/min", 5, 40_000), (240_024, None));
        assert_eq!(at("10/min", 3, 2), (36, None), "the last one takes its time as well");
        assert_eq!(at("10/min", 3, 0), (0, None));
        assert_eq!(at("2/s", 3, 300), (3000, Some(60)));
        let at_once = Pace::at("10/min".parse().unwrap(), 3, Duration::ZERO, 2);
        assert_eq!(
            at_once,
            Pace { seconds: 6, seconds_at_rate: 6, seconds_to_last_submit: 6, in_flight_for_rate: None }
        );
    }
}
