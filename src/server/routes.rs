//! The routes of the API.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::answer::Refusal;
use super::app::{App, unknown};
use super::chaos::{self, Chaos};
use super::input::{self, Caps};
use super::store::BodyHash;
use super::{auth, body, model};

/// Returns the documented routes, and JSON errors for all other paths. Chaos applies only to the documented ones.
pub(super) fn router(app: Arc<App>, chaos: Option<Arc<Chaos>>) -> Router {
    let documented = Router::new()
        .route("/api/v1/models/{model}/generate", post(generate))
        .route("/api/v1/predictions/{id}", get(prediction))
        .route_layer(middleware::from_fn_with_state(app.key, auth::require_key))
        .route("/outputs/{id}/{file}", get(output));
    let documented = match chaos {
        Some(chaos) => documented.route_layer(middleware::from_fn_with_state(chaos, chaos::disturb)),
        None => documented,
    };
    documented.fallback(no_such_path).method_not_allowed_fallback(wrong_method).with_state(app)
}

async fn generate(
    State(app): State<Arc<App>>,
    model: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let origin = origin(&request, &app);
    let limits = app.limits;
    let refused = match model {
        Ok(Path(model)) if model == model::ID => refused_by_head(request.headers(), limits.body_bytes),
        Ok(Path(model)) => Some(unknown_model(&model)),
        Err(_) => Some(unknown_model("?")),
    };
    if let Some(refusal) = refused {
        // A client that sent `Expect: 100-continue` is refused at once. From others, the body is read first.
        if !request.headers().contains_key(EXPECT) {
            body::discard(request.into_body(), limits.body_bytes).await;
        }
        return Err(refusal);
    }
    let bytes = body::read(request.into_body(), limits.body_bytes, limits.body_time).await?;
    let caps = Caps { prompt_bytes: limits.prompt_bytes, images: limits.images, image_bytes: limits.image_bytes };
    let reading = tokio::task::spawn_blocking(move || {
        let request = input::parse(&bytes, caps)?;
        Ok::<_, String>((request, BodyHash::of(&bytes)))
    });
    let (request, fingerprint) = reading
        .await
        .map_err(|_| Refusal::internal("the server failed over the request"))?
        .map_err(Refusal::bad_request)?;
    let wait = request.switches.enable_sync_mode == Some(true);
    let id = app.accept(request, fingerprint).await?;
    if wait {
        app.wait(id).await;
        return Ok(Json(app.prediction(id, &origin).await?).into_response());
    }
    Ok(Json(app.submitted(id, &origin)?).into_response())
}

async fn prediction(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| unknown("?"))?;
    let known = Uuid::try_parse(&id).map_err(|_| unknown(&id))?;
    let origin = origin(&request, &app);
    Ok(Json(app.prediction(known, &origin).await?).into_response())
}

async fn output(
    State(app): State<Arc<App>>,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Refusal> {
    let missing = || Refusal::not_found("no output has this path");
    let Path((id, file)) = place.map_err(|_| missing())?;
    let id = Uuid::try_parse(&id).map_err(|_| missing())?;
    let entry = app.store.get(id).ok_or_else(missing)?;
    // Only file names that follow from the log are opened, so that no path can leave the folder.
    let outputs = app.store.outputs(id, &entry);
    let (_, path) = outputs.iter().find(|(name, _)| *name == file).ok_or_else(missing)?;
    let file = tokio::fs::File::open(path).await.map_err(|_| missing())?;
    let length = file.metadata().await.map_err(|_| missing())?.len();
    let headers = [
        (CONTENT_TYPE, "image/png".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
        (CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

async fn no_such_path(method: Method, uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(200).collect();
    Refusal::not_found(format!("nothing is at {method} {path}"))
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let allowed = if uri.path().ends_with("/generate") { "POST" } else { "GET" };
    let refusal = Refusal::method_not_allowed(format!("{method} is not taken here: use {allowed}"));
    let mut response = refusal.into_response();
    if let Ok(allowed) = allowed.parse() {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// Returns the refusal of a request by its headers: its content type is not JSON, or its announced length is too large.
fn refused_by_head(headers: &HeaderMap, cap: usize) -> Option<Refusal> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if media_type.as_deref() != Some("application/json") {
        let sent = media_type.unwrap_or_else(|| "none".to_owned());
        let sent: String = sent.chars().take(60).collect();
        return Some(Refusal::bad_request(format!(
            "the content type is {sent}: send JSON with the header Content-Type: application/json"
        )));
    }
    let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    (length > cap as u64).then(|| body::over(cap))
}

fn unknown_model(model: &str) -> Refusal {
    let model: String = model.chars().take(64).collect();
    Refusal::not_found(format!("no model is called {model}: this server has {}", model::ID))
}

/// Returns the origin at which the client reached this server, for the URLs in answers.
fn origin(request: &Request, app: &App) -> String {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = host
        .and_then(|host| host.parse::<Authority>().ok())
        .or_else(|| request.uri().authority().cloned())
        .filter(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    match authority {
        Some(authority) => format!("http://{authority}"),
        None => format!("http://{}", app.address),
    }
}
