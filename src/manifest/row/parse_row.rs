use std::path::Path;

use crate::job::{Hex, ImageRef, ImageRefs, ImageSource, JobIdRef, JobRef, RequestRef, Seed, Size, Switches};

use super::derived_id::derived_id;
use super::image::image;
use super::nothing::stands_for_nothing;
use super::spreadsheet::lost;
use super::{Field, ParsedRow, Reader, Row, RowError, Value};

/// The values for columns that a row does not have.
#[derive(Clone, Debug, Default)]
pub(in crate::manifest) struct Defaults {
    pub(in crate::manifest) prompt: Option<String>,
    pub(in crate::manifest) images: Option<Vec<ImageSource>>,
    size: Option<Size>,
    seed: Option<Seed>,
    switches: Switches,
    color: Option<Hex>,
}

impl From<ParsedRow<'_>> for Defaults {
    fn from(parsed: ParsedRow<'_>) -> Defaults {
        Defaults {
            prompt: parsed.prompt.map(str::to_owned),
            images: parsed.images.map(|images| images.iter().map(ImageRef::to_source).collect()),
            size: parsed.size,
            seed: parsed.seed,
            switches: parsed.switches,
            color: parsed.color,
        }
    }
}

impl Defaults {
    /// Returns defaults without any value.
    pub(in crate::manifest) fn none() -> &'static Defaults {
        static NONE: Defaults = Defaults {
            prompt: None,
            images: None,
            size: None,
            seed: None,
            switches: Switches { enable_sync_mode: None, enable_base64_output: None, enable_safety_checker: None },
            color: None,
        };
        &NONE
    }

    fn images(&self) -> Option<ImageRefs<'_>> {
        Some(self.images.as_ref()?.iter().map(ImageSource::borrowed).collect())
    }
}

/// Makes a job from `row`, or returns all its errors.
pub(in crate::manifest) fn parse_row<'a>(
    row: &Row<'a>,
    defaults: &'a Defaults,
    model: &'a str,
    folder: &Path,
    line: u64,
) -> Result<JobRef<'a>, Vec<RowError>> {
    let mut reader = Reader::new(row, folder);
    let own = reader.parse();
    let id = reader.id();
    reader.require(Field::Prompt, own.prompt.is_some() || defaults.prompt.is_some());
    reader.require(Field::Images, own.images.is_some() || defaults.images.is_some());
    let row_errors = reader.into_errors();
    if !row_errors.is_empty() {
        return Err(row_errors);
    }
    let id = id.unwrap_or_else(|| JobIdRef::from(derived_id(row, own.images.as_deref().unwrap_or_default())));
    let prompt = own.prompt.or(defaults.prompt.as_deref());
    let (Some(prompt), Some(images)) = (prompt, own.images.or_else(|| defaults.images())) else {
        return Err(row_errors);
    };
    let switches = Switches {
        enable_sync_mode: own.switches.enable_sync_mode.or(defaults.switches.enable_sync_mode),
        enable_base64_output: own.switches.enable_base64_output.or(defaults.switches.enable_base64_output),
        enable_safety_checker: own.switches.enable_safety_checker.or(defaults.switches.enable_safety_checker),
    };
    let (size, seed) = (own.size.or(defaults.size), own.seed.or(defaults.seed));
    let request = RequestRef { model, prompt, images, size, seed, switches };
    let color = own.color.or(defaults.color);
    Ok(JobRef { id, request, color, line })
}

/// Returns the images that a row names, with their numbers, even if the row has other errors.
pub(in crate::manifest) fn pictures(row: &Row<'_>, defaults: &Defaults, folder: &Path) -> Vec<(usize, ImageSource)> {
    match row.get(Field::Images) {
        Value::Refused => Vec::new(),
        Value::Text(text) if lost(text).is_some() => Vec::new(),
        Value::Absent => defaults.images.iter().flatten().cloned().enumerate().collect(),
        Value::Text(_) | Value::List(_) => {
            let named = row.images().enumerate().filter(|(_, text)| !stands_for_nothing(text));
            named.filter_map(|(number, text)| Some((number, image(text, folder).ok()?.to_source()))).collect()
        }
    }
}
