use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::http::retry_after;

use super::{Answer, wire};

/// The maximum wait of a hint. A longer one is probably a mistake, and is shortened to this.
const MAX_HINT: Duration = Duration::from_secs(15 * 60);

/// The number of seconds above which a hint is nonsense (a year, a Unix time) and ignored.
const ABSURD: f64 = 86_400.0;

/// Returns the wait that an answer asks for: the larger of `Retry-After` (seconds or an HTTP date) and the hint in the
/// body (`retry_after`, or text like "retry in ~5s"). Nonsensical values are ignored.
pub(super) fn wait_hint(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let header = answer.retry_after.as_deref().and_then(|text| retry_after(text, answer.date.as_deref(), now));
    let body = wire::json(&answer.body).ok().and_then(|body| body_seconds(&body));
    let seconds = header.into_iter().chain(body).filter(|seconds| is_sound(*seconds)).reduce(f64::max)?;
    Some(Duration::from_secs_f64(seconds).min(MAX_HINT))
}

fn is_sound(seconds: f64) -> bool {
    seconds.is_finite() && (0.0..=ABSURD).contains(&seconds)
}

fn body_seconds(body: &Value) -> Option<f64> {
    let named = ["retry_after", "retryAfter"].iter().find_map(|name| {
        [body, &body["error"]].iter().find_map(|place| match &place[name] {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim_end_matches('s').parse().ok(),
            _ => None,
        })
    });
    named.or_else(|| wire::error_text(body).and_then(|text| spoken_seconds(&text)))
}

/// Returns the number of seconds in a text such as "try again in ~5s" or "wait 12 seconds".
fn spoken_seconds(text: &str) -> Option<f64> {
    let text = text.to_ascii_lowercase();
    let speaks_of_waiting = ["retry", "wait", "again in", "try again"].iter().any(|word| text.contains(word));
    if !speaks_of_waiting {
        return None;
    }
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        rest = &rest[start..];
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let unit = after.trim_start();
        let is_seconds = unit.strip_prefix('s').is_some_and(|more| {
            more.is_empty() || more.starts_with("ec") || !more.starts_with(|next: char| next.is_ascii_alphanumeric())
        });
        if is_seconds {
            return number.trim_end_matches('.').parse().ok();
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(header: Option<&str>, body: &str) -> Option<f64> {
        let now = "2026-11-23T20:00:00Z".parse().unwrap();
        let answer =
            Answer { status: 429, retry_after: header.map(str::to_owned), body: body.into(), ..Answer::default() };
        wait_hint(&answer, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn the_larger_hint_of_header_and_body_counts() {
        assert_eq!(hint(Some("3"), ""), Some(3.0));
        assert_eq!(hint(Some("3"), r#"{"retry_after": 5}"#), Some(5.0));
        assert_eq!(hint(None, "\u{feff}{\"retry_after\": 5}"), Some(5.0), "after a byte order mark");
        assert_eq!(hint(None, r#"{"error": {"retry_after": "2.5"}}"#), Some(2.5));
        assert_eq!(hint(Some("Mon, 23 Nov 2026 20:00:30 GMT"), ""), Some(30.0));
        assert_eq!(hint(None, r#"{"error": "Rate limit reached, retry in ~5s"}"#), Some(5.0));
        assert_eq!(hint(None, r#"{"detail": "10 images a minute; wait 12 seconds"}"#), Some(12.0));
    }

    #[test]
    fn a_date_is_compared_with_the_clock_of_the_server() {
        let now = "2026-11-23T20:00:00Z".parse().unwrap();
        let hint = |date: &str, retry_after: &str| {
            let (date, retry_after) = (Some(date.to_owned()), Some(retry_after.to_owned()));
            wait_hint(&Answer { status: 429, date, retry_after, ..Answer::default() }, now).map(|wait| wait.as_secs())
        };
        assert_eq!(hint("Mon, 23 Nov 2026 21:00:00 GMT", "Mon, 23 Nov 2026 21:00:04 GMT"), Some(4), "an hour ahead");
        assert_eq!(hint("Mon, 23 Nov 2026 19:00:00 GMT", "Mon, 23 Nov 2026 19:00:04 GMT"), Some(4), "an hour behind");
        assert_eq!(
            hint("soon", "Mon, 23 Nov 2026 20:00:04 GMT"),
            Some(4),
            "without a date, this machine's clock counts"
        );
        assert_eq!(hint("Mon, 23 Nov 2026 21:00:00 GMT", "5"), Some(5));
    }

    #[test]
    fn nonsensical_hints_are_ignored_and_long_waits_are_capped() {
        for header in ["-1", "NaN", "inf", "31536000", "soon", "", "1735689600", "Mon, 23 Nov 2020 20:00:30 GMT"] {
            assert_eq!(hint(Some(header), "<html>"), None, "{header}");
        }
        assert_eq!(hint(Some("7200"), ""), Some(900.0));
        assert_eq!(hint(None, r#"{"error": "10 images a minute at most"}"#), None);
    }
}
