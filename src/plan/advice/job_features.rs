use jiff::Timestamp;
use memchr::{memchr2_iter, memchr3};
use smallvec::SmallVec;

use crate::color::{self, Hex};
use crate::editor::{RequestedColors, requested_colors};
use crate::job::{ImageRef, JobId, JobRef, RequestHash, Size, UrlRef, is_shortened_number};
use crate::manifest::is_invisible;
use crate::plan::expiry::expires_at;

use super::bare_hex::has_bare_hex;
use super::named_color::names_another;
use super::warning_kind::{WarningKind, WarningKinds};

/// The number of images that the model handles well. More are allowed.
const USUAL_IMAGES: usize = 3;

/// The number of characters after a `#` that show whether a color is meant.
const SEEN: usize = 7;

/// The number of lines whose jobs have a name in warnings about several jobs.
pub(super) const NAMED_LINES: u64 = 10_000;

/// The features of a job that warnings depend on. They follow from the job alone.
#[derive(Debug)]
pub struct JobFeatures {
    pub(super) line: u64,
    pub(super) request_hash: RequestHash,
    pub(super) size: Option<Size>,
    pub(super) colors: SmallVec<[Hex; 4]>,
    pub(super) kinds: WarningKinds,
    /// Details for warnings. Boxed, because most of a million jobs have none.
    pub(super) named: Option<Box<Named>>,
}

/// The id of a job that may get a warning, and the expiry of its URLs.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) id: JobId,
    /// The expiry of the first signed URL.
    pub(super) ends: Option<Timestamp>,
}

impl JobFeatures {
    /// Returns the line of the job.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the colors that the job requests.
    pub fn colors(&self) -> &[Hex] {
        &self.colors
    }

    /// Returns the features of `job`; `request_hash` is the hash of its request.
    pub fn of(job: &JobRef<'_>, request_hash: RequestHash) -> JobFeatures {
        let JobRef { request, line, .. } = job;
        let prompt = request.prompt;
        let Signs { hashes, is_broken, is_template } = Signs::of(prompt);
        let RequestedColors { colors, is_unclear } = match job.color {
            Some(color) => RequestedColors { colors: vec![color], is_unclear: false },
            None if hashes.is_empty() => RequestedColors::default(),
            None => requested_colors(prompt),
        };
        let colors: SmallVec<[Hex; 4]> = SmallVec::from_vec(colors);
        let is_another = |color: Hex| match hashes {
            "" => names_another(prompt, color),
            hashes => asks_for_another(hashes, color),
        };
        let is_unchecked = colors.is_empty() && !is_unclear && has_bare_hex(prompt);
        let is_page = |image: &ImageRef<'_>| matches!(image, ImageRef::Url(url) if is_page(url));
        let found = [
            (WarningKind::TooManyImages, request.images.len() > USUAL_IMAGES),
            (WarningKind::Mojibake, is_garbled(prompt)),
            (WarningKind::ScientificNotation, is_shortened_number(job.id.as_str())),
            (WarningKind::Templated, is_template),
            (WarningKind::Gap, has_gap(prompt)),
            (WarningKind::Markup, has_markup(prompt)),
            (WarningKind::Page, request.images.iter().any(is_page)),
            (WarningKind::BrokenHex, is_broken),
            (WarningKind::OtherColor, job.color.is_some_and(is_another)),
            (WarningKind::UnclearColors, is_unclear),
            (WarningKind::UncheckedHex, is_unchecked),
            (WarningKind::Colorless, colors.is_empty() && !is_unchecked && !names_a_color(prompt)),
        ];
        let kinds = WarningKinds::of(found);
        let end = |image: &ImageRef<'_>| match image {
            ImageRef::Url(url) => expires_at(url),
            ImageRef::Data(_) | ImageRef::File(_) => None,
        };
        let ends = request.images.iter().filter_map(end).min();
        let is_early = *line <= NAMED_LINES;
        let named =
            (is_early || !kinds.is_empty() || ends.is_some()).then(|| Box::new(Named { id: job.id.to_id(), ends }));
        JobFeatures { line: *line, request_hash, size: request.size, colors, kinds, named }
    }
}

/// Whether the hex codes in `hashes`, a prompt from its first `#` on, are all colors other than `color`.
fn asks_for_another(hashes: &str, color: Hex) -> bool {
    // In most prompts, the first code is the only one.
    if hashes.get(1..7).and_then(Hex::from_digits) == Some(color) {
        return false;
    }
    let asked = color::hex_codes(hashes);
    !asked.is_empty() && !asked.contains(&color)
}

/// Parts of a prompt that may be mistakes.
struct Signs<'p> {
    /// The prompt from its first `#` on.
    hashes: &'p str,
    /// Whether a `#` is followed by hex digits that are not a color.
    is_broken: bool,
    /// Whether there is a `{{`.
    is_template: bool,
}

impl Signs<'_> {
    fn of(prompt: &str) -> Signs<'_> {
        let mut signs = Signs { hashes: "", is_broken: false, is_template: false };
        for at in memchr2_iter(b'#', b'{', prompt.as_bytes()) {
            if let Some(behind) = prompt[at..].strip_prefix('#') {
                signs.hashes = if signs.hashes.is_empty() { &prompt[at..] } else { signs.hashes };
                signs.is_broken |= begins_with_broken_hex(behind);
            } else {
                signs.is_template |= prompt[at..].starts_with("{{");
            }
        }
        signs
    }
}

