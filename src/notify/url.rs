/// The endpoint of a notification: an `http` or `https` URL. Only its origin is ever shown, because its path may be a
/// secret.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeUrl(pub(super) reqwest::Url);

/// The reason why a text is not a URL for notifications.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeUrlError {
    /// It has no scheme.
    #[error("expected a URL such as https://example.com/hook")]
    NotAbsolute,
    /// It cannot be parsed.
    #[error("{0}")]
    Malformed(String),
    /// Its scheme is not http or https.
    #[error("expected https:// or http://, not {0}:")]
    Scheme(String),
}

impl NoticeUrl {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// The text cannot be parsed, or its scheme is not http or https.
    pub fn parse(text: &str) -> Result<NoticeUrl, NoticeUrlError> {
        if !text.contains(':') {
            return Err(NoticeUrlError::NotAbsolute);
        }
        let url = reqwest::Url::parse(text).map_err(|error| NoticeUrlError::Malformed(error.to_string()))?;
        match url.scheme() {
            "http" | "https" => Ok(NoticeUrl(url)),
            other => Err(NoticeUrlError::Scheme(other.to_owned())),
        }
    }

    /// Returns the URL with `segment` appended to its path. Its query stays.
    pub(super) fn below(&self, segment: &str) -> NoticeUrl {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{segment}", self.0.path().trim_end_matches('/')));
        NoticeUrl(url)
    }
}

impl std::fmt::Display for NoticeUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.origin().ascii_serialization())
    }
}

impl std::fmt::Debug for NoticeUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "NoticeUrl({self}/…)")
    }
}
