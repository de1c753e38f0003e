use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::job::{SignedPeriod, UrlRef, UrlSignature};

/// Returns the time at which the signature of a URL expires; `None` if it has none, or none that says so.
pub(super) fn expires_at(url: &UrlRef<'_>) -> Option<Timestamp> {
    match UrlSignature::of(url)? {
        UrlSignature::Amazon(SignedPeriod { from, seconds }) | UrlSignature::Google(SignedPeriod { from, seconds }) => {
            let from = TimeZone::UTC.to_timestamp(DateTime::strptime("%Y%m%dT%H%M%SZ", from).ok()?).ok()?;
            from.checked_add(SignedDuration::from_secs(seconds.parse().ok()?)).ok()
        }
        UrlSignature::Until(end) => Timestamp::from_second(end?.parse().ok()?).ok(),
        UrlSignature::Azure(end) => end.replace("%3A", ":").replace("%3a", ":").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_of_signed_urls_of_every_vendor_is_parsed() {
        let end = |url: &str| expires_at(&UrlRef::of(url)).map(|end| end.to_string());
        assert_eq!(
            end("https://x/a?X-Amz-Expires=60&X-Amz-Date=20260101T000000Z").as_deref(),
            Some("2026-01-01T00:01:00Z")
        );
        assert_eq!(
            end("https://x/a?x-goog-date=20260101T000000Z&x-goog-expires=1").as_deref(),
            Some("2026-01-01T00:00:01Z")
        );
        assert_eq!(end("https://x/a?Expires=1767225600&Signature=s").as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(end("https://x/a?se=2026-01-01T00%3A00%3A00Z&sig=s").as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(end("https://x/a?v=1&se=tomorrow"), None);
        assert_eq!(end("https://x/a"), None);
    }
}
