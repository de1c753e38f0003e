//! The state that the routes work on: the predictions, the key, the queue and the limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::answer::Refusal;
use super::auth::KeyHash;
use super::chaos::Chaos;
use super::config::ServerLimits;
use super::model;
use super::store::{self, BodyHash, PredictionState, Store, StoredPrediction};
use crate::api::wire::{Generate, Prediction, PredictionId, Submitted, prediction_path, status};

/// The server's state, shared by its routes and workers.
#[derive(Debug)]
pub(super) struct App {
    pub(super) key: KeyHash,
    pub(super) address: SocketAddr,
    pub(super) store: Store,
    pub(super) ids: Ids,
    pub(super) limits: ServerLimits,
    /// The queue of ids of predictions that wait for a worker.
    pub(super) queue: UnboundedSender<Uuid>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// The source of prediction ids.
#[derive(Debug)]
pub(super) enum Ids {
    /// Random ids.
    Random,
    /// Ids derived from the seed of the chaos and the number of the prediction.
    Seeded(Arc<Chaos>, AtomicU64),
}

impl Ids {
    /// Returns ids that continue after the `known` first ones.
    pub(super) fn seeded(chaos: Arc<Chaos>, known: usize) -> Ids {
        Ids::Seeded(chaos, AtomicU64::new(known as u64))
    }

    fn next(&self) -> Uuid {
        match self {
            Ids::Random => Uuid::new_v4(),
            Ids::Seeded(chaos, number) => chaos.id(number.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

impl App {
    /// Appends a prediction to the queue.
    pub(super) fn enqueue(&self, id: Uuid) {
        // After a stop, the queue has no reader. The next start finds the prediction in the log.
        let _ = self.queue.send(id);
    }

    /// Accepts a prediction and queues it.
    ///
    /// This runs as a separate task, so that a client that disconnects cannot leave a prediction that is recorded but
    /// never worked on.
    pub(super) async fn accept(self: &Arc<Self>, request: Generate, fingerprint: BodyHash) -> Result<Uuid, Refusal> {
        if self.store.processing() >= self.limits.queued {
            return Err(Refusal::queue_full("the queue is full: try again later"));
        }
        let app = self.clone();
        let accepting = self.tasks.spawn(async move {
            let id = app.ids.next();
            app.store.accept(id, store::now(), request, fingerprint).await?;
            app.enqueue(id);
            Ok::<Uuid, store::StoreError>(id)
        });
        match accepting.await {
            Ok(Ok(id)) => Ok(id),
            Ok(Err(error)) => {
                tracing::error!(%error, "a submit could not be recorded");
                Err(Refusal::internal("the server could not record the request"))
            }
            Err(_) => Err(Refusal::internal("the server failed over the request")),
        }
    }

    /// Waits until a prediction is finished, the sync-mode timeout expires, or the server stops.
    pub(super) async fn wait(&self, id: Uuid) {
        let finished = tokio::time::timeout(self.limits.sync_time, self.store.finished(id));
        tokio::select! {
            _ = finished => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Returns the answer to a submit. `origin` is the origin at which the client reached this server.
    pub(super) fn submitted(&self, id: Uuid, origin: &str) -> Result<Submitted, Refusal> {
        let entry = self.entry(id)?;
        let id = wire_id(id)?;
        Ok(Submitted {
            status: status::PROCESSING.to_owned(),
            status_url: format!("{origin}{}", prediction_path(&id)),
            estimated_time: model::ESTIMATED_TIME.to_owned(),
            cost_cents: model::PRICE.0,
            created_at: iso(entry.created_at),
            id,
        })
    }

    /// Returns the answer to a poll.
    pub(super) async fn prediction(&self, id: Uuid, origin: &str) -> Result<Prediction, Refusal> {
        let entry = self.entry(id)?;
        let (word, outputs, error, completed_at) = match &entry.state {
            PredictionState::Processing => (status::PROCESSING, None, None, None),
            PredictionState::Completed { at, .. } => {
                let outputs = self.outputs(id, &entry, origin).await?;
                (status::COMPLETED, Some(outputs), None, Some(*at))
            }
            PredictionState::Failed { at, error } => (status::FAILED, None, Some(error.to_string()), Some(*at)),
        };
        Ok(Prediction {
            id: wire_id(id)?,
            model_id: model::ID.to_owned(),
            model_name: model::NAME.to_owned(),
            status: word.to_owned(),
            outputs,
            error,
            created_at: iso(entry.created_at),
            completed_at: completed_at.map(iso),
        })
    }

    async fn outputs(&self, id: Uuid, entry: &StoredPrediction, origin: &str) -> Result<Vec<String>, Refusal> {
        let files = self.store.outputs(id, entry);
        if !entry.base64 {
            let urls = files.iter().map(|(name, _)| format!("{origin}/outputs/{id}/{name}"));
            return Ok(urls.collect());
        }
        let mut texts = Vec::with_capacity(files.len());
        for (_, path) in files {
            let png = tokio::fs::read(&path).await.map_err(|error| {
                tracing::error!(path = %path.display(), %error, "an output cannot be read");
                Refusal::internal("the output is no longer in the server's data folder")
            })?;
            texts.push(BASE64_STANDARD.encode(png));
        }
        Ok(texts)
    }

    fn entry(&self, id: Uuid) -> Result<StoredPrediction, Refusal> {
        self.store.get(id).ok_or_else(|| unknown(&id.to_string()))
    }
}

/// Returns the refusal of an unknown prediction id.
pub(super) fn unknown(id: &str) -> Refusal {
    let id: String = id.chars().take(64).collect();
    Refusal::not_found(format!("no prediction has the id {id}"))
}

fn wire_id(id: Uuid) -> Result<PredictionId, Refusal> {
    PredictionId::new(&id.to_string()).map_err(|error| Refusal::internal(error.to_string()))
}

/// Returns a time as ISO 8601 in UTC with milliseconds, the format that the provider documents.
fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}
