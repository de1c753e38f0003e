//! A short, deterministic form of fuzzing: valid inputs are mutated, based on a seed.

mod targets;

use std::io::Cursor;

use crate::support::number;

const JOURNAL: &str = concat!(
    r#"{"v":1,"at":"2026-11-24T02:09:00.947Z","type":"run","manifest":"manifests/quickstart.yaml","backend":"embedded","program":"0.1.0","jobs":{"total":12,"completed":0,"failed":0,"uncertain":0,"pending":12}}"#,
    "\n",
    r#"{"v":1,"at":"2026-11-24T02:09:00.947Z","job":"mug-ocean","fingerprint":"ac4a2b149129712216990577db58a288","type":"intent","attempt":1,"reserved_cents":7}"#,
    "\n",
    r#"{"v":1,"at":"2026-11-24T02:09:00.95Z","job":"mug-ocean","fingerprint":"ac4a2b149129712216990577db58a288","type":"accepted","prediction":"6249bf1d-8d22-4068-91cb-a0bbef08fc7c","cost_cents":7}"#,
    "\n",
    r#"{"v":1,"at":"2026-11-24T02:09:01.514Z","job":"mug-ocean","fingerprint":"ac4a2b149129712216990577db58a288","type":"generated","outputs":1}"#,
    "\n",
    r#"{"v":1,"at":"2026-11-24T02:09:01.53Z","job":"mug-ocean","fingerprint":"ac4a2b149129712216990577db58a288","type":"fetched","files":[{"name":"mug-ocean.png","bytes":192399,"blake3":"4212446119196c7ac8b3a60f3227c91e7ca82e9fc938a116aec2068181bdaf91","width":800,"height":800}]}"#,
    "\n",
    r#"{"v":1,"at":"2026-11-24T02:09:01.53Z","job":"mug-ocean","fingerprint":"ac4a2b149129712216990577db58a288","type":"completed"}"#,
    "\n",
);
const ANSWERS: [&[u8]; 4] = [
    b"\x0a{\"id\":\"123e4567-e89b-12d3-a456-426614174000\",\"status\":\"processing\",\"costCents\":7}",
    b"\x0a{\"id\":\"p\",\"status\":\"completed\",\"outputs\":[\"https://a.example/1.png\",\"data:image/png;base64,AA==\"]}",
    b"\x28{\"error\":{\"message\":\"busy, retry in ~5s\",\"code\":\"rate_limited\"},\"retry_after\":3}",
    b"\x32<html>bad gateway</html>",
];
const TABLE: &str = "\u{feff}id,prompt,images,size,seed\na,\"make it #1E90FF\",https://a.example/1.jpg|https://a.example/2.jpg,small,7\n";
const DOCUMENT: &str = "version: 1\nrun: {rate: 10/min, budget: 2.5}\ndefaults: &d {size: medium}\njobs:\n- id: a\n  prompt: \"make it #1E90FF\"\n  images: [https://a.example/1.jpg]\n  seed: 0\n- {prompt: b, images: c.png}\n";
const URIS: [&[u8]; 2] = [b"data:image/png;base64,iVBORw0KGgo=", b"data:image/svg+xml,%3Csvg/%3E"];
const INSTRUCTIONS: [&[u8]; 3] = [
    b"Change the mug's color from red to #1E90FF (ocean), keep the background",
    b"Recolor the lid to navy and the body into \"#fff\"; keep the logo",
    b"paint it black",
];

/// Mutates `bytes`: bits, bytes and ranges are changed, duplicated, removed, or replaced by difficult input.
fn mangled(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    const STUMBLES: [&[u8]; 14] = [
        b"\0",
        b"\xff\xfe",
        b"\"",
        b"\n",
        b"{",
        b"[[[[[[[[",
        b"99999999999999999999",
        b"-1",
        b"1e999",
        b"null",
        b"\xe2\x80\xae",
        b"&a *a",
        b"%",
        b"#",
    ];
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        let end = random.usize(at..=bytes.len().min(at + 16));
        match random.u8(..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let stretch = bytes[at..end].to_vec();
                let times = random.usize(1..20);
                drop(bytes.splice(at..at, stretch.repeat(times)));
            }
            4 => drop(bytes.splice(at..end, STUMBLES[random.usize(..STUMBLES.len())].iter().copied())),
            _ => bytes.insert(at, random.u8(..)),
        }
    }
    bytes
}

