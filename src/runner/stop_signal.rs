use tokio_util::sync::CancellationToken;

/// Asks a run to stop.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(CancellationToken);

impl StopSignal {
    /// Asks the run to stop.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Returns whether the run was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the run is asked to stop.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }
}
