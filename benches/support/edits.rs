//! Edits of renders and photographs: right ones as services return them, and wrong ones of known kinds.

use std::io::Cursor;

use dyehouse::color::{Hex, Lab, Rgb, Verdict, ciede2000, decode, encode, luminance};
use image::{GrayImage, ImageFormat, RgbImage, imageops};

/// Typical changes of right edits by services.
pub(crate) const DISTORTIONS: [&str; 7] =
    ["as it is", "jpeg 80", "shift", "shift of 2 %", "3 % closer", "at 640 px", "cast"];

/// Errors other than a wrong color, with the expected verdict.
pub(crate) const SPOILED: [(&str, Verdict); 11] = [
    ("nothing changed", Verdict::Off),
    ("another object recolored", Verdict::Off),
    ("greyed out", Verdict::Off),
    ("half of it recolored", Verdict::Near),
    ("three quarters of it recolored", Verdict::Near),
    ("a square of it not recolored", Verdict::Near),
    ("an object added", Verdict::Near),
    ("filled flat", Verdict::Near),
    ("parts painted over", Verdict::Near),
    ("background tinted", Verdict::Near),
    ("the whole tinted", Verdict::Near),
];

/// The directions in which a color is moved.
pub(crate) const MOVES: [&str; 4] = ["in hue", "in chroma", "lighter", "darker"];

/// The distances by which a color is moved, in ΔE00.
pub(crate) const SIZES: [f64; 4] = [4.0, 6.0, 8.0, 10.0];

/// The minimum ΔE00 of a visible change.
const VISIBLE: f64 = 8.0;

/// A picture, the right edit of it, and the soft masks of the recolored part and of the whole product.
pub(crate) struct Edit<'e> {
    pub(crate) before: &'e RgbImage,
    pub(crate) truth: &'e RgbImage,
    pub(crate) asked: Hex,
    pub(crate) mask: &'e GrayImage,
    pub(crate) foreground: &'e GrayImage,
}

