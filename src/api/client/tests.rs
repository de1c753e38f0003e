use super::*;
use crate::api::long_answers::MAX_ANSWER;

fn client(base: BaseUrl) -> Client {
    client_with_key(base, "k")
}

fn client_with_key(base: BaseUrl, key: &str) -> Client {
    Client::new(base, &SecretString::from(key), Path::new(".")).unwrap()
}

#[test]
fn an_upload_has_time_by_its_length() {
    assert_eq!(upload_time(9_600_000), Duration::from_secs(192));
    assert!(MAX_SUBMIT_DURATION > SYNC_SUBMIT_TIMEOUT + upload_time(8 * MAX_INLINE_BYTES));
}

#[test]
fn the_key_is_not_printed_with_the_client() {
    let client = client_with_key(BaseUrl::parse("http://127.0.0.1:1").unwrap(), "hunter2");
    assert!(!format!("{client:?}").contains("hunter2"));
}

#[test]
fn the_key_is_removed_from_answers_that_repeat_it() {
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    let struck = |key: &str, body: &str| {
        let client = client_with_key(base.clone(), key);
        let answer = client.without_key(Answer { body: body.into(), ..Answer::default() });
        String::from_utf8(answer.body).unwrap()
    };
    assert_eq!(
        struck("hunter2-hunter2", r#"{"error":"no such key: hunter2-hunter2"}"#),
        r#"{"error":"no such key: [key]"}"#
    );
    assert_eq!(struck("id", r#"{"id":"p"}"#), r#"{"id":"p"}"#, "what may be a word stays");
}

fn edit() -> (EditRequest, Intended) {
    let request = EditRequest {
        model: "m".into(),
        prompt: "make it blue".into(),
        images: vec![ImageSource::Url("https://example.com/a.png".into())],
        size: None,
        seed: None,
        switches: crate::job::Switches::default(),
    };
    let fingerprint = Fingerprint::of(&request, |_| Err("there are no files")).unwrap();
    (request.clone(), Intended { fingerprint, request: Arc::new(request) })
}

#[tokio::test]
async fn a_picture_that_was_replaced_by_a_huge_file_is_not_sent() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(MAX_IMAGE_BYTES + 1).unwrap();
    let (request, intended) = edit();
    let request = EditRequest { images: vec![ImageSource::File(file.path().to_owned())], ..request };
    let client = client(BaseUrl::parse("http://127.0.0.1:1").unwrap());
    let Exchange::Fault(Fault::Unreadable(cause)) = client.submit(&request, &intended).await else {
        panic!("it is sent")
    };
    assert!(cause.ends_with("larger than 20 MiB, which it was not when the manifest was read"), "{cause}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    use axum::response::Redirect;
    use axum::routing::{any, post};
    use std::sync::atomic::{AtomicU32, Ordering};

    let visits = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&visits);
    let elsewhere = move || async move { counted.fetch_add(1, Ordering::Relaxed).to_string() };
    let redirect = || async { Redirect::temporary("/elsewhere") };
    let router = axum::Router::new()
        .route("/api/v1/models/m/generate", post(redirect))
        .route("/api/v1/predictions/p", any(redirect))
        .route("/elsewhere", any(elsewhere));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let client = client(base);
    let (request, intended) = edit();
    for exchange in
        [client.submit(&request, &intended).await, client.poll(&PredictionId::new("p").unwrap(), None).await]
    {
        let Exchange::Answer(answer) = exchange else { panic!("{exchange:?}") };
        assert_eq!(answer.status, 307);
    }
    assert_eq!(visits.load(Ordering::Relaxed), 0, "neither the key nor a second submit goes where it leads");
}

#[tokio::test]
async fn a_submit_does_not_use_a_connection_that_the_server_may_be_closing() {
    use axum::extract::ConnectInfo;
    use std::net::SocketAddr;

    let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    let router = axum::Router::new().fallback(peer).into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client(base);
    let (request, intended) = edit();
    let mut peers = Vec::new();
    for quiet in [Duration::ZERO, Duration::from_millis(500), Duration::from_millis(1500)] {
        tokio::time::pause();
        tokio::time::sleep(quiet).await;
        tokio::time::resume();
        let Exchange::Answer(answer) = client.submit(&request, &intended).await else { panic!("no answer") };
        peers.push(answer.body);
    }
    assert_eq!(peers[0], peers[1], "a connection in use stays open");
    assert_ne!(peers[1], peers[2], "a quiet one is not used");
}

#[tokio::test]
async fn a_prediction_is_polled_at_the_status_url_of_its_submit() {
    let router = axum::Router::new().route("/v2/status/p", axum::routing::get(|| async { "{}" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client(BaseUrl::parse(&url).unwrap());
    let prediction = PredictionId::new("p").unwrap();
    let named = client.status_path(&prediction, &format!("{url}/v2/status/p"));
    for (path, expected) in [(named.as_ref(), 200), (None, 404)] {
        let Exchange::Answer(answer) = client.poll(&prediction, path).await else { panic!("no answer") };
        assert_eq!(answer.status, expected, "{path:?}");
    }
    assert_eq!(client.status_path(&prediction, "https://elsewhere.example/v2/status/p"), None);
}

/// Returns the exchange with a server that sends `beginning`, and then a letter a millisecond, or nothing more.
async fn exchange_with_stalling_server(beginning: String, sends_letters: bool) -> Exchange {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
        socket.write_all(beginning.as_bytes()).await.unwrap();
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        while sends_letters && socket.write_all(b" ").await.is_ok() {
            pace.tick().await;
        }
        std::future::pending::<()>().await;
    };
    let (short, long) = (Duration::from_millis(100), Duration::from_secs(60));
    let body_timeouts = match sends_letters {
        true => BodyTimeouts { whole: short, silence: long },
        false => BodyTimeouts { whole: long, silence: short },
    };
    let client = Client { body_timeouts, ..client(base) };
    let prediction = PredictionId::new("p").unwrap();
    tokio::select! {
        exchange = client.poll(&prediction, None) => exchange,
        () = server => unreachable!("the server goes on"),
    }
}

#[tokio::test]
async fn an_answer_that_stalls_or_never_ends_is_given_up() {
    let beginning = |status| format!("HTTP/1.1 {status} Any\r\ncontent-length: 1000000\r\n\r\n{{\"error\": ");
    for (sends_letters, expected) in
        [(false, "the answer broke off (nothing more arrived)"), (true, "the answer did not end in time")]
    {
        let exchange = exchange_with_stalling_server(beginning(200), sends_letters).await;
        let Exchange::Fault(Fault::BrokenOff { cause, begun }) = &exchange else { panic!("{exchange:?}") };
        assert_eq!(cause, expected);
        assert_eq!(begun.trim_ascii_end(), b"{\"error\":", "what has arrived may have an id");
        let refusal = exchange_with_stalling_server(beginning(402), sends_letters).await;
        let Exchange::Answer(Answer { status: 402, body, .. }) = &refusal else { panic!("{refusal:?}") };
        assert_eq!(body.trim_ascii_end(), b"{\"error\":", "the status of an error needs no body");
    }
}

#[tokio::test]
async fn a_submit_without_an_answer_may_have_been_accepted() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let http = http::builder().build().unwrap();
    let request = http.post(format!("http://{}", silent.local_addr().unwrap()));
    let error = request.body("{}").timeout(Duration::from_millis(100)).send().await.unwrap_err();
    let Fault::Unknown(cause) = fault(&error) else { panic!("{error:?} is taken for not sent") };
    assert!(cause.starts_with("no answer in time"), "{cause}");
}

/// Returns the fault of a request whose stream an HTTP/2 server resets with `reason`.
async fn fault_of_reset(reason: h2::Reason) -> Fault {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((_, mut response))) = connection.accept().await {
            response.send_reset(reason);
        }
    });
    let http = http::builder().http2_prior_knowledge().retry(retry::never()).build().unwrap();
    let error = http.post(url).body("{}").send().await.unwrap_err();
    server.abort();
    fault(&error)
}

