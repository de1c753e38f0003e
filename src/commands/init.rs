use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bytes::char_floor;
use crate::cli::Init;
use crate::color::Hex;
use crate::exit::Exit;
use crate::job::JobId;
use crate::manifest::slug;
use crate::photo::inspect;
use crate::progress::Screen;
use crate::words::{counted, shell_word};

use super::{Failure, InitError};

/// The maximum length of the slug of a color's name, in bytes. The rest of an id is left for the picture's name.
const MAX_COLOR_BYTES: usize = 60;

/// The maximum length of the slug of a picture's name without a number suffix, in bytes.
const MAX_STEM_BYTES: usize = JobId::MAX_BYTES - MAX_COLOR_BYTES - "-99999-".len();

/// A target color.
struct Color {
    name: String,
    hex: Hex,
}

/// A picture and the unique stem of its job ids.
struct NamedPicture {
    file: String,
    stem: String,
}

/// Writes a starter manifest for a folder of pictures and some colors.
pub(super) fn init(arguments: &Init, screen: &Screen) -> Result<Exit, Failure> {
    let out = &arguments.out;
    let folder = &arguments.pictures;
    let (mut pictures, folders) =
        pictures(folder).map_err(|cause| InitError::Unreadable { folder: folder.clone(), cause })?;
    if pictures.is_empty() {
        return Err(InitError::NoPictures(folder.clone()).into());
    }
    let colors = colors(&arguments.colors)?;
    if out.exists() && !arguments.force {
        return Err(InitError::Exists(out.clone()).into());
    }
    let folder = relative(folder, out);
    let is_table = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let found = pictures.len();
    pictures.retain(|NamedPicture { file, .. }| match unsupported_name(file, is_table) {
        None => true,
        Some(reason) => {
            screen.say(&format!("left out {}: its name contains {reason}", file.escape_debug()));
            false
        }
    });
    if pictures.is_empty() {
        return Err(InitError::NoUsableNames(arguments.pictures.clone()).into());
    }
    let text = match out.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase().as_str() {
        "csv" => table(&folder, &pictures, &colors),
        "yaml" | "yml" if pictures.len() == found => document(&rows(&folder, &pictures), &colors),
        "yaml" | "yml" => document(&list(&folder, &pictures), &colors),
        _ => return Err(InitError::UnknownKind(out.clone()).into()),
    };
    crate::files::replace(out, text.as_bytes())
        .map_err(|cause| Failure::Write { path: out.display().to_string(), cause: cause.to_string() })?;
    let (of, in_colors) = (counted(pictures.len() as u64, "picture"), counted(colors.len() as u64, "color"));
    screen.say(&format!("wrote {}: {of} in {in_colors}", out.display()));
    if folders > 0 {
        let are = if folders == 1 { "is" } else { "are" };
        let folders = counted(folders, "folder");
        screen.say(&format!(
            "{folders} in {} {are} left out: `init` reads a single folder",
            arguments.pictures.display()
        ));
    }
    screen.say(&format!("next: dyehouse check {}", shell_word(&out.display().to_string())));
    Ok(Exit::Complete)
}

/// Returns the reason and a hint if a manifest cannot contain a picture's name.
fn unsupported_name(file: &str, is_table: bool) -> Option<&'static str> {
    if file.contains(char::is_control) {
        return Some("a line break, a tab or the like, which a manifest refuses; rename it");
    }
    // `|` separates the pictures of a cell, and CSV has no way to escape it.
    (is_table && file.contains('|')).then_some("`|`, which a CSV manifest cannot contain; write a .yaml")
}

/// Returns the pictures of a folder, sorted, without hidden files, and the number of folders in it.
fn pictures(folder: &Path) -> std::io::Result<(Vec<NamedPicture>, u64)> {
    let (mut files, mut folders) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_os_string().into_string();
        if let Ok(name) = name.map_err(drop).and_then(|name| if name.starts_with('.') { Err(()) } else { Ok(name) }) {
            if path.is_dir() {
                folders += 1;
            } else if path.is_file() && inspect(&path).is_ok() {
                files.push(name);
            }
        }
    }
    files.sort();
    let mut taken = BTreeSet::new();
    let pictures = files.into_iter().map(|file| {
        let stem = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let slugged = slug(&stem);
        let stem = match slugged.len() {
            0 => "picture".to_owned(),
            1..=MAX_STEM_BYTES => stem,
            _ => slugged[..char_floor(&slugged, MAX_STEM_BYTES)].to_owned(),
        };
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let stem = std::iter::once(stem.clone()).chain(numbered).find(|stem| taken.insert(slug(stem)));
        NamedPicture { stem: stem.unwrap_or_default(), file }
    });
    Ok((pictures.collect(), folders))
}

