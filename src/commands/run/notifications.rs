//! The notifications at the end of a run, and their order.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::cli::Run;
use crate::commands::Failure;
use crate::commands::interrupt::Interruption;
use crate::exit::Exit;
use crate::manifest::Style;
use crate::notify::{
    Figures, Healthcheck, NoticeError, NoticeUrl, Ping, RunNotice, SigningKey, Summaries, Webhook, run_command,
    write_metrics,
};
use crate::runner::{StopReason, StopSignal};
use crate::secrets::Secret;

use super::End;

/// The time limit of a webhook or a monitor.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The shorter time limit after the program was asked to stop, because it may soon be killed.
const TIMEOUT_WHEN_STOPPED: Duration = Duration::from_secs(10);

/// The time limit of a command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(600);

/// The notifications of a run.
pub(super) struct Notifications {
    arguments: Run,
    webhook: Option<Webhook>,
    healthcheck: Option<Healthcheck>,
    metrics_file: Option<PathBuf>,
    /// The ping for the start of the run, while it is being sent.
    start_ping: Option<JoinHandle<Result<(), NoticeError>>>,
}

impl Notifications {
    /// Returns the notifications from the command line or the environment. One that cannot be sent is logged as an error
    /// and left out: it must not stop the run, nor the others.
    pub(super) fn of(arguments: &Run) -> Notifications {
        let given = &arguments.notifications;
        let webhook = url("find the webhook", given.notify.as_ref(), &Secret::NOTIFY_URL).and_then(|url| {
            // A summary that should be signed is not sent unsigned.
            let key = usable(format!("notify {url} of the end of the run"), signing_key())?;
            Some(Webhook { url, key })
        });
        let monitor = url("find the monitor", given.healthcheck.as_ref(), &Secret::HEALTHCHECK_URL);
        let healthcheck = monitor.map(|url| Healthcheck { url });
        let metrics_file = given.metrics_file.clone();
        Notifications { arguments: arguments.clone(), webhook, healthcheck, metrics_file, start_ping: None }
    }

    /// Pings the monitor for the start of the run, without waiting for it.
    pub(super) fn begin(&mut self) {
        if let Some(healthcheck) = self.healthcheck.clone() {
            self.start_ping = Some(tokio::spawn(async move { healthcheck.ping(Ping::Start, "").await }));
        }
    }

    /// Sends all notifications about the end of the run. Failures are logged as errors and change nothing.
    pub(super) fn send(mut self, runtime: &Runtime, ended: Result<&End, &Failure>, interruption: &Interruption) {
        let signal = &interruption.stop;
        let outcome = self.notice(ended);
        // If another process has locked the folder, it writes the metrics itself.
        if let Some(path) = self.metrics_file.as_ref().filter(|_| outcome.exit != Exit::Locked) {
            let written = write_metrics(path, &outcome, Timestamp::now());
            log_failure(
                written.map_err(|error| NoticeError {
                    what: format!("write {}", path.display()),
                    cause: error.to_string(),
                }),
            );
        }
        runtime.block_on(async {
            let start_ping = self.start_ping.take();
            tokio::join!(
                send_in_time(signal, "post the summary", async {
                    match &self.webhook {
                        Some(webhook) => webhook.post(&outcome, Timestamp::now).await,
                        None => Ok(()),
                    }
                }),
                send_in_time(signal, "ping the monitor", async {
                    if let Some(start_ping) = start_ping {
                        // If the start ping failed or panicked, the final ping is sent all the same.
                        log_failure(start_ping.await.unwrap_or(Ok(())));
                    }
                    match (&self.healthcheck, Ping::of(&outcome)) {
                        (Some(healthcheck), Some(ping)) => healthcheck.ping(ping, &outcome.text).await,
                        _ => Ok(()),
                    }
                }),
            );
            if let Some(command) = &self.arguments.notifications.on_finish {
                log_failure(run_command(command, &outcome, command_timeout(interruption)).await);
            }
        });
    }

