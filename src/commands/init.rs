use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::Init;
use crate::color::Hex;
use crate::exit::Exit;
use crate::outputs::inspect;
use crate::progress::{Screen, counted, shell_word};

use super::Failure;

/// A color to reach: its name, and its hex.
type Named = (String, Hex);

/// Writes a starter manifest for a folder of pictures and some colors.
pub(super) fn init(arguments: &Init, screen: &Screen) -> Result<Exit, Failure> {
    let usage = |message: String, hint: &str| Failure::Usage { message, hint: hint.to_owned() };
    let out = &arguments.out;
    if out.exists() && !arguments.force {
        let message = format!("write {}: it is there already", out.display());
        return Err(usage(message, "name another file with --out, or replace it with --force"));
    }
    let pictures = pictures(&arguments.pictures).map_err(|cause| {
        usage(format!("read the folder {}: {cause}", arguments.pictures.display()), "name a folder of pictures")
    })?;
    if pictures.is_empty() {
        let message = format!("find pictures in {}", arguments.pictures.display());
        return Err(usage(message, "name a folder that holds JPEG, PNG, GIF or WebP files"));
    }
    let colors = colors(&arguments.colors)?;
    let folder = relative(&arguments.pictures, out);
    let text = match out.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase().as_str() {
        "csv" => table(&folder, &pictures, &colors),
        "yaml" | "yml" => document(&folder, &pictures, &colors),
        _ => {
            let message = format!("tell what kind of manifest {} is to be", out.display());
            return Err(usage(message, "name it .yaml or .csv"));
        }
    };
    std::fs::write(out, text).map_err(|cause| {
        usage(format!("write {}: {cause}", out.display()), "name a file in a folder that you may write to, with --out")
    })?;
    let (of, in_colors) = (counted(pictures.len() as u64, "picture"), counted(colors.len() as u64, "color"));
    screen.say(&format!("wrote {}: {of} in {in_colors}", out.display()));
    screen.say(&format!("next: dyehouse check {}", shell_word(&out.display().to_string())));
    Ok(Exit::Complete)
}

/// The names of the pictures in a folder, sorted.
fn pictures(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if let (true, Ok(name)) =
            (inspect(&path).is_ok(), path.file_name().unwrap_or_default().to_os_string().into_string())
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads `ocean=#1E90FF`, `#1E90FF` and `navy`.
fn colors(texts: &[String]) -> Result<Vec<Named>, Failure> {
    let mut colors: Vec<Named> = Vec::new();
    for text in texts {
        let (name, color) = text.split_once('=').unwrap_or((text, text));
        let hex: Hex = color.parse().map_err(|_| Failure::Usage {
            message: format!("read the color `{color}`"),
            hint: "write a hex such as '#1E90FF', a CSS name such as navy, or a name and a hex: ocean=#1E90FF"
                .to_owned(),
        })?;
        let name = if name.starts_with('#') {
            hex.to_string().trim_start_matches('#').to_lowercase()
        } else {
            name.to_owned()
        };
        colors.push((name, hex));
    }
    Ok(colors)
}

/// The pictures' folder as the manifest at `out` sees it, with a slash behind it.
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

fn document(folder: &str, pictures: &[String], colors: &[Named]) -> String {
    let extensions: BTreeSet<&str> = pictures.iter().filter_map(|name| Path::new(name).extension()?.to_str()).collect();
    let rows = match (extensions.len(), extensions.first()) {
        (1, Some(extension)) => format!(
            "rows: {}           # a row for each; or a table: rows: catalog.csv",
            quoted(&format!("{folder}*.{extension}"))
        ),
        _ => {
            let items: Vec<String> = pictures
                .iter()
                .map(|name| {
                    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
                    format!("  - {{file: {}, stem: {}}}", quoted(&format!("{folder}{name}")), quoted(&stem))
                })
                .collect();
            format!("rows:\n{}", items.join("\n"))
        }
    };
    let entries: Vec<String> =
        colors.iter().map(|(name, hex)| format!("    - {{name: {}, hex: \"{hex}\"}}", quoted(name))).collect();
    format!(
        "# Every picture in every color. `dyehouse check` tells what it comes to, before anything is paid for.\n\
         version: 1\n\
         backend: embedded              # on this machine, for nothing; `vibedream` is the provider, and costs money\n\
         run:                           # the command line wins over these\n  \
         rate: 5/s                    # submits; 10/min is gentle enough for the provider\n  \
         in_flight: 3                 # predictions in work at once\n  \
         budget: 5.00                 # a hard ceiling, in dollars\n\
         {rows}\n\
         matrix:                        # every row times every entry\n  \
         color:\n{}\n\
         template:                      # how a row becomes a job\n  \
         id: \"{{{{ stem | slug }}}}-{{{{ color.name | slug }}}}\"\n  \
         prompt: \"Change the product's color to {{{{ color.hex }}}} ({{{{ color.name }}}}), keep the background\"\n  \
         images: [\"{{{{ file }}}}\"]\n  \
         color: \"{{{{ color.hex }}}}\"      # what the result is checked against\n",
        entries.join("\n")
    )
}

fn table(folder: &str, pictures: &[String], colors: &[Named]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(["id", "prompt", "images", "color"]);
    for picture in pictures {
        let stem = Path::new(picture).file_stem().unwrap_or_default().to_string_lossy();
        for (name, hex) in colors {
            let prompt = format!("Change the product's color to {hex} ({name}), keep the background");
            let id = format!("{stem}-{name}").replace(['/', ' '], "-");
            let _ = writer.write_record([id, prompt, format!("{folder}{picture}"), hex.to_string()]);
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A text as YAML takes it whatever is in it.
fn quoted(text: &str) -> String {
    // A JSON string is a YAML string.
    serde_json::Value::from(text).to_string()
}
