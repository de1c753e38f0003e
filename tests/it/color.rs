//! `dyehouse color`: measuring and changing the colors of single pictures, valid and invalid ones.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use crate::support::{Sandbox, code};

const GROUND: [u8; 3] = [235, 235, 235];

/// Returns a picture of 120 pixels per side with a disc of `color` on a light background.
fn disc(color: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(120, 120, |x, y| {
        let (x, y) = (x as f32 - 60.0, y as f32 - 60.0);
        let shade = 0.8 + 0.2 * (y / 40.0);
        let body = color.map(|channel| (f32::from(channel) * shade.min(1.0)) as u8);
        Rgb(if x.hypot(y) < 40.0 { body } else { GROUND })
    })
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    encoded(picture, ImageFormat::Png)
}

#[test]
fn a_recolored_picture_measures_as_the_requested_color() {
    let sandbox = Sandbox::new();
    sandbox.write("mug.jpg", encoded(disc([198, 40, 40]), ImageFormat::Jpeg));
    let printed = code(&sandbox.run("color recolor mug.jpg --to #1E90FF -o ocean.png"), 0);
    assert!(printed.starts_with("verdict   on\nasked     #1E90FF\nshown     #"), "{printed}");
    let printed = code(&sandbox.run("color measure mug.jpg ocean.png --to dodgerblue --json"), 0);
    let check: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&check["verdict"], &check["asked"]), (&"on".into(), &"#1E90FF".into()), "{printed}");
    assert!((check["region"].as_f64().unwrap() - 0.349).abs() < 0.03, "{printed}");
    code(&sandbox.run("color measure mug.jpg ocean.png --to #B22222"), 3);
    let alone = code(&sandbox.run("color measure ocean.png --to #1E90FF"), 0);
    assert!(alone.contains("without the picture before"), "{alone}");
}

#[test]
fn an_edit_that_is_framed_differently_is_measured_like_any_other() {
    let sandbox = Sandbox::new();
    let label = |mut picture: RgbImage| {
        for (x, y) in (30..90).flat_map(|x| (55..66).map(move |y| (x, y))) {
            picture.put_pixel(x, y, Rgb([40, 32, 30]));
        }
        image::imageops::resize(&picture, 600, 600, image::imageops::Triangle)
    };
    let (before, after) = (label(disc([198, 40, 40])), label(disc([30, 144, 255])));
    sandbox.write("mug.png", png(before));
    let closer = image::imageops::crop_imm(&after, 20, 4, 570, 570).to_image();
    sandbox.write("closer.png", png(image::imageops::resize(&closer, 600, 600, image::imageops::Triangle)));
    let printed = code(&sandbox.run("color measure mug.png closer.png --to #1B80E3"), 0);
    assert!(printed.starts_with("verdict   on\n"), "{printed}");
}

#[test]
fn only_the_named_color_is_changed() {
    let sandbox = Sandbox::new();
    let mut picture = disc([198, 40, 40]);
    for (x, y) in (45..75).flat_map(|x| (60..80).map(move |y| (x, y))) {
        picture.put_pixel(x, y, Rgb([30, 60, 190]));
    }
    sandbox.write("mug.png", png(picture));
    code(&sandbox.run("color recolor mug.png --from #1E3CBE --to seagreen -o band.png"), 0);
    let done = image::open(sandbox.path("band.png")).unwrap().to_rgb8();
    let [red, green, blue] = done.get_pixel(60, 70).0;
    assert!(green > red + 40 && green > blue + 20, "{:?}", done.get_pixel(60, 70));
    let [red, green, _] = done.get_pixel(60, 40).0;
    assert!(red > green + 80, "the disc stays red");
}

#[test]
fn pictures_without_a_product_and_broken_ones_have_different_errors() {
    let sandbox = Sandbox::new();
    let mut header = b"GIF89a".to_vec();
    header.extend([20_000u16.to_le_bytes(), 20_000u16.to_le_bytes()].concat());
    header.extend([0, 0, 0, 0x2C]);
    let whole = png(disc([198, 40, 40]));
    let jpeg = encoded(disc([198, 40, 40]), ImageFormat::Jpeg);
    for (name, content, ending, part) in [
        ("speck.png", png(RgbImage::new(1, 1)), 1, "no product could be distinguished from the background"),
        ("clear.png", png(RgbaImage::new(90, 90)), 1, "no product could be distinguished from the background"),
        ("large.gif", header, 1, "failed to read large.gif: "),
        ("wide.png", png(RgbImage::new(16_385, 1)), 1, "failed to read wide.png: it is over 16384 pixels a side"),
        ("torn.png", whole[..whole.len() / 2].to_vec(), 1, "failed to read torn.png: "),
        ("torn.jpg", jpeg[..jpeg.len() / 2].to_vec(), 1, "failed to read torn.jpg: the JPEG is cut off"),
        ("text.jpg", b"<html>not found</html>".to_vec(), 1, "failed to read text.jpg: "),
        ("wall.png", png(RgbImage::from_pixel(90, 90, Rgb([120, 130, 140]))), 0, "verdict "),
        ("grey.png", png(DynamicImage::from(disc([90, 90, 90])).into_luma8()), 0, "verdict   on"),
        ("cmyk.jpg", include_bytes!("pictures/cmyk.jpg").to_vec(), 0, "verdict   on"),
        ("same.png", png(disc([30, 144, 255])), 0, "verdict   on"),
    ] {
        sandbox.write(name, content);
        let printed = code(&sandbox.run(&format!("color recolor {name} --to #1E90FF -o out.png")), ending);
        assert!(printed.contains(part), "{name}: {printed}");
    }
}

