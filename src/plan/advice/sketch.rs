use jiff::Timestamp;
use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;

use crate::color::{self, Hex};
use crate::job::{ImageRef, JobId, JobRef, Likeness, Size, is_shortened_number};
use crate::plan::expiry::expires_at;

use super::matter::{Matter, Matters};

/// How many images the model follows well; more are allowed.
const USUAL_IMAGES: usize = 3;

/// What there is to know of a job for advice. It is made of the job alone, wherever that is.
#[derive(Debug)]
pub struct Sketch {
    pub(super) line: u64,
    pub(super) likeness: Likeness,
    pub(super) size: Option<Size>,
    pub(super) colors: SmallVec<[Hex; 4]>,
    pub(super) matters: Matters,
    /// When the first of its signed URLs ends.
    pub(super) ends: Option<Timestamp>,
    /// Its id, where there may be something to say of it.
    pub(super) id: Option<JobId>,
}

impl Sketch {
    /// The line where the job stands.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What there is to know of `job`; `likeness` is that of what it sends, and `gap` a column whose text is missed in it.
    pub fn of(job: &JobRef<'_>, likeness: Likeness, gap: Option<&str>) -> Sketch {
        let JobRef { request, line, .. } = job;
        let prompt = request.prompt;
        let hashes = memchr(b'#', prompt.as_bytes()).map_or("", |hash| &prompt[hash..]);
        let colors: SmallVec<[Hex; 4]> = match job.color.as_deref() {
            Some(color) => color.parse().into_iter().collect(),
            None => SmallVec::from_vec(color::asked(hashes)),
        };
        let is_page = |image: &ImageRef<'_>| matches!(image, ImageRef::Url(url) if is_page(url));
        let found = [
            (Matter::Crowded, request.images.len() > USUAL_IMAGES),
            (Matter::Gap, gap.is_some()),
            (Matter::Garbled, is_garbled(prompt)),
            (Matter::Shortened, is_shortened_number(job.id.as_str())),
            (Matter::Templated, memchr(b'{', prompt.as_bytes()).is_some() && prompt.contains("{{")),
            (Matter::Page, request.images.iter().any(is_page)),
            (Matter::BrokenHex, has_broken_hex(hashes)),
            (Matter::OtherColor, job.color.as_deref().is_some_and(|color| asks_for_another(hashes, color))),
            (Matter::Colorless, colors.is_empty() && !names_a_color(prompt)),
        ];
        let matters = Matters::of(found);
        let end = |image: &ImageRef<'_>| match image {
            ImageRef::Url(url) => expires_at(url),
            ImageRef::Data(_) | ImageRef::File(_) => None,
        };
        let ends = request.images.iter().filter_map(end).min();
        let id = (!matters.is_empty() || ends.is_some()).then(|| job.id.to_id());
        Sketch { line: *line, likeness, size: request.size, colors, matters, ends, id }
    }
}

/// Whether the hex codes of a prompt, which begin with `hashes`, are all of other colors than `color`.
fn asks_for_another(hashes: &str, color: &str) -> bool {
    // In most prompts it is the first and only one.
    if hashes.is_empty() || hashes.starts_with(color) {
        return false;
    }
    let asked = color::asked(hashes);
    !asked.is_empty() && color.parse().is_ok_and(|color| !asked.contains(&color))
}

/// Whether there is a `#` in `hashes` with hex digits that are too few or too many for a color. Numbers of orders and
/// articles have no letters.
fn has_broken_hex(hashes: &str) -> bool {
    memchr_iter(b'#', hashes.as_bytes()).any(|hash| {
        let part = &hashes[hash + 1..];
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let is_word = || part[digits..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
        matches!(digits, 4 | 5 | 7..=9) && !is_word() && part[..digits].bytes().any(|digit| digit.is_ascii_alphabetic())
    })
}

/// Whether a prompt has UTF-8 in it that was read as Windows-1252.
fn is_garbled(prompt: &str) -> bool {
    let is_sign = |next: char| matches!(next, '\u{80}'..='\u{BF}' | 'Œ' | 'œ' | 'Š' | 'š' | 'Ÿ' | 'Ž' | 'ž' | 'ƒ' | '\u{2013}'..='\u{203A}' | '€' | '™');
    let pairs = || prompt.chars().zip(prompt.chars().skip(1));
    !prompt.is_ascii()
        && (prompt.contains("â€") || pairs().any(|(one, next)| matches!(one, 'Ã' | 'Â') && is_sign(next)))
}

/// Whether a URL is one of those that people share, behind which there is a page.
fn is_page(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or(url.strip_prefix("http://")) else { return false };
    // Few hosts begin as one of these does.
    if !matches!(rest.as_bytes(), [b'd' | b'w' | b'p' | b'1' | b'o', ..]) {
        return false;
    }
    let (host, path) = memchr(b'/', rest.as_bytes()).map_or((rest, ""), |slash| (&rest[..slash], &rest[slash + 1..]));
    match host {
        "drive.google.com" => !path.starts_with("uc?"),
        "www.dropbox.com" | "dropbox.com" => !path.contains("dl=1") && !path.contains("raw=1"),
        "photos.app.goo.gl" | "photos.google.com" | "1drv.ms" | "onedrive.live.com" | "www.icloud.com" => true,
        _ => false,
    }
}

fn names_a_color(prompt: &str) -> bool {
    let prompt = prompt.to_lowercase();
    let mut words = prompt.split(|character: char| !character.is_alphanumeric());
    words.any(|word| word.len() > 2 && color::is_name(word))
}
