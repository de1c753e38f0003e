use crate::manifest::diagnostic::quoted;

use super::refusal::{ImageRefusal, refuse, starts_with};
use super::url::is_picture_name;

/// Returns the refusal of a text that does not start like a URL and is no path either, because it contains a URL or
/// several paths.
pub(super) fn refusal(text: &str) -> Option<ImageRefusal> {
    let refuse = |what: &str, hint: String| refuse::<()>(text, what, hint).err();
    let write = |parts: &[&str]| format!("write {}", quoted(&parts.join("|")));
    let urls = urls(text);
    if text.starts_with('[') && text.ends_with(']') && text.contains(['"', '\'']) {
        let items: Vec<&str> = text.split(['"', '\'']).skip(1).step_by(2).collect();
        return refuse("is a list in JSON, and a cell separates pictures with `|`", write(&items));
    }
    if let [first, ..] = urls[..] {
        if text.starts_with('=') {
            return refuse("is a formula", write(&urls));
        }
        let is_attachment = text.ends_with(')') && text.contains(" (http");
        let what = if is_attachment { "contains a file name before its URL" } else { "contains more than a URL" };
        let expires = if first.contains("airtableusercontent") { "; it ends some hours after the export" } else { "" };
        return refuse(what, format!("{}{expires}", write(&urls)));
    }
    if text.contains([',', ';']) && text.split([',', ';']).all(is_picture_name) {
        let paths: Vec<&str> = text.split([',', ';']).map(|path| path.trim().trim_matches('"')).collect();
        return refuse("contains several paths", write(&paths));
    }
    if begins_with_a_host(text) {
        let hint = format!("write `https://{text}`; a folder of that name is `./{text}`");
        return refuse("has no scheme", hint);
    }
    None
}

/// Returns the URLs in a text, each up to a character that no URL contains.
fn urls(text: &str) -> Vec<&str> {
    let begins = text.match_indices("http").map(|(at, _)| &text[at..]);
    let begins = begins.filter(|rest| starts_with(rest, "http://") || starts_with(rest, "https://"));
    begins
        .map(|rest| {
            let is_end = |sign: char| {
                sign.is_whitespace() || matches!(sign, '"' | '\'' | '<' | '>' | ')' | ']' | '}' | '”' | '“' | '’' | '‘')
            };
            rest[..rest.find(is_end).unwrap_or(rest.len())].trim_end_matches([',', ';'])
        })
        .collect()
}

/// Whether the first part of a path looks like a host, and not like a folder.
fn begins_with_a_host(text: &str) -> bool {
    const TOP_LEVEL_DOMAINS: [&str; 31] = [
        "com", "net", "org", "io", "co", "de", "at", "ch", "fr", "es", "it", "nl", "be", "eu", "uk", "pl", "se", "dk",
        "cz", "us", "ca", "au", "br", "jp", "cn", "in", "app", "dev", "shop", "store", "cloud",
    ];
    let Some((host, path)) = text.split_once('/') else { return false };
    let Some((name, end)) = host.rsplit_once('.') else { return false };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !path.is_empty()
        && !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(is_name)
        && TOP_LEVEL_DOMAINS.contains(&end)
}