/// Whether `text` begins with too few or too many hex digits for a color. Order and article numbers, which have no
/// letters, do not count.
fn begins_with_broken_hex(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if text[digits..].starts_with(is_invisible) {
        let seen: String = text.chars().filter(|letter| !is_invisible(*letter)).take(SEEN).collect();
        let seen_digits = seen.bytes().take_while(u8::is_ascii_hexdigit).count();
        let is_over = !seen[seen_digits..].starts_with(char::is_alphanumeric);
        if matches!(seen_digits, 3 | 6) && digits < seen_digits && is_over {
            return true;
        }
    }
    let is_word = || text[digits..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let is_broken = matches!(digits, 4 | 5 | 7..=9) && text[..digits].bytes().any(|digit| digit.is_ascii_alphabetic());
    if is_word() { digits < 6 && has_letters_for_digits(text) } else { is_broken }
}

/// Whether `text` begins with a color code in which the letter `O` was written instead of a zero.
fn has_letters_for_digits(text: &str) -> bool {
    let is_meant = |sign: u8| sign.is_ascii_hexdigit() || matches!(sign, b'O' | b'o');
    // If byte 6 is not a character boundary, the first six bytes are not ASCII.
    let Some((six, behind)) = text.split_at_checked(6) else { return false };
    six.bytes().all(is_meant)
        && six.bytes().any(|sign| sign.is_ascii_digit())
        && !behind.starts_with(|next: char| next.is_alphanumeric())
}

/// Whether a script has made the prompt from an empty cell: `the nan to`, `the  to`. Other double spaces are common, and
/// `None` may begin a sentence.
fn has_gap(prompt: &str) -> bool {
    const BEFORE_A_NOUN: [&str; 7] = ["the", "a", "an", "this", "its", "of", "to"];
    let words = prompt.split(' ');
    words.clone().zip(words.skip(1)).any(|(before, word)| match word {
        "" => BEFORE_A_NOUN.iter().any(|article| before.eq_ignore_ascii_case(article)),
        "nan" | "NaN" | "None" | "null" | "NULL" | "undefined" => !before.ends_with(['.', '!', '?', ':']),
        _ => false,
    })
}

/// Whether a prompt has HTML entities or tags, or an escaped line end of a spreadsheet.
fn has_markup(prompt: &str) -> bool {
    const MARKS: [&str; 20] = [
        "_x000D_", "<p", "<br", "<b>", "<strong", "<span", "<i>", "<u>", "<em>", "<li>", "<ul", "<ol>", "<div", "<h1",
        "<h2", "<h3", "<sup", "<font", "<td", "<a href",
    ];
    // Nearly all prompts have none of the first bytes of marks.
    memchr3(b'&', b'<', b'_', prompt.as_bytes()).is_some()
        && (MARKS.iter().any(|mark| prompt.contains(mark)) || prompt.split('&').skip(1).any(begins_with_entity))
}

/// Whether a text after a `&` begins with an HTML entity: `eacute;`, `#39;`.
fn begins_with_entity(text: &str) -> bool {
    const NAMES: [&str; 20] = [
        "nbsp", "amp", "quot", "apos", "lt", "gt", "hellip", "bull", "middot", "copy", "reg", "trade", "euro", "pound",
        "deg", "times", "szlig", "frac12", "shy", "ensp",
    ];
    const ENDS: [&str; 9] = ["acute", "grave", "circ", "uml", "tilde", "cedil", "dash", "quo", "lig"];
    let Some((name, _)) = text.split_once(';') else { return false };
    let number = name.strip_prefix('#');
    let is_short = name.len() < 9 && number.unwrap_or(name).bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_short && (number.is_some() || NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end)))
}

/// Whether a prompt has UTF-8 that was decoded as Windows-1252.
fn is_garbled(prompt: &str) -> bool {
    let is_sign = |next: char| matches!(next, '\u{80}'..='\u{BF}' | 'Œ' | 'œ' | 'Š' | 'š' | 'Ÿ' | 'Ž' | 'ž' | 'ƒ' | '\u{2013}'..='\u{203A}' | '€' | '™');
    let pairs = || prompt.chars().zip(prompt.chars().skip(1));
    !prompt.is_ascii()
        && (prompt.contains("â€") || pairs().any(|(one, next)| matches!(one, 'Ã' | 'Â') && is_sign(next)))
}

/// Whether a URL is a sharing link, which leads to a web page instead of a picture.
fn is_page(url: &UrlRef<'_>) -> bool {
    match url.host() {
        "drive.google.com" => url.path() != "/uc",
        "www.dropbox.com" | "dropbox.com" => !url.query().contains("dl=1") && !url.query().contains("raw=1"),
        "photos.app.goo.gl" | "photos.google.com" | "1drv.ms" | "onedrive.live.com" | "www.icloud.com" => true,
        "imgur.com" => !url.is_usual(),
        host => host.ends_with(".sharepoint.com") && url.path().starts_with("/:"),
    }
}

fn names_a_color(prompt: &str) -> bool {
    let prompt = prompt.to_lowercase();
    let mut words = prompt.split(|character: char| !character.is_alphanumeric());
    words.any(|word| word.len() > 2 && color::is_name(word))
}
