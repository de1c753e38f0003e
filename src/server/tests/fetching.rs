use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use serde_json::json;

use super::support::{Fixture, Inverter, LOOPBACK, color, encode, picture};
use crate::server::FetchPolicy;

/// Starts a server of pictures that counts its requests.
async fn pictures() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind(LOOPBACK).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let routes = Router::new()
        .route("/mug.png", get(|| async { picture([255, 0, 10]) }))
        .route(
            "/jpeg",
            get(|| async { encode(&image::RgbImage::from_pixel(8, 8, image::Rgb([0; 3])), image::ImageFormat::Jpeg) }),
        )
        .route("/moved", get(|| async { Redirect::temporary("/mug.png") }))
        .route("/loop", get(|| async { Redirect::temporary("/loop") }))
        .route("/inside", get(|| async { Redirect::temporary("http://169.254.169.254/latest/meta-data") }))
        .route("/file", get(|| async { Redirect::temporary("file:///etc/passwd") }))
        .route("/page", get(|| async { "<html>expired</html>" }))
        .route("/empty", get(|| async { "" }))
        .route("/large", get(|| async { vec![0_u8; 5000] }))
        .route("/hang", get(std::future::pending::<()>))
        .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT.into_response() }))
        .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
            count.fetch_add(1, Ordering::SeqCst);
            async { request }
        }));
    tokio::spawn(axum::serve(listener, routes).into_future());
    (url, asked)
}

#[tokio::test]
async fn images_are_fetched_by_url_through_redirects() {
    let fixture = Fixture::start().await;
    let (url, _) = pictures().await;
    for path in ["mug.png", "moved"] {
        let result = fixture.result(&json!({"prompt": "p", "images": format!("{url}/{path}")})).await;
        let (_, png) = fixture.download(result["outputs"][0].as_str().unwrap()).await;
        assert_eq!(color(&png), [0, 255, 245]);
    }
    let result = fixture.result(&json!({"prompt": "p", "images": [format!("{url}/jpeg")]})).await;
    assert_eq!(result["status"], "completed");
}

#[tokio::test]
async fn an_image_that_cannot_be_fetched_fails_the_prediction_with_its_number_and_the_reason() {
    let fixture = Fixture::with(Arc::new(Inverter::default()), |config| {
        config.limits.image_bytes = 4000;
        config.limits.fetch_time = Duration::from_millis(300);
    })
    .await;
    let (url, _) = pictures().await;
    for (path, why) in [
        ("none?token=secret", "the server answered 404 Not Found"),
        ("teapot", "the server answered 418 I'm a teapot"),
        ("loop", "more than 4 redirects"),
        ("inside", "169.254.169.254 is a link-local address (169.254.169.254), which this server does not fetch from"),
        ("file", "the scheme file: cannot be fetched"),
        ("empty", "it is empty"),
        ("large", "it is over 0 MiB"),
        ("hang", "it did not arrive within 0 s"),
    ] {
        let images = [format!("{url}/mug.png"), format!("{url}/{path}")];
        let result = fixture.result(&json!({"prompt": "p", "images": images})).await;
        let error = result["error"].as_str().unwrap();
        let shown = path.split('?').next().unwrap();
        if path == "hang" {
            assert!(error.starts_with(&format!("image 2 ({url}/hang) could not be fetched: ")), "{error}");
        } else {
            assert_eq!(error, format!("image 2 ({url}/{shown}) could not be fetched: {why}"));
        }
        assert_eq!(result["status"], "failed");
    }
    let result = fixture.result(&json!({"prompt": "p", "images": format!("{url}/page")})).await;
    assert_eq!(result["error"], "image 1 cannot be used: it is a page of HTML or XML");
    let result = fixture.result(&json!({"prompt": "p", "images": "http://127.0.0.1:1/x.png"})).await;
    let error = result["error"].as_str().unwrap();
    assert!(error.contains("cannot connect"), "{error}");
}

#[tokio::test]
async fn by_default_local_addresses_are_not_fetched_from() {
    let fixture = Fixture::with(Arc::new(Inverter::default()), |config| {
        config.fetch = FetchPolicy::default();
    })
    .await;
    let (url, asked) = pictures().await;
    let port = url.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0"] {
        let image = format!("http://{host}:{port}/mug.png");
        let result = fixture.result(&json!({"prompt": "p", "images": image})).await;
        let error = result["error"].as_str().unwrap();
        assert!(error.contains("which this server does not fetch from"), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_picture_with_too_many_pixels_is_not_decoded() {
    let editor = Arc::new(Inverter::default());
    let fixture = Fixture::with(editor.clone(), |config| config.limits.image_pixels = 23).await;
    let result = fixture.result(&super::support::body()).await;
    assert_eq!(result["error"], "image 1 has 6 × 4 pixels, over 0 megapixels");
    assert!(editor.asked.lock().unwrap().is_empty());
}
