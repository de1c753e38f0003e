//! Parses texts that name an image.
//!
//! ```text
//! refusal  why a text does not name an image
//! url      parses and checks URLs
//! wrapped  texts that contain a URL or paths among other text
//! ```

mod refusal;
mod url;
mod wrapped;

use std::borrow::Cow;
use std::path::Path;

use base64::Engine;

use crate::data_uri::{self, BASE64};
use crate::job::ImageRef;
use crate::manifest::diagnostic::quoted;
use crate::manifest::whitespace::is_invisible;

use refusal::{refuse, starts_with};
use url::{is_plain, url};

pub(in crate::manifest) use refusal::ImageRefusal;
pub(in crate::manifest) use url::is_picture_name;

/// Parses `text` as a URL, a `data:` URI or a path, which is joined to `folder`. Nothing is opened.
pub(in crate::manifest) fn image<'a>(text: &'a str, folder: &Path) -> Result<ImageRef<'a>, ImageRefusal> {
    // Nearly all images are plain `https://` URLs, which need fewer checks.
    let is_plain = is_plain(text);
    if is_plain && text.starts_with("https://") {
        return url(text, "https://".len(), is_plain);
    }
    check_beginning(text)?;
    if starts_with(text, "data:") {
        return data(text);
    }
    let refuse = |what: &str, hint: &str| refuse(text, what, hint);
    if let Some(character) = text.chars().find(|character| is_invisible(*character)) {
        let hint = "type that part again: the character is invisible";
        return refuse(&format!("contains the invisible character U+{:04X}", u32::from(character)), hint);
    }
    if let Some(rest) = behind_broken_scheme(text) {
        return refuse("has no whole scheme", &format!("write {}", quoted(&format!("https://{rest}"))));
    }
    let scheme = scheme(text);
    if scheme.is_none()
        && let Some(refusal) = wrapped::refusal(text)
    {
        return Err(refusal);
    }
    match scheme {
        None => Ok(ImageRef::File(Cow::Owned(folder.join(text)))),
        Some(scheme) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
            url(text, scheme.len() + 3, is_plain)
        }
        Some("file") => refuse("is a file URL", "write only the path, relative to the manifest's folder or absolute"),
        Some(scheme) => match meant(scheme) {
            Some(name) => {
                let whole = format!("{name}{}", &text[scheme.len()..]);
                refuse(&format!("has the scheme `{scheme}`"), &format!("write {}", quoted(&whole)))
            }
            None => Err(ImageRefusal {
                message: format!("the API cannot fetch `{scheme}://` URLs"),
                hint: "publish the picture under an https:// URL, or name a local file".to_owned(),
            }),
        },
    }
}

/// Checks that a text does not begin in a way, or contain control characters, that neither URLs nor paths do.
fn check_beginning(text: &str) -> Result<(), ImageRefusal> {
    let refuse = |what: &str, hint: &str| refuse(text, what, hint);
    if text.is_empty() {
        let hint = "name a URL or a path, or remove the extra separator".to_owned();
        return Err(ImageRefusal { message: "an image is empty".to_owned(), hint });
    }
    if text.contains(['\n', '\r', '\t']) {
        return refuse("contains a line break or a tab", "several images are separated by `|`");
    }
    if text.contains('\0') {
        return refuse("contains a NUL", "no path or URL can have one");
    }
    if let Some(rest) = text.strip_prefix("//") {
        return refuse("has no scheme", &format!("write {}", quoted(&format!("https://{rest}"))));
    }
    if starts_with(text, "www.") {
        return refuse("has no scheme", &format!("write {}", quoted(&format!("https://{text}"))));
    }
    if text.starts_with("~/") {
        return refuse(
            "begins with `~`, which a manifest does not expand",
            "write the path in full, or relative to the manifest's folder",
        );
    }
    Ok(())
}

/// Returns the text after a broken scheme such as `https:/` or `http//`.
fn behind_broken_scheme(text: &str) -> Option<&str> {
    let name = ["https", "http"].into_iter().find(|name| starts_with(text, name))?;
    let rest = &text[name.len()..];
    let marks = rest.len() - rest.trim_start_matches([':', ';', '/', '\\']).len();
    (marks >= 2 && !rest.starts_with("://")).then(|| &rest[marks..])
}

/// Returns the scheme from which another one differs by one letter.
fn meant(scheme: &str) -> Option<&'static str> {
    ["https", "http"].into_iter().find(|name| strsim::osa_distance(scheme, name) == 1)
}

/// Returns the scheme of a text such as `s3://bucket/key`.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then_some(scheme)
}

fn data(text: &str) -> Result<ImageRef<'_>, ImageRefusal> {
    const MEDIA_TYPES: [&str; 5] = ["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"];
    let (header, content) = data_uri::split(text).unwrap_or_default();
    let media_type = header.split(';').next().unwrap_or_default().to_ascii_lowercase();
    if MEDIA_TYPES.contains(&media_type.as_str()) && data_uri::is_base64(header) && !content.is_empty() {
        return match first_bytes(content) {
            None => refuse(text, "is cut off, or has more in it than base64", "encode the picture again"),
            Some(head) if !begins_a_picture(&head) => {
                refuse(text, "does not begin like a JPEG, PNG, GIF or WebP", "encode the picture again")
            }
            Some(_) => Ok(ImageRef::Data(text)),
        };
    }
    Err(ImageRefusal {
        message: format!("{} is not a data: URI of a picture", quoted(text)),
        hint: "it begins with data:image/png;base64, (or jpeg, gif, webp) and the picture in base64 follows".to_owned(),
    })
}

