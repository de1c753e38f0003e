use super::hash_key::ShortHash;

/// A Bloom filter. It tells of most jobs that they are not archived, from a table that is small enough to be at hand:
/// that of a million has half a byte for each. A replay asks it of every job once, and looks only for those that it
/// cannot tell of.
#[derive(Debug, Default)]
pub(in crate::journal) struct BloomFilter(Vec<u64>);

impl BloomFilter {
    /// One that is right about four of five jobs when so many are archived, and about nineteen of twenty at half of
    /// that.
    pub(in crate::journal) fn for_entries(entries: usize) -> BloomFilter {
        // Half a byte for each, at most.
        BloomFilter(vec![0; (entries / 16 + 1).next_power_of_two() / 2])
    }

    pub(in crate::journal) fn insert(&mut self, job: ShortHash) {
        let (place, bits) = self.place(job);
        if let Some(word) = self.0.get_mut(place) {
            *word |= bits;
        }
    }

    /// Whether the job may have been inserted; false if it certainly was not.
    pub(in crate::journal) fn may_have(&self, job: ShortHash) -> bool {
        let (place, bits) = self.place(job);
        self.0.get(place).is_some_and(|word| word & bits == bits)
    }

    /// The word that is a job's, and its two bits there.
    fn place(&self, [_, bits, place]: ShortHash) -> (usize, u64) {
        let word = place as usize & self.0.len().saturating_sub(1);
        (word, 1 << (bits & 63) | 1 << (bits >> 6 & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_may_be_there_and_most_else_is_not() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut hash = || [random.u32(..), random.u32(..), random.u32(..)];
        let (inside, outside): (Vec<ShortHash>, Vec<ShortHash>) = (0..10_000).map(|_| (hash(), hash())).unzip();
        let mut filter = BloomFilter::for_entries(inside.len());
        assert!(!BloomFilter::default().may_have(inside[0]));
        inside.iter().for_each(|job| filter.insert(*job));
        assert!(inside.iter().all(|job| filter.may_have(*job)));
        let wrong = outside.iter().filter(|job| filter.may_have(**job)).count();
        assert!(wrong < 2_500, "{wrong}");
    }
}
