//! How often the check of a color is right, and how long it takes.
//!
//! `DYEHOUSE_CATALOG=folder cargo bench --bench measuring [product…]` reads renders of products (`folder/<product>/<name>-<HEX>.png`,
//! the same scene in several colors, with `mask.png` and `foreground.png`). Every pair is a true edit: the verdicts on it
//! are counted, also after what services do to pictures (JPEG 80, a shift, another size, a color cast). The same pair with
//! the asked color moved by ΔE00 6 or 10 in hue, chroma or lightness, and with any other color asked for, is a wrong
//! edit; and so is one that leaves half of the product, changes the background, or paints over the parts beside it.
//! `DYEHOUSE_PHOTOS=folder` takes photographs as well, with the editor's own recolorings of them as the good edits.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dyehouse::color::{
    COMPARED_SIDE, Change, Hex, Lab, Rgb, Tolerance, Verdict, ciede2000, decode, encode, luminance, measure,
};
use dyehouse::editor;
use dyehouse::photo::Photo;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, imageops};
use rayon::prelude::*;

#[derive(Default)]
struct Verdicts {
    counts: BTreeMap<Verdict, usize>,
    differences: Vec<f64>,
    overlaps: Vec<f64>,
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
    let mut all: BTreeMap<String, Verdicts> = BTreeMap::new();
    let photos = std::env::var_os("DYEHOUSE_PHOTOS").map(|folder| std::fs::read_dir(folder).unwrap());
    let photos: Vec<PathBuf> = photos.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    let photos = photos.par_iter().filter_map(|path| image::open(path).ok()).flat_map_iter(of_photo);
    for cases in products.iter().map(|product| cases(product)).chain(std::iter::once(photos.collect())) {
        for (kind, case) in cases {
            let verdicts = all.entry(kind).or_default();
            *verdicts.counts.entry(case.0).or_default() += 1;
            verdicts.differences.extend(case.1);
            verdicts.overlaps.extend(case.2);
        }
    }
    println!(
        "{:<34} {:>6} {:>6} {:>6} {:>6}   {:>6} {:>6}   {:>6}",
        "", "on", "near", "off", "none", "median", "90th", "IoU"
    );
    for (kind, mut verdicts) in all {
        let count = |verdict| verdicts.counts.get(&verdict).copied().unwrap_or_default();
        verdicts.differences.sort_by(f64::total_cmp);
        let at = |share: f64| verdicts.differences.get((verdicts.differences.len() as f64 * share) as usize).copied();
        println!(
            "{kind:<34} {:>6} {:>6} {:>6} {:>6}   {:>6.2} {:>6.2}   {:>6.3}",
            count(Verdict::On),
            count(Verdict::Near),
            count(Verdict::Off),
            count(Verdict::Unmeasurable),
            at(0.5).unwrap_or_default(),
            at(0.9).unwrap_or_default(),
            verdicts.overlaps.iter().sum::<f64>() / verdicts.overlaps.len().max(1) as f64,
        );
    }
    time(&products[0]);
}

type Case = (Verdict, Option<f64>, Option<f64>);

