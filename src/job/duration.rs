use std::time::Duration;

/// The longest duration that can be set, so that one added to a point in time is still a point in time.
const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Parses a duration that a user has set, such as `90s` or `1h 30m`.
///
/// # Errors
///
/// What is expected instead.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration > MAX_DURATION => Err("a duration of at most 10 years"),
        Ok(duration) => Ok(duration),
        Err(_) => Err("a duration with a unit, such as 90s, 90m or 6h"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_duration_can_be_added_to_any_point_in_time() {
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(Instant::now().checked_add(duration("10years").unwrap()).is_some());
        for long in ["11y", "300000000000y"] {
            assert_eq!(duration(long), Err("a duration of at most 10 years"));
        }
        for unclear in ["6", "soon", "-1s", "99999999999999999999999s"] {
            assert_eq!(duration(unclear), Err("a duration with a unit, such as 90s, 90m or 6h"));
        }
    }
}
