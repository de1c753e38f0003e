//! The wait after failures.

use std::time::Duration;

/// Returns the wait after this many consecutive failures: one second, doubled each time, at most 30 seconds.
pub(super) fn backoff(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        1..=5 => Duration::from_secs(1 << (failures - 1)),
        _ => Duration::from_secs(30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_spread_out() {
        assert_eq!([0, 1, 3, 100].map(|failures| backoff(failures).as_secs()), [0, 1, 4, 30]);
    }
}
