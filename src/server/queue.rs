//! The queue: a bounded number of workers takes predictions through safety check, fetch and edit.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::app::App;
use super::config::ServerLimits;
use super::fetch::{self, FetchError, Fetcher};
use super::safety;
use super::store::StoreError;
use crate::api::wire::Generate;
use crate::editor::{EditError, EditInput, Editor};
use crate::photo::{self, Picture, PictureError};

/// The number of workers, and the signals that stop them.
#[derive(Debug)]
pub(super) struct WorkerSettings {
    pub(super) workers: NonZeroUsize,
    /// Once canceled, no further prediction is started.
    pub(super) stop: CancellationToken,
    /// Once canceled, unfinished work is abandoned.
    pub(super) kill: CancellationToken,
}

/// The reason why a prediction fails. Its text becomes the prediction's `error`.
#[derive(Debug, thiserror::Error)]
enum EditFailure {
    #[error("the request is no longer in the server's data folder")]
    RequestGone,
    #[error("{}", safety::FLAGGED_MESSAGE)]
    Flagged,
    #[error("image {number} ({shown}) could not be fetched: {cause}")]
    Fetch { number: usize, shown: String, cause: FetchError },
    #[error("image {number} {fault}")]
    Image { number: usize, fault: UnusableImage },
    #[error(transparent)]
    Editor(#[from] EditError),
    #[error("the output is over {} MiB", most_bytes >> 20)]
    OutputTooLarge { most_bytes: usize },
    #[error("the editor failed over this picture")]
    BrokeOff,
}

/// The reason why an image is not passed to the editor.
#[derive(Debug, thiserror::Error)]
enum UnusableImage {
    #[error("cannot be used: {0}")]
    Unreadable(#[from] PictureError),
    #[error("has {width} × {height} pixels, over {} megapixels", most_pixels / 1_000_000)]
    TooManyPixels { width: u32, height: u32, most_pixels: u64 },
}

/// The parts that a worker uses.
#[derive(Clone)]
pub(super) struct Worker {
    app: Arc<App>,
    editor: Arc<dyn Editor>,
    fetcher: Fetcher,
}

/// Processes the queue in order, until it is stopped.
pub(super) async fn run(
    worker: Worker,
    mut queued: UnboundedReceiver<Uuid>,
    settings: WorkerSettings,
    tasks: TaskTracker,
) {
    let slots = Arc::new(Semaphore::new(settings.workers.get()));
    let next = async {
        loop {
            let slot = slots.clone().acquire_owned().await.ok()?;
            let id = queued.recv().await?;
            let worker = worker.clone();
            let kill = settings.kill.clone();
            tasks.spawn(async move {
                kill.run_until_cancelled(worker.work(id)).await;
                drop(slot);
            });
        }
    };
    let _: Option<Option<()>> = settings.stop.run_until_cancelled(next).await;
}

impl Worker {
    pub(super) fn new(app: Arc<App>, editor: Arc<dyn Editor>, fetcher: Fetcher) -> Worker {
        Worker { app, editor, fetcher }
    }

    /// Processes one prediction, and records its result.
    async fn work(&self, id: Uuid) {
        let store = &self.app.store;
        let result = match self.edit(id).await {
            Ok(png) => store.complete(id, vec![png]).await,
            Err(failure) => store.fail(id, failure.to_string()).await,
        };
        match result {
            Ok(()) => tracing::debug!(%id, "a prediction is finished"),
            Err(StoreError::Closed) => {}
            Err(error) => {
                tracing::error!(%id, %error, "a result could not be recorded; the next start works on it again");
            }
        }
    }

    /// Returns the edited picture.
    async fn edit(&self, id: Uuid) -> Result<Vec<u8>, EditFailure> {
        let request = self.app.store.request(id).await.map_err(|error| {
            tracing::error!(%id, %error, "a request could not be read");
            EditFailure::RequestGone
        })?;
        if request.switches.enable_safety_checker == Some(true) && safety::flags(&request.prompt) {
            return Err(EditFailure::Flagged);
        }
        let mut images = Vec::with_capacity(request.images.len());
        for (index, image) in request.images.iter().enumerate() {
            let failed = |cause| EditFailure::Fetch { number: index + 1, shown: fetch::shown(image), cause };
            let bytes = self.fetcher.load(image).await.map_err(failed)?;
            images.push(bytes);
        }
        let editor = self.editor.clone();
        let limits = self.app.limits;
        let editing = tokio::task::spawn_blocking(move || edit(&*editor, &request, &images, &limits));
        editing.await.unwrap_or_else(|error| {
            tracing::error!(%id, %error, "the editor failed");
            Err(EditFailure::BrokeOff)
        })
    }
}

fn edit(
    editor: &dyn Editor,
    request: &Generate,
    images: &[Vec<u8>],
    limits: &ServerLimits,
) -> Result<Vec<u8>, EditFailure> {
    for (index, image) in images.iter().enumerate() {
        check(image, limits).map_err(|fault| EditFailure::Image { number: index + 1, fault })?;
    }
    let input = EditInput { prompt: &request.prompt, images, size: request.size, seed: request.seed };
    let png = editor.edit(&input)?.png;
    if png.len() > limits.output_bytes {
        return Err(EditFailure::OutputTooLarge { most_bytes: limits.output_bytes });
    }
    Ok(png)
}

/// Checks the header of a picture, so that a small file with a huge picture is not decoded.
fn check(image: &[u8], limits: &ServerLimits) -> Result<(), UnusableImage> {
    let Picture { width, height, .. } = photo::header(&mut Cursor::new(image))?;
    if u64::from(width) * u64::from(height) > limits.image_pixels {
        return Err(UnusableImage::TooManyPixels { width, height, most_pixels: limits.image_pixels });
    }
    Ok(())
}
