use tokio_util::sync::CancellationToken;

/// What asks a run to stop.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(CancellationToken);

impl StopSignal {
    /// Asks the run to stop.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is asked to.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }
}