#[test]
fn a_color_that_cannot_be_measured_has_a_reason() {
    let sandbox = Sandbox::new();
    sandbox.write("speck.png", png(RgbImage::new(1, 1)));
    sandbox.write("clear.png", png(RgbaImage::from_pixel(90, 90, Rgba([9, 9, 9, 0]))));
    sandbox.write("wide.png", png(image::imageops::resize(&disc([198, 40, 40]), 240, 60, image::imageops::Triangle)));
    sandbox.write("mug.png", png(disc([198, 40, 40])));
    sandbox.write("flat.png", png(RgbImage::from_pixel(120, 120, Rgb([120, 130, 140]))));
    sandbox.write("bright.png", png(disc([240, 200, 20])));
    for (pictures, reason) in [
        ("speck.png bright.png", "the picture before is too small, so"),
        ("clear.png bright.png", "the picture before is transparent, so"),
        ("flat.png bright.png", "the picture before shows no product, so"),
        ("speck.png speck.png", "the picture is too small"),
        ("mug.png clear.png", "the picture is transparent"),
        ("mug.png wide.png", "the picture before has another shape"),
    ] {
        let printed = code(&sandbox.run(&format!("color measure {pictures} --to #1E90FF")), 3);
        assert!(printed.starts_with("verdict   unmeasurable\n") && printed.contains(reason), "{printed}");
    }
    code(&sandbox.run("color recolor mug.png --to #1E90FF -o ocean.png"), 0);
    for before in ["clear.png", "flat.png"] {
        let printed = code(&sandbox.run(&format!("color measure {before} ocean.png --to #1E90FF")), 0);
        assert!(printed.starts_with("verdict   on\n") && printed.contains("in the result alone"), "{printed}");
    }
    let mut tinted = disc([30, 144, 255]);
    tinted.pixels_mut().filter(|pixel| pixel.0 == GROUND).for_each(|pixel| pixel.0 = [29, 139, 248]);
    sandbox.write("navy.png", png(disc([25, 60, 110])));
    sandbox.write("tinted.png", png(tinted));
    let printed = sandbox.run("color measure navy.png tinted.png --to #1E90FF");
    let printed = String::from_utf8_lossy(&printed.stdout);
    assert!(printed.starts_with("verdict   near\n") && printed.contains("the background was changed too"), "{printed}");
    let printed = code(&sandbox.run("color measure mug.png mug.png --to #1E90FF"), 3);
    assert!(printed.starts_with("verdict   off\n") && printed.contains("nothing was changed"), "{printed}");
}

#[test]
fn an_unchanged_picture_is_off_even_if_a_part_of_it_has_the_color() {
    let sandbox = Sandbox::new();
    let mut picture = disc([198, 40, 40]);
    let part = disc([30, 144, 255]);
    for (x, y) in (66..120).flat_map(|x| (0..120).map(move |y| (x, y))) {
        picture.put_pixel(x, y, *part.get_pixel(x, y));
    }
    sandbox.write("ball.png", png(picture));
    let printed = code(&sandbox.run("color measure ball.png ball.png --to #1E90FF"), 3);
    assert!(printed.starts_with("verdict   off\n") && printed.contains("nothing was changed\n"), "{printed}");
    let printed = code(&sandbox.run("color measure ball.png ball.png --to #AB2222"), 0);
    assert!(printed.contains("the product already had the color"), "{printed}");
}

#[test]
fn a_product_that_already_had_the_color_is_on_if_compression_changed_some_of_its_pixels() {
    let sandbox = Sandbox::new();
    let before = disc([30, 144, 255]);
    let mut after = before.clone();
    for (x, y) in (56..64).flat_map(|x| (56..64).map(move |y| (x, y))) {
        after.put_pixel(x, y, Rgb([90, 165, 240]));
    }
    sandbox.write("blue.png", png(before));
    sandbox.write("noisy.png", png(after));
    let printed = code(&sandbox.run("color measure blue.png noisy.png --to #1A7CDC"), 0);
    assert!(printed.starts_with("verdict   on\n") && printed.contains("already had the color"), "{printed}");
}

#[test]
fn only_the_first_frame_of_an_animation_is_used_which_is_reported() {
    let sandbox = Sandbox::new();
    let mut gif = Vec::new();
    let frames =
        [[198, 40, 40], [40, 198, 40]].map(|color| image::Frame::new(DynamicImage::from(disc(color)).into_rgba8()));
    image::codecs::gif::GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
    sandbox.write("mug.gif", gif);
    let printed = code(&sandbox.run("color recolor mug.gif --to navy -o navy.png"), 0);
    assert!(printed.contains("mug.gif is animated: only its first frame is used"), "{printed}");
}

