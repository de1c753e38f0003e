use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The path for polling a prediction, if it cannot be derived from its id: a path at the API's origin, with its query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusPath(String);

/// The maximum length in bytes, because the path is stored in the journal.
const MAX_LENGTH: usize = 1024;

impl StatusPath {
    /// Returns the path of `answered_url`, if it has the origin of `base`, contains the id at the end of
    /// `default_path`, and is not that path.
    pub(super) fn of(answered_url: &str, base: &Url, default_path: &str) -> Option<StatusPath> {
        let url = base.join(answered_url).ok().filter(|url| is_at(url, base))?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        let id = default_path.rsplit('/').next().unwrap_or_default();
        let is_about_it = path.contains(id) && !path.starts_with("//");
        (is_about_it && path != default_path && path.len() <= MAX_LENGTH).then_some(StatusPath(path))
    }

    /// Returns the URL at the origin of `base`; `None` if it leads to another origin, which a modified journal could
    /// cause.
    pub(super) fn at(&self, base: &Url) -> Option<Url> {
        base.join(&self.0).ok().filter(|url| is_at(url, base))
    }
}

fn is_at(url: &Url, base: &Url) -> bool {
    url.origin() == base.origin() && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_urls_at_other_origins_are_ignored() {
        let base = Url::parse("https://api.example:8443/").unwrap();
        let path = |answered_url: &str| {
            StatusPath::of(answered_url, &base, "/api/v1/predictions/p").map(|StatusPath(path)| path)
        };
        let own = Some("/v2/status/p?view=full".to_owned());
        assert_eq!(path("https://api.example:8443/v2/status/p?view=full#top"), own);
        assert_eq!(path("/v2/status/p?view=full"), own);
        for none in [
            "https://api.example:8443/api/v1/predictions/p",
            "/api/v1/predictions/p",
            "http://api.example:8443/v2/status/p",
            "https://api.example/v2/status/p",
            "https://api.example.evil.example:8443/v2/status/p",
            "https://user@api.example:8443/v2/status/p",
            "//evil.example/v2/status/p",
            r"/\evil.example/v2/status/p",
            "ftp://x",
            "",
            "queued",
            "https://api.example:8443//v2/status/p",
        ] {
            assert_eq!(path(none), None, "{none}");
        }
        for journaled in ["//evil.example/p", r"\\evil.example/p", "https://evil.example/p"] {
            assert_eq!(StatusPath(journaled.to_owned()).at(&base), None, "{journaled}");
        }
    }
}