fn cases(product: &Path) -> Vec<(String, Case)> {
    let masks = ["mask.png", "foreground.png"].map(|name| image::open(product.join(name)).unwrap().to_luma8());
    let mask = Photo::from_image(image::open(product.join("mask.png")).unwrap()).reduced(COMPARED_SIDE);
    let mask: Vec<bool> = mask.colors.data.iter().map(|color| color[0] > 0.2).collect();
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
            let before = view(before.clone());
            let mut found = Vec::new();
            for kind in ["as it is", "jpeg 80", "shift", "at 640 px", "cast"] {
                let after = view(distorted(truth, kind));
                let measured = measure(Some(&before), &after, &[*asked], Tolerance::default());
                let overlap = measured.region.as_ref().filter(|region| region.data.len() == mask.len()).map(|region| {
                    let pairs = || region.data.iter().zip(&mask);
                    let both = pairs().filter(|(one, other)| **one && **other).count() as f64;
                    both / pairs().filter(|(one, other)| **one || **other).count() as f64
                });
                found.push((format!("true, {kind}"), (measured.check.verdict, measured.check.delta_e, overlap)));
            }
            let after = view(truth.clone());
            let alone = measure(None, &after, &[*asked], Tolerance::default()).check;
            found.push(("true, no picture before".to_owned(), (alone.verdict, alone.delta_e, None)));
            for kind in MOVES {
                for size in [6.0, 10.0] {
                    let Some(wrong) = moved(*asked, kind, size) else { continue };
                    let check = measure(Some(&before), &after, &[wrong], Tolerance::default()).check;
                    found.push((format!("wrong by {size:>2} {kind}"), (check.verdict, check.delta_e, None)));
                }
            }
            for kind in SPOILED {
                let Some(after) = spoiled(&renders[pair.0].1, truth, *asked, &masks, kind) else { continue };
                let check = measure(Some(&before), &view(after), &[*asked], Tolerance::default()).check;
                found.push((format!("wrong, {kind}"), (check.verdict, check.delta_e, None)));
            }
            for (other, _) in renders.iter().filter(|(hex, _)| hex != asked) {
                let check = measure(Some(&before), &after, &[*other], Tolerance::default()).check;
                found.push(("wrong, another color".to_owned(), (check.verdict, check.delta_e, None)));
                let alone = measure(None, &after, &[*other], Tolerance::default()).check;
                found.push(("wrong, no picture before".to_owned(), (alone.verdict, alone.delta_e, None)));
            }
            found
        })
        .collect()
}

/// What can go wrong beside the color.
const SPOILED: [&str; 5] =
    ["nothing changed", "half of it recolored", "the whole tinted", "another background", "parts painted over"];

/// An edit from `before` to `truth` that went wrong; `None` where there is nothing that could.
fn spoiled(before: &RgbImage, truth: &RgbImage, asked: Hex, masks: &[GrayImage; 2], kind: &str) -> Option<RgbImage> {
    let [mask, foreground] = masks;
    let inside = |x: u32, y: u32| mask.get_pixel(x, y).0[0] > 127;
    let is_part = |x: u32, y: u32| foreground.get_pixel(x, y).0[0] > 250 && mask.get_pixel(x, y).0[0] < 5;
    let columns: Vec<u32> = mask.enumerate_pixels().filter(|(x, y, _)| inside(*x, *y)).map(|(x, ..)| x).collect();
    let parts = mask.enumerate_pixels().filter(|(x, y, _)| is_part(*x, *y)).count();
    if kind == "parts painted over" && parts * 50 < columns.len() {
        return None;
    }
    let middle = columns.iter().map(|x| f64::from(*x)).sum::<f64>() / columns.len() as f64;
    let lights: Vec<f32> = mask
        .enumerate_pixels()
        .filter(|(x, y, _)| is_part(*x, *y))
        .map(|(x, y, _)| luminance(decode(before.get_pixel(x, y).0)))
        .collect();
    let usual = lights.iter().sum::<f32>() / lights.len().max(1) as f32;
    let under = |shade: f32| asked.linear().map(|channel| (0.02 + channel * shade).min(1.0));
    let tinted = |pixel: Rgb| under(luminance(pixel) * 1.3);
    let painted = |pixel: Rgb| under((luminance(pixel) / usual).clamp(0.6, 1.2));
    let pixel = |x: u32, y: u32| {
        let (old, new) = (decode(before.get_pixel(x, y).0), decode(truth.get_pixel(x, y).0));
        encode(match kind {
            "nothing changed" => old,
            "half of it recolored" if f64::from(x) > middle => old,
            "the whole tinted" => tinted(old),
            "another background" if foreground.get_pixel(x, y).0[0] < 5 => [old[0] * 0.6, old[1] * 0.7, old[2] * 0.8],
            "parts painted over" if is_part(x, y) => painted(old),
            _ => new,
        })
    };
    Some(RgbImage::from_fn(before.width(), before.height(), |x, y| image::Rgb(pixel(x, y))))
}

/// A photograph that the editor recolors, and the same compared with other colors.
fn of_photo(picture: DynamicImage) -> Vec<(String, Case)> {
    let photo = Photo::from_image(picture).resized(1024);
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
        let mut add = |kind: String, wanted: Hex| {
            let check = measure(Some(&before), &after, &[wanted], Tolerance::default()).check;
            found.push((kind, (check.verdict, check.delta_e, None)));
        };
        add("photograph, recolored".to_owned(), asked);
        for kind in MOVES {
            for size in [6.0, 10.0] {
                if let Some(wrong) = moved(asked, kind, size) {
                    add(format!("photograph, wrong by {size:>2} {kind}"), wrong);
                }
            }
        }
        let check = measure(Some(&before), &before, &[asked], Tolerance::default()).check;
        found.push(("photograph, nothing changed".to_owned(), (check.verdict, check.delta_e, None)));
    }
    found
}

