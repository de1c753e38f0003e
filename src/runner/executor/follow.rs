//! Polls a prediction until it has ended.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::api::outcome::{Finished, PollOutcome, Stop, Unanswered, of_poll, other_ids};
use crate::api::{EditApi, Output, PredictionId};
use crate::job::ErrorClass;
use crate::outputs::ResultStore;
use crate::runner::backoff::backoff;
use crate::runner::messages::{ExecutorEvent, ExecutorOutcome};
use crate::runner::polling::Observation;
use crate::words::counted;

use super::{Executor, Origin};

/// The longest wait for which a poll that is refused or fails may ask: pictures are kept for a limited time, and polls
/// are free.
const MAX_POLL_HINT: Duration = Duration::from_secs(60);

/// How long outputs may be missing, or those of another prediction, after a prediction was first said to be completed.
const OUTPUTS_GRACE: Duration = Duration::from_secs(60);

/// What the polls of a prediction have shown so far.
struct Seen {
    /// When the executor began to follow the prediction.
    started: Instant,
    /// The age of the prediction at that time.
    age_at_start: Duration,
    /// The age at which it was last seen in progress.
    in_work: Option<Duration>,
    /// Whether a poll since then was not answered, or planned too late.
    has_gap: bool,
    /// The polls that failed in a row.
    failed: Option<FailedPolls>,
    /// How many polls did not find it since one did, and what the last of them was answered.
    not_found: u32,
    not_found_cause: String,
    /// How many polls found it completed without outputs of its own, and when the first of them did.
    without_outputs: Option<(u32, Instant)>,
    /// The last status that is not documented and was reported.
    reported_word: Option<String>,
    /// Whether it was reported that the prediction takes longer than it may.
    is_reported_overdue: bool,
}

/// Polls that failed in a row.
struct FailedPolls {
    count: NonZeroU32,
    /// When one was counted last. In an outage there are more, but these say nothing about the prediction.
    counted_at: Instant,
    /// Why the last of them failed.
    cause: String,
}

impl Seen {
    fn new(age: Duration, in_work: Option<Duration>) -> Seen {
        Seen {
            started: Instant::now(),
            age_at_start: age,
            in_work,
            has_gap: false,
            failed: None,
            not_found: 0,
            not_found_cause: String::new(),
            without_outputs: None,
            reported_word: None,
            is_reported_overdue: false,
        }
    }

    /// Returns the age of the prediction.
    fn age(&self) -> Duration {
        self.age_at_start + self.started.elapsed()
    }

    /// Returns when it had this age.
    fn at_age(&self, age: Duration) -> Instant {
        self.started + age.saturating_sub(self.age_at_start)
    }

    /// Returns whether the provider says that the prediction is in progress.
    fn is_in_progress(&self) -> bool {
        self.failed.is_none() && self.not_found == 0
    }

    /// Adds to the reason why a prediction is left for a later run what its last poll has shown.
    fn explain(&self, end: ExecutorOutcome) -> ExecutorOutcome {
        match end {
            ExecutorOutcome::Deferred { cause } => {
                ExecutorOutcome::Deferred { cause: format!("{cause}{}", self.last_poll()) }
            }
            end => end,
        }
    }

    /// Returns what the last poll has shown, to follow a reason, if that explains why the prediction has no result.
    fn last_poll(&self) -> String {
        match (&self.failed, &self.reported_word) {
            (Some(failed), _) => format!("; the last poll failed: {}", failed.cause),
            (None, _) if self.not_found > 0 => format!("; the last poll did not find it ({})", self.not_found_cause),
            (None, Some(word)) => format!("; the provider says `{word}`, a status that it does not document"),
            (None, None) => String::new(),
        }
    }
}

impl<A: EditApi, S: ResultStore> Executor<A, S> {
    /// Polls until the prediction has ended, and returns its outputs.
    pub(super) async fn wait_for_outputs(
        &mut self,
        prediction: &PredictionId,
        origin: Origin,
    ) -> Result<Vec<Output>, ExecutorOutcome> {
        let _followed = self.shared.polls.follow();
        let (mut seen, mut wait) = match origin {
            Origin::Submitted { result } => {
                if let Some(finished) = result {
                    let finished = self.unless_of_another(prediction, finished).await;
                    if !matches!(finished, Finished::OfAnother { .. }) {
                        return self.ended(finished);
                    }
                }
                let seen = Seen::new(Duration::ZERO, Some(Duration::ZERO));
                let wait = self.regular_wait(&seen);
                (seen, wait)
            }
            Origin::Earlier { age } => {
                self.is_old = age >= self.shared.job_timeout;
                (Seen::new(age, None), Duration::ZERO)
            }
        };
        loop {
            self.unless_halted(self.sleep_until_due(&mut seen, wait)).await.map_err(|end| seen.explain(end))?;
            let asked_at = seen.age();
            wait = match self.poll(prediction).await.map_err(|end| seen.explain(end))? {
                PollOutcome::InProgress { unknown_status } => {
                    self.note_progress(&mut seen, asked_at, unknown_status);
                    self.regular_wait(&seen)
                }
                PollOutcome::NotFound { cause } => {
                    self.note_not_found(&mut seen, cause)?;
                    self.regular_wait(&seen)
                }
                PollOutcome::Again { cause, wait, reason } => {
                    self.wait_after_failure(&mut seen, cause, wait, reason)?
                }
                PollOutcome::Finished(finished) => match self.wait_for_own_outputs(&mut seen, &finished) {
                    Some(wait) => wait,
                    None => {
                        self.learn(&seen, &finished);
                        return self.ended(finished);
                    }
                },
            };
            self.check_time_limit(&mut seen)?;
        }
    }

