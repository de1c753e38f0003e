use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use crate::api::PredictionId;

use super::settled::push;

/// How many parts the predictions are dealt to, by the first bits of their hashes.
const PARTS: usize = 1 << 12;

/// All predictions that a journal names, at 6 to 7 bytes each: 60 bits of a hash tell them apart well enough for a
/// comparison that nobody gains from tricking. That one of a million answers is taken for one of a million others has
/// a chance of 1 in 10^6.
///
/// Who looks one up goes through its part, which of a million has some 244: that is asked once a submit, and a table
/// would take up to three times the memory.
#[derive(Debug, Default)]
pub(super) struct Known {
    parts: Vec<Vec<Short>>,
}

/// What is left of a hash beside its part.
type Short = [u8; 6];

impl Known {
    pub(super) fn insert(&mut self, prediction: &PredictionId) {
        if self.parts.is_empty() {
            self.parts.resize(PARTS, Vec::new());
        }
        let (part, short) = short(prediction);
        push(&mut self.parts[part], short);
    }

    pub(super) fn contains(&self, prediction: &PredictionId) -> bool {
        let (part, short) = short(prediction);
        self.parts.get(part).is_some_and(|part| part.contains(&short))
    }
}

/// Under a key that is drawn anew for each process.
fn short(prediction: &PredictionId) -> (usize, Short) {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let [a, b, short @ ..] = KEY.hash_one(prediction.as_str()).to_le_bytes();
    (usize::from(u16::from_le_bytes([a, b])) % PARTS, short)
}

/// Two are the same if they know the same, in whatever order they came to.
impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        let all = |known: &Known| {
            let parts = known.parts.iter().enumerate();
            let mut all: Vec<_> =
                parts.flat_map(|(place, part)| part.iter().map(move |short| (place, *short))).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        all(self) == all(other)
    }
}