fn fuzz(target: fn(&[u8]), seeds: &[&[u8]], usual: u64) {
    for round in 0..number("DYEHOUSE_FUZZ").unwrap_or(usual) {
        let mut random = fastrand::Rng::with_seed(round);
        let seed = seeds[random.usize(..seeds.len())];
        let input = mangled(seed, &mut random);
        let told = std::panic::catch_unwind(|| target(&input));
        assert!(told.is_ok(), "round {round}: {:?}", String::from_utf8_lossy(&input));
    }
}

#[test]
fn the_seed_inputs_are_valid() {
    assert_eq!(dyehouse::journal::replay(JOURNAL.as_bytes().to_vec()).unwrap().ledger.spent().0, 7);
    for (name, text, count) in [("a.csv", TABLE, 1), ("a.yaml", DOCUMENT, 2)] {
        let sandbox = crate::support::Sandbox::new();
        let manifest = dyehouse::manifest::Manifest::open(&sandbox.write(name, text)).unwrap();
        assert_eq!(manifest.jobs().unwrap().map(Result::unwrap).count(), count, "{name}");
    }
}

#[test]
fn no_journal_breaks_the_replay() {
    fuzz(targets::journal, &[JOURNAL.as_bytes()], 3000);
}

#[test]
fn no_answer_breaks_its_reader() {
    fuzz(targets::answer, &ANSWERS, 5000);
}

/// Returns the short files of the corpus of manifests with one of these extensions.
fn corpus(endings: &[&str]) -> Vec<Vec<u8>> {
    let folders = ["bad", "bad/rows", "good", "good/rows"].map(|folder| format!("tests/manifests/{folder}"));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| endings.iter().any(|known| end == *known)))
        .collect();
    files.sort();
    // Inputs that expand to a lot of data take long, mutated or not.
    let seeds = files.iter().filter(|path| !path.ends_with("alias-bomb.yaml")).map(|path| std::fs::read(path).unwrap());
    seeds.filter(|bytes| bytes.len() < 6000).collect()
}

#[test]
fn no_table_breaks_its_reader() {
    let corpus = corpus(&["csv", "tsv", "txt"]);
    let seeds: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).chain([TABLE.as_bytes()]).collect();
    fuzz(targets::table, &seeds, 1500);
}

#[test]
fn no_document_breaks_its_reader() {
    let corpus = corpus(&["yaml", "json"]);
    let seeds: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).chain([DOCUMENT.as_bytes()]).collect();
    fuzz(targets::document, &seeds, 1500);
}

#[test]
fn no_line_of_json_breaks_its_reader() {
    let corpus = corpus(&["jsonl", "ndjson"]);
    let seeds: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    fuzz(targets::lines, &seeds, 1000);
}

#[test]
fn no_data_uri_breaks_its_reader() {
    fuzz(targets::data_uri, &URIS, 5000);
}

#[test]
fn no_instruction_breaks_the_editor() {
    fuzz(targets::instruction, &INSTRUCTIONS, 500);
}

#[test]
fn no_picture_breaks_the_editor() {
    let picture = image::DynamicImage::from(image::RgbImage::from_fn(9, 7, |x, _| image::Rgb([x as u8 * 20, 40, 60])));
    let encoded: Vec<Vec<u8>> =
        [image::ImageFormat::Png, image::ImageFormat::Jpeg, image::ImageFormat::Gif, image::ImageFormat::WebP]
            .into_iter()
            .map(|format| {
                let mut bytes = Cursor::new(Vec::new());
                picture.write_to(&mut bytes, format).unwrap();
                bytes.into_inner()
            })
            .collect();
    let seeds: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
    fuzz(targets::picture, &seeds, 400);
}
