use memchr::{memchr2, memchr3};

/// A URL that begins with its scheme, and where its parts are. They are looked for once: there are a million URLs, and more
/// than one question to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlRef<'a> {
    text: &'a str,
    host: usize,
    path: usize,
    query: usize,
}

impl<'a> UrlRef<'a> {
    /// The URL `text`.
    pub fn of(text: &'a str) -> UrlRef<'a> {
        UrlRef::behind_scheme(text, text.find("://").map_or(0, |scheme| scheme + "://".len()))
    }

    /// The URL `text`, whose host begins at byte `host`.
    pub(crate) fn behind_scheme(text: &'a str, host: usize) -> UrlRef<'a> {
        let bytes = text.as_bytes();
        let path = memchr3(b'/', b'?', b'#', &bytes[host..]).map_or(text.len(), |at| host + at);
        let query = memchr2(b'?', b'#', &bytes[path..]).map_or(text.len(), |at| path + at);
        UrlRef { text, host, path, query }
    }

    /// All of it.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The host, with a port where it has one.
    pub fn host(&self) -> &'a str {
        &self.text[self.host..self.path]
    }

    /// The path with the `/` before it; it may be empty.
    pub fn path(&self) -> &'a str {
        &self.text[self.path..self.query]
    }

    /// Returns the part after the path, from its `?` or `#` on; it may be empty.
    pub fn query(&self) -> &'a str {
        &self.text[self.query..]
    }

    /// Whether it ends as most pictures do.
    pub fn is_usual(&self) -> bool {
        [".jpg", ".jpeg", ".png", ".webp", ".gif"].iter().any(|ending| self.path().ends_with(ending))
    }

    /// Returns the extension of the path's last part.
    pub fn extension(&self) -> Option<&'a str> {
        extension(self.path())
    }
}

/// Returns the extension of a path's last part.
pub(crate) fn extension(path: &str) -> Option<&str> {
    // Nearly all end in so few letters that a search for longer texts would only have begun.
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
            (url.host(), url.path(), url.query(), url.extension())
        };
        assert_eq!(parts("https://a.b:8/c/d.jpg?v=1#e"), ("a.b:8", "/c/d.jpg", "?v=1#e", Some("jpg")));
        assert_eq!(parts("HTTP://a.b?c=/d.e"), ("a.b", "", "?c=/d.e", None));
        assert_eq!(parts("https://a.b/c.d/e#f?g"), ("a.b", "/c.d/e", "#f?g", None));
        assert_eq!(parts("https://a.b"), ("a.b", "", "", None));
    }
}
