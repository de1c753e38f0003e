use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::support::{Fixture, Gate, Inverter, body, color, data_uri, picture, read};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Whether a value is a timestamp like `2025-01-15T12:00:00.000Z`.
fn is_timestamp(value: &Value) -> bool {
    let text = value.as_str().unwrap();
    let shape: String =
        text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[tokio::test]
async fn a_submit_is_answered_at_once_and_its_result_polled_and_downloaded() {
    let gate = Gate::closed();
    let fixture = Fixture::with(gate.clone(), |_| {}).await;
    let (status, submitted) = read(fixture.submit(&body()).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(keys(&submitted), ["id", "status", "statusUrl", "estimatedTime", "costCents", "createdAt"]);
    let id = submitted["id"].as_str().unwrap();
    assert_eq!(submitted["status"], "processing");
    assert_eq!(submitted["statusUrl"], format!("{}/api/v1/predictions/{id}", fixture.server.url()));
    assert_eq!(submitted["estimatedTime"], "Variable, depending on task");
    assert_eq!(submitted["costCents"], 7);
    assert!(is_timestamp(&submitted["createdAt"]), "{submitted}");

    let id = id.parse().unwrap();
    let waiting = fixture.poll(id).await;
    let mut expected = json!({
        "id": submitted["id"], "modelId": "flux-2-pro-edit", "modelName": "FLUX.2 [pro] Edit", "status": "processing",
        "outputs": null, "error": null, "createdAt": submitted["createdAt"], "completedAt": null,
    });
    assert_eq!(waiting, expected);
    assert_eq!(keys(&waiting), keys(&expected));

    gate.open();
    let result = fixture.finished(id).await;
    assert!(is_timestamp(&result["completedAt"]));
    let at: jiff::Timestamp = result["completedAt"].as_str().unwrap().parse().unwrap();
    let url = format!("{}/outputs/{id}/{}-0.png", fixture.server.url(), at.as_millisecond());
    expected["status"] = json!("completed");
    expected["outputs"] = json!([url]);
    expected["completedAt"] = result["completedAt"].clone();
    assert_eq!(result, expected);
    let (status, png) = fixture.download(&url).await;
    assert_eq!((status, color(&png)), (200, [0, 255, 245]));
    fixture.server.shutdown().await;
}

#[tokio::test]
async fn the_editor_gets_the_prompt_every_image_the_size_and_the_seed() {
    let editor = Arc::new(Inverter::default());
    let fixture = Fixture::with(editor.clone(), |_| {}).await;
    let one = data_uri(&picture([0; 3]));
    fixture.result(&json!({"prompt": "two", "images": [one, one], "size": "small", "seed": 0})).await;
    fixture.result(&json!({"prompt": "one", "images": one, "seed": 10000})).await;
    fixture.result(&json!({"prompt": "none", "images": one})).await;
    let asked = editor.asked.lock().unwrap().clone();
    assert_eq!(
        asked,
        [
            ("two".to_owned(), 2, Some("small"), Some(0)),
            ("one".to_owned(), 1, None, Some(10000)),
            ("none".to_owned(), 1, None, None),
        ]
    );
}

#[tokio::test]
async fn sync_mode_answers_with_the_result() {
    let fixture = Fixture::start().await;
    let mut body = body();
    body["enable_sync_mode"] = json!(true);
    let (status, result) = read(fixture.submit(&body).send().await.unwrap()).await;
    assert_eq!((status, &result["status"]), (200, &json!("completed")));
    let id = result["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(fixture.poll(id).await, result);
}

#[tokio::test]
async fn base64_output_is_the_picture_itself() {
    let fixture = Fixture::start().await;
    let mut body = body();
    body["enable_base64_output"] = json!(true);
    let result = fixture.result(&body).await;
    let png = BASE64_STANDARD.decode(result["outputs"][0].as_str().unwrap()).unwrap();
    assert_eq!(color(&png), [0, 255, 245]);
}

#[tokio::test]
async fn the_safety_checker_fails_a_prediction_with_the_documented_message_if_enabled() {
    let fixture = Fixture::start().await;
    let mut body = body();
    body["prompt"] = json!("a nude tone");
    assert_eq!(fixture.result(&body).await["status"], "completed");
    body["enable_safety_checker"] = json!(true);
    let result = fixture.result(&body).await;
    assert_eq!(result["status"], "failed");
    assert_eq!(result["error"], "Your request was flagged by content moderation. Please modify your prompt.");
    assert_eq!(result["outputs"], Value::Null);
    assert!(is_timestamp(&result["completedAt"]));
}

#[tokio::test]
async fn an_instruction_the_editor_cannot_follow_fails_the_prediction_with_the_reason() {
    let fixture = Fixture::start().await;
    let mut body = body();
    body["prompt"] = json!("cannot: add a hat");
    let result = fixture.result(&body).await;
    assert_eq!(result["error"], "cannot do that; it can invert");
    body["images"] = json!(["data:image/png;base64,aGVsbG8="]);
    let result = fixture.result(&body).await;
    assert_eq!(result["error"], "image 1 cannot be used: it is not a JPEG, PNG, GIF or WebP");
}

#[tokio::test]
async fn urls_are_built_from_the_host_that_the_client_used() {
    let fixture = Fixture::start().await;
    let submit = fixture.submit(&body()).header("host", "images.example:8080");
    let (_, submitted) = read(submit.send().await.unwrap()).await;
    let url = submitted["statusUrl"].as_str().unwrap();
    assert!(url.starts_with("http://images.example:8080/api/v1/predictions/"), "{url}");
    let submit = fixture.submit(&body()).header("host", "user@evil.example");
    let (_, submitted) = read(submit.send().await.unwrap()).await;
    let url = submitted["statusUrl"].as_str().unwrap();
    assert!(url.starts_with(&fixture.server.url()), "{url}");
}

#[tokio::test]
async fn no_more_edits_run_at_once_than_there_are_workers_and_all_of_them_finish() {
    let gate = Gate::closed();
    let fixture = Fixture::with(gate.clone(), |_| {}).await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(fixture.submitted(&body()).await);
    }
    drop(gate.started.acquire_many(2).await.unwrap());
    gate.open();
    for id in ids {
        assert_eq!(fixture.finished(id).await["status"], "completed");
    }
    assert_eq!(gate.most.load(Ordering::SeqCst), 2);
}
