use std::time::{Duration, Instant};

use crate::words::grouped;

/// How long color checks go on before they are reported again. Logs without a line for minutes look like a hung program.
const SILENCE: Duration = Duration::from_secs(30);

/// The color checks of a run. They may last minutes longer than its jobs, of which each has a line.
#[derive(Debug, Default)]
pub(super) struct Checking {
    done: u64,
    reported: Option<Instant>,
}

impl Checking {
    /// Counts a check that ended `now`, and returns a message if nothing else was reported for a while. `left` checks are
    /// still to be made, and `is_rest` says whether nothing else is left to do.
    pub(super) fn words(&mut self, now: Instant, left: u64, is_rest: bool) -> Option<String> {
        self.done += 1;
        let since = *self.reported.get_or_insert(now);
        if !is_rest {
            self.reported = Some(now);
        }
        if !is_rest || left == 0 || now.duration_since(since) < SILENCE {
            return None;
        }
        self.reported = Some(now);
        Some(format!("checking colors: {} of {}", grouped(self.done), grouped(self.done + left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_checks_are_reported_each_half_minute_once_they_are_all_that_is_left() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut checking = Checking::default();
        assert_eq!(checking.words(at(0), 5000, false), None);
        assert_eq!(checking.words(at(90), 4999, false), None, "each job has a line");
        assert_eq!(checking.words(at(119), 4998, true), None);
        assert_eq!(checking.words(at(120), 4997, true).as_deref(), Some("checking colors: 4 of 5,001"));
        assert_eq!(checking.words(at(121), 4996, true), None);
        assert_eq!(checking.words(at(150), 1, true).as_deref(), Some("checking colors: 6 of 7"));
        assert_eq!(checking.words(at(200), 0, true), None, "the summary follows");
    }
}
