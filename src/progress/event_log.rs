use crate::runner::Event;

/// Logs an event, for programs that read the logs. What concerns the whole run is not in the span of the job that led to
/// it. No field may be called `message`, which is the name of the text.
pub(super) fn log(event: &Event<'_>) {
    match event {
        Event::Submitting { job, attempt } => tracing::debug!(%job, attempt, "submitting"),
        Event::Accepted { job, prediction, cost } => {
            tracing::info!(%job, %prediction, cost_cents = cost.0, "accepted");
        }
        Event::Completed { job, files } => {
            tracing::info!(%job, files = files.len(), bytes = files.iter().map(|file| file.bytes).sum::<u64>(), "completed");
        }
        Event::Checked { job, check, of } => {
            let verdict = check.verdict.as_str();
            tracing::info!(%job, verdict, asked = %check.asked, delta_e = check.delta_e, of = of.as_str(), "color checked");
        }
        Event::RerollLost { job, message } => tracing::info!(%job, error = message, "a re-roll failed"),
        Event::RerollUncertain { job, message } => tracing::info!(%job, error = message, "a re-roll is uncertain"),
        Event::Failed { job, class, message } => tracing::info!(%job, %class, error = message, "failed"),
        Event::Uncertain { job, message } => tracing::info!(%job, error = message, "uncertain"),
        Event::PriceRise { job, from, to } => {
            tracing::info!(%job, from_cents = from.0, to_cents = to.0, "the price rose");
        }
        Event::Unpriced { job, counted } => {
            tracing::info!(%job, counted_cents = counted.0, "a submit was answered without a price");
        }
        Event::UnknownStatus { job, word } => tracing::info!(%job, word, "unknown status"),
        Event::ExtraOutputs { job, kept, left } => tracing::info!(%job, kept, left, "more pictures than are saved"),
        Event::Deferred { job, cause } => tracing::info!(%job, cause, "left for a later run"),
        Event::Paused { wait, reason } => {
            run_span().in_scope(|| tracing::info!(seconds = wait.as_secs_f64(), reason, "paused"));
        }
        Event::RateLimitDetected { near } => {
            run_span().in_scope(|| tracing::info!(%near, "the provider's limit was met"));
        }
        Event::Stopping { reason, under_way } => run_span().in_scope(|| {
            tracing::info!(%reason, in_flight = under_way.as_str(), submits = under_way.submits(), "stopping");
        }),
    }
}

fn run_span() -> tracing::Span {
    tracing::error_span!(parent: None, "run")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::PredictionId;
    use crate::job::{Cents, ErrorClass, JobId};
    use crate::progress::logs::json_logs;
    use crate::runner::{InFlight, StopReason};

    /// Returns the JSON log of `events` in the span of a job, without times.
    fn logged(events: &[Event<'_>]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let logs = json_logs(tracing_subscriber::fmt().with_writer(file.reopen().unwrap()).without_time());
        tracing::subscriber::with_default(logs.finish(), || {
            tracing::error_span!("job", id = "mug").in_scope(|| events.iter().for_each(log));
        });
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn each_field_of_a_json_log_has_a_name_of_its_own() {
        let (job, message) = (JobId::new("mug").unwrap(), "HTTP 504");
        let prediction = PredictionId::new("p").unwrap();
        let job = &job;
        let lines = logged(&[
            Event::Accepted { job, prediction: &prediction, cost: Cents(7) },
            Event::Completed { job, files: &[] },
            Event::RerollLost { job, message },
            Event::RerollUncertain { job, message },
            Event::Failed { job, class: ErrorClass::Moderated, message },
            Event::Uncertain { job, message },
            Event::PriceRise { job, from: Cents(7), to: Cents(21) },
            Event::Unpriced { job, counted: Cents(7) },
            Event::UnknownStatus { job, word: "dreaming" },
            Event::ExtraOutputs { job, kept: 16, left: 1 },
            Event::Deferred { job, cause: message },
            Event::Paused { wait: Duration::from_secs(1), reason: message },
            Event::RateLimitDetected { near: "10/min".parse().unwrap() },
            Event::Stopping { reason: &StopReason::Deadline, under_way: InFlight::Drained },
        ]);
        for line in lines.lines() {
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(read.to_string().len(), line.len(), "a repeated name would be read once: {line}");
        }
        insta::assert_snapshot!(lines, @r#"
        {"level":"INFO","message":"accepted","job":"mug","prediction":"p","cost_cents":7,"target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"completed","job":"mug","files":0,"bytes":0,"target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"a re-roll failed","job":"mug","error":"HTTP 504","target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"a re-roll is uncertain","job":"mug","error":"HTTP 504","target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"failed","job":"mug","class":"moderated","error":"HTTP 504","target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"uncertain","job":"mug","error":"HTTP 504","target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"the price rose","job":"mug","from_cents":7,"to_cents":21,"target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"a submit was answered without a price","job":"mug","counted_cents":7,"target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"unknown status","job":"mug","word":"dreaming","target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"more pictures than are saved","job":"mug","kept":16,"left":1,"target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"left for a later run","job":"mug","cause":"HTTP 504","target":"dyehouse::progress::event_log","span":{"id":"mug","name":"job"}}
        {"level":"INFO","message":"paused","seconds":1.0,"reason":"HTTP 504","target":"dyehouse::progress::event_log","span":{"name":"run"}}
        {"level":"INFO","message":"the provider's limit was met","near":"10/min","target":"dyehouse::progress::event_log","span":{"name":"run"}}
        {"level":"INFO","message":"stopping","reason":"the deadline has passed","in_flight":"drained","submits":0,"target":"dyehouse::progress::event_log","span":{"name":"run"}}
        "#);
    }
}
