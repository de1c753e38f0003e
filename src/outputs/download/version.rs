use jiff::{SignedDuration, Timestamp};
use reqwest::Response;
use reqwest::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

/// The version of a file of which the rest can be requested (RFC 9110, sections 8.8 and 14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// Its length, in bytes.
    pub(super) length: u64,
    /// The name of the header that identifies it.
    header: HeaderName,
    /// The value of that header, which an `If-Range` header repeats.
    pub(super) validator: String,
}

impl Version {
    /// Returns the version in an answer with all of a file; `None` if no part of it could be continued with certainty.
    ///
    /// An answer that was unpacked has no length, because ranges count the packed bytes.
    pub(super) fn of_whole(response: &Response) -> Option<Version> {
        Version::in_headers(response.headers())
    }

    fn in_headers(headers: &HeaderMap) -> Option<Version> {
        if text(headers, &ACCEPT_RANGES).is_some_and(|units| units.eq_ignore_ascii_case("none")) {
            return None;
        }
        let length = text(headers, &CONTENT_LENGTH)?.parse().ok()?;
        let etag = text(headers, &ETAG).filter(|tag| tag.starts_with('"')).map(|tag| (ETAG, tag));
        let (header, validator) = etag.or_else(|| Some((LAST_MODIFIED, old_enough(headers)?)))?;
        Some(Version { length, header, validator: validator.to_owned() })
    }

    /// Whether an answer has the rest of this version from `offset`, or its beginning.
    pub(super) fn continues_in(&self, response: &Response, offset: u64) -> bool {
        self.continues_with(response.headers(), offset)
    }

    fn continues_with(&self, headers: &HeaderMap, offset: u64) -> bool {
        let Some((start, end)) = text(headers, &CONTENT_RANGE).and_then(|range| self.range(range)) else {
            return false;
        };
        let is_same = match text(headers, &self.header) {
            Some(validator) => validator == self.validator,
            // An answer to `If-Range` may leave it out, unless it is an entity tag.
            None => self.header == LAST_MODIFIED,
        };
        let length = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        is_same && start == offset && end < self.length && length == (end + 1).checked_sub(start)
    }

    /// Returns the first and the last position in a `Content-Range` header of a file of this length.
    fn range(&self, header: &str) -> Option<(u64, u64)> {
        let (range, length) = header.strip_prefix("bytes ")?.trim().split_once('/')?;
        let (start, end) = range.split_once('-')?;
        (length.parse() == Ok(self.length)).then_some((start.parse().ok()?, end.parse().ok()?))
    }
}

/// Returns the time of the last change, if the file would have another one had it changed since: it has whole seconds.
fn old_enough(headers: &HeaderMap) -> Option<&str> {
    let time = |text: &str| Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok();
    let changed = text(headers, &LAST_MODIFIED)?;
    let age = time(text(headers, &DATE)?)?.duration_since(time(changed)?);
    (age >= SignedDuration::from_secs(1)).then_some(changed)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUESDAY: &str = "Tue, 24 Nov 2026 20:00:00 GMT";

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn whole(fields: &[(HeaderName, &str)]) -> Option<Version> {
        Version::in_headers(&headers(fields))
    }

    #[test]
    fn only_a_file_with_a_length_and_a_strong_validator_can_be_continued() {
        let tagged = whole(&[(CONTENT_LENGTH, "100"), (ETAG, "\"a\"")]).unwrap();
        assert_eq!((tagged.length, tagged.validator.as_str()), (100, "\"a\""));
        let dated = [(CONTENT_LENGTH, "100"), (LAST_MODIFIED, TUESDAY), (DATE, "Tue, 24 Nov 2026 20:00:01 GMT")];
        assert_eq!(whole(&dated).unwrap().validator, TUESDAY);
        for (fields, lacks) in [
            (&[(ETAG, "\"a\"")] as &[_], "a length: it may have been unpacked"),
            (&[(CONTENT_LENGTH, "100")], "a validator"),
            (&[(CONTENT_LENGTH, "100"), (ETAG, "W/\"a\"")], "a strong validator"),
            (&[(CONTENT_LENGTH, "100"), (LAST_MODIFIED, TUESDAY)], "the date of the answer"),
            (&[(CONTENT_LENGTH, "100"), (LAST_MODIFIED, TUESDAY), (DATE, TUESDAY)], "a second of age"),
            (&[(CONTENT_LENGTH, "100"), (ETAG, "\"a\""), (ACCEPT_RANGES, "none")], "ranges"),
        ] {
            assert_eq!(whole(fields), None, "lacks {lacks}");
        }
    }

    #[test]
    fn only_the_rest_of_the_same_version_continues_it() {
        let version = whole(&[(CONTENT_LENGTH, "100"), (ETAG, "\"a\"")]).unwrap();
        let rest = |range, length, tag| {
            version.continues_with(&headers(&[(CONTENT_RANGE, range), (CONTENT_LENGTH, length), (ETAG, tag)]), 40)
        };
        assert!(rest("bytes 40-99/100", "60", "\"a\""));
        assert!(rest("bytes 40-59/100", "20", "\"a\""), "a beginning of the rest");
        for (range, length, tag) in [
            ("bytes 40-99/100", "60", "\"b\""),
            ("bytes 0-99/100", "100", "\"a\""),
            ("bytes 41-99/100", "59", "\"a\""),
            ("bytes 40-99/101", "60", "\"a\""),
            ("bytes 40-99/*", "60", "\"a\""),
            ("bytes 40-100/100", "61", "\"a\""),
            ("bytes 40-99/100", "61", "\"a\""),
            ("bytes */100", "0", "\"a\""),
            ("lines 40-99/100", "60", "\"a\""),
        ] {
            assert!(!rest(range, length, tag), "{range}, {length}, {tag}");
        }
        let unnamed = headers(&[(CONTENT_RANGE, "bytes 40-99/100"), (CONTENT_LENGTH, "60")]);
        assert!(!version.continues_with(&unnamed, 40), "an entity tag is always repeated");
        let dated = Version { header: LAST_MODIFIED, validator: TUESDAY.to_owned(), ..version };
        assert!(dated.continues_with(&unnamed, 40));
    }
}