    /// Gives up a prediction that takes longer than it may. One of an earlier run first gives up its slot and gets the
    /// same time again, because it may only have been left alone in between; but if it has timed out before, it is
    /// enough that the provider still says that it is in progress.
    fn check_time_limit(&self, seen: &mut Seen) -> Result<(), ExecutorOutcome> {
        if seen.age() < self.shared.job_timeout {
            return Ok(());
        }
        let has_timed_out = self.failed_before == Some(ErrorClass::Timeout) && seen.is_in_progress();
        if has_timed_out || seen.started.elapsed() >= self.shared.job_timeout {
            let time = in_words(self.shared.job_timeout.max(seen.age_at_start));
            let message = format!("not finished after {time}{}", seen.last_poll());
            return Err(ExecutorOutcome::Failed { class: ErrorClass::Timeout, message });
        }
        if !std::mem::replace(&mut seen.is_reported_overdue, true) {
            self.report(ExecutorEvent::Overdue);
        }
        Ok(())
    }

    /// Returns the wait until the prediction is likely to be finished, or until it is worth asking again.
    fn regular_wait(&self, seen: &Seen) -> Duration {
        let failed = seen.failed.as_ref().map_or(0, |failed| failed.count.get());
        self.shared.polls.wait(self.kind, seen.age(), failed, self.jitter)
    }

