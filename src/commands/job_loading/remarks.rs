//! Remarks that may apply to many jobs. Each is reported once, at the first job, with the number of other jobs.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::job::{ImageRef, UrlRef, is_shortened_number};
use crate::manifest::{Diagnostic, FoundJob, Severity};

/// The first of several values, and the number of the others.
pub(in crate::commands) struct Counted<T = Diagnostic> {
    first: Option<T>,
    others: u64,
}

impl<T> Default for Counted<T> {
    fn default() -> Counted<T> {
        Counted { first: None, others: 0 }
    }
}

impl<T> Counted<T> {
    /// Counts a value, which is created only if it is the first.
    pub(in crate::commands) fn note(&mut self, make: impl FnOnce() -> T) {
        match self.first {
            None => self.first = Some(make()),
            Some(_) => self.others += 1,
        }
    }

    /// Returns the first value, and the number of the others.
    pub(in crate::commands) fn first_and_others(&self) -> Option<(&T, u64)> {
        Some((self.first.as_ref()?, self.others))
    }
}

impl Counted {
    /// Returns the first diagnostic, with a message that `others` creates from its own and the number of the others.
    pub(super) fn diagnostic(self, others: impl FnOnce(&str, u64) -> String) -> Option<Diagnostic> {
        let first = self.first?;
        Some(match self.others {
            0 => first,
            more => Diagnostic { message: others(&first.message, more), ..first },
        })
    }

    /// Returns the first diagnostic as a warning, with the number of the others in its message.
    pub(super) fn warning(self) -> Option<Diagnostic> {
        let warning = self.diagnostic(|message, others| format!("{message} (and in {others} more)"))?;
        Some(Diagnostic { severity: Severity::Warning, ..warning })
    }
}

/// Remarks on a job that do not depend on other jobs. Images are identified by their numbers.
#[derive(Clone, Copy, Default)]
pub(super) struct JobRemarks {
    /// An image in a network that the provider cannot reach.
    pub(super) private: Option<u8>,
    /// An image with the extension of a format that the API may not read.
    pub(super) unread: Option<u8>,
    /// Whether an empty cell leaves a gap in its prompt or id.
    pub(super) has_gap: bool,
    /// Whether its id looks like a text such as `3-1` that a spreadsheet has converted to a date.
    pub(super) is_date: bool,
    /// Whether a cell that is part of its id is a number that a spreadsheet has shortened.
    pub(super) is_shortened: bool,
    /// Whether the file seems to end within its row.
    pub(super) is_cut: bool,
}

impl JobRemarks {
    pub(super) fn of(found: &FoundJob<'_>) -> JobRemarks {
        let job = found.job;
        let mut remarks = JobRemarks {
            has_gap: found.gap().is_some(),
            is_date: is_date(job.id.as_str()) || found.has_id_cell(is_date),
            // An id that consists only of such a number is reported with the row.
            is_shortened: !is_shortened_number(job.id.as_str()) && found.has_id_cell(is_shortened_number),
            is_cut: found.is_cut(),
            ..JobRemarks::default()
        };
        for (number, image) in (0..).zip(job.request.images.iter()) {
            if let ImageRef::Url(url) = image {
                remarks.private = remarks.private.or_else(|| is_private(url).then_some(number));
                remarks.unread = remarks.unread.or_else(|| is_unread(url).then_some(number));
            }
        }
        remarks
    }
}

/// Whether a URL is on this machine or in a private network.
fn is_private(url: &UrlRef<'_>) -> bool {
    let host = url.host();
    // For most hosts, the last letter is enough to rule this out.
    if !matches!(host.as_bytes(), [.., b'0'..=b'9' | b']' | b'l' | b'L' | b'n' | b'N' | b'a' | b'A' | b't' | b'T']) {
        return false;
    }
    if let Some(address) = host.strip_prefix('[') {
        let address = address.split(']').next().unwrap_or_default().parse::<Ipv6Addr>();
        return address.is_ok_and(|address| {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        });
    }
    let name = host.split(':').next().unwrap_or_default();
    if name.starts_with(|first: char| first.is_ascii_digit())
        && let Ok(address) = name.parse::<Ipv4Addr>()
    {
        return address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified();
    }
    // RFC 6762, RFC 8375, and the name that ICANN reserves for private use. The others are common in routers.
    const ENDINGS: [&str; 5] = [".local", ".internal", ".home.arpa", ".lan", ".localdomain"];
    let ends_in = |ending: &str| {
        let end = name.len().checked_sub(ending.len()).and_then(|at| name.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    name.eq_ignore_ascii_case("localhost") || ENDINGS.into_iter().any(ends_in)
}

/// Whether a URL ends in a format of cameras or browsers that the API does not document.
fn is_unread(url: &UrlRef<'_>) -> bool {
    const ENDINGS: [&str; 9] = ["heic", "heif", "avif", "svg", "tif", "tiff", "bmp", "psd", "ico"];
    let is_one = |ending: &str| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    !url.is_usual() && url.extension().is_some_and(is_one)
}

/// Whether an id is a date in the format of spreadsheets: `3-Jan`, `Mar-01`.
fn is_date(id: &str) -> bool {
    const MONTHS: [&str; 17] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mrz", "mär", "mai", "okt",
        "dez",
    ];
    // Nearly all ids are longer, or have no dash or dot in the first four bytes.
    if !(5..=8).contains(&id.len()) || !id.bytes().take(4).any(|byte| matches!(byte, b'-' | b'.')) {
        return false;
    }
    let Some((one, other)) = id.split_once(['-', '.']) else { return false };
    let other = other.trim_start();
    let is_month = |text: &str| MONTHS.iter().any(|month| text.eq_ignore_ascii_case(month));
    let is_number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(one) && is_month(other)) || (is_month(one) && is_number(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_in_private_networks_are_recognized() {
        for url in [
            "http://localhost:8000/a.jpg",
            "https://127.0.0.1/a.jpg",
            "https://192.168.1.7/a.jpg",
            "https://[::1]:8000/a.jpg",
            "http://nas.local:5000/a.jpg",
            "https://Photos.Lan/a.jpg",
            "https://media.corp.internal/a.jpg?v=1",
            "http://nas.home.arpa/a.jpg",
        ] {
            assert!(is_private(&UrlRef::of(url)), "{url}");
        }
        for url in [
            "https://8.8.8.8/a.jpg",
            "https://local.example.com/a.jpg",
            "https://x/a.jpg",
            "https://7up.com/a",
            "https://local/a.jpg",
            "https://thelocal/a",
            "https://cafe.la/a",
        ] {
            assert!(!is_private(&UrlRef::of(url)), "{url}");
        }
    }

    #[test]
    fn ids_that_became_dates_are_recognized() {
        assert!(["3-Jan", "Mar-01", "03-may", "1.Mrz", "1. Mai"].into_iter().all(is_date));
        assert!(!["mug-01", "3-Janet", "Mars-01", "2026-01-03", "may", "M-01"].into_iter().any(is_date));
    }

    #[test]
    fn formats_that_may_not_be_read_are_recognized_by_their_extensions() {
        let is_unread = |url| is_unread(&UrlRef::of(url));
        assert!(is_unread("https://x/a.HEIC?v=1") && is_unread("https://x/a.svg"));
        assert!(!is_unread("https://x/a.jpg") && !is_unread("https://x/a?f=a.svg"));
    }
}
