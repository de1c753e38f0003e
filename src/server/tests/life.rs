use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use super::support::{Fixture, Gate, Inverter, KEY, body, color, config};
use crate::server::{Server, ServerError};

fn ledger(folder: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Restarts a server with the same folder.
async fn restart(fixture: Fixture, editor: Arc<dyn crate::editor::Editor>) -> Fixture {
    fixture.server.shutdown().await;
    let server = Server::start(config(fixture.data.path()), editor).await.unwrap();
    Fixture { server, client: Client::builder().no_proxy().build().unwrap(), data: fixture.data }
}

#[tokio::test]
async fn results_survive_a_restart() {
    let fixture = Fixture::start().await;
    let id = fixture.submitted(&body()).await;
    let before = fixture.finished(id).await;
    let url = fixture.server.url();
    let fixture = restart(fixture, Arc::new(Inverter::default())).await;
    let mut after = fixture.poll(id).await;
    let output = after["outputs"][0].as_str().unwrap().to_owned();
    let (status, png) = fixture.download(&output).await;
    assert_eq!((status, color(&png)), (200, [0, 255, 245]));
    after["outputs"][0] = output.replace(&fixture.server.url(), &url).into();
    assert_eq!(after, before);
}

#[tokio::test]
async fn predictions_in_progress_continue_after_a_restart() {
    let gate = Gate::closed();
    let fixture = Fixture::with(gate.clone(), |config| config.limits.stop_time = Duration::ZERO).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(fixture.submitted(&body()).await);
    }
    drop(gate.started.acquire_many(2).await.unwrap());
    let fixture = restart(fixture, Arc::new(Inverter::default())).await;
    for id in ids {
        assert_eq!(fixture.finished(id).await["status"], "completed");
    }
    gate.open();
    // A request file is removed after the result is recorded. A shutdown waits for that.
    let Fixture { server, data, .. } = fixture;
    server.shutdown().await;
    let accepted = ledger(data.path());
    assert_eq!(accepted.iter().filter(|record| record["event"] == "accepted").count(), 4);
    assert_eq!(accepted.iter().filter(|record| record["event"] == "completed").count(), 4);
    let left = std::fs::read_dir(data.path().join("requests")).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_shutdown_lets_open_edits_finish_and_answers_waiting_clients_with_processing() {
    let gate = Gate::closed();
    let fixture = Fixture::with(gate.clone(), |_| {}).await;
    let mut waiting = body();
    waiting["enable_sync_mode"] = true.into();
    let client = tokio::spawn(fixture.submit(&waiting).send());
    drop(gate.started.acquire().await.unwrap());
    let stop = fixture.server.stop.clone();
    let shutdown = tokio::spawn(fixture.server.shutdown());
    stop.cancelled().await;
    let answer: Value = client.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["status"], "processing");
    gate.open();
    shutdown.await.unwrap();
    assert_eq!(ledger(fixture.data.path()).last().unwrap()["event"], "completed");
}

#[tokio::test]
async fn the_ledger_has_every_accepted_submit_with_its_fingerprint_and_cost() {
    let fixture = Fixture::start().await;
    fixture.result(&body()).await;
    let mut other = body();
    other["seed"] = 3.into();
    fixture.result(&other).await;
    fixture.result(&body()).await;
    let records = ledger(fixture.data.path());
    let accepted: Vec<&Value> = records.iter().filter(|record| record["event"] == "accepted").collect();
    assert_eq!(accepted.len(), 3);
    assert_eq!(accepted[0]["cost_cents"], 7);
    assert_eq!(accepted[0]["prompt"], "invert it");
    assert_eq!(accepted[0]["fingerprint"], blake3::hash(body().to_string().as_bytes()).to_hex().as_str());
    assert_eq!(accepted[0]["fingerprint"], accepted[2]["fingerprint"]);
    assert_ne!(accepted[0]["fingerprint"], accepted[1]["fingerprint"]);
}

#[tokio::test]
async fn a_torn_last_line_is_truncated_and_any_other_broken_line_is_refused() {
    let fixture = Fixture::start().await;
    let id = fixture.submitted(&body()).await;
    fixture.finished(id).await;
    let Fixture { server, client, data } = fixture;
    server.shutdown().await;
    let path = data.path().join("ledger.jsonl");
    let whole = std::fs::read(&path).unwrap();
    let append = |bytes: &[u8]| {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(bytes).unwrap();
    };
    append(b"{\"v\":1,\"at\":\"2026-");
    let start = || Server::start(config(data.path()), Arc::new(Inverter::default()));
    start().await.unwrap().shutdown().await;
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    append(b"{\"v\":1,\n");
    append(&whole);
    let broken = std::fs::read(&path).unwrap();
    let error = start().await.unwrap_err();
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    assert!(error.to_string().contains(&format!("ledger.jsonl line {}: ", lines + 1)), "{error}");
    assert!(error.hint().unwrap().starts_with("nothing was changed"));
    assert_eq!(std::fs::read(&path).unwrap(), broken);
    drop(client);
}

#[tokio::test]
async fn a_second_server_for_a_folder_is_refused_with_the_holder() {
    let fixture = Fixture::start().await;
    let error = Server::start(config(fixture.data.path()), Arc::new(Inverter::default())).await.unwrap_err();
    let expected =
        format!("use the data folder {}: process {} (since ", fixture.data.path().display(), std::process::id());
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(error.hint().unwrap().contains("--data"));
}

#[tokio::test]
async fn an_address_in_use_a_file_as_folder_and_an_empty_key_are_clear_errors() {
    let fixture = Fixture::start().await;
    let other = tempfile::tempdir().unwrap();
    let mut taken = config(other.path());
    taken.listen = fixture.server.address();
    let error = Server::start(taken, Arc::new(Inverter::default())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("listen on {}: Address already in use (os error 98)", fixture.server.address())
    );
    assert!(error.hint().unwrap().contains("another program listens on port"));

    let file = other.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let error = Server::start(config(&file), Arc::new(Inverter::default())).await.unwrap_err();
    assert_eq!(error.to_string(), format!("make the folder {}: File exists (os error 17)", file.display()));
    assert!(error.hint().unwrap().starts_with("the data folder is a file"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");

    let mut keyless = config(other.path());
    keyless.api_key = "".into();
    let error = Server::start(keyless, Arc::new(Inverter::default())).await.unwrap_err();
    assert!(matches!(error, ServerError::EmptyKey));
}

#[tokio::test]
async fn starting_does_not_touch_foreign_files() {
    let data = tempfile::tempdir().unwrap();
    let mine = data.path().join("outputs/holiday");
    std::fs::create_dir_all(&mine).unwrap();
    std::fs::write(mine.join("beach.png"), "mine").unwrap();
    let server = Server::start(config(data.path()), Arc::new(Inverter::default())).await.unwrap();
    server.shutdown().await;
    assert!(mine.join("beach.png").exists());
}

#[tokio::test]
async fn the_key_is_neither_in_the_data_folder_nor_in_debug_output() {
    let fixture = Fixture::start().await;
    fixture.result(&body()).await;
    assert!(!format!("{:?}", fixture.server).contains(KEY));
    let text = std::fs::read_to_string(fixture.data.path().join("ledger.jsonl")).unwrap();
    assert!(!text.contains(KEY));
}