    /// Returns the notice of the end of the run.
    pub(super) fn notice(&self, ended: Result<&End, &Failure>) -> RunNotice {
        let manifest = self.arguments.manifest.display().to_string();
        let outcome = match ended {
            Ok(end) => {
                let run = &end.summary;
                // If the report could not be written, the file is that of an earlier run.
                let is_current = end.report_failure.is_none();
                let summary =
                    is_current.then(|| std::fs::read(run.report.with_file_name("summary.json")).ok()).flatten();
                let batch = summary.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null);
                let folder = run.results.parent().unwrap_or(&run.results).to_owned();
                let printed: Vec<String> = end.failures().map(|failure| failure.render(Style::Plain)).collect();
                let text = run.text().to_string() + &printed.join("\n");
                let mut run = run.json(end.exit);
                if let Some(failure) = end.failures().next() {
                    run["error"] = failure.message().into();
                    run["hint"] = failure.hint().into();
                }
                let figures = Figures { result_bytes: batch["pictures"]["bytes"].as_u64(), ..end.figures };
                RunNotice::ended(end.exit, manifest, folder, Summaries { text, run, batch }, figures)
            }
            Err(failure) => {
                let breakdown = failure.breakdown(&manifest);
                RunNotice::broken(failure.exit(), manifest, failure.render(Style::Plain), &breakdown)
            }
        };
        let summary = ended.ok().map(|end| &end.summary);
        let stop = summary.and_then(|summary| summary.stopped.as_ref()).map(StopReason::kind);
        let needs_attention = summary.is_some_and(|summary| summary.totals.needs_attention());
        RunNotice { share: self.arguments.partition, stop, needs_attention, ..outcome }
    }
}

/// Returns the URL from the command line, or from a secret. `what` says what it is for, as a phrase to follow
/// "failed to".
fn url(what: &str, configured: Option<&NoticeUrl>, secret: &Secret) -> Option<NoticeUrl> {
    let found = || match find(secret)? {
        Some(text) => {
            let url = NoticeUrl::parse(text.expose_secret());
            url.map(Some).map_err(|error| format!("read {}: {error}", secret.variable))
        }
        None => Ok(None),
    };
    configured.cloned().or_else(|| usable(what.to_owned(), found())?)
}

/// Returns what a notification needs, or logs why it cannot be had. `what` is a phrase to follow "failed to".
fn usable<T>(what: String, found: Result<T, String>) -> Option<T> {
    found.map_err(|cause| log_failure(Err(NoticeError { what, cause }))).ok()
}

fn find(secret: &Secret) -> Result<Option<SecretString>, String> {
    let Some(found) = secret.find(|name| std::env::var_os(name)).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    for notice in &found.notices {
        tracing::warn!("{notice}");
    }
    Ok(Some(found.value))
}

fn signing_key() -> Result<Option<SigningKey>, String> {
    let Some(secret) = find(&Secret::NOTIFY_SECRET)? else { return Ok(None) };
    let key = SigningKey::of(&secret).map_err(|error| format!("read {}: {error}", Secret::NOTIFY_SECRET.variable))?;
    Ok(Some(key))
}

/// Waits for a notification within a time limit, which is shorter after the program was asked to stop.
async fn send_in_time(signal: &StopSignal, what: &str, sending: impl Future<Output = Result<(), NoticeError>>) {
    let stopped = async {
        signal.stopped().await;
        tokio::time::sleep(TIMEOUT_WHEN_STOPPED).await;
    };
    tokio::select! {
        result = sending => log_failure(result),
        () = tokio::time::sleep(TIMEOUT) => log_timeout(what, TIMEOUT),
        () = stopped => log_timeout(what, TIMEOUT_WHEN_STOPPED),
    }
}

fn log_timeout(what: &str, timeout: Duration) {
    log_failure(Err(NoticeError { what: what.to_owned(), cause: format!("no answer within {} s", timeout.as_secs()) }));
}

/// Returns a future that waits until a command has to be ended, and returns the reason. A run that was stopped still
/// sends its notifications: only a signal that arrives after this call ends the command.
fn command_timeout(interruption: &Interruption) -> impl Future<Output = String> {
    // Signals count from here on: one that arrives while the command is started must not be missed.
    let signal = interruption.next();
    async move {
        tokio::select! {
            () = tokio::time::sleep(COMMAND_TIMEOUT) => format!("it took longer than {} s", COMMAND_TIMEOUT.as_secs()),
            () = signal => "the program was interrupted".to_owned(),
        }
    }
}

fn log_failure(result: Result<(), NoticeError>) {
    if let Err(error) = result {
        tracing::error!("failed to {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_signal_while_the_command_is_started_ends_it_and_one_before_does_not() {
        let interruption = Interruption::default();
        interruption.receive();
        assert_eq!(command_timeout(&interruption).await, "it took longer than 600 s");
        let ended = command_timeout(&interruption);
        interruption.receive();
        assert_eq!(ended.await, "the program was interrupted");
    }
}
