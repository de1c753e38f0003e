//! Results that the user has changed: they remain the job's pictures, wherever they are moved.

use std::fs;
use std::io::Cursor;
use std::process::Output;

use image::{ImageFormat, Rgb, RgbImage};

use crate::support::{Behavior, Provider, Sandbox, code};

/// Runs of manifests with rows of an id and a color, with a provider that forgets a prediction once it was downloaded.
struct Nights {
    sandbox: Sandbox,
    provider: Provider,
}

const MUG: (&str, &str) = ("mug", "#FF0000");
const BLUE_MUG: (&str, &str) = ("mug", "#0000FF");
const VASE: (&str, &str) = ("vase", "#FF0000");

impl Nights {
    fn with(outputs: usize, rows: &[(&str, &str)]) -> Nights {
        let behavior = Behavior { outputs, ..Behavior::default() };
        let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(behavior) };
        code(&nights.night(rows, ""), 0);
        nights.provider.behave(Behavior { outputs, forgets: true, ..Behavior::default() });
        nights
    }

    fn night(&self, rows: &[(&str, &str)], arguments: &str) -> Output {
        self.sandbox.edits("catalog.csv", rows);
        let arguments = format!("run catalog.csv -o out --no-color-check --rate 100/s --burst 9 {arguments}");
        self.provider.client(&self.sandbox, &arguments).output().unwrap()
    }

    /// Appends a byte to a result, and returns its content.
    fn retouch(&self, name: &str) -> Vec<u8> {
        let mut bytes = self.result(name);
        bytes.push(0);
        self.sandbox.write(&format!("out/results/{name}"), &bytes);
        bytes
    }

    fn result(&self, name: &str) -> Vec<u8> {
        fs::read(self.sandbox.path("out/results").join(name)).unwrap()
    }

    /// Whether the picture is anywhere in a folder.
    fn is_in(&self, folder: &str, picture: &[u8]) -> bool {
        let folder = self.sandbox.path(&format!("out/{folder}"));
        fs::read_dir(folder).unwrap().any(|entry| fs::read(entry.unwrap().path()).unwrap() == picture)
    }
}

#[test]
fn a_retouched_picture_is_kept_and_reported_on_every_run() {
    let nights = Nights::with(1, &[MUG, VASE]);
    let retouched = nights.retouch("mug.png");
    let requests = nights.provider.requests();
    for _night in 0..2 {
        let printed = code(&nights.night(&[MUG, VASE], ""), 0);
        assert!(printed.starts_with("nothing to do"), "{printed}");
        assert!(printed.contains("  retouched 1 job with pictures changed since they were saved"), "{printed}");
    }
    assert_eq!((nights.provider.requests(), nights.result("mug.png")), (requests, retouched.clone()));
    let summary = nights.sandbox.json("out/report/summary.json");
    assert_eq!(summary["retouched"].as_u64(), Some(1));
    let results = nights.sandbox.read("out/report/results.csv");
    assert!(results.lines().nth(1).unwrap().ends_with(",true,") && results.lines().nth(2).unwrap().ends_with(','));
}

#[test]
fn an_empty_file_is_not_a_picture_and_is_fetched_again() {
    let nights = Nights::with(1, &[MUG]);
    let picture = nights.result("mug.png");
    nights.provider.behave(Behavior::default());
    nights.sandbox.write("out/results/mug.png", "");
    code(&nights.night(&[MUG], ""), 0);
    assert_eq!((nights.result("mug.png"), nights.provider.accepted()), (picture, 1));
}

#[test]
fn a_retouched_picture_moves_to_earlier_with_its_row_and_returns_with_it() {
    let nights = Nights::with(2, &[MUG, VASE]);
    let retouched = [nights.retouch("mug.png"), nights.retouch("mug-2.png")];
    let printed = code(&nights.night(&[VASE], "--prune"), 0);
    assert!(printed.contains("the pictures were moved to earlier/"), "{printed}");
    assert_eq!(nights.sandbox.names("out/results"), ["vase-2.png", "vase.png"]);
    assert!(retouched.iter().all(|picture| nights.is_in("earlier", picture)));
    let printed = code(&nights.night(&[MUG, VASE], "--retry-failed"), 0);
    assert!(printed.contains(", 1 restored from earlier/,") && !printed.contains("left to do"), "{printed}");
    assert!(printed.contains("retouched 1 job"), "{printed}");
    assert_eq!([nights.result("mug.png"), nights.result("mug-2.png")], retouched);
    assert_eq!(nights.provider.accepted(), 2);
}

