//! The normal form of a request. A spreadsheet, an editor or a shop that exports a catalog again may write the same
//! request in other bytes. Nobody has edited it then, so fingerprints are computed of the normal form. What is sent
//! stays as written.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use memchr::memchr;

use crate::bytes;

use super::{ImageRef, RequestRef, UrlRef, UrlSignature};

impl RequestRef<'_> {
    /// Whether the request is written in its normal form, as nearly all are.
    pub fn is_in_normal_form(&self) -> bool {
        let is_borrowed =
            |text: Cow<'_, str>, written: &str| matches!(text, Cow::Borrowed(text) if text.len() == written.len());
        is_borrowed(normal_prompt(self.prompt), self.prompt)
            && self.images.iter().all(|image| match image {
                ImageRef::Url(url) => is_borrowed(normal_url(url), url.as_str()),
                ImageRef::Data(_) | ImageRef::File(_) => true,
            })
    }
}

/// Returns a prompt without white space around it, with line feeds as line breaks, and with composed characters.
pub(super) fn normal_prompt(prompt: &str) -> Cow<'_, str> {
    const NORMALIZER: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    let trimmed = prompt.trim();
    // Nearly all prompts are tested in one pass, and not copied.
    if bytes::all_match(trimmed.as_bytes(), |byte| byte.is_ascii() & (byte != b'\r')) {
        return Cow::Borrowed(trimmed);
    }
    match memchr(b'\r', trimmed.as_bytes()) {
        None => NORMALIZER.normalize(trimmed),
        Some(_) => {
            let lined = trimmed.replace("\r\n", "\n").replace('\r', "\n");
            Cow::Owned(NORMALIZER.normalize(&lined).into_owned())
        }
    }
}

/// Returns a URL with its scheme and host in lower case, without the default port and without its signature. All other
/// parameters count: `?v=2` is how a new picture under the same name is announced.
pub(super) fn normal_url<'a>(url: &UrlRef<'a>) -> Cow<'a, str> {
    let signature = UrlSignature::of(url);
    let is_usual = |byte: u8| !byte.is_ascii_uppercase() & (byte != b':') & (byte != b'@');
    let has_usual_host = bytes::all_match(url.host().as_bytes(), is_usual);
    if signature.is_none() && has_usual_host && matches!(url.scheme(), "https" | "http") {
        return Cow::Borrowed(url.as_str());
    }
    let scheme = url.scheme().to_ascii_lowercase();
    let (user, host) = url.host().rsplit_once('@').map_or(("", url.host()), |(user, host)| (user, host));
    let host = host.to_ascii_lowercase();
    let default_port = if scheme == "http" { ":80" } else { ":443" };
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    let at = if user.is_empty() { "" } else { "@" };
    let query = signature.map_or(Cow::Borrowed(url.query()), |signature| Cow::Owned(without(signature, url.query())));
    let normal = format!("{scheme}://{user}{at}{host}{}{query}", url.path());
    if normal == url.as_str() { Cow::Borrowed(url.as_str()) } else { Cow::Owned(normal) }
}

