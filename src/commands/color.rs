use std::io::{Cursor, IsTerminal};
use std::path::Path;

use crate::cli::{Color, Measure, Recolor};
use crate::color::{COMPARED_SIDE, Change, Check, Hex, Scope, Tolerance, Verdict, View, measure};
use crate::editor;
use crate::exit::Exit;
use crate::files;
use crate::manifest::Style;
use crate::photo::{self, Photo, is_animated};
use crate::progress::{Screen, style};

use super::print::{log_unprinted, print, print_json};
use super::{Failure, UsageError};

/// The maximum size of a picture file, in bytes.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The maximum size of a freed block of memory that is kept for reuse, in bytes.
const MAX_RETAINED_BLOCK: usize = 16 << 20;

/// Measures or changes colors.
pub(super) fn color(arguments: &Color, screen: &Screen) -> Result<Exit, Failure> {
    keep_freed_blocks();
    match arguments {
        Color::Measure(arguments) => measure_picture(arguments, screen),
        Color::Recolor(arguments) => recolor_picture(arguments, screen),
    }
}

/// Makes the allocator reuse the memory of image planes, because each page of fresh memory costs a page fault.
///
/// By default, glibc returns a block to the system if it is larger than any block freed before.
fn keep_freed_blocks() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(MAX_RETAINED_BLOCK)));
}

fn measure_picture(arguments: &Measure, screen: &Screen) -> Result<Exit, Failure> {
    let (before, after) = match &arguments.after {
        Some(after) => (Some(read(&arguments.before, screen)?), after),
        None => (None, &arguments.before),
    };
    let after = read(after, screen)?;
    let defaults = Tolerance::default();
    let on = arguments.tolerance.unwrap_or(defaults.on);
    let tolerance = Tolerance { on, near: defaults.near.max(on) };
    let view = |photo: &Photo| photo.reduced(COMPARED_SIDE);
    let check =
        measure(before.as_ref().map(view).as_ref(), &view(&after), &arguments.to, tolerance, scope(arguments.from))
            .check;
    print_check(&check, arguments.json)?;
    Ok(exit(check.verdict))
}

fn recolor_picture(arguments: &Recolor, screen: &Screen) -> Result<Exit, Failure> {
    let is_png = arguments.out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if !is_png {
        return Err(UsageError::NotPng(arguments.out.clone()).into());
    }
    if files::is_same_file(&arguments.picture, &arguments.out) {
        return Err(UsageError::Original(arguments.out.clone()).into());
    }
    let mut photo = read(&arguments.picture, screen)?;
    let before: View = photo.reduced(COMPARED_SIDE);
    let change = Change { from: arguments.from.map(Hex::linear), part: None, to: arguments.to.linear() };
    editor::recolor(&mut photo, change)
        .map_err(|cause| Failure::Recolor { path: arguments.picture.display().to_string(), cause })?;
    let failed = |cause| Failure::Write { path: arguments.out.display().to_string(), cause };
    let png = photo.to_png().map_err(|error| failed(error.to_string()))?;
    files::replace(&arguments.out, &png).map_err(|error| failed(error.to_string()))?;
    let after = photo.reduced(COMPARED_SIDE);
    let check = measure(Some(&before), &after, &[arguments.to], Tolerance::default(), scope(arguments.from)).check;
    log_unprinted(print_check(&check, arguments.json));
    Ok(exit(check.verdict))
}

/// A color that cannot be measured is not known to be right.
fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::On | Verdict::Near => Exit::Complete,
        Verdict::Off | Verdict::Unmeasurable => Exit::Incomplete,
    }
}

/// Returns what was to be recolored, by the color that it had.
fn scope(from: Option<Hex>) -> Scope {
    from.map_or(Scope::Product, |color| Scope::Material(color.linear()))
}

fn read(path: &Path, screen: &Screen) -> Result<Photo, Failure> {
    let failed = |cause| Failure::Picture { path: path.display().to_string(), cause };
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > MAX_FILE_BYTES {
        return Err(failed(format!("it is larger than {} MiB", MAX_FILE_BYTES >> 20)));
    }
    let encoded = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    photo::check_end(&mut Cursor::new(&encoded)).map_err(|error| failed(error.to_string()))?;
    let photo = Photo::decode(&encoded).map_err(|error| failed(error.to_string()))?;
    if is_animated(&encoded) {
        screen.say(&format!("{} is animated: only its first frame is used", path.display()));
    }
    Ok(photo)
}

fn print_check(check: &Check, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return print_json(check);
    }
    print(text(check, style(std::io::stdout().is_terminal())).as_bytes())
}

/// Returns a check as text.
fn text(check: &Check, style: Style) -> String {
    let swatch = |color: Hex| match (style, color.0) {
        (Style::Colored, [red, green, blue]) => format!("{color}  \u{1b}[48;2;{red};{green};{blue}m    \u{1b}[0m"),
        (Style::Plain, _) => color.to_string(),
    };
    let mut lines = vec![("verdict", check.verdict.as_str().to_owned()), ("asked", swatch(check.asked))];
    if let Some(shown) = check.shown {
        lines.push(("shown", swatch(shown)));
    }
    if let (Some(lit), Some(plain)) = (check.delta_e, check.delta_e_plain) {
        lines.push(("ΔE00", format!("{lit:.1} under the best-matching light, {plain:.1} as it is")));
    }
    if let Some(region) = check.region {
        lines.push(("changed", format!("{:.1} % of the picture", region * 100.0)));
    }
    if let Some(background) = check.background {
        lines.push(("the rest", format!("ΔE00 {background:.1} on average")));
    }
    if let Some(reason) = &check.reason {
        lines.push(("note", reason.clone()));
    }
    lines.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> Check {
        Check {
            asked: Hex([0x1E, 0x90, 0xFF]),
            shown: Some(Hex([0x24, 0x8A, 0xF0])),
            delta_e: Some(0.42),
            delta_e_plain: Some(2.91),
            region: Some(0.3127),
            background: Some(0.04),
            verdict: Verdict::On,
            reason: None,
        }
    }

    #[test]
    fn a_check_is_printed_line_by_line() {
        insta::assert_snapshot!(text(&check(), Style::Plain), @r"
        verdict   on
        asked     #1E90FF
        shown     #248AF0
        ΔE00      0.4 under the best-matching light, 2.9 as it is
        changed   31.3 % of the picture
        the rest  ΔE00 0.0 on average
        ");
        assert!(text(&check(), Style::Colored).contains("\u{1b}[48;2;30;144;255m"));
    }

    #[test]
    fn only_a_color_that_is_known_to_be_right_or_nearly_so_is_a_success() {
        let all = [Verdict::On, Verdict::Near, Verdict::Off, Verdict::Unmeasurable];
        assert_eq!(all.map(|verdict| exit(verdict).code()), [0, 0, 3, 3]);
    }

    #[test]
    fn a_check_without_a_measurement_gives_the_reason() {
        let check = Check::unmeasurable(Hex([255, 0, 0]), "the picture is too small");
        insta::assert_snapshot!(text(&check, Style::Plain), @r"
        verdict   unmeasurable
        asked     #FF0000
        note      the picture is too small
        ");
    }
}
