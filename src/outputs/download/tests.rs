use super::*;

#[test]
fn outputs_are_fetched_over_https_or_from_loopback_if_the_api_is_local() {
    let url = |text: &str| Url::parse(text).unwrap();
    assert!(is_allowed(&url("https://assets.example/x.png"), PlainHttp::Never));
    assert!(!is_allowed(&url("http://assets.example/x.png"), PlainHttp::OnLoopback));
    assert!(is_allowed(&url("http://127.0.0.1:8080/x.png"), PlainHttp::OnLoopback));
    assert!(!is_allowed(&url("http://127.0.0.1:8080/x.png"), PlainHttp::Never));
    assert!(!is_allowed(&url("file:///etc/passwd"), PlainHttp::OnLoopback));
    assert!(is_allowed(&url("http://shop.example/x.png"), PlainHttp::Anywhere));
    assert!(!is_allowed(&url("file:///etc/passwd"), PlainHttp::Anywhere));
}

#[tokio::test]
async fn a_busy_host_is_asked_again_after_the_wait_that_it_asks_for_and_if_that_is_long_all_downloads_wait() {
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::http::{StatusCode, Uri};
    use axum::response::IntoResponse;

    let visits = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&visits);
    let answer = move |uri: Uri| async move {
        let seconds = match (uri.path(), counted.fetch_add(1, Ordering::Relaxed)) {
            ("/soon", 0) => "1",
            ("/later", _) => "31536000",
            _ => return "picture".into_response(),
        };
        (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], "").into_response()
    };
    let router = axum::Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let downloader = Downloader::new(true, DownloadLimits::default()).unwrap();
    let fetch = async |path: &str| {
        let mut slot = Slot::of(&Arc::new(tokio::sync::Semaphore::new(1))).await;
        let started = std::time::Instant::now();
        let sink = || Ok(Vec::new());
        let fetched = downloader.clone().fetch(&format!("{host}{path}"), Path::new("."), &mut slot, sink).await;
        (fetched, started.elapsed())
    };
    let (fetched, took) = fetch("/soon").await;
    assert_eq!(fetched.unwrap(), b"picture");
    assert!(took >= Duration::from_secs(1) && visits.load(Ordering::Relaxed) == 2, "{took:?}");
    let (refused, _) = fetch("/later").await;
    let Err(OutputError::Busy { cause, retry_after }) = refused else { panic!("{refused:?}") };
    assert_eq!((cause.as_str(), retry_after), ("HTTP 429", Some(MAX_HINT)));
    let (waits, _) = fetch("/another").await;
    let Err(OutputError::Busy { retry_after: Some(rest), .. }) = waits else { panic!("{waits:?}") };
    assert!(rest <= MAX_HINT && visits.load(Ordering::Relaxed) == 3, "{rest:?}");
}

/// How a host of a file that breaks off answers requests for the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ranges {
    /// With the rest.
    Sent,
    /// With the whole file.
    Ignored,
    /// With an error.
    Refused,
}

/// A host of a file, each of whose answers but the last breaks off after [`PIECE`] bytes.
#[derive(Debug)]
struct BreakingHost {
    ranges: Ranges,
    /// How many answers break off.
    breaks: usize,
    /// Whether another file is there after the first answer.
    is_replaced: bool,
    /// Whether it sends the rest of a file that was replaced.
    mixes_versions: bool,
    requests: std::sync::Mutex<Vec<String>>,
}

const PIECE: usize = 400_000;
const LENGTH: usize = 5 * PIECE + 7;

impl BreakingHost {
    fn new(ranges: Ranges, breaks: usize) -> BreakingHost {
        let requests = std::sync::Mutex::default();
        BreakingHost { ranges, breaks, is_replaced: false, mixes_versions: false, requests }
    }

    /// Returns the content of a version.
    fn file(version: usize) -> Vec<u8> {
        (0..LENGTH).map(|index| ((index * (version + 1)) % 251) as u8).collect()
    }

