use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::job::UrlRef;

/// The minimum length in bytes of a query that signs a URL, including its `?`. Shorter ones, such as version numbers,
/// are skipped fast.
const MIN_QUERY: usize = "?se=2026-01-01&sig=".len();

/// Returns the expiry time in the query of a signed URL of S3-compatible stores, Google Cloud Storage, CloudFront or
/// Azure; `None` if the URL has none.
pub(super) fn expires_at(url: &UrlRef<'_>) -> Option<Timestamp> {
    const KEYS: [&str; 8] =
        ["X-Amz-Date", "X-Amz-Expires", "X-Goog-Date", "X-Goog-Expires", "Expires", "Signature", "se", "sig"];
    let query = url.query();
    if query.len() < MIN_QUERY {
        return None;
    }
    let query = query.strip_prefix('?')?.split('#').next()?;
    let mut values = [None; KEYS.len()];
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if let Some(key) = KEYS.iter().position(|key| name.eq_ignore_ascii_case(key)) {
            values[key].get_or_insert(value);
        }
    }
    let [amazon, amazon_seconds, google, google_seconds, end, signature, azure, azure_signature] = values;
    for vendor in [(amazon, amazon_seconds), (google, google_seconds)] {
        if let (Some(from), Some(seconds)) = vendor {
            let from = TimeZone::UTC.to_timestamp(DateTime::strptime("%Y%m%dT%H%M%SZ", from).ok()?).ok()?;
            return from.checked_add(SignedDuration::from_secs(seconds.parse().ok()?)).ok();
        }
    }
    if let (Some(seconds), Some(_)) = (end, signature) {
        return Timestamp::from_second(seconds.parse().ok()?).ok();
    }
    match (azure, azure_signature) {
        (Some(end), Some(_)) => end.replace("%3A", ":").replace("%3a", ":").parse().ok(),
        _ => None,
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