/// Parses `ocean=#1E90FF`, `#1E90FF` and `navy`. A color that is given twice counts once.
fn colors(texts: &[String]) -> Result<Vec<Color>, InitError> {
    let mut colors: Vec<Color> = Vec::new();
    for text in texts {
        let (name, color) = text.split_once('=').unwrap_or((text, text));
        let hex: Hex = color.trim().parse().map_err(|_| InitError::Color(color.to_owned()))?;
        let is_hex = name.trim().starts_with('#') || slug(name).is_empty();
        let name = if is_hex { hex.to_string().trim_start_matches('#').to_lowercase() } else { name.trim().to_owned() };
        if slug(&name).len() > MAX_COLOR_BYTES {
            return Err(InitError::ColorName { name, most_bytes: MAX_COLOR_BYTES });
        }
        match colors.iter().find(|known| slug(&known.name) == slug(&name)) {
            Some(known) if known.hex != hex => return Err(InitError::SameName(name)),
            Some(_) => {}
            None => colors.push(Color { name, hex }),
        }
    }
    Ok(colors)
}

/// Returns the pictures' folder relative to the manifest at `out`, with a trailing slash.
fn relative(pictures: &Path, out: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let manifest = absolute(out).parent().map(Path::to_owned).unwrap_or_default();
    let pictures = absolute(pictures);
    let mut up = PathBuf::new();
    for ancestor in manifest.ancestors() {
        if let Ok(rest) = pictures.strip_prefix(ancestor) {
            let path = up.join(rest);
            let text = path.to_string_lossy().into_owned();
            return if text.is_empty() { text } else { format!("{text}/") };
        }
        up.push("..");
    }
    format!("{}/", pictures.display())
}

/// Returns the pictures as rows: as one pattern, if it matches all of them and every stem is the file's own.
fn rows(folder: &str, pictures: &[NamedPicture]) -> String {
    let extensions: BTreeSet<&str> =
        pictures.iter().filter_map(|picture| Path::new(&picture.file).extension()?.to_str()).collect();
    let is_called_by_name = |picture: &NamedPicture| {
        Path::new(&picture.file).file_stem().is_some_and(|stem| stem.to_string_lossy() == picture.stem.as_str())
    };
    match (extensions.len(), extensions.first()) {
        (1, Some(extension)) if pictures.iter().all(is_called_by_name) => format!(
            "rows: {}           # a row for each; or a table: rows: catalog.csv",
            quoted(&format!("{}*.{extension}", glob::Pattern::escape(folder)))
        ),
        _ => list(folder, pictures),
    }
}

/// Returns the pictures as a list of rows.
fn list(folder: &str, pictures: &[NamedPicture]) -> String {
    let row = |picture: &NamedPicture| {
        let file = format!("{folder}{}", picture.file);
        format!("  - {{file: {}, stem: {}}}", quoted(&file), quoted(&picture.stem))
    };
    format!("rows:\n{}", pictures.iter().map(row).collect::<Vec<_>>().join("\n"))
}

fn document(rows: &str, colors: &[Color]) -> String {
    let entries: Vec<String> =
        colors.iter().map(|color| format!("    - {{name: {}, hex: \"{}\"}}", quoted(&color.name), color.hex)).collect();
    format!(
        "# Every picture in every color. `dyehouse check` shows the cost before anything is paid for.\n\
         version: 1\n\
         backend: embedded              # on this machine, free; `vibedream` is the provider, and costs money\n\
         run:                           # the command line wins over these\n  \
         rate: 5/s                    # the rate of submits; use 10/min for the provider\n  \
         in_flight: 3                 # open predictions at a time\n  \
         budget: 5.00                 # the most that may be spent, in dollars\n\
         {rows}\n\
         matrix:                        # each row is combined with each entry\n  \
         color:\n{}\n\
         template:                      # how a row becomes a job\n  \
         id: \"{{{{ stem | slug }}}}-{{{{ color.name | slug }}}}\"\n  \
         prompt: \"Change the product's color to {{{{ color.hex }}}} ({{{{ color.name }}}}), keep the background\"\n  \
         images: [\"{{{{ file }}}}\"]\n  \
         color: \"{{{{ color.hex }}}}\"      # what the result is checked against\n",
        entries.join("\n")
    )
}

fn table(folder: &str, pictures: &[NamedPicture], colors: &[Color]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(["id", "prompt", "images", "color"]);
    for picture in pictures {
        for Color { name, hex } in colors {
            let prompt = format!("Change the product's color to {hex} ({name}), keep the background");
            let id = format!("{}-{}", slug(&picture.stem), slug(name));
            let _ = writer.write_record([id, prompt, format!("{folder}{}", picture.file), hex.to_string()]);
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Returns a text as a YAML string.
fn quoted(text: &str) -> String {
    // A JSON string is a YAML string.
    serde_json::Value::from(text).to_string()
}
