use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{PATIENCE, Sandbox};

/// An API as documented, on two loopback ports (for the API and the asset host), which keeps a ledger of its requests.
pub struct Provider {
    pub url: String,
    ledger: Shared,
    _runtime: Runtime,
}

/// The behavior of the provider.
#[derive(Clone, Copy, Debug)]
pub struct Behavior {
    /// The duration of an edit.
    pub edit: Duration,
    /// The delay of the answer to an accepted submit.
    pub answer: Duration,
    /// The status of every `n`th submit, which is not accepted.
    pub every: Option<(usize, u16)>,
    /// The price of an edit, in cents.
    pub price: u64,
    /// The number of outputs of each prediction.
    pub outputs: usize,
    /// The number of different pictures.
    pub pictures: u32,
    /// Whether it does not know predictions any more.
    pub forgets: bool,
    /// The number of accepted submits after which it answers 402.
    pub balance: usize,
    /// Whether it compresses everything with gzip, whether that is requested or not.
    pub compresses: bool,
    /// Whether all submits are answered with the id of the first one.
    pub repeats_id: bool,
}

impl Default for Behavior {
    fn default() -> Behavior {
        Behavior {
            edit: Duration::from_millis(30),
            answer: Duration::ZERO,
            every: None,
            price: 7,
            outputs: 1,
            pictures: u32::MAX,
            forgets: false,
            balance: usize::MAX,
            compresses: false,
            repeats_id: false,
        }
    }
}

#[derive(Default)]
struct Ledger {
    behavior: Behavior,
    assets: String,
    /// The prompt and time of every accepted submit, by id.
    accepted: HashMap<String, (String, Instant)>,
    requests: usize,
    submits: usize,
    keys_at_assets: usize,
}

#[derive(Default)]
struct Watched {
    ledger: Mutex<Ledger>,
    /// Notified of every accepted submit.
    accepted: Condvar,
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }
}

type Shared = Arc<Watched>;

impl Provider {
    pub const KEY: &'static str = "key-of-the-tests";

    pub fn start(behavior: Behavior) -> Provider {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let ledger = Shared::default();
        let api = Router::new()
            .route("/api/v1/models/{model}/generate", post(generate))
            .route("/api/v1/predictions/{id}", get(prediction))
            .with_state(Arc::clone(&ledger));
        let assets = Router::new().route("/outputs/{id}/{name}", get(output)).with_state(Arc::clone(&ledger));
        let compress = || map_response_with_state(Arc::clone(&ledger), compress);
        let (api, assets) = (api.layer(compress()), assets.layer(compress()));
        let (url, assets) = runtime.block_on(async { (serve(api).await, serve(assets).await) });
        *ledger.lock() = Ledger { behavior, assets: format!("http://{assets}"), ..Ledger::default() };
        Provider { url: format!("http://{url}"), ledger, _runtime: runtime }
    }

    /// Returns the command of a run of `catalog.csv` into `out`, with rates that do not slow it down.
    pub fn run(&self, sandbox: &Sandbox, arguments: &str) -> Command {
        self.client(sandbox, &format!("run catalog.csv -o out --rate 200/s --burst 20 --in-flight 20 {arguments}"))
    }