#[test]
fn a_retouched_picture_is_restored_after_a_power_failure_at_any_step_of_the_move() {
    let nights = Nights::with(1, &[MUG, VASE]);
    let retouched = nights.retouch("mug.png");
    code(&nights.night(&[VASE], "--prune"), 0);
    let aside = nights.sandbox.names("out/earlier");
    let aside = nights.sandbox.path("out/earlier").join(&aside[0]);
    let place = nights.sandbox.path("out/results/mug.png");
    // A power failure after the record, before the picture was moved.
    fs::rename(&aside, &place).unwrap();
    code(&nights.night(&[VASE], "--prune"), 0);
    assert_eq!(fs::read(&aside).unwrap(), retouched, "the next one moves it");
    fs::rename(&aside, &place).unwrap();
    code(&nights.night(&[MUG, VASE], ""), 0);
    assert_eq!((nights.result("mug.png"), nights.provider.accepted()), (retouched, 2));
}

#[test]
fn a_retouched_picture_is_set_aside_for_another_edit_of_its_row_and_returns_when_that_is_undone() {
    let nights = Nights::with(1, &[MUG]);
    let red = nights.retouch("mug.png");
    nights.provider.behave(Behavior::default());
    code(&nights.night(&[BLUE_MUG], ""), 0);
    assert!(nights.is_in("earlier", &red));
    let blue = nights.retouch("mug.png");
    nights.provider.behave(Behavior { forgets: true, ..Behavior::default() });
    for _again in 0..2 {
        code(&nights.night(&[MUG], "--retry-failed"), 0);
        assert_eq!(nights.result("mug.png"), red);
        assert!(nights.is_in("earlier", &blue));
        code(&nights.night(&[BLUE_MUG], "--retry-failed"), 0);
        assert_eq!(nights.result("mug.png"), blue);
    }
    assert_eq!(nights.provider.accepted(), 2);
}

#[test]
fn a_retouched_picture_is_restored_after_a_power_failure_before_the_record() {
    let nights = Nights::with(1, &[MUG]);
    let red = nights.retouch("mug.png");
    nights.provider.behave(Behavior::default());
    code(&nights.night(&[BLUE_MUG], ""), 0);
    let blue = nights.retouch("mug.png");
    nights.provider.behave(Behavior { forgets: true, ..Behavior::default() });
    let before = nights.sandbox.read("out/journal.jsonl");
    code(&nights.night(&[MUG], ""), 0);
    nights.sandbox.rewind("out", before);
    for _again in 0..2 {
        code(&nights.night(&[MUG], "--retry-failed"), 0);
        assert_eq!(nights.result("mug.png"), red);
        assert!(nights.is_in("earlier", &blue));
    }
}

/// Returns a folder with a picture of a red disc on a light background, of which the embedded editor makes a blue one
/// that should have `color`.
pub fn disc_to_show(color: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let disc = RgbImage::from_fn(160, 160, |x, y| {
        let (x, y) = (x as f32 - 80.0, y as f32 - 80.0);
        let body = [198.0, 40.0, 40.0].map(|channel| (channel * (0.8 + 0.2 * (y / 55.0).min(1.0))) as u8);
        Rgb(if x.hypot(y) < 55.0 { body } else { [235; 3] })
    });
    let mut png = Cursor::new(Vec::new());
    disc.write_to(&mut png, ImageFormat::Png).unwrap();
    sandbox.write("disc.png", png.into_inner());
    let row = format!("mug,Make it #1E90FF,disc.png,small,{color}");
    sandbox.write("catalog.csv", format!("id,prompt,images,size,color\n{row}\n"));
    sandbox
}

#[test]
fn a_retouched_picture_is_not_rerolled_for_the_color_it_missed_before() {
    let sandbox = disc_to_show("#B22222");
    let night = |arguments: &str| sandbox.run(&format!("run catalog.csv -o out --backend embedded {arguments}"));
    assert!(code(&night(""), 3).contains("1 off"));
    sandbox.write("out/results/mug.png", "retouched");
    let printed = code(&night("--reroll 2"), 0);
    assert!(printed.contains("1 unmeasurable") && printed.starts_with("nothing to do"), "{printed}");
    assert_eq!(sandbox.read("out/results/mug.png"), "retouched");
    assert_eq!(sandbox.json("out/report/summary.json")["attempts"].as_u64(), Some(1));
    let results = sandbox.read("out/report/results.csv");
    assert!(results.contains("changed by hand since it was saved, and not measured"), "{results}");
}

#[test]
fn the_color_lock_does_not_change_retouched_pictures_before_or_after_a_correction() {
    for lock_at_once in ["", "--color-lock"] {
        let sandbox = disc_to_show("#2080E0");
        let night = |arguments: &str| sandbox.run(&format!("run catalog.csv -o out --backend embedded {arguments}"));
        let printed = code(&night(lock_at_once), 0);
        let is_locked = !lock_at_once.is_empty();
        assert!(printed.contains("1 near") != is_locked, "{printed}");
        assert_eq!(sandbox.path("out/originals").exists(), is_locked);
        sandbox.write("out/results/mug.png", "retouched");
        for arguments in ["--color-lock", "--color-lock --tolerance 2", "--tolerance 2"] {
            code(&night(arguments), 0);
            assert_eq!(sandbox.read("out/results/mug.png"), "retouched");
        }
    }
}
