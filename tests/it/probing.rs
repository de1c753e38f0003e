//! `check --probe` against realistic servers: some do not support HEAD, and some have web pages in place of pictures.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use crate::support::{Sandbox, code};

/// The received requests, such as `HEAD /mug.png`, with their numbers, and whether a key was sent.
#[derive(Default)]
struct Asked {
    requests: HashMap<String, usize>,
    keys: usize,
    at_once: usize,
    most_at_once: usize,
}

type Shared = Arc<Mutex<Asked>>;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

async fn answer(State(asked): State<Shared>, request: Request) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    {
        let mut asked = asked.lock().unwrap();
        *asked.requests.entry(format!("{method} {path}")).or_default() += 1;
        asked.keys += usize::from(request.headers().contains_key("authorization"));
        asked.at_once += 1;
        asked.most_at_once = asked.most_at_once.max(asked.at_once);
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    asked.lock().unwrap().at_once -= 1;
    let is_head = method == "HEAD";
    let typed = |media_type: &'static str| ([("content-type", media_type)], PNG).into_response();
    match path.as_str() {
        "/mug.png" => typed("image/png"),
        "/page.png" => ([("content-type", "text/html; charset=utf-8")], "<html>").into_response(),
        "/empty.png" => ([("content-type", "image/png")], "").into_response(),
        "/limited.png" => StatusCode::TOO_MANY_REQUESTS.into_response(),
        "/vector.png" => typed("image/svg+xml"),
        "/huge.png" => {
            ([("content-type", "image/png"), ("content-length", "62914560")], axum::body::Body::empty()).into_response()
        }
        "/moved.png" => Redirect::temporary("/mug.png").into_response(),
        "/round.png" => Redirect::temporary("/round.png").into_response(),
        "/signed.png" if is_head => StatusCode::FORBIDDEN.into_response(),
        "/old.png" if is_head => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        "/older.png" if is_head => StatusCode::NOT_IMPLEMENTED.into_response(),
        "/old.png" | "/older.png" => typed("image/jpeg"),
        "/signed.png" => {
            let headers = [("content-type", "image/png"), ("content-range", "bytes 0-63/62914560")];
            (StatusCode::PARTIAL_CONTENT, headers, PNG).into_response()
        }
        "/untyped.png" => typed("binary/octet-stream"),
        "/untyped.bin" => ([("content-type", "application/octet-stream")], "PK\x03\x04").into_response(),
        "/secret.png" => StatusCode::FORBIDDEN.into_response(),
        "/busy.png" => {
            let first = asked.lock().unwrap().requests["HEAD /busy.png"] == 1;
            if first { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { typed("image/webp") }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Starts a server with the answers above on loopback. Returns its URL and the received requests.
fn server() -> (String, Shared, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asked = Shared::default();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&asked));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, router).await });
    (url, asked, runtime)
}

fn manifest(url: &str, paths: &[&str]) -> String {
    let rows: String =
        paths.iter().enumerate().map(|(row, path)| format!("j{row},make it navy,{url}{path}\n")).collect();
    format!("id,prompt,images\n{rows}")
}

#[test]
fn a_probe_checks_every_url_without_downloading_it() {
    let (url, asked, _server) = server();
    let sandbox = Sandbox::new();
    let good = ["/mug.png", "/moved.png", "/old.png", "/older.png", "/untyped.png", "/busy.png"];
    sandbox.write("good.csv", manifest(&url, &good));
    let printed = code(
        &sandbox
            .dyehouse("check good.csv --probe --probe-rate 200/s")
            .env("VIBEDREAM_API_KEY", "key")
            .output()
            .unwrap(),
        0,
    );
    assert!(printed.contains("asked 6 URLs: 6 pictures"), "{printed}");

    let bad = [
        ("/page.png", "it is not a picture: text/html"),
        ("/vector.png", "it is not a picture: image/svg+xml"),
        ("/huge.png", "it has 60 MiB"),
        ("/signed.png", "it has 60 MiB"),
        ("/untyped.bin", "something else by its first bytes"),
        ("/secret.png", "403 Forbidden"),
        ("/gone.png", "404 Not Found"),
        ("/round.png", "it redirects too often"),
        ("/empty.png", "it is not a picture: nothing at all"),
        ("/limited.png", "429 Too Many Requests"),
    ];
    let paths: Vec<&str> = bad.iter().map(|(path, _)| *path).chain(["/mug.png"]).collect();
    sandbox.write("bad.csv", manifest(&url, &paths));
    let output = sandbox.run("check bad.csv --probe --probe-rate 200/s --json");
    code(&output, 2);
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = checked["errors"].as_array().unwrap();
    assert_eq!(errors.len(), bad.len(), "{checked}");
    for (row, (error, (_, message))) in errors.iter().zip(bad).enumerate() {
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        assert_eq!((&error["line"], &error["column"]), (&(row + 2).into(), &17.into()), "{error}");
        assert_eq!(error["job"], format!("j{row}"));
    }
    let counts = serde_json::json!({"urls": 11, "unreachable": 4, "too_big": 2, "not_a_picture": 4});
    assert_eq!((&checked["probe"], &checked["plan"]["jobs"]), (&counts, &11.into()));
    for (row, hint) in [(5, "private window"), (6, "check the spelling"), (9, "lower --probe-rate")] {
        assert!(errors[row]["hint"].as_str().unwrap().contains(hint), "{}", errors[row]);
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.keys, 0, "the key stays at home");
    assert!(!asked.requests.contains_key("GET /mug.png"), "what HEAD tells is not fetched");
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn each_url_is_requested_once_with_limited_concurrency() {
    let (url, asked, _server) = server();
    let sandbox = Sandbox::new();
    let missing = ["/gone.png"; 5];
    let many: Vec<String> = (0..40).map(|number| format!("/{number}.png")).collect();
    let paths: Vec<&str> = missing.into_iter().chain(many.iter().map(String::as_str)).collect();
    sandbox.write("a.csv", manifest(&url, &paths));
    let printed = code(&sandbox.run("check a.csv --probe --probe-rate 1000/s"), 2);
    assert!(printed.contains("404 Not Found, and 4 more jobs name it") && printed.contains("a.csv:2:17"), "{printed}");
    assert!(printed.contains("asked 41 URLs: 0 pictures, 41 out of reach"), "{printed}");
    let asked = asked.lock().unwrap();
    assert_eq!(asked.requests["HEAD /gone.png"], 1);
    assert!((2..=8).contains(&asked.most_at_once), "{} at once", asked.most_at_once);
}

#[test]
fn a_finished_batch_makes_no_requests_and_sends_no_key() {
    let sandbox = Sandbox::new();
    // Nobody listens at this port, because it was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    sandbox.write("a.csv", manifest(&format!("http://{free}"), &["/a.png", "/b.png"]));
    let printed = code(&sandbox.run("check a.csv --probe --only j1"), 2);
    assert!(printed.contains("asked 1 URL") && printed.contains("refused"), "{printed}");
    assert!(printed.contains("nothing listens there"), "{printed}");
    assert!(printed.contains("1 error in the manifest; nothing was submitted"), "{printed}");
    code(&sandbox.run("check a.csv --probe-rate 1/s"), 2);
}