/// Returns a query, which begins with `?`, without the parameters of `signature`.
fn without(signature: UrlSignature<'_>, query: &str) -> String {
    let (query, fragment) = query.split_at(memchr(b'#', query.as_bytes()).unwrap_or(query.len()));
    let pairs = query.strip_prefix('?').unwrap_or(query).split('&');
    let is_kept = |pair: &&str| !signature.has_parameter(pair.split_once('=').map_or(pair, |(name, _)| name));
    let kept: Vec<&str> = pairs.filter(is_kept).collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("{mark}{}{fragment}", kept.join("&"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::{DEFAULT_MODEL, EditRequest, ImageSource, Switches};

    fn url(text: &str) -> String {
        normal_url(&UrlRef::of(text)).into_owned()
    }

    fn request(prompt: &str, image: &str) -> EditRequest {
        EditRequest {
            model: DEFAULT_MODEL.to_owned(),
            prompt: prompt.to_owned(),
            images: vec![ImageSource::Url(image.to_owned())],
            size: None,
            seed: None,
            switches: Switches::default(),
        }
    }

    #[test]
    fn white_space_around_a_prompt_line_breaks_and_decomposed_characters_make_no_difference() {
        assert_eq!(normal_prompt(" Make it blue\u{a0}\r\n"), "Make it blue");
        assert_eq!(normal_prompt("Make it blue.\r\nKeep the rest."), "Make it blue.\nKeep the rest.");
        assert_eq!(normal_prompt("Cafe\u{301}"), "Caf\u{e9}");
        assert_eq!(normal_prompt("Cafe\u{301}\r\n\r\nau lait "), "Caf\u{e9}\n\nau lait");
        assert_ne!(normal_prompt("Make  it blue"), "Make it blue", "the rest is the user's");
    }

    #[test]
    fn a_new_signature_the_default_port_and_capitals_in_the_host_make_no_difference() {
        for same in [
            "HTTPS://Shop.Example.com/A.png",
            "https://shop.example.com:443/A.png",
            "https://shop.example.com/A.png?X-Amz-Algorithm=AWS4&X-Amz-Credential=c&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=s&X-Amz-Security-Token=t",
            "https://shop.example.com/A.png?X-Goog-Date=20260101T000000Z&X-Goog-Expires=60&X-Goog-Signature=s",
            "https://shop.example.com/A.png?AWSAccessKeyId=k&Expires=1767225600&Signature=s",
            "https://shop.example.com/A.png?Policy=p&Signature=s&Key-Pair-Id=k",
            "https://shop.example.com/A.png?sv=2024-01-01&sr=b&sp=r&st=2026-01-01T00:00:00Z&se=2026-01-02T00:00:00Z&spr=https&sig=s",
        ] {
            assert_eq!(url(same), "https://shop.example.com/A.png");
        }
        assert_eq!(url("http://e.com:80/a.png"), "http://e.com/a.png");
        assert_eq!(url("https://[::443]/a.png"), "https://[::443]/a.png");
    }

    #[test]
    fn everything_else_in_a_url_makes_a_difference() {
        for significant in [
            "https://e.com/a.png?v=2",
            "https://e.com/A.png",
            "https://e.com:80/a.png",
            "http://e.com/a.png",
            "https://User@e.com/a.png",
            "https://e.com/a.png?sig=2",
            "https://e.com/a.png?st=2&se=3",
            "https://e.com/a.png?Expires=1767225600",
        ] {
            assert_eq!(url(significant), significant);
        }
        let signed = "https://e.com/a.png?versionId=7&Expires=1767225600&w=9&Signature=s#top";
        assert_eq!(url(signed), "https://e.com/a.png?versionId=7&w=9#top");
    }

    #[test]
    fn a_request_in_normal_form_is_recognized() {
        let is_normal = |prompt: &str, image: &str| request(prompt, image).borrowed().is_in_normal_form();
        assert!(is_normal("Make it blue.\nKeep the rest.", "https://e.com/a.png?v=2"));
        assert!(is_normal("Färbe sie blau", "https://e.com:8443/a.png"));
        assert!(!is_normal("Make it blue ", "https://e.com/a.png"));
        assert!(!is_normal("Make it blue", "https://E.com/a.png"));
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_normal_form(
            prompt in "[ a\r\n\u{301}e\u{1100}\u{1161}]{0,12}",
            scheme in "(https|HTTP)",
            host in "(u@)?[aA]\\.(com|Com)(:443|:80)?",
            query in "(\\?(Expires|Signature|v|Policy)=[a&=]{0,9}){0,1}(&(Expires|Signature|v)=xyzxyz){0,5}",
        ) {
            let image = format!("{scheme}://{host}/p{query}");
            let normal = request(&normal_prompt(&prompt), &url(&image));
            prop_assert!(normal.borrowed().is_in_normal_form(), "{normal:?}");
        }
    }
}