fn view(picture: impl Into<DynamicImage>) -> dyehouse::color::View {
    Photo::from_image(picture.into()).reduced(COMPARED_SIDE)
}

fn distorted(picture: &RgbImage, kind: &str) -> RgbImage {
    match kind {
        "jpeg 80" => {
            let mut bytes = Cursor::new(Vec::new());
            let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 80);
            picture.write_with_encoder(encoder).unwrap();
            image::load_from_memory_with_format(bytes.get_ref(), ImageFormat::Jpeg).unwrap().to_rgb8()
        }
        "shift" => RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
            *picture.get_pixel(x.saturating_sub(2), (y + 1).min(picture.height() - 1))
        }),
        "at 640 px" => imageops::resize(picture, 640, 640, imageops::FilterType::Triangle),
        "cast" => RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
            let [r, g, b] = picture.get_pixel(x, y).0.map(f32::from);
            image::Rgb([r + 1.0, g * 0.985 + 1.0, b * 0.96 + 1.0].map(|value| value.min(255.0) as u8))
        }),
        _ => picture.clone(),
    }
}

/// The ways in which a color is moved.
const MOVES: [&str; 4] = ["in hue", "in chroma", "lighter", "darker"];

/// A color that is about `size` in ΔE00 away from `hex` in one way, if there is one in sRGB.
fn moved(hex: Hex, kind: &str, size: f64) -> Option<Hex> {
    let lab = Lab::from(hex.linear());
    let candidates = (1..400).map(|step| {
        let step = f64::from(step) * 0.25;
        match kind {
            "in hue" => {
                let (sine, cosine) = (step / 180.0 * std::f64::consts::PI).sin_cos();
                Lab { l: lab.l, a: lab.a * cosine - lab.b * sine, b: lab.a * sine + lab.b * cosine }
            }
            "in chroma" => {
                let scale = 1.0 - step / 100.0;
                Lab { l: lab.l, a: lab.a * scale, b: lab.b * scale }
            }
            "lighter" => Lab { l: lab.l + step, ..lab },
            _ => Lab { l: lab.l - step, ..lab },
        }
    });
    let far = candidates.into_iter().find(|other| ciede2000(lab, *other) >= size)?;
    let linear = from_lab(far);
    linear.iter().all(|channel| (-0.002..1.002).contains(channel)).then(|| Hex(encode(linear)))
}

fn from_lab(lab: Lab) -> [f32; 3] {
    let y = (lab.l + 16.0) / 116.0;
    let cube = |value: f64| {
        if value > 6.0 / 29.0 { value.powi(3) } else { (value - 4.0 / 29.0) * 3.0 * (6.0f64 / 29.0).powi(2) }
    };
    let [x, y, z] = [cube(y + lab.a / 500.0) * 0.950_455_9, cube(y), cube(y - lab.b / 200.0) * 1.089_057_7];
    [
        (3.240_969_9 * x - 1.537_383_2 * y - 0.498_610_8 * z) as f32,
        (-0.969_243_6 * x + 1.875_967_5 * y + 0.041_555_1 * z) as f32,
        (0.055_630_1 * x - 0.203_977 * y + 1.056_971_5 * z) as f32,
    ]
}

/// How long one check takes on one core, decoding aside.
fn time(product: &Path) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(product).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains('-')));
    paths.sort();
    let photo = |path: &Path| Photo::from_image(image::open(path).unwrap()).resized(1024);
    let (before, after) = (photo(&paths[0]), photo(&paths[1]));
    let asked = [Hex([30, 144, 255])];
    let took = (0..10).map(|_round| {
        let began = Instant::now();
        let (before, after) = (before.reduced(COMPARED_SIDE), after.reduced(COMPARED_SIDE));
        std::hint::black_box(measure(Some(&before), &after, &asked, Tolerance::default()));
        began.elapsed()
    });
    println!("\na check of 1024 px: {:.1} ms", took.min().unwrap().as_secs_f64() * 1000.0);
}
