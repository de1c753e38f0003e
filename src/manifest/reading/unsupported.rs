//! File formats that are not supported, with a hint for each.

/// The message and the hint for a spreadsheet's own file format.
pub(in crate::manifest) const SPREADSHEET: (&str, &str) =
    ("it is a spreadsheet's own file, which is not read", "save it as CSV (UTF-8) and name that file");

/// Returns the message and the hint for a file that starts with `head`, if it is known to be something else than text.
pub(in crate::manifest) fn detect(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const PICTURE: (&str, &str) =
        ("it is a picture, and a manifest is a text", "`dyehouse init` writes a manifest for a folder of pictures");
    const UTF_32: (&str, &str) = ("it is UTF-32, which is not read", "save it as UTF-8");
    const KNOWN: [(&[u8], (&str, &str)); 11] = [
        (b"\xFF\xFE\0\0", UTF_32),
        (b"\0\0\xFE\xFF", UTF_32),
        (b"PK\x03\x04", SPREADSHEET),
        (b"\xD0\xCF\x11\xE0", SPREADSHEET),
        (b"\x89PNG", PICTURE),
        (b"\xFF\xD8\xFF", PICTURE),
        (b"GIF8", PICTURE),
        (b"RIFF", PICTURE),
        (b"%PDF", ("it is a PDF, and a manifest is a text", "write the catalog as CSV, YAML or JSON lines")),
        (
            b"\x1F\x8B",
            (
                "it is compressed",
                "unpack it first, or feed it through stdin: zcat catalog.csv.gz | dyehouse run - -o runs/catalog",
            ),
        ),
        (b"<?xml", ("it is XML, which is not read", "save it as CSV (UTF-8) and name that file")),
    ];
    let start = head.trim_ascii_start();
    let begins = |text: &str| start.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()));
    if begins("<!doctype html") || begins("<html") {
        return Some(("it is a web page", "the link probably asked to sign in: download the file in a browser"));
    }
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, reason)| *reason)
}
