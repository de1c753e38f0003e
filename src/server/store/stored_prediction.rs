use jiff::Timestamp;

/// The state of a prediction in memory.
#[derive(Clone, Debug)]
pub(in crate::server) struct StoredPrediction {
    pub(in crate::server) created_at: Timestamp,
    /// Whether outputs are returned as base64 text.
    pub(in crate::server) base64: bool,
    pub(in crate::server) state: PredictionState,
}

/// The state of a prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) enum PredictionState {
    Processing,
    Completed { at: Timestamp, outputs: u8 },
    Failed { at: Timestamp, error: Box<str> },
}