    fn answer(&self, headers: &reqwest::header::HeaderMap) -> axum::response::Response {
        use axum::body::Body;
        use futures::StreamExt;

        let text = |name: reqwest::header::HeaderName| headers.get(name).map_or("", |value| value.to_str().unwrap());
        let mut requests = self.requests.lock().unwrap();
        let (number, range) = (requests.len(), text(RANGE).to_owned());
        let version = usize::from(self.is_replaced && number > 0);
        let tag = format!("\"version {version}\"");
        let is_same = self.mixes_versions || text(IF_RANGE) == tag;
        requests.push(range.clone());
        let start: usize = match range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')) {
            Some(start) if self.ranges == Ranges::Sent && is_same => start.parse().unwrap(),
            Some(_) if self.ranges == Ranges::Refused => {
                return axum::http::Response::builder().status(416).body(Body::empty()).unwrap();
            }
            _ => 0,
        };
        let end = if number < self.breaks { start + PIECE } else { LENGTH };
        let sent = BreakingHost::file(version)[start..end].to_vec();
        let last = move || async move {
            // What was sent arrives before the connection breaks.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(io::Error::other("broken"))
        };
        let pieces = futures::stream::iter([Ok(sent)]);
        let body = match end == LENGTH {
            true => Body::from_stream(pieces),
            false => Body::from_stream(pieces.chain(futures::stream::once(last()))),
        };
        let answer = axum::http::Response::builder().header("etag", tag).header("content-length", LENGTH - start);
        let answer = match start {
            0 => answer,
            start => answer.status(206).header("content-range", format!("bytes {start}-{}/{LENGTH}", LENGTH - 1)),
        };
        answer.body(body).unwrap()
    }

    /// Fetches its file. Returns the ranges that were requested as well.
    async fn fetch(self) -> (Result<Vec<u8>, OutputError>, Vec<String>) {
        let host = Arc::new(self);
        let served = Arc::clone(&host);
        let answer = move |headers: axum::http::HeaderMap| async move { served.answer(&headers) };
        let router = axum::Router::new().fallback(axum::routing::any(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a.png", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let downloader = Downloader::new(true, DownloadLimits::default()).unwrap();
        let mut slot = Slot::of(&Arc::new(tokio::sync::Semaphore::new(1))).await;
        let fetched = downloader.fetch(&url, Path::new("."), &mut slot, || Ok(Vec::new())).await;
        let requests = host.requests.lock().unwrap().clone();
        (fetched, requests)
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_again_and_again_is_continued_as_long_as_it_moves() {
    let (fetched, requests) = BreakingHost::new(Ranges::Sent, 5).fetch().await;
    assert!(fetched.unwrap() == BreakingHost::file(0));
    let expected = ["", "bytes=400000-", "bytes=800000-", "bytes=1200000-", "bytes=1600000-", "bytes=2000000-"];
    assert_eq!(requests, expected);
}

#[tokio::test]
async fn a_download_that_cannot_be_continued_starts_anew() {
    for ranges in [Ranges::Ignored, Ranges::Refused] {
        let (fetched, requests) = BreakingHost::new(ranges, 1).fetch().await;
        assert!(fetched.unwrap() == BreakingHost::file(0), "{ranges:?}");
        assert_eq!(requests[..2], ["", "bytes=400000-"]);
    }
    let (fetched, requests) = BreakingHost::new(Ranges::Ignored, 9).fetch().await;
    assert!(
        matches!(&fetched, Err(OutputError::Unavailable { cause, .. }) if cause.ends_with(", 4 times")),
        "{fetched:?}"
    );
    assert_eq!(requests.len(), 5, "the first brought more than there was before");
}

#[tokio::test]
async fn parts_of_different_versions_are_never_joined() {
    for mixes_versions in [false, true] {
        let host = BreakingHost { is_replaced: true, mixes_versions, ..BreakingHost::new(Ranges::Sent, 1) };
        let (fetched, _) = host.fetch().await;
        assert!(fetched.unwrap() == BreakingHost::file(1), "{mixes_versions}");
    }
}