#[test]
fn wrong_usage_is_reported_with_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.write("mug.png", png(disc([198, 40, 40])));
    let printed = code(&sandbox.run("color recolor mug.png --to #12 -o out.png"), 2);
    assert!(printed.contains("write a hex such as #1E90FF"), "{printed}");
    let printed = code(&sandbox.run("color recolor mug.png --to navy -o out.jpg"), 2);
    assert!(printed.contains("hint: name it out.png"), "{printed}");
    let printed = code(&sandbox.run("color recolor mug.png --to navy -o missing/out.png"), 1);
    assert!(printed.contains("failed to write missing/out.png: "), "{printed}");
    let printed = code(&sandbox.run("color measure gone.png mug.png --to navy"), 1);
    assert!(printed.contains("failed to read gone.png: "), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_recolored_picture_replaces_other_files_and_never_its_original() {
    let sandbox = Sandbox::new();
    let original = png(disc([198, 40, 40]));
    sandbox.write("mug.png", &original);
    std::fs::hard_link(sandbox.path("mug.png"), sandbox.path("hard.png")).unwrap();
    std::os::unix::fs::symlink("mug.png", sandbox.path("link.png")).unwrap();
    for out in ["mug.png", "./mug.png", "hard.png", "link.png"] {
        let printed = code(&sandbox.run(&format!("color recolor mug.png --to navy -o {out}")), 2);
        assert!(printed.contains(&format!("failed to write {out}: it is the picture that is recolored")), "{printed}");
        assert!(printed.contains("-recolored.png"), "{printed}");
    }
    assert!(std::fs::read(sandbox.path("mug.png")).unwrap() == original);
    sandbox.write("out.png", "an earlier one");
    code(&sandbox.run("color recolor mug.png --to navy -o out.png"), 0);
    assert!(std::fs::read(sandbox.path("out.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_truncated_local_picture_is_detected_before_its_edit_is_paid_for() {
    let sandbox = Sandbox::new();
    let jpeg = encoded(disc([198, 40, 40]), ImageFormat::Jpeg);
    sandbox.write("mug.jpg", &jpeg[..jpeg.len() / 2]);
    sandbox.write("catalog.csv", "id,prompt,images\nmug,Make it #1E90FF,mug.jpg\n");
    for command in ["check catalog.csv", "run catalog.csv --backend embedded -o out"] {
        let printed = code(&sandbox.run(command), 2);
        assert!(printed.contains("mug.jpg") && printed.contains("the JPEG is cut off"), "{printed}");
    }
}

#[test]
fn a_prompt_that_names_the_color_before_by_its_hex_is_judged_by_the_requested_one_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("mug.png", png(disc([198, 40, 40])));
    let prompts = [
        "Change the mug from #C62828 to #1E90FF",
        "Replace #C62828 by #1E90FF on the mug",
        "Replace #C62828 with #1E90FF",
        "The #C62828 mug should become #1E90FF",
        "Make the mug #1E90FF instead of #C62828",
        "\"Make the mug #1E90FF, not #C62828\"",
    ];
    let rows: String = (1..).zip(prompts).map(|(row, prompt)| format!("p{row},{prompt},mug.png\n")).collect();
    sandbox.write("catalog.csv", format!("id,prompt,images\n{rows}"));
    let checked = code(&sandbox.run("check catalog.csv --backend embedded"), 0);
    assert!(checked.contains("colors: #1E90FF ×6\n"), "{checked}");
    let printed = code(&sandbox.run("run catalog.csv --backend embedded"), 0);
    assert!(printed.contains("6 on"), "{printed}");
}

#[test]
fn a_picture_in_base64_without_padding_is_used_like_any_other() {
    let sandbox = Sandbox::new();
    let mut picture = png(disc([198, 40, 40]));
    // Anything may follow the end of a picture. With this length, base64 has padding.
    picture.resize(picture.len().next_multiple_of(3) + 1, 0);
    let padded = BASE64_STANDARD.encode(&picture);
    let digits = padded.strip_suffix("==").unwrap();
    let prompt = "Make the mug #1E90FF";
    sandbox.write("catalog.csv", format!("id,prompt,images\nmug,{prompt},\"data:image/png;base64,{digits}\"\n"));
    code(&sandbox.run("run catalog.csv --backend embedded -o out"), 0);
    let job = &sandbox.json("out/report/summary.json")["jobs"];
    assert_eq!(job["completed"], 1, "{job}");
    let table = sandbox.read("out/report/results.csv");
    assert!(table.contains(",on,"), "{table}");
    assert!(sandbox.read("out/journal.jsonl").contains("\"region\":"), "it is compared with the picture before");
    let names = sandbox.names("out/report/inputs");
    assert_eq!(std::fs::read(sandbox.path(&format!("out/report/inputs/{}", names[0]))).unwrap(), picture);
}
