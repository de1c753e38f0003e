use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::editor::{EditError, EditInput, EditOutput, Editor};
use crate::job::{Seed, Size};
use crate::server::{FetchPolicy, Server, ServerConfig};

pub(super) const KEY: &str = "a key of the tests";

/// A free port on this machine.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The prompt, the number of images, the size and the seed of an edit.
pub(super) type Asked = (String, usize, Option<&'static str>, Option<u16>);

/// Inverts the first picture. Refuses prompts that begin with `cannot`.
#[derive(Default)]
pub(super) struct Inverter {
    /// The requested edits, in order.
    pub(super) asked: Mutex<Vec<Asked>>,
}

impl Editor for Inverter {
    fn edit(&self, input: &EditInput<'_>) -> Result<EditOutput, EditError> {
        let size = input.size.map(Size::as_str);
        let seed = input.seed.map(Seed::get);
        let asked = (input.prompt.to_owned(), input.images.len(), size, seed);
        self.asked.lock().unwrap().push(asked);
        if input.prompt.starts_with("cannot") {
            return Err(EditError::Instruction("cannot do that; it can invert".to_owned()));
        }
        let picture = image::load_from_memory(&input.images[0])
            .map_err(|error| EditError::Picture { number: 1, cause: error.to_string() })?;
        let mut picture = picture.into_rgb8();
        image::imageops::invert(&mut picture);
        Ok(EditOutput { png: encode(&picture, ImageFormat::Png) })
    }
}

/// Starts an edit and holds it until the gate is opened. Counts the edits that are held at the same time.
pub(super) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    inside: AtomicUsize,
    pub(super) most: AtomicUsize,
    /// Has a permit for every edit that was started.
    pub(super) started: Semaphore,
}

impl Gate {
    pub(super) fn closed() -> Arc<Gate> {
        Arc::new(Gate {
            open: Mutex::new(false),
            opened: Condvar::new(),
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            started: Semaphore::new(0),
        })
    }

    pub(super) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl Editor for Gate {
    fn edit(&self, input: &EditInput<'_>) -> Result<EditOutput, EditError> {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        self.started.add_permits(1);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Inverter::default().edit(input)
    }
}

pub(super) fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Returns a picture of one color.
pub(super) fn picture(color: [u8; 3]) -> Vec<u8> {
    encode(&RgbImage::from_pixel(6, 4, Rgb(color)), ImageFormat::Png)
}

pub(super) fn data_uri(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes))
}

/// Returns a valid body.
pub(super) fn body() -> Value {
    json!({"prompt": "invert it", "images": [data_uri(&picture([255, 0, 10]))]})
}

pub(super) fn config(data: &Path) -> ServerConfig {
    let mut config = ServerConfig::new(LOOPBACK, data.to_owned(), KEY.into());
    config.workers = NonZeroUsize::new(2).unwrap();
    config.fetch = FetchPolicy::PublicAndLoopback;
    config
}

/// A server with a temporary folder, and a client for it.
pub(super) struct Fixture {
    pub(super) server: Server,
    pub(super) client: Client,
    pub(super) data: TempDir,
}

impl Fixture {
    pub(super) async fn start() -> Fixture {
        Fixture::with(Arc::new(Inverter::default()), |_| {}).await
    }

    pub(super) async fn with(editor: Arc<dyn Editor>, change: impl FnOnce(&mut ServerConfig)) -> Fixture {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(data.path());
        change(&mut config);
        let server = Server::start(config, editor).await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Fixture { server, client, data }
    }

    pub(super) fn submit_path(&self) -> String {
        format!("{}/api/v1/models/flux-2-pro-edit/generate", self.server.url())
    }

    pub(super) fn submit(&self, body: &Value) -> RequestBuilder {
        self.client.post(self.submit_path()).bearer_auth(KEY).json(body)
    }

    /// Submits a body, and returns the id.
    pub(super) async fn submitted(&self, body: &Value) -> Uuid {
        let response = self.submit(body).send().await.unwrap();
        let (status, answer) = read(response).await;
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().unwrap().parse().unwrap()
    }

    pub(super) async fn poll(&self, id: Uuid) -> Value {
        let url = format!("{}/api/v1/predictions/{id}", self.server.url());
        let response = self.client.get(url).bearer_auth(KEY).send().await.unwrap();
        let (status, answer) = read(response).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Waits until a prediction is finished, then polls it.
    pub(super) async fn finished(&self, id: Uuid) -> Value {
        self.server.app.store.finished(id).await.unwrap();
        self.poll(id).await
    }

    /// Submits a body, waits, and polls the prediction.
    pub(super) async fn result(&self, body: &Value) -> Value {
        let id = self.submitted(body).await;
        self.finished(id).await
    }

    pub(super) async fn download(&self, url: &str) -> (u16, Vec<u8>) {
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }
}

/// Returns the status and the JSON of a response.
pub(super) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Returns the color of a picture's first pixel.
pub(super) fn color(png: &[u8]) -> [u8; 3] {
    assert_eq!(image::guess_format(png).unwrap(), ImageFormat::Png);
    image::load_from_memory(png).unwrap().into_rgb8().get_pixel(0, 0).0
}
