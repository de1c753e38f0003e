//! Measures how close recolored pictures are to the ground truth, and how long recoloring takes.
//!
//! `DYEHOUSE_CATALOG=folder cargo bench --bench recoloring [product…]` reads renders of products
//! (`folder/<product>/<name>-<HEX>.png`, the same scene in several colors, with `mask.png`), recolors each into each
//! other color, and prints the figures of each product: the ΔE00 to the render of that color inside the mask (mean,
//! median case, 90th percentile of the cases, mean of the 90th percentiles of pixels), at the mask's edge, of the color
//! shown, and to the picture before outside of the mask. The target is the color that the true render shows.
//! `DYEHOUSE_PICTURES=folder` keeps the pictures. The last figure is the time of one picture on one core, which
//! `benches/imagemagick.sh` compares with another tool. The first figure is the memory that a large picture takes in
//! addition to its decoded pixels.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

#[path = "support/memory.rs"]
mod memory;

use std::path::{Path, PathBuf};
use std::time::Instant;

use dyehouse::color::{Change, Hex, Lab, Plane, Rgb, ciede2000, decode, dominant_color, encode, recolor};
use dyehouse::editor;
use dyehouse::photo::Photo;
use memory::memory_over;
use rayon::prelude::*;

struct Render {
    name: String,
    albedo: Hex,
    picture: Plane<Rgb>,
}

#[derive(Clone, Copy, Default)]
struct Case {
    inside: f64,
    ninetieth: f64,
    edge: f64,
    shown: f64,
    outside: f64,
    milliseconds: f64,
}

fn main() {
    let Some(catalog) = std::env::var_os("DYEHOUSE_CATALOG").map(PathBuf::from) else {
        println!("set DYEHOUSE_CATALOG to a folder of renders");
        return;
    };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut products: Vec<PathBuf> = std::fs::read_dir(&catalog).unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_wanted = |path: &Path| wanted.is_empty() || wanted.iter().any(|name| path.ends_with(name));
    products.retain(|path| path.is_dir() && is_wanted(path));
    products.sort();
    let photo = first_photo(&products[0], 4096);
    let memory = memory_over(&[&photo, &photo], || editor::recolor(&mut photo.clone(), to_blue()).unwrap());
    println!("memory of 4096 px: {memory:.1} bytes a pixel over the decoded picture and its copy\n");
    println!("{:<34}  mean  median   90th  90th px   edge  shown  outside     ms", "");
    for hint in [false, true] {
        let mut all = Vec::new();
        for product in &products {
            let name = product.file_name().unwrap().to_string_lossy().into_owned();
            let cases = measure(product, &name, hint);
            print(&name, &cases);
            all.extend(cases);
        }
        print(if hint { "all, source color named" } else { "all, finds the product itself" }, &all);
    }
    time(&products[0]);
}

/// Measures the time of one picture in the editor, from decoded pixels to decoded pixels.
fn time(product: &Path) {
    let photo = first_photo(product, 1024);
    let took = (0..10).map(|_round| {
        let mut photo = photo.clone();
        let began = Instant::now();
        editor::recolor(&mut photo, to_blue()).unwrap();
        began.elapsed()
    });
    println!("\na picture of 1024 px: {:.1} ms", took.min().unwrap().as_secs_f64() * 1000.0);
}

fn to_blue() -> Change {
    Change { from: None, part: None, to: Hex([30, 144, 255]).linear() }
}

/// Returns the first render of a product, scaled to `side` pixels.
fn first_photo(product: &Path, side: u32) -> Photo {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(product).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains('-')));
    paths.sort();
    Photo::from_image(image::open(&paths[0]).unwrap()).resized(side)
}

fn measure(product: &Path, name: &str, hint: bool) -> Vec<Case> {
    let mask = image::open(product.join("mask.png")).unwrap().to_luma8();
    let mask = Plane {
        width: mask.width() as usize,
        height: mask.height() as usize,
        data: mask.pixels().map(|pixel| f32::from(pixel.0[0]) / 255.0).collect(),
    };
    let mut renders: Vec<Render> =
        std::fs::read_dir(product).unwrap().filter_map(|entry| read(&entry.unwrap().path())).collect();
    renders.sort_by(|one, other| one.name.cmp(&other.name));
    let pairs: Vec<(&Render, &Render)> = renders
        .iter()
        .flat_map(|before| renders.iter().map(move |after| (before, after)))
        .filter(|(before, after)| before.name != after.name)
        .collect();
    pairs.par_iter().map(|(before, after)| case(before, after, &mask, name, hint)).collect()
}

fn read(path: &Path) -> Option<Render> {
    let stem = path.file_stem()?.to_str()?;
    let (name, hex) = stem.split_once('-')?;
    let picture = image::open(path).unwrap().to_rgb8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let data = picture.pixels().map(|pixel| decode(pixel.0)).collect();
    Some(Render {
        name: name.to_owned(),
        albedo: format!("#{hex}").parse().ok()?,
        picture: Plane { width, height, data },
    })
}

fn case(before: &Render, after: &Render, mask: &Plane<f32>, product: &str, hint: bool) -> Case {
    let core = |picture: &Plane<Rgb>| -> Vec<Rgb> {
        picture.data.iter().zip(&mask.data).filter(|(_, share)| **share > 0.97).map(|(pixel, _)| *pixel).collect()
    };
    let target = dominant_color(&core(&after.picture)).unwrap();
    let began = Instant::now();
    let change = Change { from: hint.then(|| before.albedo.linear()), part: None, to: target };
    let done = recolor(&before.picture, None, change).unwrap();
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
    let done = done.map(|pixel| decode(encode(pixel)));
    if let Some(folder) = std::env::var_os("DYEHOUSE_PICTURES").map(PathBuf::from) {
        let bytes: Vec<u8> = done.data.iter().flat_map(|pixel| encode(*pixel)).collect();
        let picture = image::RgbImage::from_raw(done.width as u32, done.height as u32, bytes).unwrap();
        picture.save(folder.join(format!("{product}-{}-to-{}-{hint}.png", before.name, after.name))).unwrap();
    }
    let (mut inside, mut edge, mut outside) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..mask.data.len() {
        let off = |truth: &Plane<Rgb>| ciede2000(Lab::from(done.data[place]), Lab::from(truth.data[place]));
        match mask.data[place] {
            share if share > 0.97 => inside.push(off(&after.picture)),
            share if share > 0.03 => edge.push(off(&after.picture)),
            _ => outside.push(off(&before.picture)),
        }
    }
    inside.sort_by(f64::total_cmp);
    Case {
        inside: mean(&inside),
        ninetieth: inside[inside.len() * 9 / 10],
        edge: mean(&edge),
        shown: ciede2000(Lab::from(dominant_color(&core(&done)).unwrap()), Lab::from(target)),
        outside: mean(&outside),
        milliseconds,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn print(name: &str, cases: &[Case]) {
    let of = |value: fn(&Case) -> f64| mean(&cases.iter().map(value).collect::<Vec<_>>());
    let mut sorted: Vec<f64> = cases.iter().map(|case| case.inside).collect();
    sorted.sort_by(f64::total_cmp);
    println!(
        "{name:<34} {:>5.2}  {:>6.2} {:>6.2}   {:>6.2} {:>6.2} {:>6.2}   {:>6.2} {:>6.0}",
        of(|case| case.inside),
        sorted[sorted.len() / 2],
        sorted[sorted.len() * 9 / 10],
        of(|case| case.ninetieth),
        of(|case| case.edge),
        of(|case| case.shown),
        of(|case| case.outside),
        of(|case| case.milliseconds),
    );
}
