use std::time::{Duration, Instant};

use crate::words::about;

/// How long an outage goes on before it is reported again.
const SILENCE: Duration = Duration::from_secs(300);

/// The shortest wait that is reported.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// The pauses since the last accepted submit. An outage has many, and only some of them are reported.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    since: Option<Instant>,
    reported: Option<Instant>,
}

impl Waiting {
    /// Returns the message about a pause that begins `now`; `None` if there is nothing new.
    pub(super) fn words(&mut self, now: Instant, wait: Duration, reason: &str) -> Option<String> {
        if wait < MIN_WAIT {
            return None;
        }
        let since = *self.since.get_or_insert(now);
        if self.reported.is_some_and(|reported| now.duration_since(reported) < SILENCE) {
            return None;
        }
        let is_first = self.reported.replace(now).is_none();
        Some(match is_first {
            true => format!("waiting {} before the next submit: {reason}", about(wait)),
            false => format!("still waiting, for {} now: {reason}", about(now.duration_since(since))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_reported_at_its_start_and_every_few_minutes() {
        let (start, mut waiting) = (Instant::now(), Waiting::default());
        let mut pause = |second: u64| {
            let now = start + Duration::from_secs(second);
            waiting.words(now, Duration::from_secs(30), "the API cannot be reached")
        };
        let printed: Vec<String> = (0..30).filter_map(|number| pause(number * 30)).collect();
        insta::assert_snapshot!(printed.join("\n"), @r"
        waiting 30 s before the next submit: the API cannot be reached
        still waiting, for 5 min now: the API cannot be reached
        still waiting, for 10 min now: the API cannot be reached
        ");
    }

    #[test]
    fn a_pause_of_less_than_a_second_is_not_reported() {
        assert_eq!(Waiting::default().words(Instant::now(), Duration::ZERO, "HTTP 429"), None);
    }
}
