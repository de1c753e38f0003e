//! Measures how often the color check is right, and how long it takes.
//!
//! `DYEHOUSE_CATALOG=folder cargo bench --bench measuring [product…]` reads renders of products
//! (`folder/<product>/<name>-<HEX>.png`, the same scene in several colors, with `mask.png` and `foreground.png`). Every
//! pair is a right edit, also after typical changes by services (JPEG 80, a shift, another size). The same pair with a
//! requested color that was moved by ΔE00 4 to 10 in hue, chroma or lightness, or with any other requested color, is a
//! wrong edit, whose expected verdict is that of its true ΔE00. Edits that are wrong in another way are included too:
//! they are expected to be near if the product has its color, and off if it does not. `DYEHOUSE_PHOTOS=folder` adds
//! photographs, with the editor's own recolorings as the right edits. The output ends with a table of the actual
//! verdicts for each expected one. The first figure is the memory that a check of large
//! pictures takes in addition to their decoded pixels, and the last one is the time of a check on one core.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

#[path = "support/edits.rs"]
mod edits;
#[path = "support/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dyehouse::color::{
    COMPARED_SIDE, Change, Check, Hex, Lab, Scope, Tolerance, Verdict, View, ciede2000, luminance, measure,
};
use dyehouse::editor;
use dyehouse::photo::Photo;
use edits::{DISTORTIONS, Edit, MOVES, SIZES, SPOILED, distorted, moved};
use image::{DynamicImage, RgbImage};
use memory::memory_over;
use rayon::prelude::*;

const VERDICTS: [Verdict; 4] = [Verdict::On, Verdict::Near, Verdict::Off, Verdict::Unmeasurable];

/// An edit with its actual and its expected verdict.
struct Case {
    kind: String,
    right: Verdict,
    given: Verdict,
    difference: Option<f64>,
    overlap: Option<f64>,
}

impl Case {
    fn new(kind: impl Into<String>, right: Verdict, check: &Check) -> Case {
        Case { kind: kind.into(), right, given: check.verdict, difference: check.delta_e, overlap: None }
    }
}

fn main() {
    let Some(catalog) = std::env::var_os("DYEHOUSE_CATALOG").map(PathBuf::from) else {
        println!("set DYEHOUSE_CATALOG to a folder of renders");
        return;
    };
    let mut products: Vec<PathBuf> = std::fs::read_dir(&catalog).unwrap().map(|entry| entry.unwrap().path()).collect();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |path: &Path| wanted.is_empty() || wanted.iter().any(|name| path.ends_with(name));
    products.retain(|path| path.is_dir() && is_wanted(path));
    products.sort();
    let photos = first_photos(&products[0], 4096);
    let memory = memory_over(&photos.each_ref(), || check_with_blue(&photos));
    println!("memory of 4096 px: {memory:.1} bytes a pixel over the decoded pictures\n");
    drop(photos);
    let mut cases: Vec<Case> = products.iter().flat_map(|product| of_product(product)).collect();
    let photos = std::env::var_os("DYEHOUSE_PHOTOS").map(|folder| std::fs::read_dir(folder).unwrap());
    let photos: Vec<PathBuf> = photos.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    cases.par_extend(
        photos.par_iter().filter_map(|path| image::open(path).ok()).flat_map_iter(|picture| of_photo(&picture)),
    );
    print_kinds(&cases);
    print_confusion(&cases);
    time(&products[0]);
}

fn print_kinds(cases: &[Case]) {
    println!(
        "{:<40} {:>4} {:>5} {:>5} {:>5}  {:>6} {:>6}  {:>5}  right",
        "", "on", "near", "off", "none", "median", "90th", "IoU"
    );
    let mut kinds: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    cases.iter().for_each(|case| kinds.entry(&case.kind).or_default().push(case));
    for (kind, cases) in kinds {
        let [on, near, off, none] = VERDICTS.map(|verdict| cases.iter().filter(|case| case.given == verdict).count());
        let mut differences: Vec<f64> = cases.iter().filter_map(|case| case.difference).collect();
        differences.sort_by(f64::total_cmp);
        let at = |share: f64| differences.get((differences.len() as f64 * share) as usize).copied().unwrap_or_default();
        let overlaps: Vec<f64> = cases.iter().filter_map(|case| case.overlap).collect();
        let overlap = overlaps.iter().sum::<f64>() / overlaps.len().max(1) as f64;
        let right = cases[0].right.as_str();
        println!(
            "{kind:<40} {on:>4} {near:>5} {off:>5} {none:>5}  {:>6.2} {:>6.2}  {overlap:>5.3}  {right}",
            at(0.5),
            at(0.9)
        );
    }
}

