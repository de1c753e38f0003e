use std::net::Ipv4Addr;

use memchr::memchr2;

use crate::bytes;
use crate::job::{ImageRef, UrlRef, extension};
use crate::manifest::diagnostic::quoted;
use crate::manifest::row::formula::{FORMULA_HINT, failed_formula};

use super::refusal::{ImageRefusal, refuse, starts_with};

/// Whether a text has only characters that need no further checks in a URL.
pub(super) fn is_plain(text: &str) -> bool {
    // Comparisons without branches are vectorized, sixteen bytes at a time. A `match` is not.
    let is_odd = |byte| (byte == b'"') | (byte == b',') | (byte == b';') | (byte == b'<') | (byte == b'>');
    let is_rare = |byte| (byte == b'\\') | (byte == b'{') | (byte == b'|');
    bytes::all_match(text.as_bytes(), |byte| byte.is_ascii_graphic() & !is_odd(byte) & !is_rare(byte))
}

/// Parses a URL whose host starts at byte `authority`.
pub(super) fn url(text: &str, authority: usize, is_plain: bool) -> Result<ImageRef<'_>, ImageRefusal> {
    let url = UrlRef::behind_scheme(text, authority);
    let host = url.host();
    if host.is_empty() {
        return refuse(text, "has no host", "write the whole URL, as in https://example.com/photo.jpg");
    }
    // Nearly all hosts consist of these characters and end in a letter.
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'.');
    let letters = host.as_bytes();
    let has_two_dots = || letters.iter().zip(&letters[1..]).fold(false, |any, pair| any | (pair == (&b'.', &b'.')));
    let is_name = bytes::all_match(letters, is_usual) && letters.last().is_some_and(u8::is_ascii_alphabetic);
    if !is_name || host.len() < 6 || host.starts_with('.') || has_two_dots() {
        check_authority(text, host)?;
    }
    if !is_plain {
        check_characters(text)?;
    }
    if !is_name {
        check_host(text, host)?;
    }
    if matches!((url.path(), url.query()), ("" | "/", "")) {
        return refuse(text, "names a host but no picture", "write the whole URL, as in https://example.com/photo.jpg");
    }
    if url.query().starts_with('#')
        && let Some(failed) = failed_formula(url.query())
    {
        return refuse(text, &failed, FORMULA_HINT);
    }
    if !url.is_usual()
        && let Some(extension) = url.extension()
        && OTHER_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
    {
        return refuse(
            text,
            &format!("ends in `.{extension}`, which is not a picture"),
            "give the URL of a JPEG, PNG, GIF or WebP",
        );
    }
    Ok(ImageRef::Url(url))
}

/// Extensions of files that are not images.
const OTHER_EXTENSIONS: [&str; 22] = [
    "pdf", "zip", "rar", "7z", "gz", "tar", "html", "htm", "mp4", "mov", "avi", "webm", "mkv", "mp3", "doc", "docx",
    "xls", "xlsx", "csv", "ppt", "pptx", "json",
];

/// Whether a text is a URL, or has the extension of an image.
pub(in crate::manifest) fn is_picture_name(text: &str) -> bool {
    let text = text.trim_matches(|sign: char| sign.is_whitespace() || sign == '"');
    let begins = |start: &str| starts_with(text, start);
    let is_picture = |extension: &str| {
        ["jpg", "jpeg", "png", "gif", "webp"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    };
    let path = &text[..memchr2(b'?', b'#', text.as_bytes()).unwrap_or(text.len())];
    begins("https://") || begins("http://") || begins("data:image/") || extension(path).is_some_and(is_picture)
}

/// Checks a host that is not a plain name: it may have a user name, a port, or an address.
fn check_authority(text: &str, host: &str) -> Result<(), ImageRefusal> {
    if host.contains('@') {
        let hint = "it would appear in journals and reports: publish the picture, or sign its URL".to_owned();
        return Err(ImageRefusal { message: "the URL contains a user name or a password".to_owned(), hint });
    }
    if matches!(host, "http:" | "https:" | "http" | "https") {
        let rest = text.rsplit_once("//").map_or(text, |(_, rest)| rest);
        return refuse(text, "has two schemes", format!("write {}", quoted(&format!("https://{rest}"))));
    }
    if host.starts_with('.') || host.contains("..") {
        return refuse(
            text,
            "has a host with an extra dot",
            "write the whole host, as in https://example.com/photo.jpg",
        );
    }
    if host.starts_with('[') && !host.contains(']') {
        return refuse(text, "has an address that is not closed", "an IPv6 address goes in brackets: [2001:db8::1]");
    }
    // A fully qualified host ends in a dot.
    let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number && !name.is_empty() && !host.starts_with('[') && name.parse::<Ipv4Addr>().is_err() {
        return refuse(
            text,
            "has a number as its host that is not an address",
            "an address has four parts from 0 to 255",
        );
    }
    // An IPv6 address contains colons, and is in brackets.
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    let port = behind.rsplit_once(':').map(|(_, port)| port);
    match port {
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err() => refuse(
            text,
            &format!("has the port {}", quoted(port)),
            "a port is a number from 1 to 65535; most URLs have none",
        ),
        _ => Ok(()),
    }
}

/// Checks the characters of a host, which may be letters of any script.
fn check_host(text: &str, host: &str) -> Result<(), ImageRefusal> {
    let is_of_name = |sign: char| !sign.is_ascii() || sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '_');
    let name = if host.starts_with('[') { "" } else { host.split(':').next().unwrap_or_default() };
    match name.chars().find(|sign| !is_of_name(*sign)) {
        Some(sign) => {
            let hint = "copy the URL again from a browser; dots separate the parts of a host";
            refuse(text, &format!("has {} in its host, which no host has", quoted(&sign.to_string())), hint)
        }
        None => Ok(()),
    }
}

