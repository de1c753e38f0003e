use reqwest::Url;

use crate::http::is_loopback;

use super::status_path::StatusPath;

/// The origin of an API. It must be https, or http on loopback, because the key is sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// The reason why a base URL is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is not a URL.
    #[error("{text:?} is not a URL: {cause}")]
    Malformed {
        /// The text, without a possible password.
        text: String,
        /// The parser's error.
        cause: String,
    },
    /// Its scheme is not https.
    #[error("{text:?} is not an https URL")]
    OtherScheme {
        /// The text, without a possible password.
        text: String,
    },
    /// The key would be sent unencrypted to this origin.
    #[error("{0} would send the key unencrypted")]
    Insecure(String),
    /// It has more parts than an origin. The value is its origin.
    #[error("expected {0} alone, without a path, a query, a user or a password")]
    NotAnOrigin(String),
}

impl BaseUrl {
    /// Parses an origin such as `https://api.vibedream.ai`.
    pub fn parse(text: &str) -> Result<BaseUrl, BaseUrlError> {
        let malformed = |cause: String| BaseUrlError::Malformed { text: without_user(text), cause };
        let url = Url::parse(text).map_err(|error| malformed(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(BaseUrlError::Insecure(url.origin().ascii_serialization())),
            _ => return Err(BaseUrlError::OtherScheme { text: without_user(text) }),
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_user;
        if is_origin { Ok(BaseUrl(url)) } else { Err(BaseUrlError::NotAnOrigin(url.origin().ascii_serialization())) }
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns the status path of the URL `named`; `None` if it has another origin or is the default path.
    pub(super) fn status_path(&self, named: &str, default_path: &str) -> Option<StatusPath> {
        StatusPath::of(named, &self.0, default_path)
    }

    /// Returns the URL of a status path at this origin.
    pub(super) fn status(&self, path: &StatusPath) -> Option<Url> {
        path.at(&self.0)
    }

    /// Returns the URL of `path` at this origin.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Returns the text without a possible password.
fn without_user(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_an_origin_that_keeps_the_key_secret() {
        for good in [
            "https://api.vibedream.ai",
            "https://api.vibedream.ai/",
            "http://127.0.0.1:8787",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.vibedream.ai",
            "http://10.0.0.1",
            "ftp://x",
            "api.vibedream.ai",
            "https://x/api",
            "https://u@x",
            "https://:secret@x",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_about_a_url_does_not_repeat_its_password() {
        let printed = |text: &str| BaseUrl::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [printed("https://:secret@x"), printed("http://user:secret@x/a"), printed("htps://user:secret@x"), printed("https://user:secret@x:port")]
                .join("\n"),
            @r#"
        expected https://x alone, without a path, a query, a user or a password
        http://x would send the key unencrypted
        "…@x" is not an https URL
        "…@x:port" is not a URL: invalid port number
        "#
        );
    }
}
