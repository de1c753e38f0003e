use std::collections::HashSet;

use crate::api::PredictionId;

/// All predictions that a journal names, at 9 to 18 bytes each: half of a hash tells them apart well enough for a
/// comparison that nobody gains from tricking.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Known(HashSet<u64>);

impl Known {
    pub(super) fn insert(&mut self, prediction: &PredictionId) {
        self.0.insert(short(prediction));
    }

    pub(super) fn contains(&self, prediction: &PredictionId) -> bool {
        self.0.contains(&short(prediction))
    }
}

fn short(prediction: &PredictionId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(prediction.as_str().as_bytes()).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
