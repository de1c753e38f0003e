//! The real program, repeatedly killed at random moments, against the embedded server with chaos.
//!
//! `DYEHOUSE_KILLS` sets how often (25 by default), and `DYEHOUSE_SEED` sets the moments and the faults.

use std::collections::HashMap;
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use dyehouse::editor::{EditError, EditInput, EditOutput, Editor};
use dyehouse::server::{FetchPolicy, Server, ServerConfig};
use serde_json::Value;

use crate::support::{Sandbox, number};

const JOBS: u32 = 120;

/// About a third of all requests fail, in every way that does not take minutes to be detected.
const FAULTS: &str = "
slow: 300ms
submit: {drop_before: 3, error_before: 3, rate_limited: 4, rate_limited_without_hint: 1,
  rate_limited_with_absurd_hint: 1, unauthorized: 1, balance: 1, drop_after: 3, error_after: 3, slow: 4, html: 1,
  truncated_json: 2, no_id: 2}
prediction: {unknown_status: 5, stuck: 5, early_404: 10, vanished: 2, empty_outputs: 2}
poll: {drop: 4, error: 4, rate_limited: 3, unauthorized: 1, slow: 4, html: 3, truncated_json: 3}
output: {drop: 4, error: 4, gone: 1, truncated: 4, wrong_length: 4, html: 2, bomb: 2, endless: 1, slow: 4,
  redirect_loop: 1, redirect_elsewhere: 1}
";

/// Produces a picture whose width is the number at the end of the prompt, so that mixed-up pictures are detected.
struct Painter;

impl Editor for Painter {
    fn edit(&self, input: &EditInput<'_>) -> Result<EditOutput, EditError> {
        let mut png = Cursor::new(Vec::new());
        image::RgbImage::new(width(input.prompt), 2).write_to(&mut png, image::ImageFormat::Png).unwrap();
        Ok(EditOutput { png: png.into_inner() })
    }
}

fn width(prompt: &str) -> u32 {
    prompt.rsplit(' ').next().unwrap().parse::<u32>().unwrap() + 1
}

async fn serve(data: &Path, listen: SocketAddr, faults: Option<String>) -> Server {
    let mut config = ServerConfig::new(listen, data.to_owned(), "key".to_owned().into());
    config.fetch = FetchPolicy::PublicAndLoopback;
    config.chaos = faults.map(|faults| faults.parse().unwrap());
    Server::start(config, Arc::new(Painter)).await.unwrap()
}

/// Starts a host with one picture, which all jobs edit.
async fn picture_host() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.png", listener.local_addr().unwrap());
    let mut png = Cursor::new(Vec::new());
    image::RgbImage::new(2, 2).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    tokio::spawn(axum::serve(listener, Router::new().route("/a.png", get(move || async move { png }))).into_future());
    url
}

/// Returns how often each prompt was accepted, and therefore paid for.
fn paid(data: &Path) -> HashMap<String, u32> {
    let mut paid = HashMap::new();
    for line in std::fs::read_to_string(data.join("ledger.jsonl")).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["event"] == "accepted" {
            *paid.entry(record["prompt"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    paid
}

#[test]
fn repeated_kills_lose_no_paid_result_and_pay_for_none_twice() {
    let kills = number("DYEHOUSE_KILLS").unwrap_or(25);
    let seed = number("DYEHOUSE_SEED").unwrap_or(1);
    let mut moments = fastrand::Rng::with_seed(seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let data = tempfile::tempdir().unwrap();
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();

    let (mut round, mut uncertain_seen, mut left) = (0, 0, kills);
    while left > 0 {
        let sandbox = Sandbox::new();
        let data = data.path().join(round.to_string());
        let faults = format!("seed: {}\n{FAULTS}", seed + round);
        let server = runtime.block_on(serve(&data, listen, Some(faults)));
        let picture = runtime.block_on(picture_host());
        let rows: String =
            (0..JOBS).map(|job| format!("job-{job:03},make it #1E90FF number {job},{picture}\n")).collect();
        sandbox.write("catalog.csv", format!("id,prompt,images\n{rows}"));
        let url = server.url();
        let run = |arguments: &str| {
            let options = "run catalog.csv -o out --rate 200/s --burst 20 --in-flight 24 --poll-rate 200/s";
            let mut command = sandbox.dyehouse(&format!("{options} {arguments}"));
            command.env("VIBEDREAM_API_KEY", "key").env("VIBEDREAM_BASE_URL", &url);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        for _ in 0..left.min(10) {
            let mut child = run("").spawn().unwrap();
            std::thread::sleep(Duration::from_millis(moments.u64(10..700)));
            // The program may have ended by itself, because chaos also refuses keys and balances.
            let _ = child.kill();
            child.wait().unwrap();
            left -= 1;
        }
        let listen = server.address();
        runtime.block_on(server.shutdown());
        let server = runtime.block_on(serve(&data, listen, None));
        let ended = run("").status().unwrap().code().unwrap();
        assert!(ended == 0 || ended == 3, "seed {seed}, round {round}: exit code {ended}");

        let paid = paid(&data);
        let twice: Vec<_> = paid.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "seed {seed}, round {round}: paid twice for {twice:?}");
        uncertain_seen += check_results(&sandbox, &paid);
        runtime.block_on(server.shutdown());
        round += 1;
    }
    assert!(uncertain_seen > 0, "no kill and no fault left a doubt: the test is too mild");
}

/// Checks `results.csv` and `results/` against what was paid for, and returns the number of uncertain jobs.
fn check_results(sandbox: &Sandbox, paid: &HashMap<String, u32>) -> u32 {
    let text = sandbox.read("out/report/results.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), JOBS as usize);
    let mut uncertain = 0;
    for row in rows {
        let job = &row["id"];
        let prompt = format!("make it #1E90FF number {}", job.trim_start_matches("job-").parse::<u32>().unwrap());
        match (row["status"].as_str(), row["error_class"].as_str()) {
            ("completed", _) => {
                let picture = image::open(sandbox.path(&format!("out/results/{job}.png"))).unwrap();
                assert_eq!(picture.width(), width(&prompt), "{job} has another's picture");
                assert!(paid.contains_key(&prompt), "{job} is completed, and was never accepted");
            }
            ("uncertain", _) => uncertain += 1,
            // A prediction that vanished or has no outputs is reported as such.
            ("failed", "lost" | "provider") => assert!(paid.contains_key(&prompt), "{job}"),
            other => panic!("{job} is left as {other:?}"),
        }
    }
    let names = sandbox.names("out/results");
    assert!(names.iter().all(|name| name.ends_with(".png") && !name.starts_with('.')), "{names:?}");
    uncertain
}
