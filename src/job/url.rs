use memchr::{memchr2, memchr3};

/// A URL that begins with its scheme, with the positions of its parts. They are computed once, because each of a
/// million URLs is inspected several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlRef<'a> {
    text: &'a str,
    host: usize,
    path: usize,
    query: usize,
}

impl<'a> UrlRef<'a> {
    /// Returns the URL `text`.
    pub fn of(text: &'a str) -> UrlRef<'a> {
        UrlRef::behind_scheme(text, text.find("://").map_or(0, |scheme| scheme + "://".len()))
    }

    /// Returns the URL `text`, whose host begins at byte `host`.
    pub(crate) fn behind_scheme(text: &'a str, host: usize) -> UrlRef<'a> {
        let bytes = text.as_bytes();
        let path = memchr3(b'/', b'?', b'#', &bytes[host..]).map_or(text.len(), |at| host + at);
        let query = memchr2(b'?', b'#', &bytes[path..]).map_or(text.len(), |at| path + at);
        UrlRef { text, host, path, query }
    }

    /// Returns the whole URL.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// Returns the scheme, without `://`.
    pub fn scheme(&self) -> &'a str {
        self.text[..self.host].strip_suffix("://").unwrap_or_default()
    }

    /// Returns the host, including the port if there is one.
    pub fn host(&self) -> &'a str {
        &self.text[self.host..self.path]
    }

    /// Returns the path, beginning with `/`; it may be empty.
    pub fn path(&self) -> &'a str {
        &self.text[self.path..self.query]
    }

    /// Returns the part after the path, beginning with `?` or `#`; it may be empty.
    pub fn query(&self) -> &'a str {
        &self.text[self.query..]
    }

    /// Whether the path has a common extension of pictures.
    pub fn is_usual(&self) -> bool {
        [".jpg", ".jpeg", ".png", ".webp", ".gif"].iter().any(|ending| self.path().ends_with(ending))
    }

    /// Returns the extension of the last path segment.
    pub fn extension(&self) -> Option<&'a str> {
        extension(self.path())
    }
}

/// Returns the extension of the last path segment.
pub(crate) fn extension(path: &str) -> Option<&str> {
    // Nearly all extensions are so short that a faster search for longer texts would not pay off.
    let last = path.bytes().rposition(|byte| matches!(byte, b'.' | b'/'))?;
    path[last..].strip_prefix('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_url_are_found() {
        let parts = |text| {
            let url = UrlRef::of(text);
            assert!(text.starts_with(url.scheme()) && url.scheme().len() < 6, "{text}");
            (url.host(), url.path(), url.query(), url.extension())
        };
        assert_eq!(parts("https://a.b:8/c/d.jpg?v=1#e"), ("a.b:8", "/c/d.jpg", "?v=1#e", Some("jpg")));
        assert_eq!(parts("HTTP://a.b?c=/d.e"), ("a.b", "", "?c=/d.e", None));
        assert_eq!(parts("https://a.b/c.d/e#f?g"), ("a.b", "/c.d/e", "#f?g", None));
        assert_eq!(parts("https://a.b"), ("a.b", "", "", None));
    }
}
