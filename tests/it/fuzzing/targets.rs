//! The fuzzing targets: functions that take arbitrary bytes, and must neither panic, nor hang, nor use unbounded
//! memory.
//!
//! `cargo fuzz` runs them for hours (see `fuzz/README.md`), and the tests of this module run them for a second.

use std::io::{Cursor, Write};
use std::sync::OnceLock;

use dyehouse::api::outcome::{Finished, PollOutcome, SubmitOutcome, of_poll, of_submit};
use dyehouse::api::{Answer, Exchange, PredictionId};
use dyehouse::data_uri;
use dyehouse::editor::{EditInput, Editor, Recolorer};
use dyehouse::journal::replay;
use dyehouse::manifest::{Manifest, Style, render};

/// A journal. A torn last line is truncated, and the rest replays to the same state.
pub fn journal(bytes: &[u8]) {
    let Ok(replayed) = replay(bytes.to_vec()) else { return };
    let whole = &bytes[..usize::try_from(replayed.length).unwrap()];
    let again = replay(whole.to_vec()).expect("what replayed once replays again");
    assert!(replayed.ledger.has_same_state(&again.ledger));
}

/// An answer of the API. The first byte determines the status.
pub fn answer(bytes: &[u8]) {
    let (&status, body) = bytes.split_first().unwrap_or((&20, &[]));
    let status = 100 + u16::from(status) % 50 * 10 + u16::from(status) / 50;
    let hint = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
    let exchange =
        Exchange::Answer(Answer { status, retry_after: Some(hint), body: body.to_vec(), ..Answer::default() });
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    match of_submit(&exchange, now) {
        SubmitOutcome::Accepted { .. } => assert!((200..300).contains(&status)),
        SubmitOutcome::NotAccepted { .. } => assert_eq!(status, 429),
        SubmitOutcome::Uncertain { message, .. } | SubmitOutcome::Failed { message, .. } => {
            assert!(message.chars().count() <= 300, "an excerpt is short: {message}");
        }
        SubmitOutcome::Doubtful { .. } => assert!([403, 404, 405, 410].contains(&status)),
        SubmitOutcome::Stop(_) => assert!((300..500).contains(&status)),
    }
    let polled = of_poll(&exchange, &PredictionId::new("p").unwrap(), now);
    if let PollOutcome::Finished(Finished::Completed { outputs, .. }) = polled {
        assert!(!outputs.is_empty());
    }
}

/// A manifest in CSV.
pub fn table(bytes: &[u8]) {
    manifest(bytes, ".csv");
}

/// A manifest in YAML.
pub fn document(bytes: &[u8]) {
    manifest(bytes, ".yaml");
}

/// A manifest of JSON lines.
pub fn lines(bytes: &[u8]) {
    manifest(bytes, ".jsonl");
}

fn manifest(bytes: &[u8], extension: &str) {
    let mut file = tempfile::Builder::new().suffix(extension).tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let Ok(manifest) = Manifest::open(file.path()) else { return };
    let Ok(jobs) = manifest.jobs() else { return };
    for job in jobs {
        let job = match job {
            Ok(job) => job,
            Err(diagnostics) => {
                diagnostics.iter().for_each(|diagnostic| drop(render(diagnostic, Style::Plain)));
                continue;
            }
        };
        let id = job.id.as_str();
        assert!(!id.is_empty() && !id.contains(['/', '\\', '\0']) && id != "..", "{id:?} leaves the folder");
    }
}

/// Images in manifests and in submits to the server.
pub fn data_uri(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(picture) = data_uri::decode(&text) {
        assert!(picture.len() <= text.len());
    }
}

/// An instruction for the editor.
pub fn instruction(bytes: &[u8]) {
    static PICTURE: OnceLock<Vec<u8>> = OnceLock::new();
    let picture = PICTURE.get_or_init(|| {
        let mut png = Cursor::new(Vec::new());
        let red_on_white = |x, y| if x / 4 == 1 && y / 4 == 1 { [200, 30, 30] } else { [250, 250, 250] };
        let picture = image::RgbImage::from_fn(12, 12, |x, y| image::Rgb(red_on_white(x, y)));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    });
    let prompt = String::from_utf8_lossy(bytes);
    let images = std::slice::from_ref(picture);
    if let Ok(edited) = Recolorer.edit(&EditInput { prompt: &prompt, images, size: None, seed: None }) {
        assert!(image::load_from_memory(&edited.png).is_ok());
    }
}

/// A picture for the editor.
pub fn picture(bytes: &[u8]) {
    let images = [bytes.to_vec()];
    let input = EditInput { prompt: "make it #1E90FF", images: &images, size: None, seed: None };
    if let Ok(edited) = Recolorer.edit(&input) {
        assert!(image::load_from_memory(&edited.png).is_ok());
    }
}
