//! The embedded API server: the documented API over HTTP, with a working editor.
//!
//! ```text
//! connection   sockets: time limits, connection limit, graceful shutdown
//!   chaos      deliberate failures, if enabled
//!   routes     request handlers; auth, body and input check requests
//!     app      accepts predictions, and returns their status
//!       queue  a bounded number of workers: safety check, fetch, edit
//!       store  the accepted predictions and their results, on disk
//! ```
//!
//! A prediction is durable before its id is returned. Predictions that are unfinished when the server stops are
//! continued by the next server with the same data folder. Memory use is some hundred bytes per prediction; requests
//! and outputs are files.
//!
//! # Behavior that the provider does not document
//! - Errors are `{"error": "…"}`: 400 for invalid fields, 401 for the key, 404 for unknown models, ids and paths,
//!   405, 408, 413, and 429 if the queue is full.
//! - An undocumented field is refused with 400, so that a misspelled `seed` is not silently ignored.
//! - `data:` URIs are accepted as images, base64 or percent-encoded.
//! - Base64 outputs are the base64 text of the PNG, without a `data:` prefix.
//! - Outputs are kept until the data folder is deleted.

mod answer;
mod app;
mod auth;
mod body;
pub mod chaos;
mod config;
mod connection;
mod error;
mod fetch;
mod input;
mod model;
mod queue;
mod routes;
mod safety;
mod store;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use config::{FetchPolicy, ServerConfig, ServerLimits};
pub use error::ServerError;
pub use store::{LogError, StoreError};

use crate::editor::Editor;
use app::{App, Ids};
use auth::KeyHash;
use chaos::Chaos;
use fetch::Fetcher;
use store::Store;

/// A server that runs until it is shut down or dropped.
///
/// [`Server::shutdown`] lets open requests and edits finish. A drop cancels the tasks at their next await point. In
/// both cases, no accepted prediction is lost.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: CancellationToken,
    kill: DropGuard,
    tasks: TaskTracker,
}

impl Server {
    /// Opens the data folder, queues unfinished predictions, and listens.
    ///
    /// # Errors
    /// The key is empty, the data folder cannot be written, is used by another server or has a broken record, or the
    /// address cannot be listened on.
    pub async fn start(config: ServerConfig, editor: Arc<dyn Editor>) -> Result<Server, ServerError> {
        let key = KeyHash::new(&config.api_key).ok_or(ServerError::EmptyKey)?;
        let fetcher = Fetcher::new(config.fetch, &config.limits).map_err(ServerError::Client)?;
        let listener =
            TcpListener::bind(config.listen).await.map_err(|source| ServerError::listen(config.listen, source))?;
        let address = listener.local_addr().map_err(|source| ServerError::listen(config.listen, source))?;
        let (store, unfinished) = Store::open(config.data.clone()).await?;

        let stop = CancellationToken::new();
        let kill = CancellationToken::new();
        let tasks = TaskTracker::new();
        let chaos = config.chaos.map(Chaos::new);
        let ids = chaos.clone().map_or(Ids::Random, |chaos| Ids::seeded(chaos, store.count()));
        let (queue, queued) = unbounded_channel();
        let app = Arc::new(App {
            key,
            address,
            store,
            ids,
            limits: config.limits,
            queue,
            stop: stop.clone(),
            tasks: tasks.clone(),
        });
        unfinished.into_iter().for_each(|id| app.enqueue(id));
        let worker = queue::Worker::new(app.clone(), editor, fetcher);
        let settings = queue::WorkerSettings { workers: config.workers, stop: stop.clone(), kill: kill.clone() };
        tasks.spawn(queue::run(worker, queued, settings, tasks.clone()));
        let routes = routes::router(app.clone(), chaos);
        tasks.spawn(connection::accept(
            listener,
            routes,
            connection::Lifetime {
                limits: config.limits,
                stop: stop.clone(),
                kill: kill.clone(),
                tasks: tasks.clone(),
            },
        ));
        tracing::info!(%address, data = %config.data.display(), "the embedded server listens");
        Ok(Server { address, app, stop, kill: kill.drop_guard(), tasks })
    }

    /// Returns the address that the server listens on. If port 0 was requested, it has the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL for clients on this machine, without a trailing slash.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// Stops listening, lets open requests and edits finish within [`ServerLimits::stop_time`], and releases the data
    /// folder.
    ///
    /// Predictions that are unfinished then stay `processing`, and the next server with the same folder continues them.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.app.limits.stop_time, self.tasks.wait()).await.is_err() {
            tracing::warn!("edits in work did not end in time; the next start takes them up");
        }
        drop(self.kill);
        self.tasks.wait().await;
        self.app.store.close().await;
    }
}
