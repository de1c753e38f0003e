use std::sync::Arc;

use reqwest::Client;
use serde_json::Value;

use super::support::{Fixture, Gate, Inverter, KEY, body, read};

/// Starts a server with these faults.
async fn with(faults: &str) -> Fixture {
    Fixture::with(Arc::new(Inverter::default()), |config| config.chaos = Some(faults.parse().unwrap())).await
}

fn accepted(fixture: &Fixture) -> usize {
    let ledger = std::fs::read_to_string(fixture.data.path().join("ledger.jsonl")).unwrap_or_default();
    ledger.lines().filter(|line| line.contains("\"accepted\"")).count()
}

/// Returns the response that a client gets to a submit: the status and the body, or 0 if there is no response.
async fn submit(fixture: &Fixture) -> (u16, Value) {
    match fixture.submit(&body()).send().await {
        Ok(response) => read(response).await,
        Err(_) => (0, Value::Null),
    }
}

#[tokio::test]
async fn faults_before_acceptance_leave_the_ledger_empty_and_those_after_do_not() {
    for (fault, status, charged) in [
        ("drop_before", 0, 0),
        ("rate_limited", 429, 0),
        ("rate_limited_without_hint", 429, 0),
        ("rate_limited_with_absurd_hint", 429, 0),
        ("unauthorized", 401, 0),
        ("balance", 402, 0),
        ("drop_after", 0, 1),
        ("html", 200, 1),
        ("truncated_json", 200, 1),
        ("no_id", 200, 1),
    ] {
        let fixture = with(&format!("submit: {{{fault}: 100}}")).await;
        let (seen, body) = submit(&fixture).await;
        assert_eq!((seen, accepted(&fixture)), (status, charged), "{fault}: {body}");
        assert!(body["id"].is_null(), "{fault} must not hand out the id");
    }
    for (fault, charged) in [("error_before", 0), ("error_after", 1)] {
        let fixture = with(&format!("submit: {{{fault}: 100}}")).await;
        let (seen, _) = submit(&fixture).await;
        assert!(matches!(seen, 500 | 502 | 503 | 504), "{seen}");
        assert_eq!(accepted(&fixture), charged, "{fault}");
    }
}

#[tokio::test]
async fn predictions_end_as_planned() {
    for (fate, expected) in [("stuck", "processing"), ("empty_outputs", "completed")] {
        let fixture = with(&format!("prediction: {{{fate}: 100}}")).await;
        let answer = fixture.result(&body()).await;
        assert_eq!(answer["status"], expected, "{fate}");
        assert!(answer["outputs"].as_array().is_none_or(Vec::is_empty), "{fate}: {answer}");
    }
    let vanished = with("prediction: {vanished: 100}").await;
    let id = vanished.submitted(&body()).await;
    vanished.server.app.store.finished(id).await.unwrap();
    assert_eq!(polled(&vanished, id).await.0, 404);
    let early = with("prediction: {early_404: 100}").await;
    let id = early.submitted(&body()).await;
    let statuses = [polled(&early, id).await.0, polled(&early, id).await.0, polled(&early, id).await.0];
    assert_eq!(statuses, [404, 404, 200]);
}

#[tokio::test]
async fn an_unknown_status_is_returned_while_a_prediction_is_in_progress() {
    let gate = Gate::closed();
    let plan = "prediction: {unknown_status: 100}".parse().unwrap();
    let fixture = Fixture::with(gate.clone(), |config| config.chaos = Some(plan)).await;
    let id = fixture.submitted(&body()).await;
    assert_eq!(fixture.poll(id).await["status"], "warming_up");
    gate.open();
    assert_eq!(fixture.finished(id).await["status"], "completed");
}

#[tokio::test]
async fn polls_fail_with_every_fault() {
    for (fault, expected) in [("drop", 0), ("rate_limited", 429), ("unauthorized", 401), ("html", 200)] {
        let fixture = with(&format!("poll: {{{fault}: 100}}")).await;
        let id = fixture.submitted(&body()).await;
        let (status, answer) = polled(&fixture, id).await;
        assert_eq!(status, expected, "{fault}");
        assert!(answer["status"].is_null(), "{fault}: {answer}");
    }
    let torn = with("poll: {truncated_json: 100}").await;
    let id = torn.submitted(&body()).await;
    let (status, answer) = polled(&torn, id).await;
    assert!(status == 200 && answer.as_str().is_some_and(|text| text.starts_with("{\"id\"")), "{answer}");
}

#[tokio::test]
async fn downloads_fail_with_every_fault() {
    for (fault, expected) in [
        ("drop", "no answer"),
        ("gone", "410"),
        ("truncated", "200, broken off"),
        ("wrong_length", "200, no whole PNG"),
        ("html", "200, no PNG"),
        ("bomb", "200, no whole PNG"),
        ("redirect_loop", "307 to itself"),
        ("redirect_elsewhere", "307 to http://elsewhere.invalid/"),
    ] {
        let fixture = with(&format!("output: {{{fault}: 100}}")).await;
        let url = fixture.result(&body()).await["outputs"][0].as_str().unwrap().to_owned();
        assert_eq!(downloaded(&url).await, expected, "{fault}");
    }
}

#[tokio::test]
async fn an_endless_body_is_longer_than_any_picture() {
    let fixture = with("output: {endless: 100}").await;
    let url = fixture.result(&body()).await["outputs"][0].as_str().unwrap().to_owned();
    let mut response = fixture.client.get(&url).send().await.unwrap();
    let mut read = 0;
    while read < 8 << 20 {
        read += response.chunk().await.unwrap().expect("it does not end").len();
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids_and_the_same_faults() {
    let mut nights = Vec::new();
    for _ in 0..2 {
        let fixture = with("seed: 3\nsubmit: {rate_limited: 30, html: 20}").await;
        let mut night = Vec::new();
        for _ in 0..20 {
            let (status, answer) = submit(&fixture).await;
            night.push((status, answer["id"].clone()));
        }
        nights.push(night);
    }
    assert_eq!(nights[0], nights[1]);
    assert!(nights[0].iter().any(|(status, _)| *status == 429) && nights[0].iter().any(|(_, id)| id.is_string()));
}

async fn polled(fixture: &Fixture, id: uuid::Uuid) -> (u16, Value) {
    let url = format!("{}/api/v1/predictions/{id}", fixture.server.url());
    match fixture.client.get(url).bearer_auth(KEY).send().await {
        Ok(response) => read(response).await,
        Err(_) => (0, Value::Null),
    }
}

/// Returns the result of a download by a client that follows no redirects.
async fn downloaded(url: &str) -> String {
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let Ok(response) = client.get(url).send().await else { return "no answer".to_owned() };
    let status = response.status().as_u16();
    if let Some(to) = response.headers().get("location") {
        let to = to.to_str().unwrap();
        let is_itself = url.ends_with(to);
        return format!("{status} to {}", if is_itself { "itself" } else { to });
    }
    match (status, response.bytes().await) {
        (200, Err(_)) => "200, broken off".to_owned(),
        (200, Ok(bytes)) if image::guess_format(&bytes).is_err() => "200, no PNG".to_owned(),
        (200, Ok(bytes)) if image::load_from_memory(&bytes).is_err() => "200, no whole PNG".to_owned(),
        (200, Ok(_)) => "200, a picture".to_owned(),
        (status, _) => status.to_string(),
    }
}
