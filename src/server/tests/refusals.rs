use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Fixture, Gate, KEY, body, data_uri, read};

async fn error(request: reqwest::RequestBuilder) -> (u16, String) {
    let (status, answer) = read(request.send().await.unwrap()).await;
    (status, answer["error"].as_str().unwrap_or(&answer.to_string()).to_owned())
}

#[tokio::test]
async fn without_the_key_only_outputs_are_served() {
    let fixture = Fixture::start().await;
    let id = fixture.submitted(&body()).await;
    let poll = format!("{}/api/v1/predictions/{id}", fixture.server.url());
    let submit = || fixture.client.post(fixture.submit_path()).json(&body());
    let client = &fixture.client;
    for (request, expected) in [
        (client.get(&poll), "no API key: send the header Authorization: Bearer YOUR_KEY"),
        (submit(), "no API key: send the header Authorization: Bearer YOUR_KEY"),
        (submit().bearer_auth("wrong"), "the API key is not valid"),
        (submit().bearer_auth(format!("{KEY}x")), "the API key is not valid"),
        (
            client.get(&poll).basic_auth("user", Some(KEY)),
            "the header Authorization is not of the form: Bearer YOUR_KEY",
        ),
        (client.get(&poll).header("authorization", format!("bearer {KEY}")), ""),
    ] {
        let (status, text) = error(request).await;
        if expected.is_empty() {
            assert_eq!(status, 200);
        } else {
            assert_eq!((status, text.as_str()), (401, expected));
        }
    }
}

#[tokio::test]
async fn wrong_fields_get_400_and_are_not_charged() {
    let fixture = Fixture::start().await;
    let (status, text) = error(fixture.submit(&json!({"images": []}))).await;
    assert_eq!(status, 400);
    assert!(text.contains("prompt is missing") && text.contains("images is empty"), "{text}");
    let post = || fixture.client.post(fixture.submit_path()).bearer_auth(KEY);
    let (status, text) = error(post().body(body().to_string())).await;
    assert_eq!(status, 400);
    assert!(text.starts_with("the content type is none"), "{text}");
    let (status, text) = error(post().header("content-type", "application/json").body("{\"prompt\": ")).await;
    assert_eq!(status, 400);
    assert!(text.starts_with("the body is not JSON"), "{text}");
    let ledger = std::fs::read_to_string(fixture.data.path().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger, "");
}

#[tokio::test]
async fn unknown_paths_get_404_and_wrong_methods_405_in_json() {
    let fixture = Fixture::start().await;
    let url = fixture.server.url();
    let client = &fixture.client;
    let id = "550e8400-e29b-41d4-a716-446655440000";
    let cases = [
        (client.get(format!("{url}/api/v1/predictions/{id}")), 404),
        (client.get(format!("{url}/api/v1/predictions/not-an-id")), 404),
        (client.get(format!("{url}/api/v1/predictions/%FF")), 404),
        (client.post(format!("{url}/api/v1/models/other/generate")).json(&body()), 404),
        (client.get(format!("{url}/outputs/{id}/1-0.png")), 404),
        (client.get(format!("{url}/outputs/..%2F..%2Fledger.jsonl/x")), 404),
        (client.get(format!("{url}/")), 404),
        (client.get(fixture.submit_path()), 405),
        (client.delete(format!("{url}/api/v1/predictions/{id}")), 405),
    ];
    for (request, expected) in cases {
        let (status, answer) = read(request.bearer_auth(KEY).send().await.unwrap()).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    let (_, text) = error(client.post(format!("{url}/api/v1/models/other/generate")).bearer_auth(KEY)).await;
    assert_eq!(text, "no model is called other: this server has flux-2-pro-edit");
}

#[tokio::test]
async fn a_body_over_the_cap_gets_413_announced_or_not() {
    let fixture = Fixture::with(std::sync::Arc::new(super::support::Inverter::default()), |config| {
        config.limits.body_bytes = 1 << 20;
    })
    .await;
    let large = json!({"prompt": "p", "images": data_uri(&vec![0; 1 << 20])});
    assert_eq!(error(fixture.submit(&large)).await.0, 413);
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> = vec![Ok(vec![b' '; 900 << 10]), Ok(vec![b' '; 900 << 10])];
    let chunked = fixture
        .client
        .post(fixture.submit_path())
        .bearer_auth(KEY)
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(futures::stream::iter(chunks)));
    assert_eq!(error(chunked).await.0, 413);
}

#[tokio::test]
async fn a_full_queue_gets_429_with_a_hint_and_nothing_is_accepted() {
    let gate = Gate::closed();
    let fixture = Fixture::with(gate.clone(), |config| config.limits.queued = 2).await;
    fixture.submitted(&body()).await;
    fixture.submitted(&body()).await;
    let response = fixture.submit(&body()).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(fixture.server.app.store.processing(), 2);
    gate.open();
}

#[tokio::test]
async fn a_client_that_stalls_in_the_head_or_the_body_is_disconnected() {
    let gate = Gate::closed();
    let fixture = Fixture::with(gate, |config| {
        config.limits.head_time = Duration::from_millis(100);
        config.limits.body_time = Duration::from_millis(100);
    })
    .await;
    let talk = async |text: String| {
        let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert_eq!(talk(String::new()).await, "");
    talk("POST /api/v1/models/flux-2-pro-edit/generate HTTP/1.1\r\nHost:".to_owned()).await;
    let half = format!(
        "POST /api/v1/models/flux-2-pro-edit/generate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"prompt\""
    );
    let answer = talk(half).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let answer: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(answer["error"], "the body did not arrive within 0 s");
}