/// Decodes the first bytes of `content`. Returns `None` if any part of it is not [`BASE64`], without decoding the rest.
fn first_bytes(content: &str) -> Option<Vec<u8>> {
    const HEAD_DIGITS: usize = 64;
    let digits = content.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let (over, padding) = (digits.len() % 4, content.len() - digits.len());
    let is_whole = over != 1 && padding <= (4 - over) % 4;
    if !is_whole || !digits.bytes().all(is_digit) {
        return None;
    }
    BASE64.decode(digits.get(..HEAD_DIGITS.min(digits.len()))?).ok()
}

fn begins_a_picture(head: &[u8]) -> bool {
    match head {
        [0xFF, 0xD8, 0xFF, ..] => true,
        [b'G', b'I', b'F', b'8', ..] => true,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => true,
        _ => head.starts_with(b"\x89PNG\r\n\x1A\n"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::ImageSource;

    fn read(text: &str) -> Result<ImageSource, String> {
        image(text, Path::new("/m")).map(|image| image.to_source()).map_err(|refusal| refusal.message)
    }

    #[test]
    fn urls_data_uris_and_paths_are_distinguished() {
        let url = "https://cdn.example.com/a.png?v=1&x=a:b";
        assert_eq!(read(url), Ok(ImageSource::Url(url.to_owned())));
        let data = "data:image/png;base64,iVBORw0KGgo=";
        assert_eq!(read(data), Ok(ImageSource::Data(data.to_owned())));
        for url in [
            "https://www.example.com./a.jpg",
            "https://müller.de/a.jpg",
            "https://my_shop.example.com:8443/a.jpg",
            "https://i❤.ws/a.jpg",
            "http://[2001:db8::1]:80/a.jpg",
        ] {
            assert_eq!(read(url), Ok(ImageSource::Url(url.to_owned())));
        }
        assert_eq!(read("photos/a b.png"), Ok(ImageSource::File("/m/photos/a b.png".into())));
        assert_eq!(read("/abs/a.png"), Ok(ImageSource::File("/abs/a.png".into())));
    }

    #[test]
    fn urls_that_the_api_cannot_fetch_are_refused() {
        for bad in [
            "",
            "file:///a.png",
            "s3://bucket/a.png",
            "ftp://host/a.png",
            "https://",
            "https:///a.png",
            "https://me:secret@a/1.png",
            "https://a/1.png,https://a/2.png",
            "https://a/1 2.png",
            "//cdn.example.com/a.png",
            "WWW.example.com/a.png",
            "~/a.png",
            "a.png\nb.png",
            "data:text/plain;base64,AAAA",
            "data:image/png,AAAA",
            "data:image/png;base64,",
            "data:image/png;base64,AAAA",
            "data:image/png;base64,iVBORw0KGgo=@",
            "data:image/png;base64,iVBORw0KGgoAA",
            "data:image/png;base64,iVBORw0KGgo==",
            "data:image/png;base64,iVBORw0KGgoA=",
            "data:image/png;base64;charset=utf-8,iVBORw0KGgo=",
            "https://example..com/a.jpg",
            "https://.example.com/a.jpg",
            "https://999.1.1.1/a.jpg",
            "http://https//example.com/a.jpg",
            "http://[::1/a.jpg",
            "data:",
            "https:/cdn.example.com/a.png",
            "HTTP//cdn.example.com/a.png",
            "https:\\\\cdn.example.com\\a.png",
            "https://cdn.example.com/a\u{200b}.png",
            "photos/a\u{ad}.png",
            "https://a/1.png|https://a/2.png",
            "https://a/1.png\"",
            "https://a/f\u{fffd}r.png",
            "https://example,com/a.jpg",
            "https://exam!ple.com/a.jpg",
            "htps://example.com/a.jpg",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_as_a_data_uri_can_be_decoded(
            header in "(image/png|IMAGE/JPEG|text/plain|)(;charset=x)?(;base64|;BASE64|)(;x)?",
            data in "iVBORw0KGgo[A-Za-z0-9+/]{0,80}={0,3}[%-]?",
        ) {
            let uri = format!("data:{header},{data}");
            let is_accepted = read(&uri).is_ok();
            prop_assert!(!is_accepted || data_uri::decode(&uri).is_ok(), "{}", uri);
            // Nor is one refused over its padding.
            let is_picture = header.to_lowercase().starts_with("image/") && header.to_lowercase().ends_with("base64");
            prop_assert_eq!(is_accepted, is_picture && data_uri::decode(&uri).is_ok() && !data.contains('%'), "{}", uri);
        }
    }
}