#[tokio::test]
async fn a_refused_stream_was_not_sent_and_a_canceled_stream_may_have_been() {
    let refused = fault_of_reset(h2::Reason::REFUSED_STREAM).await;
    assert!(matches!(refused, Fault::NotSent(_)), "{refused:?}");
    for reason in [h2::Reason::CANCEL, h2::Reason::INTERNAL_ERROR, h2::Reason::NO_ERROR] {
        let broken = fault_of_reset(reason).await;
        assert!(matches!(broken, Fault::Unknown(_)), "{reason:?}: {broken:?}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_built_does_not_count_as_unreachable() {
    let http = http::builder().build().unwrap();
    let error = http.post("http://[").body("{}").send().await.unwrap_err();
    let Fault::Unreadable(cause) = fault(&error) else { panic!("{error:?} is taken for not sent") };
    assert!(cause.starts_with("no HTTP request can be made of it"), "{cause}");
}

#[tokio::test]
async fn a_submit_on_a_refused_connection_was_not_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = BaseUrl::parse(&format!("http://{closed}")).unwrap();
    let client = client(base);
    let exchange = client.poll(&PredictionId::new("p").unwrap(), None).await;
    let Exchange::Fault(Fault::NotSent(cause)) = exchange else { panic!("{exchange:?}") };
    assert!(cause.starts_with("cannot connect"), "{cause}");
}

#[tokio::test]
async fn an_answer_counts_as_too_long_by_its_unpacked_length() {
    use std::io::Write;

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _block in 0..=MAX_ANSWER / zeros.len() {
        packed.write_all(&zeros).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    let bomb = move || async move { ([("content-encoding", "gzip")], packed) };
    let router = axum::Router::new().fallback(axum::routing::any(bomb));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client(base);
    let exchange = client.poll(&PredictionId::new("p").unwrap(), None).await;
    assert!(matches!(&exchange, Exchange::Fault(fault) if fault.to_string().contains("an answer over")));
}

/// Returns the client of a server that answers every poll with these outputs.
async fn client_of_outputs(outputs: Vec<String>, folder: &Path) -> Client {
    let body = serde_json::json!({"id": "p", "status": "completed", "outputs": outputs}).to_string();
    let router = axum::Router::new().fallback(axum::routing::any(move || async move { body }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Client::new(base, &SecretString::from("k"), folder).unwrap()
}

#[tokio::test]
async fn pictures_in_an_answer_are_not_kept_in_memory() {
    use crate::api::Output;
    use crate::api::outcome::{Finished, PollOutcome, of_poll};

    let folder = tempfile::tempdir().unwrap();
    let sent = [STANDARD.encode(vec![1; 3_000_000]), "https://a/2.png".to_owned(), STANDARD.encode(vec![3; 200_000])];
    let client = client_of_outputs(sent.to_vec(), folder.path()).await;
    let prediction = PredictionId::new("p").unwrap();
    let exchange = client.poll(&prediction, None).await;
    let Exchange::Answer(Answer { body, .. }) = &exchange else { panic!("{exchange:?}") };
    assert!(body.len() < 200, "{} bytes", body.len());
    let PollOutcome::Finished(Finished::Completed { outputs, .. }) =
        of_poll(&exchange, &prediction, jiff::Timestamp::UNIX_EPOCH)
    else {
        panic!("{exchange:?}")
    };
    drop(exchange);
    let read = outputs.iter().map(|output| io::read_to_string(output.reader().unwrap()).unwrap());
    assert!(read.eq(sent));
    assert_eq!(outputs[1], Output::from("https://a/2.png"));
}

#[tokio::test]
async fn polls_with_long_answers_wait_for_each_other_and_submits_do_not() {
    let client = client_of_outputs(vec!["A".repeat(1 << 20)], Path::new(".")).await;
    let _others = client.long_answers.hold_all().await;
    let prediction = PredictionId::new("p").unwrap();
    let poll = client.poll(&prediction, None);
    assert!(tokio::time::timeout(Duration::from_millis(200), poll).await.is_err());
    let (request, intended) = edit();
    let exchange = client.submit(&request, &intended).await;
    assert!(matches!(exchange, Exchange::Answer(_)), "{exchange:?}");
}
