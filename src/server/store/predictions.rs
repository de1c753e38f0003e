use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::wire::Generate;
use crate::files::{LockError, lock_file};
use crate::server::error::ServerError;
use crate::sync::locked;

use super::error::StoreError;
use super::files;
use super::prediction_log::PredictionLog;
use super::record::{BodyHash, Event, LogError, LogRecord};
use super::stored_prediction::{PredictionState, StoredPrediction};

/// The predictions of a data folder.
#[derive(Debug)]
pub(in crate::server) struct Store {
    root: PathBuf,
    index: Mutex<Index>,
    log: PredictionLog,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Index {
    entries: HashMap<Uuid, StoredPrediction>,
    processing: usize,
}

/// Returns the current time in milliseconds, the precision of the API.
pub(in crate::server) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

impl Store {
    /// Opens the folder at `root`, and creates it if it does not exist. Also returns the ids of unfinished predictions,
    /// oldest first.
    pub(in crate::server) async fn open(root: PathBuf) -> Result<(Store, Vec<Uuid>), ServerError> {
        let task = tokio::task::spawn_blocking(move || Store::open_blocking(root));
        task.await.map_err(|_| StoreError::Closed)?
    }

    fn open_blocking(root: PathBuf) -> Result<(Store, Vec<Uuid>), ServerError> {
        for folder in [root.clone(), root.join("requests"), root.join("outputs")] {
            std::fs::create_dir_all(&folder).map_err(StoreError::file("make the folder", &folder))?;
        }
        let lock_path = root.join("server.lock");
        let lock = lock_file(&lock_path).map_err(|error| match error {
            LockError::Held(holder) => ServerError::Locked { path: root.clone(), holder },
            LockError::Io(action, cause) => StoreError::file(action, &lock_path)(cause).into(),
        })?;
        let mut index = Index::default();
        let mut unfinished = Vec::new();
        let log = PredictionLog::open(root.join("ledger.jsonl"), lock, |record| {
            if matches!(record.event, Event::Accepted { .. }) {
                unfinished.push(record.id);
            }
            index.apply(record)
        })?;
        unfinished.retain(|id| index.entries.get(id).is_some_and(|entry| entry.state == PredictionState::Processing));
        files::sweep(&root, &index.entries);
        let store = Store { root, index: Mutex::new(index), log, changes: watch::Sender::new(()) };
        Ok((store, unfinished))
    }

    /// Records a prediction as accepted. It is durable when this returns.
    pub(in crate::server) async fn accept(
        &self,
        id: Uuid,
        at: Timestamp,
        request: Generate,
        fingerprint: BodyHash,
    ) -> Result<(), StoreError> {
        let event = Event::accepted(&request, fingerprint);
        let path = self.request_path(id);
        blocking(move || {
            let text = serde_json::to_vec(&request)
                .map_err(|error| StoreError::file("write", &path)(io::Error::other(error)))?;
            files::write(&path, &text)
        })
        .await?;
        self.record(LogRecord::new(id, at, event)).await
    }

    /// Returns the request of an unfinished prediction.
    pub(in crate::server) async fn request(&self, id: Uuid) -> Result<Generate, StoreError> {
        let path = self.request_path(id);
        blocking(move || {
            let text = std::fs::read(&path).map_err(StoreError::file("read", &path))?;
            serde_json::from_slice(&text).map_err(|error| StoreError::file("read", &path)(error.into()))
        })
        .await
    }

    /// Stores the outputs, then records that the prediction is completed.
    pub(in crate::server) async fn complete(&self, id: Uuid, pngs: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let at = now();
        let outputs = u8::try_from(pngs.len()).unwrap_or(u8::MAX);
        let folder = self.root.join("outputs").join(id.to_string());
        blocking(move || {
            std::fs::create_dir_all(&folder).map_err(StoreError::file("make the folder", &folder))?;
            for (number, png) in pngs.iter().take(outputs.into()).enumerate() {
                files::write(&folder.join(output_name(at, number)), png)?;
            }
            files::sync_parent(&folder)
        })
        .await?;
        self.finish(LogRecord::new(id, at, Event::Completed { outputs })).await
    }