    /// Returns the command of the program in `sandbox` with `arguments`, and with the key and the URL of this provider.
    pub fn client(&self, sandbox: &Sandbox, arguments: &str) -> Command {
        let mut command = sandbox.dyehouse(arguments);
        command.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &self.url);
        command
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock()
    }

    /// Returns the number of accepted submits.
    pub fn accepted(&self) -> usize {
        self.ledger().accepted.len()
    }

    /// Waits until it has accepted `count` submits.
    #[track_caller]
    pub fn wait_for_submits(&self, count: usize) {
        let is_missing = |ledger: &mut Ledger| ledger.accepted.len() < count;
        let waited = self.ledger.accepted.wait_timeout_while(self.ledger(), PATIENCE, is_missing).unwrap();
        assert!(!waited.1.timed_out(), "only {} of {count} submits came", waited.0.accepted.len());
    }

    /// Returns the ids of accepted predictions, with their prompts.
    pub fn predictions(&self) -> Vec<(String, String)> {
        self.ledger().accepted.iter().map(|(id, (prompt, _))| (id.clone(), prompt.clone())).collect()
    }

    /// Returns the prompts that were accepted more than once.
    pub fn paid_twice(&self) -> Vec<String> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (prompt, _) in self.ledger().accepted.values() {
            *counts.entry(prompt.clone()).or_default() += 1;
        }
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(prompt, _)| prompt).collect()
    }

    /// Returns the number of requests to both hosts.
    pub fn requests(&self) -> usize {
        self.ledger().requests
    }

    /// Returns the number of requests to the asset host that had a key.
    pub fn keys_at_assets(&self) -> usize {
        self.ledger().keys_at_assets
    }

    /// Changes the behavior.
    pub fn behave(&self, behavior: Behavior) {
        self.ledger().behavior = behavior;
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn compress(State(watched): State<Shared>, response: Response) -> Response {
    if !watched.lock().behavior.compresses {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
    head.headers.remove("content-length");
    head.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    Response::from_parts(head, packed.finish().unwrap().into())
}

async fn generate(State(watched): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let (answer, wait) = {
        let mut ledger = watched.lock();
        ledger.requests += 1;
        ledger.submits += 1;
        // Errors repeat the key, as those of some servers do.
        let key = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if key != "Bearer key-of-the-tests" {
            return (StatusCode::UNAUTHORIZED, Json(json!({"error": format!("unknown key: {key}")}))).into_response();
        }
        if let Some((_, status)) = ledger.behavior.every.filter(|(every, _)| ledger.submits.is_multiple_of(*every)) {
            let headers = [("retry-after", "1")];
            let error = json!({"error": format!("not now, {key}")});
            return (StatusCode::from_u16(status).unwrap(), headers, Json(error)).into_response();
        }
        if ledger.accepted.len() >= ledger.behavior.balance {
            return (StatusCode::PAYMENT_REQUIRED, Json(json!({"error": "insufficient balance"}))).into_response();
        }
        let body: Value = serde_json::from_slice(&body).unwrap();
        let id = format!("p-{}", ledger.accepted.len());
        ledger.accepted.insert(id.clone(), (body["prompt"].as_str().unwrap().to_owned(), Instant::now()));
        watched.accepted.notify_all();
        let id = if ledger.behavior.repeats_id { "p-0".to_owned() } else { id };
        let cost = ledger.behavior.price;
        let answer =
            json!({"id": id, "status": "processing", "costCents": cost, "createdAt": "2025-01-15T12:00:00.000Z"});
        (answer, ledger.behavior.answer)
    };
    tokio::time::sleep(wait).await;
    Json(answer).into_response()
}

async fn prediction(State(ledger): State<Shared>, Path(id): Path<String>) -> Response {
    let mut ledger = ledger.lock();
    ledger.requests += 1;
    let Some((_, since)) = ledger.accepted.get(&id).filter(|_| !ledger.behavior.forgets) else {
        return (StatusCode::NOT_FOUND, Json(json!({"error": "no such prediction"}))).into_response();
    };
    let is_done = since.elapsed() >= ledger.behavior.edit;
    let status = if is_done { "completed" } else { "processing" };
    let output = |number| format!("{}/outputs/{id}/1736942400000-{number}.png", ledger.assets);
    let outputs = is_done.then(|| (0..ledger.behavior.outputs).map(output).collect::<Vec<_>>());
    Json(json!({"id": id, "status": status, "outputs": outputs, "error": null})).into_response()
}

async fn output(State(ledger): State<Shared>, Path((id, _)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let mut ledger = ledger.lock();
    ledger.requests += 1;
    ledger.keys_at_assets += usize::from(headers.contains_key("authorization"));
    // Each picture has its own size, so that mixed-up pictures are detected.
    let width = 2 + id.trim_start_matches("p-").parse::<u32>().unwrap() % ledger.behavior.pictures;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(width, 2).write_to(&mut png, image::ImageFormat::Png).unwrap();
    ([("content-type", "image/png")], png.into_inner()).into_response()
}
