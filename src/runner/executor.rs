mod follow;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::outcome::{Finished, PollOutcome, SubmitOutcome, of_submit};
use crate::api::{EditApi, Intended, Output, PredictionId, StatusPath};
use crate::job::{EditRequest, ErrorClass};
use crate::journal::{Corrected, Durable, SavedFile};
use crate::outputs::{Destination, OutputError, Refetch, ResultStore, Slot};
use crate::verify::{Subject, Uncorrected, Verifier};

use super::backoff::backoff;
use super::messages::{ExecutorEvent, ExecutorMessage, ExecutorOutcome, Named};
use super::pacing::Spacing;
use super::polling::{Polling, RequestKind};

/// How long pictures are asked for while their host is down: outputs are usually kept for ten minutes.
const DOWNLOAD_PATIENCE: Duration = Duration::from_secs(600);

/// Runs one job through submit, polls and downloads, and reports each step to the dispatcher.
pub(super) struct Executor<A, S: ResultStore> {
    pub(super) shared: Arc<Shared<A, S>>,
    pub(super) worker: u64,
    /// What affects how long its edit takes, if its request is known.
    pub(super) kind: Option<RequestKind>,
    /// How its edit failed before, if it did.
    pub(super) failed_before: Option<ErrorClass>,
    /// Its share of each wait, in 0..1, so that jobs that started together are not polled together.
    pub(super) jitter: f64,
    /// The path of its status, if it differs from the usual one.
    pub(super) status_path: Option<StatusPath>,
    /// Whether it is polled by its id although it has a path, because the path gave no answer.
    pub(super) polls_by_id: bool,
    /// How many polls of its prediction were sent.
    pub(super) polls_sent: u32,
    /// Whether its prediction had already lasted longer than it may when the executor began to follow it.
    pub(super) is_old: bool,
}

/// What all executors of a run share.
pub(super) struct Shared<A, S: ResultStore> {
    pub(super) api: Arc<A>,
    pub(super) store: Arc<S>,
    pub(super) verifier: Arc<dyn Verifier>,
    pub(super) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) polls: Arc<Polling>,
    pub(super) spacing: Arc<Spacing>,
    pub(super) downloads: Arc<Semaphore>,
    /// How long a prediction may take.
    pub(super) job_timeout: Duration,
    /// Canceled when no prediction is followed any longer.
    pub(super) halt: CancellationToken,
    pub(super) event_sender: mpsc::UnboundedSender<ExecutorMessage<S::Staged>>,
}

/// Where an executor starts.
pub(super) enum StartFrom {
    /// With a submit, once its intent is durable.
    Submit { intent: Durable, request: Arc<EditRequest>, intended: Intended },
    /// With polls of a known prediction that was submitted this long ago.
    Follow { prediction: PredictionId, age: Duration },
    /// With pictures that an earlier process has downloaded.
    Recover { files: Vec<SavedFile>, destination: Destination, prediction: PredictionId },
    /// With pictures that were moved aside, once all that is `known` of them is durable. Otherwise a crash could
    /// leave them in place of others without a record of it.
    Reinstate { known: Durable, files: Vec<SavedFile>, displaced: Vec<SavedFile>, prediction: PredictionId },
    /// With a color check of the provider's pictures, once these are in place of the corrected ones.
    Check { subject: Subject, corrected: Vec<SavedFile>, is_shown: bool },
    /// With the color correction of a picture, once all that is `known` of it is durable.
    Correct { known: Durable, subject: Subject },
}

/// Where a followed prediction comes from.
enum Origin {
    /// From a submit of this run, whose answer may have had the result.
    Submitted { result: Option<Finished> },
    /// From an earlier run, submitted this long ago. It may be finished, and is polled immediately.
    Earlier { age: Duration },
}

impl<A: EditApi, S: ResultStore> Executor<A, S> {
    /// Runs to the end. The last message is always [`ExecutorEvent::Ended`].
    pub(super) async fn run(mut self, start_from: StartFrom) {
        let end = match self.start(start_from).await {
            Ok(end) | Err(end) => end,
        };
        self.report(ExecutorEvent::Ended(end));
    }

