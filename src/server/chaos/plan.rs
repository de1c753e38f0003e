use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The frequencies of all faults. The [module](super) documents the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChaosPlan {
    /// The seed of all random choices.
    pub(super) seed: u64,
    #[serde(deserialize_with = "duration")]
    slow: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    hang: Option<Duration>,
    pub(super) submit: Shares<SubmitFault>,
    pub(super) prediction: Shares<PredictionFault>,
    pub(super) poll: Shares<PollFault>,
    pub(super) output: Shares<OutputFault>,
}

/// The reason why a chaos file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The file cannot be read.
    #[error("read {}: {cause}", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The operating system's error.
        cause: std::io::Error,
    },
    /// The file is not a valid chaos file.
    #[error("read {}: {message}", path.display())]
    Content {
        /// The path of the file.
        path: PathBuf,
        /// The message, with its location.
        message: String,
    },
}

impl ChaosPlan {
    /// Reads a chaos file.
    ///
    /// # Errors
    /// The file cannot be read, a fault is unknown, a share is not a percentage, or the shares of one kind add up to
    /// more than 100.
    pub fn read(path: &Path) -> Result<ChaosPlan, ChaosError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ChaosError::Read { path: path.to_owned(), cause })?;
        text.parse().map_err(|message| ChaosError::Content { path: path.to_owned(), message })
    }

    pub(super) fn slow(&self) -> Duration {
        self.slow.unwrap_or(Duration::from_secs(2))
    }

    pub(super) fn hang(&self) -> Duration {
        self.hang.unwrap_or(Duration::from_secs(600))
    }
}

impl std::str::FromStr for ChaosPlan {
    type Err = String;

    fn from_str(text: &str) -> Result<ChaosPlan, String> {
        serde_yaml::from_str(text).map_err(|error| error.to_string())
    }
}

/// The shares of the faults of one kind, in percent.
#[derive(Clone, Debug)]
pub(super) struct Shares<T>(BTreeMap<T, f64>);

impl<T> Default for Shares<T> {
    fn default() -> Shares<T> {
        Shares(BTreeMap::new())
    }
}

impl<T: Copy> Shares<T> {
    /// Returns the fault that a random number in 0..100 selects, if any.
    pub(super) fn draw(&self, roll: f64) -> Option<T> {
        let mut reached = 0.0;
        self.0.iter().find_map(|(fault, share)| {
            reached += share;
            (roll < reached).then_some(*fault)
        })
    }
}

impl<'de, T: DeserializeOwned + Ord> Deserialize<'de> for Shares<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shares<T>, D::Error> {
        use serde::de::Error;
        let shares = BTreeMap::<T, f64>::deserialize(deserializer)?;
        if let Some(share) = shares.values().find(|share| !(0.0..=100.0).contains(*share)) {
            return Err(D::Error::custom(format!("a share is a percentage from 0 to 100, and not {share}")));
        }
        let sum: f64 = shares.values().sum();
        if sum > 100.0 {
            return Err(D::Error::custom(format!("these shares add up to {sum} percent: at most 100 is allowed")));
        }
        Ok(Shares(shares))
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
}

/// A fault of a submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum SubmitFault {
    DropBefore,
    ErrorBefore,
    RateLimited,
    RateLimitedWithoutHint,
    RateLimitedWithAbsurdHint,
    Unauthorized,
    Balance,
    Redirect,
    DropAfter,
    ErrorAfter,
    Slow,
    Hang,
    Html,
    TruncatedJson,
    NoId,
}

impl SubmitFault {
    /// Whether the fault prevents the prediction from being accepted.
    pub(super) fn is_before(self) -> bool {
        self <= SubmitFault::Redirect
    }
}

/// A fault of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum PredictionFault {
    UnknownStatus,
    Stuck,
    Vanished,
    #[serde(rename = "early_404")]
    Early404,
    EmptyOutputs,
}

/// A fault of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum PollFault {
    Drop,
    Error,
    RateLimited,
    Unauthorized,
    Redirect,
    Slow,
    Hang,
    Html,
    TruncatedJson,
}

/// A fault of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum OutputFault {
    Drop,
    Error,
    Gone,
    Truncated,
    WrongLength,
    Html,
    Bomb,
    Endless,
    Slow,
    RedirectLoop,
    RedirectElsewhere,
}

/// The name of a fault in the file.
pub(super) trait Named: Serialize {
    fn name(&self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Named for SubmitFault {}
impl Named for PredictionFault {}
impl Named for PollFault {}
impl Named for OutputFault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<ChaosPlan>().unwrap_err()
    }

    #[test]
    fn a_random_number_selects_faults_by_their_shares() {
        let plan: ChaosPlan = "seed: 1\npoll: {drop: 10, html: 20}".parse().unwrap();
        let drawn = [0.0, 9.9, 10.0, 29.9, 30.0].map(|roll| plan.poll.draw(roll));
        let (drop, html) = (Some(PollFault::Drop), Some(PollFault::Html));
        assert_eq!(drawn, [drop, drop, html, html, None]);
        assert_eq!(plan.submit.draw(0.0), None);
    }

    #[test]
    fn the_example_names_every_fault() {
        let plan: ChaosPlan = include_str!("../../../examples/chaos.yaml").parse().unwrap();
        let kinds = (plan.submit.0.len(), plan.prediction.0.len(), plan.poll.0.len(), plan.output.0.len());
        assert_eq!(kinds, (15, 5, 9, 11));
    }

    #[test]
    fn a_bad_file_is_reported_with_its_place() {
        let unknown = refused("submit:\n  drop_befor: 5");
        assert!(unknown.contains("drop_befor") && unknown.contains("drop_before"), "{unknown}");
        assert!(refused("poll:\n  drop: 101").contains("from 0 to 100"));
        assert!(refused("poll: {drop: 60, html: 60}").contains("120 percent"));
        assert!(refused("slow: soon").contains("line 1"), "{}", refused("slow: soon"));
    }
}