/// Prints the confusion matrix. Edits without a picture before are left out.
fn print_confusion(cases: &[Case]) {
    let mut shares = Vec::new();
    println!("\nright   given: on  near   off  none");
    for right in [Verdict::On, Verdict::Near, Verdict::Off] {
        let own = || cases.iter().filter(|case| case.right == right && !case.kind.contains("no picture"));
        let [on, near, off, none] = VERDICTS.map(|verdict| own().filter(|case| case.given == verdict).count());
        let share = own().filter(|case| case.given == right).count() as f64 / own().count().max(1) as f64;
        println!("{:<12} {on:>5} {near:>5} {off:>5} {none:>5}  {:.1} %", right.as_str(), share * 100.0);
        shares.push(share);
    }
    println!("mean of the three: {:.1} %", shares.iter().sum::<f64>() / 3.0 * 100.0);
}

fn of_product(product: &Path) -> Vec<Case> {
    let [soft, foreground] =
        ["mask.png", "foreground.png"].map(|name| image::open(product.join(name)).unwrap().to_luma8());
    let mask: Vec<bool> = view(soft.clone()).colors.data.iter().map(|color| color[0] > 0.2).collect();
    let mut renders: Vec<(Hex, RgbImage)> = std::fs::read_dir(product)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let (_, hex) = path.file_stem()?.to_str()?.split_once('-')?;
            Some((format!("#{hex}").parse().ok()?, image::open(&path).unwrap().to_rgb8()))
        })
        .collect();
    renders.sort_by_key(|(hex, _)| hex.0);
    let pairs: Vec<(usize, usize)> = (0..renders.len())
        .flat_map(|before| (0..renders.len()).map(move |after| (before, after)))
        .filter(|(before, after)| before != after)
        .collect();
    pairs
        .par_iter()
        .flat_map_iter(|pair| {
            let ((_, before), (asked, truth)) = (&renders[pair.0], &renders[pair.1]);
            let edit = Edit { before, truth, asked: *asked, mask: &soft, foreground: &foreground };
            of_render(&edit, &mask, &renders)
        })
        .collect()
}

/// Returns the right edit and all wrong ones from one render to another.
fn of_render(edit: &Edit<'_>, mask: &[bool], renders: &[(Hex, RgbImage)]) -> Vec<Case> {
    let Edit { before, truth, asked, .. } = *edit;
    let (before, after) = (view(before.clone()), view(truth.clone()));
    let check =
        |after: &View, wanted: Hex| measure(Some(&before), after, &[wanted], Tolerance::default(), Scope::Product);
    let alone = |wanted: Hex| measure(None, &after, &[wanted], Tolerance::default(), Scope::Product).check;
    let mut found = Vec::new();
    for kind in DISTORTIONS {
        let measured = check(&view(distorted(truth, kind)), asked);
        let overlap = measured.region.as_ref().filter(|region| region.data.len() == mask.len()).map(|region| {
            let pairs = || region.data.iter().zip(mask);
            let both = pairs().filter(|(one, other)| **one && **other).count() as f64;
            both / pairs().filter(|(one, other)| **one || **other).count() as f64
        });
        // A color cast changes the background as well.
        let right = if kind == "cast" { Verdict::Near } else { Verdict::On };
        found.push(Case { overlap, ..Case::new(format!("right, {kind}"), right, &measured.check) });
    }
    found.push(Case::new("right, no picture before", Verdict::On, &alone(asked)));
    found.extend(of_moves("wrong", asked, |wanted| check(&after, wanted).check));
    for (kind, right) in SPOILED {
        if let Some(after) = edit.spoiled(kind).filter(|_| is_told(kind, edit, asked)) {
            found.push(Case::new(format!("wrong, {kind}"), right, &check(&view(after), asked).check));
        }
    }
    for (other, _) in renders.iter().filter(|(hex, _)| *hex != asked) {
        found.push(Case::new("wrong, another color", Verdict::Off, &check(&after, *other).check));
        found.push(Case::new("wrong, no picture before", Verdict::Off, &alone(*other)));
    }
    found
}

/// Whether gray is another color than the requested one.
fn is_told(kind: &str, edit: &Edit<'_>, asked: Hex) -> bool {
    let grey = Edit::mean(edit.before, |x, y| edit.is_product(x, y));
    kind != "greyed out" || ciede2000(Lab::from([luminance(grey); 3]), Lab::from(asked.linear())) > 16.0
}

