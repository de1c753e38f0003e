use std::pin::Pin;
use std::time::Duration;

use tokio::time::error::Elapsed;

/// How long an answer that has arrived may take to be read after its time is over.
pub(super) const LAST_LOOK: Duration = Duration::from_secs(2);

/// Waits for a future for at most `limit` and [`LAST_LOOK`]. The future is pinned by the caller, because an async
/// function keeps room for its arguments twice.
///
/// A process that was suspended for longer than the limit wakes up with both: a limit that has passed, and answers that
/// have arrived but were not read. Without the last look, submits that were accepted would become uncertain.
pub(super) async fn in_time<F: Future>(limit: Duration, mut future: Pin<&mut F>) -> Result<F::Output, Elapsed> {
    match tokio::time::timeout(limit, &mut future).await {
        Ok(output) => Ok(output),
        Err(_) => tokio::time::timeout(LAST_LOOK, future).await,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_arrived_while_the_process_was_suspended_is_read_after_its_time() {
        let limit = Duration::from_secs(60);
        let (answer, answered) = tokio::sync::oneshot::channel();
        // The connection wakes up together with the time limit, and is run after it.
        let connection = async move {
            tokio::time::sleep(limit).await;
            answer.send("accepted").unwrap();
        };
        let mut answered = pin!(answered);
        let (answered, ()) = tokio::join!(in_time(limit, answered.as_mut()), connection);
        assert_eq!(answered.unwrap().unwrap(), "accepted");
        assert!(
            in_time(limit, pin!(std::future::pending::<()>())).await.is_err(),
            "what never arrives is not waited for"
        );
    }
}
