use uuid::{Builder, Uuid};

/// Random values derived from a seed: equal inputs give equal values.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeededRandom {
    seed: u64,
}

impl SeededRandom {
    pub(super) fn new(seed: u64) -> SeededRandom {
        SeededRandom { seed }
    }

    /// Returns a number in 0..100 for the roll with this number about `subject`.
    pub(super) fn roll(self, subject: &str, number: u128) -> f64 {
        let hash = self.hash(subject, number);
        let mut eight = [0; 8];
        eight.copy_from_slice(&hash.as_bytes()[..8]);
        // An `f64` represents 53 bits exactly.
        (u64::from_le_bytes(eight) >> 11) as f64 / (1_u64 << 53) as f64 * 100.0
    }

    /// Returns a random-looking id.
    pub(super) fn id(self, number: u64) -> Uuid {
        let mut sixteen = [0; 16];
        sixteen.copy_from_slice(&self.hash("id", u128::from(number)).as_bytes()[..16]);
        Builder::from_random_bytes(sixteen).into_uuid()
    }

    fn hash(self, subject: &str, number: u128) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(subject.as_bytes());
        hasher.update(&number.to_le_bytes());
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_follow_from_the_seed_and_are_uniform() {
        let rolls: Vec<f64> = (0..10_000).map(|number| SeededRandom::new(7).roll("poll", number)).collect();
        let again: Vec<f64> = (0..10_000).map(|number| SeededRandom::new(7).roll("poll", number)).collect();
        assert_eq!(rolls, again);
        let under_ten = rolls.iter().filter(|roll| **roll < 10.0).count();
        assert!((900..1100).contains(&under_ten), "{under_ten}");
        assert_ne!(SeededRandom::new(8).roll("poll", 0), rolls[0]);
        assert_ne!(SeededRandom::new(7).id(0), SeededRandom::new(7).id(1));
    }
}
