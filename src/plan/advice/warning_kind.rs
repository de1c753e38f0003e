/// The kind of a warning about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WarningKind {
    TooManyImages,
    Duplicate,
    Expiring,
    Mojibake,
    ScientificNotation,
    Templated,
    Gap,
    Markup,
    Page,
    BrokenHex,
    OtherColor,
    UnclearColors,
    UncheckedHex,
    Colorless,
}

/// A set of kinds, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WarningKinds(u16);

impl WarningKinds {
    /// Returns the set of kinds whose flag in `found` is true.
    pub(super) fn of(found: impl IntoIterator<Item = (WarningKind, bool)>) -> WarningKinds {
        WarningKinds(found.into_iter().fold(0, |bits, (kind, is_there)| bits | u16::from(is_there) << kind as u16))
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = WarningKind> {
        let all: &[WarningKind] = if self.is_empty() { &[] } else { &WarningKind::ALL };
        all.iter().copied().filter(move |kind| self.0 >> *kind as u16 & 1 == 1)
    }
}

impl WarningKind {
    /// All kinds, in the order in which they are shown.
    pub(super) const ALL: [WarningKind; 14] = [
        WarningKind::TooManyImages,
        WarningKind::Duplicate,
        WarningKind::Expiring,
        WarningKind::Mojibake,
        WarningKind::ScientificNotation,
        WarningKind::Templated,
        WarningKind::Gap,
        WarningKind::Markup,
        WarningKind::Page,
        WarningKind::BrokenHex,
        WarningKind::OtherColor,
        WarningKind::UnclearColors,
        WarningKind::UncheckedHex,
        WarningKind::Colorless,
    ];

    /// Returns the message and the hint.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            WarningKind::TooManyImages => (
                "more than 3 images in a job",
                "the model follows up to 3 well; name them in the prompt as image 1, image 2 …",
            ),
            WarningKind::Duplicate => (
                "the same edit under another id: it is paid for each time",
                "remove it, or give it another `seed` if you want several versions",
            ),
            WarningKind::Expiring => (
                "a signed URL that expires before the job is submitted",
                "sign it for longer, raise --rate, or run in parts with --limit",
            ),
            WarningKind::Mojibake => (
                "a prompt has letters that were read in the wrong encoding, such as `Ã¶` for `ö`",
                "export the table again as UTF-8, and check the names with accents",
            ),
            WarningKind::ScientificNotation => (
                "an id that a spreadsheet has shortened: digits of the number are lost",
                "format the column as text, and enter the values again",
            ),
            WarningKind::Templated => (
                "a prompt with `{{` in it is sent as it is",
                "names are replaced only in a YAML manifest with `rows:` and a `template:`",
            ),
            WarningKind::Gap => (
                "a word of the prompt is missing: it has `nan` or `None` in it, or two spaces instead",
                "fill the empty cell that the prompt was made from, and export it again",
            ),
            WarningKind::Markup => (
                "the prompt contains HTML, such as `<p>` or `&nbsp;`, or `_x000D_` from a spreadsheet",
                "in a template, remove it: {{ body_html | striptags }}; in a table, replace it there",
            ),
            WarningKind::Page => (
                "a link to a page that shows a picture, and not to the picture",
                "use the link that downloads it: Google Drive's has uc?export=download&id=…, Dropbox's ends in raw=1",
            ),
            WarningKind::BrokenHex => (
                "the prompt contains `#` and digits that are not a valid color",
                "a color has six hex digits, as in #1E90FF, or three; if it looks right, type it again: it may contain invisible characters",
            ),
            WarningKind::OtherColor => (
                "the prompt names another color than the one that is checked",
                "give the prompt and `color` the same hex, or leave `color` out",
            ),
            WarningKind::UnclearColors => (
                "the prompt names several colors, and which of them are requested is unclear",
                "add a `color` column with the requested color; without it, another color is not noticed",
            ),
            WarningKind::UncheckedHex => (
                "the prompt has a color code without `#`: no color is checked",
                "write it with the sign, as in #1E90FF, or add a `color` column",
            ),
            WarningKind::Colorless => (
                "no color in the prompt, but other jobs have one",
                "name it by its hex, as in: Change the mug's color to #1E90FF (ocean)",
            ),
        }
    }
}
