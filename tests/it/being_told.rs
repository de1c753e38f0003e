//! Notifications about the end of a run: webhooks, monitors, commands and metrics.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;

use crate::support::{Behavior, Provider, Sandbox, code, wait_until};

/// A received post: its path, its headers, its body.
#[derive(Clone, Debug)]
struct Post {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A host that accepts posts, after refusing a given number of them.
struct Listener {
    url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    _runtime: tokio::runtime::Runtime,
}

type Heard = (Arc<Mutex<Vec<Post>>>, usize, StatusCode);

impl Listener {
    fn start(refusals: usize, status: StatusCode) -> Listener {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let posts = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new().fallback(hear).with_state((Arc::clone(&posts), refusals, status));
        let address = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await });
            address
        });
        Listener { url: format!("http://{address}"), posts, _runtime: runtime }
    }

    fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    fn paths(&self) -> Vec<String> {
        self.posts().into_iter().map(|post| post.path).collect()
    }
}

async fn hear(State((posts, refusals, status)): State<Heard>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut posts = posts.lock().unwrap();
    posts.push(Post { path: uri.path().to_owned(), headers, body });
    if posts.len() > refusals { StatusCode::OK } else { status }
}

fn two_jobs() -> (Sandbox, Provider) {
    let sandbox = Sandbox::new();
    sandbox.manifest("catalog.csv", 2);
    (sandbox, Provider::start(Behavior::default()))
}