    /// Waits for the time of the next poll, which comes earlier if the times that it follows from prove too long.
    async fn sleep_until_due(&self, seen: &mut Seen, wait: Duration) {
        let due = Instant::now() + wait;
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = self.shared.polls.times_forgotten(), if seen.failed.is_none() => {
                // The poll was due too late, so that it will only show that the prediction took less.
                seen.has_gap = true;
                // The jitter spreads the polls of all that wait.
                let earlier = Instant::now() + self.regular_wait(seen).mul_f64(self.jitter);
                tokio::time::sleep_until(due.min(earlier)).await;
            }
        }
    }

    /// Returns whether the polls between two ages show how long the prediction was in progress. After an outage, an
    /// answer only shows that it took longer than it was seen before.
    fn was_watched(&self, seen: &Seen, from: Duration, to: Duration) -> bool {
        let has_gap = seen.has_gap || self.shared.polls.were_paused_since(seen.at_age(from));
        !has_gap || Observation::is_narrow(from, to)
    }

    fn note_progress(&self, seen: &mut Seen, asked_at: Duration, unknown_status: Option<String>) {
        let before = seen.in_work.replace(asked_at);
        if let Some(from) = before.filter(|from| self.was_watched(seen, *from, asked_at)) {
            self.shared.polls.in_progress(self.kind, from, asked_at);
        }
        seen.has_gap = false;
        seen.failed = None;
        seen.not_found = 0;
        if let Some(word) = unknown_status.filter(|word| seen.reported_word.as_ref() != Some(word)) {
            self.report(ExecutorEvent::UnknownStatus(word.clone()));
            seen.reported_word = Some(word);
        }
    }

    fn note_not_found(&self, seen: &mut Seen, cause: String) -> Result<(), ExecutorOutcome> {
        seen.not_found += 1;
        seen.has_gap = true;
        let schedule = self.shared.polls.schedule;
        let is_sure = seen.started.elapsed() >= schedule.not_found_grace && seen.not_found >= schedule.not_found_limit;
        if self.was_lost() || is_sure {
            return Err(lost(format!("the provider does not know the prediction ({cause})")));
        }
        seen.not_found_cause = cause;
        Ok(())
    }

    /// Returns the wait before a prediction that is completed without outputs of its own is polled again: its picture is
    /// paid for, and the provider may store it a little later. After an earlier run that has waited in vain, one poll is
    /// enough.
    fn wait_for_own_outputs(&self, seen: &mut Seen, finished: &Finished) -> Option<Duration> {
        if !matches!(finished, Finished::NoOutputs | Finished::OfAnother { .. }) || self.failed_before.is_some() {
            return None;
        }
        let (found, first) = seen.without_outputs.get_or_insert_with(|| (0, Instant::now()));
        *found += 1;
        let (found, lasted) = (*found, first.elapsed());
        (lasted < OUTPUTS_GRACE).then(|| self.shared.polls.wait(self.kind, seen.age(), found, self.jitter))
    }

    /// Learns the generation time of a prediction that is completed.
    fn learn(&self, seen: &Seen, finished: &Finished) {
        if let Finished::Completed { took, .. } = finished {
            let done = seen.age();
            let in_work = seen.in_work.filter(|from| self.was_watched(seen, *from, done));
            self.shared.polls.learn(self.kind, Observation { in_work, done, reported: *took });
        }
    }

    /// Returns the result of a prediction, unless its outputs are those of another one.
    async fn unless_of_another(&self, prediction: &PredictionId, finished: Finished) -> Finished {
        let Finished::Completed { outputs, .. } = &finished else { return finished };
        let named = other_ids(outputs, prediction);
        if named.is_empty() {
            return finished;
        }
        let (answer, owner) = oneshot::channel();
        self.report(ExecutorEvent::NamesOthers { named, answer });
        // The dispatcher drops the sender only at the end of the run, when nothing is saved any longer.
        match owner.await {
            Ok(Some(owner)) => Finished::OfAnother { owner },
            Ok(None) | Err(_) => finished,
        }
    }

    /// Returns the wait after a poll without a usable answer. A hint after a 429 holds for all polls, any other for the
    /// prediction alone.
    fn wait_after_failure(
        &self,
        seen: &mut Seen,
        cause: String,
        hint: Option<Duration>,
        reason: Unanswered,
    ) -> Result<Duration, ExecutorOutcome> {
        let (count, counted_at) = match &seen.failed {
            None => (NonZeroU32::MIN, Instant::now()),
            Some(FailedPolls { count, counted_at, .. })
                if self.shared.polls.are_failing() && counted_at.elapsed() < backoff(count.get()) =>
            {
                (*count, *counted_at)
            }
            Some(failed) => (failed.count.saturating_add(1), Instant::now()),
        };
        if count.get() >= self.shared.polls.schedule.error_limit {
            return Err(ExecutorOutcome::Deferred { cause: format!("{count} polls in a row failed: {cause}") });
        }
        seen.failed = Some(FailedPolls { count, counted_at, cause });
        seen.has_gap = true;
        let hint = hint.map(|hint| hint.min(MAX_POLL_HINT));
        let is_limited = reason == Unanswered::RateLimited;
        if let Some(hint) = hint.filter(|_| is_limited) {
            self.shared.polls.pause(Instant::now() + hint);
        }
        // If all polls wait for their turn, that is wait enough.
        let regular =
            if is_limited && self.shared.polls.are_limited() { Duration::ZERO } else { self.regular_wait(seen) };
        Ok(regular.max(hint.unwrap_or_default()))
    }

    pub(super) async fn poll(&mut self, prediction: &PredictionId) -> Result<PollOutcome, ExecutorOutcome> {
        let sent = self.unless_halted(self.shared.polls.turn(self.polls_sent)).await?;
        self.polls_sent = self.polls_sent.saturating_add(1);
        let path = self.status_path.as_ref().filter(|_| !self.polls_by_id);
        let exchange = self.unless_halted(self.shared.api.poll(prediction, path)).await?;
        let outcome = match of_poll(&exchange, prediction, (self.shared.now)()) {
            PollOutcome::Finished(finished) => {
                PollOutcome::Finished(self.unless_of_another(prediction, finished).await)
            }
            // Otherwise, no run would ever give it up.
            PollOutcome::Again { cause, reason: Unanswered::Denied, .. } if self.is_old => {
                PollOutcome::NotFound { cause }
            }
            outcome => outcome,
        };
        // If the path of the status is wrong, the id may still work, and vice versa.
        if matches!(outcome, PollOutcome::NotFound { .. } | PollOutcome::Again { .. }) {
            self.polls_by_id = !self.polls_by_id;
        }
        match &outcome {
            PollOutcome::Again { cause, reason, .. } => {
                match reason {
                    Unanswered::Refused if self.shared.polls.key_refused() => {
                        return Err(ExecutorOutcome::Stop(Stop::Auth(cause.clone())));
                    }
                    Unanswered::Refused => {}
                    Unanswered::RateLimited => self.shared.polls.refused(sent),
                    Unanswered::Denied | Unanswered::Failed => self.shared.polls.poll_answered(sent),
                }
                if *reason != Unanswered::RateLimited {
                    self.report(ExecutorEvent::Polled(Err(cause.clone())));
                    // This comes after the report, which must not be behind that of the end of the outage.
                    self.shared.polls.failed(self.jitter);
                }
            }
            _ => {
                self.shared.polls.poll_answered(sent);
                if self.shared.polls.end_outage() {
                    self.report(ExecutorEvent::Polled(Ok(())));
                }
            }
        }
        // This comes last, because the answer itself may have shown that earlier headers were wrong.
        if let Some(limits) = exchange.limits() {
            self.shared.polls.on_rate_limit_headers(limits);
        }
        Ok(outcome)
    }
}

/// Formats a time in its largest unit of which there are at least two.
fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => counted(seconds, "second"),
        seconds @ 120..7200 => counted(seconds / 60, "minute"),
        seconds @ 7200..172_800 => counted(seconds / 3600, "hour"),
        seconds => counted(seconds / 86_400, "day"),
    }
}

fn lost(message: String) -> ExecutorOutcome {
    ExecutorOutcome::Failed { class: ErrorClass::Lost, message }
}