/// Returns the verdicts on a right edit, if slightly different colors had been requested.
fn of_moves(what: &str, asked: Hex, check: impl Fn(Hex) -> Check) -> Vec<Case> {
    let ways = MOVES.into_iter().flat_map(|kind| SIZES.map(|size| (kind, size)));
    let wrong = ways.filter_map(|(kind, size)| {
        let wrong = moved(asked, kind, size)?;
        let right = if size > 9.0 { Verdict::Off } else { Verdict::Near };
        Some(Case::new(format!("{what} by {size:>2} {kind}"), right, &check(wrong)))
    });
    wrong.collect()
}

/// Returns a photograph that the editor recolors, and the same compared with other colors.
fn of_photo(picture: &DynamicImage) -> Vec<Case> {
    let photo = Photo::from_image(on_white(picture).into()).resized(1024);
    let before = photo.reduced(COMPARED_SIDE);
    let mut found = Vec::new();
    for asked in [0x1E90FF, 0xC62828, 0xF5C518, 0xF4F1EA, 0x1B1B1D, 0x2E7D4F_u32]
        .map(|hex| Hex([(hex >> 16) as u8, (hex >> 8) as u8, hex as u8]))
    {
        let mut done = photo.clone();
        if editor::recolor(&mut done, Change { from: None, part: None, to: asked.linear() }).is_err() {
            continue;
        }
        let after = done.reduced(COMPARED_SIDE);
        let check = |after: &View, wanted: Hex| {
            measure(Some(&before), after, &[wanted], Tolerance::default(), Scope::Product).check
        };
        found.push(Case::new("photograph, right", Verdict::On, &check(&after, asked)));
        found.extend(of_moves("photograph, wrong", asked, |wanted| check(&after, wanted)));
        found.push(Case::new("photograph, nothing changed", Verdict::Off, &check(&before, asked)));
        for kind in ["half of it recolored", "background tinted", "greyed out"] {
            let after = spoiled_photo(&before, &after, kind);
            let right = if kind == "greyed out" { Verdict::Off } else { Verdict::Near };
            if kind != "greyed out" || moved(asked, "in chroma", 16.0).is_some() {
                found.push(Case::new(format!("photograph, {kind}"), right, &check(&after, asked)));
            }
        }
    }
    found
}

/// Returns a picture with white behind its transparent pixels, because edits of a transparent background are invisible.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, opacity] = picture.get_pixel(x, y).0.map(|value| f32::from(value) / 255.0);
        image::Rgb([red, green, blue].map(|value| ((value * opacity + 1.0 - opacity) * 255.0) as u8))
    })
}

/// Returns the recolored photograph with a kind of error. The pixels that the editor changed are the product.
fn spoiled_photo(before: &View, after: &View, kind: &str) -> View {
    let changed = |index: usize| {
        let [old, new] = [before, after].map(|view| Lab::from(view.colors.data[index]));
        ciede2000(old, new) > 3.0
    };
    let (width, count) = (after.colors.width, after.colors.data.len());
    let columns: Vec<usize> = (0..count).filter(|index| changed(*index)).map(|index| index % width).collect();
    let middle = columns.iter().sum::<usize>() / columns.len().max(1);
    let mut spoiled = after.clone();
    for (index, color) in spoiled.colors.data.iter_mut().enumerate() {
        let old = before.colors.data[index];
        match kind {
            "half of it recolored" if index % width > middle => *color = old,
            "background tinted" if !changed(index) => *color = [old[0] * 0.6, old[1] * 0.7, old[2] * 0.8],
            "greyed out" if changed(index) => *color = [luminance(old); 3],
            _ => {}
        }
    }
    spoiled
}

fn view(picture: impl Into<DynamicImage>) -> View {
    Photo::from_image(picture.into()).reduced(COMPARED_SIDE)
}

/// Measures the duration of a check on one core, without decoding.
fn time(product: &Path) {
    let photos = first_photos(product, 1024);
    let took = (0..10).map(|_round| {
        let began = Instant::now();
        check_with_blue(&photos);
        began.elapsed()
    });
    println!("\na check of 1024 px: {:.1} ms", took.min().unwrap().as_secs_f64() * 1000.0);
}

fn check_with_blue([before, after]: &[Photo; 2]) {
    let (before, after) = (before.reduced(COMPARED_SIDE), after.reduced(COMPARED_SIDE));
    std::hint::black_box(measure(Some(&before), &after, &[Hex([30, 144, 255])], Tolerance::default(), Scope::Product));
}

/// Returns the first two renders of a product, scaled to `side` pixels.
fn first_photos(product: &Path, side: u32) -> [Photo; 2] {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(product).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains('-')));
    paths.sort();
    [&paths[0], &paths[1]].map(|path| Photo::from_image(image::open(path).unwrap()).resized(side))
}