    async fn start(&mut self, start_from: StartFrom) -> Result<ExecutorOutcome, ExecutorOutcome> {
        match start_from {
            StartFrom::Submit { intent, request, intended } => self.submit(intent, &request, &intended).await,
            StartFrom::Follow { prediction, age } => self.follow(&prediction, Origin::Earlier { age }).await,
            StartFrom::Recover { files, destination, prediction } => {
                match self.shared.store.recover(files, destination).await {
                    Ok(true) => Ok(ExecutorOutcome::Published),
                    Ok(false) => self.follow(&prediction, Origin::Earlier { age: Duration::ZERO }).await,
                    Err(error) => Err(ExecutorOutcome::Disk(error)),
                }
            }
            StartFrom::Reinstate { known, files, displaced, prediction } => {
                known.wait().await.map_err(ExecutorOutcome::Journal)?;
                match self.shared.store.reinstate(files, displaced).await {
                    Ok(true) => Ok(ExecutorOutcome::Reinstated),
                    // The user removed them. The provider may still have them, and polls are free.
                    Ok(false) => self.follow(&prediction, Origin::Earlier { age: Duration::ZERO }).await,
                    Err(error) => Err(ExecutorOutcome::Disk(error)),
                }
            }
            StartFrom::Check { subject, corrected, is_shown } => {
                if is_shown {
                    let restored = self.shared.store.restore(subject.files.clone(), corrected).await;
                    if !restored.map_err(ExecutorOutcome::Disk)? {
                        return Ok(ExecutorOutcome::Retouched);
                    }
                }
                let check = self.unless_halted(self.shared.verifier.check(subject)).await?;
                Ok(ExecutorOutcome::Checked(Box::new(check)))
            }
            StartFrom::Correct { known, subject } => {
                known.wait().await.map_err(ExecutorOutcome::Journal)?;
                self.correct(subject).await
            }
        }
    }

    async fn correct(&self, subject: Subject) -> Result<ExecutorOutcome, ExecutorOutcome> {
        let original = subject.files.first().cloned();
        match (self.unless_halted(self.shared.verifier.correct(subject)).await?, original) {
            (Ok(correction), Some(original)) => {
                let replaced =
                    self.shared.store.replace(original, correction.png).await.map_err(ExecutorOutcome::Disk)?;
                let corrected = |file| Box::new(Corrected { files: vec![file], check: correction.check });
                Ok(ExecutorOutcome::Corrected(replaced.map(corrected).ok_or(Uncorrected::Retouched)))
            }
            (Ok(_), None) => Ok(ExecutorOutcome::Corrected(Err(Uncorrected::NoPicture))),
            (Err(reason), _) => Ok(ExecutorOutcome::Corrected(Err(reason))),
        }
    }

    async fn submit(
        &mut self,
        intent: Durable,
        request: &EditRequest,
        intended: &Intended,
    ) -> Result<ExecutorOutcome, ExecutorOutcome> {
        intent.wait().await.map_err(ExecutorOutcome::Journal)?;
        // A run that was stopped meanwhile sends nothing more.
        if self.unless_halted(self.shared.spacing.leave()).await.is_err() {
            self.report(ExecutorEvent::Withdrawn);
            return Ok(ExecutorOutcome::Submit);
        }
        let exchange = self.shared.api.submit(request, intended).await;
        let outcome = of_submit(&exchange, (self.shared.now)());
        let accepted = match &outcome {
            SubmitOutcome::Accepted { prediction, result, status_url, .. } => {
                let named = status_url.as_ref().and_then(|url| self.shared.api.status_path(prediction, url));
                self.status_path = named;
                Some((prediction.clone(), result.clone()))
            }
            _ => None,
        };
        let status_path = self.status_path.clone();
        self.report(ExecutorEvent::Submitted { outcome, limits: exchange.limits(), status_path });
        match accepted {
            Some((prediction, result)) => self.follow(&prediction, Origin::Submitted { result }).await,
            None => Ok(ExecutorOutcome::Submit),
        }
    }

    async fn follow(&mut self, prediction: &PredictionId, origin: Origin) -> Result<ExecutorOutcome, ExecutorOutcome> {
        let outputs = self.wait_for_outputs(prediction, origin).await?;
        self.report(ExecutorEvent::Generated { outputs: outputs.len() });
        let staged = self.fetch_all(prediction, outputs).await?;
        let (answer, named) = oneshot::channel();
        self.report(ExecutorEvent::Fetched { staged, answer });
        // The dispatcher drops the sender only at the end of the run; the temporary files are deleted with it.
        let Ok(Named { staged, destination, fetched }) = named.await else {
            return Err(ExecutorOutcome::Deferred { cause: "the run ended".to_owned() });
        };
        fetched.wait().await.map_err(ExecutorOutcome::Journal)?;
        self.shared.store.publish(staged, destination).await.map_err(ExecutorOutcome::Disk)?;
        Ok(ExecutorOutcome::Published)
    }

