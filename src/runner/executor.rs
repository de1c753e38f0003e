use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::outcome::{Finished, PollOutcome, Stop, SubmitOutcome, Unanswered, of_poll, of_submit};
use crate::api::{EditApi, Intended, PredictionId, StatusPath};
use crate::job::{EditRequest, ErrorClass};
use crate::journal::{Corrected, Durable, SavedFile};
use crate::outputs::{Destination, OutputError, ResultStore, Slot};
use crate::verify::{Subject, Uncorrected, Verifier};
use crate::words::counted;

use super::backoff::backoff;
use super::messages::{ExecutorEvent, ExecutorMessage, ExecutorOutcome, Named};
use super::pacing::Spacing;
use super::polling::{Observation, Polling, RequestKind};

/// The longest wait for which a poll that is refused or fails may ask: pictures are kept for a limited time, and polls
/// are free.
const MAX_POLL_HINT: Duration = Duration::from_secs(60);

/// Runs one job through submit, polls and downloads, and reports each step to the dispatcher.
pub(super) struct Executor<A, S: ResultStore> {
    pub(super) worker: u64,
    pub(super) api: Arc<A>,
    pub(super) store: Arc<S>,
    pub(super) polls: Arc<Polling>,
    pub(super) spacing: Arc<Spacing>,
    pub(super) verifier: Arc<dyn Verifier>,
    pub(super) downloads: Arc<Semaphore>,
    pub(super) job_timeout: Duration,
    pub(super) halt: CancellationToken,
    pub(super) event_sender: mpsc::UnboundedSender<ExecutorMessage<S::Staged>>,
    pub(super) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// What affects how long its edit takes, if its request is known.
    pub(super) kind: Option<RequestKind>,
    /// Whether its prediction was lost before. If so, a single 404 is enough.
    pub(super) was_lost: bool,
    /// Its share of each wait, in 0..1, so that jobs that started together are not polled together.
    pub(super) jitter: f64,
    /// The path of its status, if it differs from the usual one.
    pub(super) status_path: Option<StatusPath>,
    /// Whether it is polled by its id although it has a path, because the path gave no answer.
    pub(super) polls_by_id: bool,
    /// How many polls of its prediction were sent.
    pub(super) polls_sent: u32,
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
    /// From a submit of this run, whose answer already had this status.
    Submitted { progress: PollOutcome },
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
            StartFrom::Recover { files, destination, prediction } => match self.store.recover(files, destination).await
            {
                Ok(true) => Ok(ExecutorOutcome::Published),
                Ok(false) => self.follow(&prediction, Origin::Earlier { age: Duration::ZERO }).await,
                Err(error) => Err(ExecutorOutcome::Disk(error)),
            },
            StartFrom::Reinstate { known, files, displaced, prediction } => {
                known.wait().await.map_err(ExecutorOutcome::Journal)?;
                match self.store.reinstate(files, displaced).await {
                    Ok(true) => Ok(ExecutorOutcome::Reinstated),
                    // The user removed them. The provider may still have them, and polls are free.
                    Ok(false) => self.follow(&prediction, Origin::Earlier { age: Duration::ZERO }).await,
                    Err(error) => Err(ExecutorOutcome::Disk(error)),
                }
            }
            StartFrom::Check { subject, corrected, is_shown } => {
                if is_shown
                    && !self.store.restore(subject.files.clone(), corrected).await.map_err(ExecutorOutcome::Disk)?
                {
                    return Ok(ExecutorOutcome::Retouched);
                }
                let check = self.unless_halted(self.verifier.check(subject)).await?;
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
        match (self.unless_halted(self.verifier.correct(subject)).await?, original) {
            (Ok(correction), Some(original)) => {
                let replaced = self.store.replace(original, correction.png).await.map_err(ExecutorOutcome::Disk)?;
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
        if self.unless_halted(self.spacing.leave()).await.is_err() {
            self.report(ExecutorEvent::Withdrawn);
            return Ok(ExecutorOutcome::Submit);
        }
        let exchange = self.api.submit(request, intended).await;
        let outcome = of_submit(&exchange, (self.now)());
        let accepted = match &outcome {
            SubmitOutcome::Accepted { prediction, progress, status_url, .. } => {
                let named = status_url.as_ref().and_then(|url| self.api.status_path(prediction, url));
                self.status_path = named;
                Some((prediction.clone(), progress.clone()))
            }
            _ => None,
        };
        let status_path = self.status_path.clone();
        self.report(ExecutorEvent::Submitted { outcome, limits: exchange.limits(), status_path });
        match accepted {
            Some((prediction, progress)) => self.follow(&prediction, Origin::Submitted { progress }).await,
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
        self.store.publish(staged, destination).await.map_err(ExecutorOutcome::Disk)?;
        Ok(ExecutorOutcome::Published)
    }

    /// Polls until the prediction has ended, and returns its output URLs.
    async fn wait_for_outputs(
        &mut self,
        prediction: &PredictionId,
        origin: Origin,
    ) -> Result<Vec<String>, ExecutorOutcome> {
        let started = Instant::now();
        let _followed = self.polls.follow();
        let schedule = self.polls.schedule;
        let (before, mut in_work, mut wait) = match origin {
            Origin::Submitted { progress: PollOutcome::Finished(finished) } => return self.ended(finished),
            Origin::Submitted { .. } => {
                (Duration::ZERO, Some(Duration::ZERO), self.polls.wait(self.kind, Duration::ZERO, 0, self.jitter))
            }
            Origin::Earlier { age } => (age, None, Duration::ZERO),
        };
        let (mut errors, mut not_found, mut reported_word) = (0, 0, None);
        loop {
            self.unless_halted(tokio::time::sleep(wait)).await?;
            let asked = before + started.elapsed();
            let (mut hint, mut waits_for_its_turn_alone) = (None, false);
            match self.poll(prediction).await? {
                PollOutcome::InProgress { unknown_status } => {
                    errors = 0;
                    not_found = 0;
                    if let Some(from) = in_work.replace(asked) {
                        self.polls.in_progress(self.kind, from, asked);
                    }
                    if let Some(word) = unknown_status.filter(|word| reported_word.as_ref() != Some(word)) {
                        self.report(ExecutorEvent::UnknownStatus(word.clone()));
                        reported_word = Some(word);
                    }
                }
                PollOutcome::NotFound => {
                    not_found += 1;
                    let is_sure =
                        started.elapsed() >= schedule.not_found_grace && not_found >= schedule.not_found_limit;
                    if self.was_lost || is_sure {
                        return Err(lost("the provider does not know the prediction (HTTP 404)".to_owned()));
                    }
                }
                PollOutcome::Again { cause, wait, reason } => {
                    errors += 1;
                    hint = wait.map(|wait| wait.min(MAX_POLL_HINT));
                    if errors >= schedule.error_limit {
                        return Err(ExecutorOutcome::Deferred {
                            cause: format!("{errors} polls in a row failed: {cause}"),
                        });
                    }
                    if let Some(hint) = hint.filter(|_| reason == Unanswered::RateLimited) {
                        self.polls.pause(Instant::now() + hint);
                    }
                    waits_for_its_turn_alone = reason == Unanswered::RateLimited && self.polls.are_limited();
                }
                PollOutcome::Finished(finished) => {
                    if let Finished::Completed { took, .. } = finished {
                        self.polls.learn(
                            self.kind,
                            Observation { in_work, done: before + started.elapsed(), reported: took },
                        );
                    }
                    return self.ended(finished);
                }
            }
            if started.elapsed() >= self.job_timeout {
                let limit = in_words(self.job_timeout);
                let message = format!("not finished after {limit}");
                return Err(ExecutorOutcome::Failed { class: ErrorClass::Timeout, message });
            }
            let regular = match waits_for_its_turn_alone {
                true => Duration::ZERO,
                false => self.polls.wait(self.kind, before + started.elapsed(), errors, self.jitter),
            };
            wait = regular.max(hint.unwrap_or_default());
        }
    }

    async fn poll(&mut self, prediction: &PredictionId) -> Result<PollOutcome, ExecutorOutcome> {
        let sent = self.unless_halted(self.polls.turn(self.polls_sent)).await?;
        self.polls_sent = self.polls_sent.saturating_add(1);
        let path = self.status_path.as_ref().filter(|_| !self.polls_by_id);
        let exchange = self.unless_halted(self.api.poll(prediction, path)).await?;
        let outcome = of_poll(&exchange, prediction, (self.now)());
        // If the path of the status is wrong, the id may still work, and vice versa.
        if matches!(outcome, PollOutcome::NotFound | PollOutcome::Again { .. }) {
            self.polls_by_id = !self.polls_by_id;
        }
        match &outcome {
            PollOutcome::Again { cause, reason, .. } => {
                match reason {
                    Unanswered::Refused if self.polls.key_refused() => {
                        return Err(ExecutorOutcome::Stop(Stop::Auth(cause.clone())));
                    }
                    Unanswered::Refused => {}
                    Unanswered::RateLimited => self.polls.refused(sent),
                    Unanswered::Failed => self.polls.poll_answered(sent),
                }
                if *reason != Unanswered::RateLimited {
                    self.report(ExecutorEvent::Polled(Err(cause.clone())));
                }
            }
            _ => {
                self.polls.poll_answered(sent);
                self.report(ExecutorEvent::Polled(Ok(())));
            }
        }
        // This comes last, because the answer itself may have shown that earlier headers were wrong.
        if let Some(limits) = exchange.limits() {
            self.polls.on_rate_limit_headers(limits);
        }
        Ok(outcome)
    }

    /// Downloads all outputs. If one is missing or damaged, the prediction is polled again for fresh URLs. It fails
    /// only if that repeats: an answer that does not show the prediction, such as a 404, is not enough.
    async fn fetch_all(
        &mut self,
        prediction: &PredictionId,
        mut outputs: Vec<String>,
    ) -> Result<Vec<S::Staged>, ExecutorOutcome> {
        let mut reads = 0;
        loop {
            let error = match self.try_fetch(&outputs).await {
                Ok(staged) => return Ok(staged),
                Err(error) if reads < error.max_url_refreshes() && !self.was_lost => error,
                Err(error) => return Err(give_up(error)),
            };
            reads += 1;
            tracing::debug!(%prediction, %error, reads, "asking for fresh output URLs");
            self.unless_halted(tokio::time::sleep(backoff(reads))).await?;
            match self.poll(prediction).await? {
                PollOutcome::Finished(Finished::Completed { outputs: fresh, .. }) => outputs = fresh,
                // A 404 among successful polls is not conclusive: a later run that sees only 404s marks the
                // prediction as lost.
                PollOutcome::NotFound
                | PollOutcome::InProgress { .. }
                | PollOutcome::Finished(
                    Finished::NoOutputs | Finished::UnknownOutputs { .. } | Finished::Failed { .. },
                )
                | PollOutcome::Again { .. } => {}
            }
        }
    }

    async fn try_fetch(&self, outputs: &[String]) -> Result<Vec<S::Staged>, OutputError> {
        let mut staged = Vec::with_capacity(outputs.len());
        for output in outputs {
            staged.push(self.store.fetch(output, Slot::of(&self.downloads).await).await?);
        }
        Ok(staged)
    }

    async fn unless_halted<T>(&self, work: impl Future<Output = T>) -> Result<T, ExecutorOutcome> {
        tokio::select! {
            biased;
            () = self.halt.cancelled() => Err(ExecutorOutcome::Deferred { cause: "the run was stopped".to_owned() }),
            done = work => Ok(done),
        }
    }

    fn ended(&self, finished: Finished) -> Result<Vec<String>, ExecutorOutcome> {
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
            Finished::UnknownOutputs { excerpt } => {
                let message =
                    format!("the outputs of the prediction have a form that this version cannot read: {excerpt}");
                Err(ExecutorOutcome::Failed { class: ErrorClass::Download, message })
            }
            Finished::Failed { class, message } => Err(ExecutorOutcome::Failed { class, message }),
        }
    }

    fn report(&self, event: ExecutorEvent<S::Staged>) {
        // The dispatcher is gone only at the end of the run, when the message no longer matters.
        let _ = self.event_sender.send(ExecutorMessage { worker: self.worker, event });
    }
}

/// Formats a time limit in minutes, or in seconds if it is short.
fn in_words(limit: Duration) -> String {
    match limit.as_secs() {
        seconds @ 0..120 => counted(seconds, "second"),
        seconds => counted(seconds / 60, "minute"),
    }
}

fn lost(message: String) -> ExecutorOutcome {
    ExecutorOutcome::Failed { class: ErrorClass::Lost, message }
}

fn give_up(error: OutputError) -> ExecutorOutcome {
    match error.class() {
        Some(class) => ExecutorOutcome::Failed { class, message: error.to_string() },
        None => ExecutorOutcome::Disk(error),
    }
}