/// Checks a URL that contains uncommon characters.
fn check_characters(text: &str) -> Result<(), ImageRefusal> {
    if let Some(separator) = between_urls(text) {
        let hint = match separator {
            "|" => "write each by itself; a template that inserts several has no brackets: images: \"{{ images }}\""
                .to_owned(),
            "\\n" => "a `|` separates them, and not `\\n`: export the table again, or replace it there".to_owned(),
            separator => format!(
                "separate them with `|`, in a template without brackets: images: \"{{{{ images | replace('{separator}', '|') }}}}\""
            ),
        };
        return refuse(text, "contains several URLs", hint);
    }
    if text.contains('|') {
        return refuse(text, "contains a `|`", "write each picture of a list by itself; inside of a URL it is %7C");
    }
    for sign in ['"', '<', '>'] {
        if text.contains(sign) {
            let hint = format!("remove it; inside of a URL it is %{:02X}", u32::from(sign));
            return refuse(text, &format!("contains a `{sign}`, which no URL has"), hint);
        }
    }
    if text.contains('\u{FFFD}') {
        return refuse(text, "contains `\u{FFFD}`, which replaces a lost letter", "export the table again, as UTF-8");
    }
    if let Some((picture, note)) = text.split_once(char::is_whitespace)
        && UrlRef::of(picture).is_usual()
        && note.starts_with(['(', '['])
    {
        return refuse(text, "contains more than a URL", format!("write {}", quoted(picture)));
    }
    if text.chars().any(char::is_whitespace) {
        return refuse(text, "contains a space", "write it as %20, or separate several images with `|`");
    }
    if text.contains('…') {
        return refuse(text, "was cut at `…`", "copy the whole URL");
    }
    if text.contains('\\') {
        return refuse(text, "contains a `\\`", format!("write {}", quoted(&text.replace('\\', "/"))));
    }
    if text.contains("&amp;") {
        let hint = format!("it was copied from HTML: write {}", quoted(&text.replace("&amp;", "&")));
        return refuse(text, "contains `&amp;` instead of `&`", hint);
    }
    if let Some(name) = placeholder(text) {
        let hint = "names are replaced only in a YAML manifest with `rows:` and a `template:`, as in {{ sku }}";
        return refuse(text, &format!("contains {}, which is not replaced", quoted(name)), hint);
    }
    if let Some(rest) = text.strip_suffix([',', ';']) {
        return refuse(text, "ends in a separator", format!("write {}", quoted(rest)));
    }
    Ok(())
}

/// Returns the separator between two URLs in a text.
fn between_urls(text: &str) -> Option<&str> {
    let schemes = text.match_indices("http").map(|(at, _)| at).skip(1);
    let mut begins = schemes.filter(|at| text[*at..].starts_with("http://") || text[*at..].starts_with("https://"));
    begins.find_map(|at| {
        let before = &text[..at];
        let separator = before.trim_end_matches([',', ';', ' ', '|']);
        let separator = if separator.len() < before.len() { separator } else { before.strip_suffix("\\n")? };
        Some(&before[separator.len()..])
    })
}

/// Returns a name in braces that was meant to be replaced in a URL.
fn placeholder(text: &str) -> Option<&str> {
    let (open, close) = (text.find('{')?, text.find('}')?);
    let end = close + text[close..].len() - text[close..].trim_start_matches('}').len();
    let name = text.get(open..end)?.trim_matches(['{', '}', ' ']);
    let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ' '));
    (is_name || text[open..].starts_with("{{")).then(|| &text[open..end])
}