    /// Downloads all outputs. If one is missing or damaged, or the host is down, the prediction is polled again for
    /// fresh URLs, and those already downloaded are kept. It fails only if that repeats: an answer that does not show
    /// the prediction, such as a 404, is not enough. A host that is busy is only given time.
    async fn fetch_all(
        &mut self,
        prediction: &PredictionId,
        mut outputs: Vec<Output>,
    ) -> Result<Vec<S::Staged>, ExecutorOutcome> {
        let mut staged = Vec::with_capacity(outputs.len());
        let (mut reads, mut failures, mut failing_since) = (0, 0, None);
        let patience = DOWNLOAD_PATIENCE.min(self.shared.job_timeout);
        let mut most_staged = 0;
        loop {
            let Err(error) = self.fetch_rest(&outputs, &mut staged).await else { return Ok(staged) };
            if staged.len() > most_staged {
                // Each output has the whole patience.
                most_staged = staged.len();
                (reads, failures, failing_since) = (0, 0, None);
            }
            let again = error.refetch();
            let wait = match again {
                Refetch::Times(times) if reads < times && !self.was_lost() => {
                    reads += 1;
                    backoff(reads)
                }
                Refetch::Later(wait) | Refetch::FromSameUrl(wait)
                    if failing_since.get_or_insert_with(Instant::now).elapsed() < patience =>
                {
                    failures += 1;
                    wait.max(backoff(failures).mul_f64(1.0 + self.jitter))
                }
                Refetch::Times(_) | Refetch::Later(_) | Refetch::FromSameUrl(_) => return Err(give_up(error)),
            };
            self.report(ExecutorEvent::DownloadFailed(error.to_string()));
            tracing::debug!(%prediction, %error, ?again, "a download failed");
            self.unless_halted(tokio::time::sleep(wait)).await?;
            if let Refetch::FromSameUrl(_) = again {
                continue;
            }
            match self.poll(prediction).await? {
                PollOutcome::Finished(Finished::Completed { outputs: fresh, .. }) => {
                    // With another number of outputs, it is unknown which of them are new.
                    if fresh.len() != outputs.len() {
                        staged.clear();
                    }
                    outputs = fresh;
                }
                // A 404 among successful polls is not conclusive: a later run that sees only 404s marks the
                // prediction as lost.
                PollOutcome::NotFound { .. }
                | PollOutcome::InProgress { .. }
                | PollOutcome::Finished(
                    Finished::NoOutputs
                    | Finished::OfAnother { .. }
                    | Finished::UnknownOutputs { .. }
                    | Finished::Failed { .. },
                )
                | PollOutcome::Again { .. } => {}
            }
        }
    }

    /// Downloads the outputs after those that are already `staged`.
    async fn fetch_rest(&self, outputs: &[Output], staged: &mut Vec<S::Staged>) -> Result<(), OutputError> {
        for output in outputs.iter().skip(staged.len()) {
            let slot = Slot::of(&self.shared.downloads).await;
            // Boxed, because jobs that wait for a slot would keep room for it as well.
            staged.push(Box::pin(self.shared.store.fetch(output, slot)).await?);
        }
        Ok(())
    }

    async fn unless_halted<T>(&self, work: impl Future<Output = T>) -> Result<T, ExecutorOutcome> {
        tokio::select! {
            biased;
            () = self.shared.halt.cancelled() => {
                Err(ExecutorOutcome::Deferred { cause: "the run was stopped".to_owned() })
            }
            done = work => Ok(done),
        }
    }

    fn ended(&self, finished: Finished) -> Result<Vec<Output>, ExecutorOutcome> {
        match finished {
            Finished::Completed { outputs, surplus, .. } => {
                if surplus > 0 {
                    self.report(ExecutorEvent::ExtraOutputs { kept: outputs.len(), left: surplus });
                }
                Ok(outputs)
            }
            Finished::NoOutputs => {
                let message = "the prediction is completed and has no outputs".to_owned();
                Err(ExecutorOutcome::Failed { class: ErrorClass::Provider, message })
            }
            Finished::OfAnother { owner } => {
                let message = format!("the provider names the outputs of prediction {owner}, which is another edit's");
                Err(ExecutorOutcome::Failed { class: ErrorClass::Download, message })
            }
            Finished::UnknownOutputs { excerpt } => {
                let message =
                    format!("the outputs of the prediction have a form that this version cannot read: {excerpt}");
                Err(ExecutorOutcome::Failed { class: ErrorClass::Download, message })
            }
            Finished::Failed { class, message } => Err(ExecutorOutcome::Failed { class, message }),
        }
    }

    /// Returns whether its prediction was lost before. If so, a single 404 is enough.
    fn was_lost(&self) -> bool {
        self.failed_before == Some(ErrorClass::Lost)
    }

    fn report(&self, event: ExecutorEvent<S::Staged>) {
        // The dispatcher is gone only at the end of the run, when the message no longer matters.
        let _ = self.shared.event_sender.send(ExecutorMessage { worker: self.worker, event });
    }
}

fn give_up(error: OutputError) -> ExecutorOutcome {
    match error.class() {
        Some(class) => ExecutorOutcome::Failed { class, message: error.to_string() },
        None => ExecutorOutcome::Disk(error),
    }
}