impl Edit<'_> {
    pub(crate) fn is_product(&self, x: u32, y: u32) -> bool {
        self.mask.get_pixel(x, y).0[0] > 127
    }

    fn is_part(&self, x: u32, y: u32) -> bool {
        self.foreground.get_pixel(x, y).0[0] > 250 && self.mask.get_pixel(x, y).0[0] < 5
    }

    fn is_ground(&self, x: u32, y: u32) -> bool {
        self.foreground.get_pixel(x, y).0[0] < 5
    }

    /// Returns the mean color in linear light of the pixels for which `is_wanted` holds.
    pub(crate) fn mean(picture: &RgbImage, is_wanted: impl Fn(u32, u32) -> bool) -> Rgb {
        let (mut sum, mut count) = ([0.0f32; 3], 0.0);
        for (.., pixel) in picture.enumerate_pixels().filter(|(x, y, _)| is_wanted(*x, *y)) {
            sum.iter_mut().zip(decode(pixel.0)).for_each(|(sum, channel)| *sum += channel);
            count += 1.0;
        }
        sum.map(|sum| sum / f32::max(count, 1.0))
    }

    /// Returns the edit with a kind of error; `None` if the error would be invisible.
    pub(crate) fn spoiled(&self, kind: &str) -> Option<RgbImage> {
        let columns: Vec<u32> =
            self.mask.enumerate_pixels().filter(|(x, y, _)| self.is_product(*x, *y)).map(|(x, ..)| x).collect();
        let middle = columns.iter().map(|x| f64::from(*x)).sum::<f64>() / columns.len() as f64;
        let (first, last) = (columns.iter().min().unwrap_or(&0), columns.iter().max().unwrap_or(&0));
        let last_quarter = last - (last - first) / 4;
        let parts = Edit::mean(self.before, |x, y| self.is_part(x, y));
        let body = Edit::mean(self.before, |x, y| self.is_product(x, y));
        // A fifth of the product's width on each side of its middle.
        let square = f64::from(last - first) / 5.0;
        let rows: Vec<f64> = self
            .mask
            .enumerate_pixels()
            .filter(|(x, y, _)| self.is_product(*x, *y))
            .map(|(_, y, _)| f64::from(y))
            .collect();
        let center = [middle, rows.iter().sum::<f64>() / rows.len() as f64];
        let is_in_square =
            |x: u32, y: u32| [x, y].iter().zip(center).all(|(at, center)| (f64::from(*at) - center).abs() < square);
        let corner = self.before.width() / 5;
        let is_about_parts = matches!(kind, "parts painted over" | "another object recolored");
        // Parts that look like the product cannot be distinguished from it.
        if is_about_parts && ciede2000(Lab::from(parts), Lab::from(body)) < VISIBLE {
            return None;
        }
        let under = |shade: f32| self.asked.linear().map(|channel| (0.02 + channel * shade).min(1.0));
        let painted = |pixel: Rgb| under((luminance(pixel) / luminance(parts).max(1e-3)).clamp(0.6, 1.2));
        let pixel = |x: u32, y: u32| {
            let [old, new] = [self.before, self.truth].map(|picture| decode(picture.get_pixel(x, y).0));
            encode(match kind {
                "nothing changed" => old,
                "another object recolored" => {
                    if self.is_part(x, y) {
                        painted(old)
                    } else {
                        old
                    }
                }
                "greyed out" if self.is_product(x, y) => [luminance(old); 3],
                "half of it recolored" if f64::from(x) > middle => old,
                "three quarters of it recolored" if x > last_quarter => old,
                "a square of it not recolored" if is_in_square(x, y) => old,
                "an object added" if x < corner && y < corner => [0.58, 0.045, 0.35],
                "filled flat" if self.is_product(x, y) => self.asked.linear(),
                "parts painted over" if self.is_part(x, y) => painted(old),
                "background tinted" if self.is_ground(x, y) => [old[0] * 0.6, old[1] * 0.7, old[2] * 0.8],
                "the whole tinted" => under(luminance(old) * 1.3),
                _ => new,
            })
        };
        let spoiled = RgbImage::from_fn(self.before.width(), self.before.height(), |x, y| image::Rgb(pixel(x, y)));
        let is_wrong = |(wrong, right): (&image::Rgb<u8>, &image::Rgb<u8>)| {
            ciede2000(Lab::from(decode(wrong.0)), Lab::from(decode(right.0))) > VISIBLE
        };
        let wrong = spoiled.pixels().zip(self.truth.pixels()).filter(|pair| is_wrong(*pair)).count();
        let is_flat = kind == "filled flat";
        (is_flat || wrong * 50 > columns.len()).then_some(spoiled)
    }
}

/// Returns a right edit with a change by a service.
pub(crate) fn distorted(picture: &RgbImage, kind: &str) -> RgbImage {
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
        "shift of 2 %" => RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
            let (across, down) = (picture.width() / 50, picture.height() / 50);
            *picture.get_pixel(x.saturating_sub(across), (y + down).min(picture.height() - 1))
        }),
        "3 % closer" => {
            let (width, height) = picture.dimensions();
            let inner =
                imageops::crop_imm(picture, width * 3 / 200, height * 3 / 200, width * 97 / 100, height * 97 / 100);
            imageops::resize(&inner.to_image(), width, height, imageops::FilterType::Triangle)
        }
        "at 640 px" => imageops::resize(picture, 640, 640, imageops::FilterType::Triangle),
        "cast" => RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
            let [r, g, b] = picture.get_pixel(x, y).0.map(f32::from);
            image::Rgb([r + 1.0, g * 0.985 + 1.0, b * 0.96 + 1.0].map(|value| value.min(255.0) as u8))
        }),
        _ => picture.clone(),
    }
}

/// Returns a color at a distance of about `size` in ΔE00 from `hex` in one direction, if there is one in sRGB.
pub(crate) fn moved(hex: Hex, kind: &str, size: f64) -> Option<Hex> {
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
