use std::time::Duration;

/// The share of a cycle from which a time without accepted submits is the rest of a window, and not a short
/// congestion.
pub(super) const WINDOW_REST_SHARE: f64 = 1.0 / 3.0;

/// The shortest rest of a window: providers give hints of a second or two for any refusal.
pub(super) const MIN_WINDOW_REST: Duration = Duration::from_secs(3);

/// With fewer accepted submits between two rests, refusals for another reason may have cut off most of a window.
pub(super) const MIN_IN_WINDOW: u32 = 5;

/// Submits accepted between two times without any.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cycle {
    /// When the first of them was sent.
    pub(super) started: Option<Duration>,
    pub(super) count: u32,
    /// The time in which none is accepted, if it has begun.
    pub(super) blocked: Option<Blocked>,
}

/// A time in which submits are refused. Those that were not sent in it, because of a pause after the last refusal, say
/// nothing, unless the provider asked for that pause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    pub(super) since: Duration,
    pub(super) until: Duration,
}
