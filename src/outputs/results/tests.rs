use std::pin::pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::poll;
use tokio::sync::Semaphore;

use super::*;
use crate::job::JobId;
use crate::outputs::{DownloadLimits, file_name, remove_leftovers};

async fn slot() -> Slot {
    Slot::of(&Arc::new(Semaphore::new(1))).await
}

struct Fixture {
    run: tempfile::TempDir,
    folder: Results,
}

impl Fixture {
    fn new() -> Fixture {
        let run = tempfile::tempdir().unwrap();
        let downloader = Downloader::new(true, DownloadLimits::default()).unwrap();
        let folder = Results::open(run.path(), downloader).unwrap();
        Fixture { run, folder }
    }

    async fn save(&self, shade: u8, displaced: &[SavedFile]) -> SavedFile {
        let staged = self.folder.fetch(&picture(shade), slot().await).await.unwrap();
        let file = staged.saved_as(file_name(&JobId::new("mug").unwrap(), 1, staged.extension()));
        let picture = Destination::Results { displaced: displaced.to_vec() };
        self.folder.publish(vec![(staged, file.clone())], picture).await.unwrap();
        file
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.run.path().join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn picture(shade: u8) -> Output {
    Output::Short(base64(shade))
}

fn base64(shade: u8) -> String {
    let mut png = Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_pixel(8, 8, image::Rgb([shade, 0, 0]));
    image::DynamicImage::ImageRgb8(pixels).write_to(&mut png, image::ImageFormat::Png).unwrap();
    STANDARD.encode(png.into_inner())
}

#[tokio::test]
async fn a_result_has_the_jobs_name_and_leaves_no_temporary_file() {
    let fixture = Fixture::new();
    let file = fixture.save(1, &[]).await;
    assert_eq!((file.name.as_str(), file.width, file.height), ("mug.png", 8, 8));
    assert_eq!(fixture.names("results"), ["mug.png"]);
    assert!(fixture.names("earlier").is_empty());
}

#[tokio::test]
async fn a_picture_keeps_its_slot_while_it_waits_for_the_disk_and_not_after_that() {
    let (fixture, all, picture) = (Fixture::new(), Arc::new(Semaphore::new(1)), picture(1));
    let others = fixture.folder.syncs.acquire_many(MAX_SYNCS as u32).await.unwrap();
    let mut fetched = pin!(fixture.folder.fetch(&picture, Slot::of(&all).await));
    assert!(poll!(&mut fetched).is_pending());
    assert_eq!(all.available_permits(), 0, "no more pictures come than the disk takes");
    drop(others);
    fetched.await.unwrap();
    assert_eq!(all.available_permits(), 1);
}

#[tokio::test]
async fn a_download_that_is_not_a_picture_leaves_no_file() {
    let fixture = Fixture::new();
    let error = fixture.folder.fetch(&Output::Short(STANDARD.encode("<html>")), slot().await).await.unwrap_err();
    assert_eq!(error.to_string(), "the output is not a complete picture: it is a page of HTML or XML");
    assert!(fixture.names("results").is_empty());
}

/// Returns an output that is too long to be kept in memory, as the client receives it.
async fn long_output(bytes: &[u8], folder: &Path) -> Output {
    use secrecy::SecretString;

    use crate::api::client::Client;
    use crate::api::outcome::{Finished, PollOutcome, of_poll};
    use crate::api::{BaseUrl, EditApi, PredictionId};

    let body = format!(r#"{{"status":"completed","outputs":["{}"]}}"#, STANDARD.encode(bytes).replace('/', r"\/"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let router = axum::Router::new().fallback(axum::routing::any(move || async move { body }));
    tokio::spawn(axum::serve(listener, router).into_future());
    let prediction = PredictionId::new("p").unwrap();
    let exchange = Client::new(base, &SecretString::from("k"), folder).unwrap().poll(&prediction, None).await;
    match of_poll(&exchange, &prediction, jiff::Timestamp::UNIX_EPOCH) {
        PollOutcome::Finished(Finished::Completed { outputs, .. }) => outputs.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_large_picture_in_an_answer_is_decoded_from_file_to_file() {
    let fixture = Fixture::new();
    let mut png = Cursor::new(Vec::new());
    let noise = image::RgbImage::from_fn(500, 500, |x, y| image::Rgb([x * y, x ^ y, x * x + 31 * y].map(|v| v as u8)));
    image::DynamicImage::ImageRgb8(noise).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    let output = long_output(&png, fixture.run.path()).await;
    assert!(matches!(output, Output::Long(_)), "{} bytes", png.len());
    let staged = fixture.folder.fetch(&output, slot().await).await.unwrap();
    assert_eq!(fs::read(&staged.path).unwrap(), png);
    drop((staged, output));
    assert!(fixture.names("results").is_empty() && fixture.names(".") == ["results"]);
}

#[tokio::test]
async fn a_picture_in_an_answer_that_could_not_be_written_is_an_error_of_the_disk() {
    let fixture = Fixture::new();
    let output = long_output(&[0; 300_000], Path::new("/no/such/folder")).await;
    let error = fixture.folder.fetch(&output, slot().await).await.unwrap_err();
    assert!(matches!(error, OutputError::Disk { .. }), "{error}");
}

#[tokio::test]
async fn a_download_that_cannot_be_written_names_the_folder_that_it_was_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.png", listener.local_addr().unwrap());
    let large = axum::Router::new().route("/a.png", axum::routing::get(|| async { vec![0_u8; 1 << 20] }));
    tokio::spawn(axum::serve(listener, large).into_future());
    let fixture = Fixture::new();
    let results = fixture.run.path().join("results");
    fs::remove_dir_all(&results).unwrap();
    let error = fixture.folder.fetch(&url.as_str().into(), slot().await).await.unwrap_err();
    assert!(matches!(&error, OutputError::Disk { path, .. } if *path == results), "{error}");
}

#[tokio::test]
async fn an_earlier_result_is_kept_aside_and_can_come_back() {
    let fixture = Fixture::new();
    let first = fixture.save(1, &[]).await;
    let second = fixture.save(2, std::slice::from_ref(&first)).await;
    assert_eq!(fixture.names("results"), ["mug.png"]);
    assert_eq!(fixture.names("earlier"), [aside_name(&first)]);
    assert!(fixture.folder.reinstate(vec![first.clone()], vec![second.clone()]).await.unwrap());
    assert!(has_content(&fixture.run.path().join("results/mug.png"), &first).unwrap());
    assert_eq!(fixture.names("earlier"), [aside_name(&second)]);
}

#[tokio::test]
async fn a_result_changed_by_hand_moves_like_the_original_and_keeps_its_name() {
    let fixture = Fixture::new();
    let first = fixture.save(1, &[]).await;
    let picture = fixture.run.path().join("results/mug.png");
    let original = fs::read(&picture).unwrap();
    fs::write(&picture, "retouched").unwrap();
    let second = fixture.save(2, std::slice::from_ref(&first)).await;
    let aside = fixture.run.path().join("earlier").join(aside_name(&first));
    assert_eq!(fs::read(&aside).unwrap(), b"retouched");
    // The user restores the original picture by hand.
    fs::write(&picture, &original).unwrap();
    fixture.save(3, &[]).await;
    assert_eq!(fs::read(&aside).unwrap(), b"retouched");
    let kept = fixture.names("earlier").into_iter().map(|name| fixture.run.path().join("earlier").join(name));
    assert!(kept.into_iter().any(|path| fs::read(path).unwrap() == original));
    assert!(fixture.folder.reinstate(vec![first], vec![second]).await.unwrap());
    assert_eq!(fs::read(&picture).unwrap(), b"retouched");
}

#[tokio::test]
async fn a_picture_changed_by_hand_is_neither_corrected_nor_restored() {
    let fixture = Fixture::new();
    // Each picture has another size.
    let png = |shade: u8| [STANDARD.decode(base64(shade)).unwrap(), vec![0; usize::from(shade) - 1]].concat();
    let picture = fixture.run.path().join("results/mug.png");
    let original = fixture.save(1, &[]).await;
    fs::write(&picture, "retouched").unwrap();
    assert_eq!(fixture.folder.replace(original.clone(), png(2)).await.unwrap(), None);
    assert_eq!((fs::read(&picture).unwrap(), fixture.names("originals")), (b"retouched".to_vec(), Vec::new()));

    fs::write(&picture, png(1)).unwrap();
    let corrected = fixture.folder.replace(original.clone(), png(2)).await.unwrap().unwrap();
    assert_eq!(fixture.folder.presence(&original), Presence::Missing, "that is no change by hand");
    fs::write(&picture, "retouched").unwrap();
    assert_eq!(fixture.folder.presence(&corrected), Presence::Changed);
    assert!(!fixture.folder.restore(vec![original.clone()], vec![corrected.clone()]).await.unwrap());
    assert_eq!(fs::read(&picture).unwrap(), b"retouched");
    fs::write(&picture, png(2)).unwrap();
    assert!(fixture.folder.restore(vec![original.clone()], vec![corrected]).await.unwrap());
    assert_eq!(fs::read(&picture).unwrap(), png(1));
}

#[tokio::test]
async fn an_unknown_file_at_the_path_of_a_result_is_moved_and_not_overwritten() {
    let fixture = Fixture::new();
    fs::write(fixture.run.path().join("results/mug.png"), "precious").unwrap();
    fixture.save(1, &[]).await;
    let aside = fixture.names("earlier");
    assert_eq!(fs::read(fixture.run.path().join("earlier").join(&aside[0])).unwrap(), b"precious");
}

#[tokio::test]
async fn folders_and_dangling_links_at_the_path_of_a_result_are_moved() {
    let fixture = Fixture::new();
    let picture = fixture.run.path().join("results/mug.png");
    fs::create_dir(&picture).unwrap();
    fs::write(picture.join("notes.txt"), "precious").unwrap();
    fixture.save(1, &[]).await;
    assert!(picture.is_file());
    assert_eq!(fs::read(fixture.run.path().join("earlier/mug.png.1/notes.txt")).unwrap(), b"precious");
    #[cfg(unix)]
    {
        fs::remove_file(&picture).unwrap();
        std::os::unix::fs::symlink("nowhere", &picture).unwrap();
        fixture.save(2, &[]).await;
        assert!(picture.symlink_metadata().unwrap().is_file());
        assert_eq!(fixture.names("earlier"), ["mug.png.1", "mug.png.2"]);
    }
}

#[tokio::test]
async fn after_a_crash_before_the_rename_the_picture_is_found_again() {
    let fixture = Fixture::new();
    let staged = fixture.folder.fetch(&picture(1), slot().await).await.unwrap();
    let file = staged.saved_as("mug.png".into());
    staged.path.keep().unwrap();
    let picture = Destination::Results { displaced: Vec::new() };
    assert!(fixture.folder.recover(vec![file.clone()], picture.clone()).await.unwrap());
    assert_eq!(fixture.names("results"), ["mug.png"]);
    assert!(fixture.folder.recover(vec![file.clone()], picture.clone()).await.unwrap(), "and again after the rename");
    fs::remove_file(fixture.run.path().join("results/mug.png")).unwrap();
    assert!(!fixture.folder.recover(vec![file], picture).await.unwrap());
}

#[tokio::test]
async fn temporary_files_of_a_dead_process_are_removed() {
    let fixture = Fixture::new();
    fixture.folder.fetch(&picture(1), slot().await).await.unwrap().path.keep().unwrap();
    fixture.save(2, &[]).await;
    remove_leftovers(&fixture.run.path().join(RESULTS)).unwrap();
    assert_eq!(fixture.names("results"), ["mug.png"]);
}

#[tokio::test]
async fn a_compressed_picture_counts_as_too_large_by_its_unpacked_length() {
    use std::io::Write;

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&STANDARD.decode(base64(7)).unwrap()).unwrap();
    packed.write_all(&vec![0; 100_000]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 2_000);
    let answer = move || async move { ([("content-encoding", "gzip")], packed) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.png", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(axum::routing::any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let fixture = |max_bytes| {
        let run = tempfile::tempdir().unwrap();
        let downloader = Downloader::new(true, DownloadLimits { max_bytes, ..DownloadLimits::default() }).unwrap();
        (Results::open(run.path(), downloader).unwrap(), run)
    };
    let (ample, _run) = fixture(101_000);
    assert_eq!(ample.fetch(&url.as_str().into(), slot().await).await.unwrap().extension(), "png");
    let (scarce, _run) = fixture(50_000);
    let refused = scarce.fetch(&url.as_str().into(), slot().await).await.unwrap_err();
    assert!(refused.to_string().contains("it is larger than"), "{refused}");
}