    /// Records that the prediction failed.
    pub(in crate::server) async fn fail(&self, id: Uuid, error: String) -> Result<(), StoreError> {
        self.finish(LogRecord::new(id, now(), Event::Failed { error })).await
    }

    /// Returns the prediction with this id, if it exists.
    pub(in crate::server) fn get(&self, id: Uuid) -> Option<StoredPrediction> {
        let index = locked(&self.index);
        index.entries.get(&id).cloned()
    }

    /// Waits until the prediction is finished, and returns it.
    pub(in crate::server) async fn finished(&self, id: Uuid) -> Option<StoredPrediction> {
        let mut changes = self.changes.subscribe();
        loop {
            let entry = self.get(id)?;
            if entry.state != PredictionState::Processing {
                return Some(entry);
            }
            changes.changed().await.ok()?;
        }
    }

    /// Returns the number of predictions that were ever accepted.
    pub(in crate::server) fn count(&self) -> usize {
        locked(&self.index).entries.len()
    }

    /// Returns the number of unfinished predictions.
    pub(in crate::server) fn processing(&self) -> usize {
        locked(&self.index).processing
    }

    /// Returns the names and paths of a prediction's outputs, in order.
    pub(in crate::server) fn outputs(&self, id: Uuid, entry: &StoredPrediction) -> Vec<(String, PathBuf)> {
        let PredictionState::Completed { at, outputs } = entry.state else {
            return Vec::new();
        };
        let folder = self.root.join("outputs").join(id.to_string());
        (0..usize::from(outputs))
            .map(|number| output_name(at, number))
            .map(|name| (name.clone(), folder.join(name)))
            .collect()
    }

    /// Closes the log and releases the folder. Later writes are refused.
    pub(in crate::server) async fn close(&self) {
        self.log.close().await;
    }

    async fn finish(&self, record: LogRecord) -> Result<(), StoreError> {
        let path = self.request_path(record.id);
        self.record(record).await?;
        self.changes.send_replace(());
        // A request that could not be removed is removed at the next start.
        drop(tokio::fs::remove_file(path).await);
        Ok(())
    }

    async fn record(&self, record: LogRecord) -> Result<(), StoreError> {
        self.log.append(&record).await?;
        let mut index = locked(&self.index);
        index.apply(record).map_err(StoreError::Conflict)
    }

    fn request_path(&self, id: Uuid) -> PathBuf {
        self.root.join("requests").join(format!("{id}.json"))
    }
}

impl Index {
    /// Applies `record` to the index.
    fn apply(&mut self, record: LogRecord) -> Result<(), LogError> {
        let state = match record.event {
            Event::Accepted { base64, .. } => {
                let entry = StoredPrediction { created_at: record.at, base64, state: PredictionState::Processing };
                if self.entries.insert(record.id, entry).is_some() {
                    return Err(LogError::AcceptedTwice(record.id));
                }
                self.processing += 1;
                return Ok(());
            }
            Event::Completed { outputs } => PredictionState::Completed { at: record.at, outputs },
            Event::Failed { error } => PredictionState::Failed { at: record.at, error: error.into_boxed_str() },
        };
        match self.entries.get_mut(&record.id) {
            Some(entry) if entry.state == PredictionState::Processing => {
                entry.state = state;
                self.processing -= 1;
                Ok(())
            }
            Some(_) => Err(LogError::FinishedTwice(record.id)),
            None => Err(LogError::NeverAccepted(record.id)),
        }
    }
}

fn output_name(at: Timestamp, number: usize) -> String {
    format!("{}-{number}.png", at.as_millisecond())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_invalid_transition_is_not_reported_as_an_unreadable_line() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path().to_owned()).await.unwrap();
        let error = store.fail(Uuid::new_v4(), "no picture".to_owned()).await.unwrap_err().to_string();
        assert!(error.starts_with("record what became of a prediction: ") && !error.contains("line"), "{error}");
    }
}
