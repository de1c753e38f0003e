use serde::{Deserialize, Serialize};

/// Whether a result shows the color that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the tolerance.
    On,
    /// Outside the tolerance, yet close enough to mend.
    Near,
    /// Another color.
    Off,
    /// It cannot be told; a reason goes with it.
    Unmeasurable,
}