#[test]
fn a_webhook_gets_the_signed_summary_and_failed_posts_are_retried() {
    let (sandbox, provider) = two_jobs();
    let listener = Listener::start(1, StatusCode::SERVICE_UNAVAILABLE);
    let mut run = provider.run(&sandbox, &format!("--notify {}/hooks/se-cret", listener.url));
    let printed = code(&run.env("DYEHOUSE_NOTIFY_SECRET", "a secret of ours").output().unwrap(), 0);
    assert!(!printed.contains("se-cret") && !printed.contains("a secret of ours"), "{printed}");
    let posts = listener.posts();
    assert_eq!(listener.paths(), ["/hooks/se-cret", "/hooks/se-cret"]);
    let header = |post: &Post, name: &str| post.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(&posts[0], "webhook-id"), header(&posts[1], "webhook-id"), "it is the same message");
    for post in &posts {
        let signed = format!("{}.{}.", header(post, "webhook-id"), header(post, "webhook-timestamp"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of ours");
        let expected = hmac::sign(&key, &[signed.as_bytes(), &post.body].concat());
        assert_eq!(header(post, "webhook-signature"), format!("v1,{}", STANDARD.encode(expected)));
        assert_eq!(header(post, "content-type"), "application/json");
    }
    let summary: Value = serde_json::from_slice(&posts[1].body).unwrap();
    assert_eq!((&summary["exit_code"], &summary["jobs"]["completed"]), (&0.into(), &2.into()));
    assert_eq!((&summary["manifest"], &summary["state"]), (&"catalog.csv".into(), &"finished".into()));
    assert!(summary["text"].as_str().unwrap().starts_with("catalog.csv: 2 jobs completed"), "{summary}");
}

#[test]
fn failing_notifications_do_not_change_the_result_of_a_run() {
    let (sandbox, provider) = two_jobs();
    let deaf = Listener::start(usize::MAX, StatusCode::GONE);
    let arguments = format!("--notify {0}/hook --healthcheck {0}/ping --metrics-file no/such/folder.prom -q", deaf.url);
    let mut run = provider.run(&sandbox, &arguments);
    let printed = code(&run.args(["--on-finish", "echo to people; exit 7"]).output().unwrap(), 0);
    for told in [
        &format!("failed to post the summary to {}: HTTP 410 Gone", deaf.url),
        &format!("failed to ping {}: HTTP 410 Gone", deaf.url),
        "failed to write no/such/folder.prom",
        "failed to run `echo to people; exit 7`: exit status: 7",
        "to people\n",
    ] {
        assert!(printed.contains(told), "{told} in {printed}");
    }
    assert_eq!(deaf.paths().iter().filter(|path| *path == "/hook").count(), 1, "410 is final");

    let listener = Listener::start(0, StatusCode::OK);
    let mut run = provider.run(&sandbox, &format!("--notify {}/hook", listener.url));
    let printed = code(&run.env("DYEHOUSE_NOTIFY_SECRET_FILE", "/no/such/file").output().unwrap(), 0);
    assert!(printed.contains("DYEHOUSE_NOTIFY_SECRET_FILE names") && listener.posts().is_empty(), "{printed}");
    let mut run = provider.run(&sandbox, &format!("--notify {}/hook", listener.url));
    let printed = code(&run.env("DYEHOUSE_NOTIFY_SECRET", "whsec_c2VjcmV").output().unwrap(), 0);
    assert!(
        printed.contains("read DYEHOUSE_NOTIFY_SECRET: the secret is `whsec_` and no base64 after it"),
        "{printed}"
    );
    assert!(listener.posts().is_empty() && !printed.contains("c2VjcmV"), "{printed}");
}

#[test]
fn a_notification_whose_url_cannot_be_read_is_reported_and_neither_stops_the_run_nor_the_others() {
    let (sandbox, provider) = two_jobs();
    let listener = Listener::start(0, StatusCode::OK);
    let url = format!("{}/ping", listener.url);
    let mut run = provider.run(&sandbox, "-q");
    run.env("DYEHOUSE_NOTIFY_URL_FILE", "/no/such/file").env("DYEHOUSE_HEALTHCHECK_URL", &url);
    let printed = code(&run.output().unwrap(), 0);
    assert!(printed.contains("failed to find the webhook: read /no/such/file, which DYEHOUSE_NOTIFY_URL_FILE names"));
    assert_eq!((listener.paths(), provider.accepted()), (vec!["/ping/start".to_owned(), "/ping".to_owned()], 2));

    let mut run = provider.run(&sandbox, "-q");
    run.env("DYEHOUSE_NOTIFY_URL", &url).env("DYEHOUSE_HEALTHCHECK_URL", "se-cret");
    let printed = code(&run.output().unwrap(), 0);
    let told = "failed to find the monitor: read DYEHOUSE_HEALTHCHECK_URL: expected a URL";
    assert!(printed.contains(told) && !printed.contains("se-cret"), "{printed}");
    assert_eq!(listener.paths()[2..], ["/ping"]);
}

#[test]
fn a_monitor_is_pinged_at_every_end_of_a_run() {
    let (sandbox, provider) = two_jobs();
    sandbox.write("bad.csv", "id,promt\na,Make it red\n");
    let listener = Listener::start(0, StatusCode::OK);
    let mut heard = 0;
    let mut endings = Vec::new();
    let check = format!("--healthcheck {}/check/", listener.url);
    let pinged = |command: &mut Command, expected: i32, heard: &mut usize| {
        code(&command.output().unwrap(), expected);
        let new: Vec<String> = listener.paths().split_off(*heard);
        *heard += new.len();
        new
    };
    endings.push(pinged(&mut sandbox.dyehouse(&format!("run bad.csv {check}")), 2, &mut heard));
    endings.push(pinged(provider.run(&sandbox, &check).env_remove("VIBEDREAM_API_KEY"), 1, &mut heard));
    endings.push(pinged(&mut provider.run(&sandbox, &format!("--budget 0.01 {check}")), 4, &mut heard));
    // A run that stops at its own budget ends as planned, because the next one continues, unless the budget allows no
    // submit.
    for budget in ["0.01", "0.07"] {
        let arguments = format!("--budget-per-run {budget} {check}");
        endings.push(pinged(&mut provider.run(&sandbox, &arguments), 4, &mut heard));
    }
    let mut from_the_environment = provider.run(&sandbox, "");
    from_the_environment.env("DYEHOUSE_HEALTHCHECK_URL", format!("{}/check", listener.url));
    endings.push(pinged(&mut from_the_environment, 0, &mut heard));
    endings.push(pinged(provider.run(&sandbox, "").env("DYEHOUSE_HEALTHCHECK_URL", ""), 0, &mut heard));
    let lock = fs::File::open(sandbox.path("out/.lock")).unwrap();
    lock.lock().unwrap();
    endings.push(pinged(&mut provider.run(&sandbox, &check), 5, &mut heard));
    let fail = ["/check/start", "/check/fail"];
    let good = ["/check/start", "/check/"];
    let expected: [&[&str]; 8] = [&fail[1..], &fail[1..], &fail, &fail, &good, &["/check/start", "/check"], &[], &[]];
    assert_eq!(endings, expected);
    let printed: Vec<String> =
        listener.posts().iter().map(|post| String::from_utf8_lossy(&post.body).into_owned()).collect();
    assert!(printed[0].contains("did you mean `prompt`"), "{printed:?}");
    assert!(
        printed[1].contains("VIBEDREAM_API_KEY is not set") && printed[3].contains("could exceed the budget"),
        "{printed:?}"
    );
}

#[test]
fn a_command_can_use_the_folder_and_gets_the_result() {
    let (sandbox, provider) = two_jobs();
    let command = format!(
        "cat > summary.json; env > environment; echo $DYEHOUSE_EXIT_CODE $DYEHOUSE_JOBS_COMPLETED $DYEHOUSE_SPENT_CENTS $DYEHOUSE_REPORT > printed; {} merge $DYEHOUSE_FOLDER -o copy > merged",
        env!("CARGO_BIN_EXE_dyehouse")
    );
    let listener = Listener::start(0, StatusCode::OK);
    let mut run = provider.run(&sandbox, "--json");
    run.env("DYEHOUSE_NOTIFY_SECRET", "se-cret").env("DYEHOUSE_HEALTHCHECK_URL", format!("{}/se-cret", listener.url));
    run.env("DYEHOUSE_NOTIFY_URL", format!("{}/se-cret", listener.url));
    // The key itself comes from the variable, which has precedence.
    let places = ["VIBEDREAM_API_KEY_FILE", "DYEHOUSE_NOTIFY_SECRET_FILE", "CREDENTIALS_DIRECTORY"];
    for place in places {
        run.env(place, "/secrets/place");
    }
    let output = run.args(["--on-finish", &command]).output().unwrap();
    code(&output, 0);
    assert_eq!(listener.paths().len(), 3);
    let environment = sandbox.read("environment");
    assert!(!environment.contains("se-cret") && !environment.contains(Provider::KEY), "{environment}");
    assert!(!places.iter().any(|place| environment.contains(place)), "{environment}");
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = sandbox.json("summary.json");
    assert_eq!((&told["jobs"], &told["cost_cents"]), (&printed["jobs"], &printed["cost_cents"]));
    assert_eq!(sandbox.read("printed"), "0 2 14 out/report/index.html\n");
    assert!(sandbox.read("merged").starts_with("copy: finished"));
}

#[test]
fn metrics_are_in_the_format_of_prometheus() {
    let (sandbox, provider) = two_jobs();
    code(&provider.run(&sandbox, "--metrics-file night.prom").output().unwrap(), 0);
    let text = sandbox.read("night.prom");
    let samples = samples(&text);
    let value = |name: &str| samples.iter().find(|(known, _)| known.starts_with(name)).map(|(_, value)| *value);
    assert_eq!(value("dyehouse_jobs{manifest=\"catalog.csv\",status=\"completed\"}"), Some(2.0));
    assert_eq!(value("dyehouse_spent_dollars_total"), Some(0.14));
    assert_eq!(value("dyehouse_last_run_exit_code"), Some(0.0));
    assert!(value("dyehouse_last_run_timestamp_seconds").unwrap() > 1.7e9);
    code(&provider.run(&sandbox, "--metrics-file night.prom").env("VIBEDREAM_API_KEY", "x").output().unwrap(), 0);
    assert_eq!(sandbox.names(".").iter().filter(|name| name.contains("part")).count(), 0, "nothing half written");
    sandbox.write("bad.csv", "id,promt\na,Make it red\n");
    code(&sandbox.run("run bad.csv --metrics-file night.prom"), 2);
    assert!(sandbox.read("night.prom").contains("dyehouse_last_run_exit_code{manifest=\"bad.csv\"} 2\n"));
    // If Prometheus's own parser is installed, it must accept the file as well.
    if let Ok(mut promtool) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(fs::File::open(sandbox.write("first.prom", &text)).unwrap())
        .stdout(std::process::Stdio::piped())
        .spawn()
    {
        assert!(promtool.wait().unwrap().success(), "promtool check metrics");
    }
}

#[test]
fn submits_of_all_runs_are_counted_even_if_rows_were_removed() {
    let (sandbox, provider) = two_jobs();
    let submits = || {
        code(&provider.run(&sandbox, "--metrics-file night.prom").output().unwrap(), 0);
        let text = sandbox.read("night.prom");
        samples(&text).into_iter().find(|(name, _)| name.starts_with("dyehouse_submits_total")).unwrap().1
    };
    assert_eq!(submits(), 2.0);
    let manifest = sandbox.read("catalog.csv");
    sandbox.write("catalog.csv", manifest.replace("Make", "Paint"));
    assert_eq!(submits(), 4.0, "what is worded anew is submitted anew");
    let rows: Vec<&str> = manifest.lines().take(2).collect();
    sandbox.write("catalog.csv", rows.join("\n").replace("Make", "Paint") + "\n");
    assert_eq!(submits(), 4.0, "a row that is gone takes none back");
    code(&sandbox.run("compact out"), 0);
    assert_eq!((submits(), provider.accepted()), (4.0, 4));
}

#[test]
fn a_run_of_some_jobs_reports_the_whole_manifest_to_monitoring() {
    let (sandbox, provider) = two_jobs();
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let listener = Listener::start(0, StatusCode::OK);
    let mut run = provider.run(&sandbox, &format!("--only job-000 --metrics-file m.prom --notify {}", listener.url));
    run.args(["--on-finish", "echo $DYEHOUSE_JOBS_TOTAL $DYEHOUSE_JOBS_COMPLETED > printed"]);
    code(&run.output().unwrap(), 0);
    let samples = samples(&sandbox.read("m.prom"));
    let completed = samples.iter().find(|(name, _)| name.contains("status=\"completed\""));
    assert_eq!(completed.map(|(_, value)| *value), Some(2.0), "{samples:?}");
    assert_eq!(sandbox.read("printed"), "2 2\n");
    let told: Value = serde_json::from_slice(&listener.posts()[0].body).unwrap();
    assert_eq!((&told["jobs"]["total"], &told["batch"]["jobs"]["total"]), (&1.into(), &2.into()));
    assert!(told.get("pictures").is_none() && told["batch"]["pictures"]["files"] == 2, "{told}");
}

#[test]
fn a_run_that_cannot_start_reports_its_errors_as_data() {
    let (sandbox, provider) = two_jobs();
    let listener = Listener::start(0, StatusCode::OK);
    let arguments = format!("--notify {}", listener.url);
    code(&provider.run(&sandbox, &arguments).env_remove("VIBEDREAM_API_KEY").output().unwrap(), 1);
    sandbox.write("bad.csv", "id,promt\na,Make it red\n");
    code(&sandbox.run(&format!("run bad.csv {arguments}")), 2);
    let told: Vec<Value> = listener.posts().iter().map(|post| serde_json::from_slice(&post.body).unwrap()).collect();
    assert_eq!(told[0]["error"], "failed to find an API key: VIBEDREAM_API_KEY is not set");
    assert!(told[0]["hint"].as_str().unwrap().starts_with("set VIBEDREAM_API_KEY"), "{told:?}");
    assert_eq!((&told[1]["state"], &told[1]["errors"][0]["file"]), (&"broken".into(), &"bad.csv".into()), "{told:?}");
    assert!(told[1]["errors"][0]["hint"].as_str().is_some(), "{told:?}");
}

#[test]
fn a_night_in_which_a_job_failed_is_no_success_and_says_why_it_stopped() {
    let (sandbox, listener) = (Sandbox::new(), Listener::start(0, StatusCode::OK));
    sandbox.manifest("catalog.csv", 4);
    let provider = Provider::start(Behavior { every: Some((2, 422)), ..Behavior::default() });
    let mut run = provider.run(&sandbox, &format!("--budget-per-run 0.14 --json --healthcheck {}/hc", listener.url));
    let output = run.args(["--on-finish", "echo $DYEHOUSE_STOP > printed"]).output().unwrap();
    code(&output, 4);
    assert_eq!(listener.paths(), ["/hc/start", "/hc/fail"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&printed["jobs"]["failed"], &printed["jobs"]["pending"]), (&1.into(), &1.into()), "{printed}");
    let status: Value = serde_json::from_slice(&sandbox.run("status out --json").stdout).unwrap();
    let report = sandbox.json("out/report/summary.json");
    for stop in [&printed["stop"], &status["stop"], &report["last_run"]["stop"]] {
        assert_eq!(stop, "budget_per_run");
    }
    assert_eq!(sandbox.read("printed"), "budget_per_run\n");
}

#[test]
fn summary_json_has_the_times_and_the_cost_of_the_last_run_even_if_it_stopped() {
    let (sandbox, provider) = two_jobs();
    code(&provider.run(&sandbox, "--budget 0.07").output().unwrap(), 4);
    let summary = sandbox.json("out/report/summary.json");
    assert!(summary["finished_at"].is_null() && summary["last_run"]["seconds"].as_f64().is_some(), "{summary}");
    assert!(summary["last_run"]["ended_at"].as_str() > summary["last_run"]["started_at"].as_str(), "{summary}");
    assert!(summary["working_seconds"].as_f64().is_some(), "{summary}");
    let figures = |summary: &Value| {
        let run = &summary["last_run"];
        [&run["submits"], &run["spent_cents"], &summary["attempts"], &summary["cost_cents"]["spent"]].map(Value::as_u64)
    };
    assert_eq!(figures(&summary), [1, 7, 1, 7].map(Some));
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!(figures(&sandbox.json("out/report/summary.json")), [1, 7, 2, 14].map(Some));
    code(&sandbox.run("compact out"), 0);
    code(&sandbox.run("report out"), 0);
    assert_eq!(
        figures(&sandbox.json("out/report/summary.json")),
        [1, 7, 2, 14].map(Some),
        "a compacted journal has them"
    );
}

/// Parses the text format strictly: each metric has its help and its type once, before its samples, and every sample
/// has complete labels and a number. Returns the samples with their values.
fn samples(text: &str) -> Vec<(String, f64)> {
    let mut samples: Vec<(String, f64)> = Vec::new();
    let (mut helped, mut typed) = (Vec::new(), Vec::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!helped.contains(&name) && help.ends_with('.'), "{line}");
            helped.push(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(helped.last(), Some(&name), "a type follows its help");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            typed.push(name);
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap();
            assert_eq!(typed.last(), Some(&name), "samples follow their type");
            assert!(name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()), "{name}");
            let labels = labels.strip_suffix('}').unwrap();
            assert!(labels.split("\",").all(|label| label.contains("=\"")), "{labels}");
            assert!(samples.iter().all(|(known, _)| known != sample), "{sample} twice");
            samples.push((sample.to_owned(), value.parse().unwrap()));
        }
    }
    samples
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_on_finish_command() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 1);
    let begun = sandbox.path("begun");
    let command = format!("touch {}; sleep 3000", begun.display());
    let mut run = provider.run(&sandbox, "");
    let child = run.args(["--on-finish", &command]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("the command begins", || begun.exists());
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    code(&output, 0);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("interrupted, and it was ended"), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_signal_during_the_on_finish_command_stops_it_and_keeps_the_exit_code() {
    let slow = Behavior { edit: std::time::Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 1);
    let begun = sandbox.path("begun");
    let command = format!("touch {}; sleep 60", begun.display());
    let mut run = provider.run(&sandbox, "");
    let child = run.args(["--on-finish", &command]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let terminate =
        || assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    provider.wait_for_submits(1);
    terminate();
    wait_until("the command begins", || begun.exists());
    terminate();
    let output = child.wait_with_output().unwrap();
    code(&output, 4);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("interrupted, and it was ended"), "{printed}");
}
