use super::UrlRef;

/// The minimum length in bytes of a query that signs a URL, including its `?`. Shorter ones, such as version numbers,
/// are skipped fast.
const MIN_QUERY: usize = "?se=2026-01-01&sig=".len();

/// The signature in the query of a URL: permission to read the picture for some time. It says nothing about the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlSignature<'a> {
    /// Version 4 of S3-compatible stores.
    Amazon(SignedPeriod<'a>),
    /// Version 4 of Google Cloud Storage.
    Google(SignedPeriod<'a>),
    /// CloudFront, and older versions of S3 and Google Cloud Storage: the end in seconds since 1970; `None` if it is in
    /// a policy.
    Until(Option<&'a str>),
    /// A shared access signature of Azure: the end, as in `2026-01-01T00:00:00Z`.
    Azure(&'a str),
}

/// The time during which a signature is valid, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedPeriod<'a> {
    /// The beginning, as in `20260101T000000Z`.
    pub from: &'a str,
    /// The length in seconds.
    pub seconds: &'a str,
}

impl<'a> UrlSignature<'a> {
    /// Returns the signature of `url`; `None` if it has none that is known.
    pub fn of(url: &UrlRef<'a>) -> Option<UrlSignature<'a>> {
        const KEYS: [&str; 9] = [
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Goog-Date",
            "X-Goog-Expires",
            "Expires",
            "Policy",
            "Signature",
            "se",
            "sig",
        ];
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
        let [amazon, amazon_seconds, google, google_seconds, end, policy, signature, azure, azure_signature] = values;
        let period =
            |from: Option<&'a str>, seconds: Option<&'a str>| Some(SignedPeriod { from: from?, seconds: seconds? });
        if let Some(period) = period(amazon, amazon_seconds) {
            return Some(UrlSignature::Amazon(period));
        }
        if let Some(period) = period(google, google_seconds) {
            return Some(UrlSignature::Google(period));
        }
        if signature.is_some() && end.or(policy).is_some() {
            return Some(UrlSignature::Until(end));
        }
        azure.filter(|_| azure_signature.is_some()).map(UrlSignature::Azure)
    }

    /// Whether the parameter `name` belongs to this signature, and not to the picture.
    pub(super) fn has_parameter(self, name: &str) -> bool {
        const UNTIL: [&str; 8] = [
            "Expires",
            "Signature",
            "Policy",
            "Key-Pair-Id",
            "AWSAccessKeyId",
            "GoogleAccessId",
            "x-amz-security-token",
            "x-goog-security-token",
        ];
        const AZURE: [&str; 22] = [
            "sv", "ss", "srt", "sr", "sp", "st", "se", "spr", "sip", "si", "sig", "sdd", "scid", "ses", "skoid",
            "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid",
        ];
        let begins_with = |prefix: &str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        let is_in = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        match self {
            UrlSignature::Amazon(_) => begins_with("X-Amz-"),
            UrlSignature::Google(_) => begins_with("X-Goog-"),
            UrlSignature::Until(_) => is_in(&UNTIL),
            UrlSignature::Azure(_) => is_in(&AZURE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_of_every_vendor_are_recognized() {
        let of = |query: &str| UrlSignature::of(&UrlRef::of(&format!("https://x/a.png?{query}"))).is_some();
        for signed in [
            "X-Amz-Expires=60&X-Amz-Date=20260101T000000Z&X-Amz-Signature=a",
            "x-goog-date=20260101T000000Z&x-goog-expires=1",
            "Expires=1767225600&Signature=s",
            "Policy=eyJ&Signature=s&Key-Pair-Id=K",
            "se=2026-01-01T00%3A00%3A00Z&sig=s",
        ] {
            assert!(of(signed), "{signed}");
        }
        for unsigned in ["v=20260101000000000000", "sig=0123456789abcdef012345", "Expires=1767225600&size=large"] {
            assert!(!of(unsigned), "{unsigned}");
        }
    }
}
