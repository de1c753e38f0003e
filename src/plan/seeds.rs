use crate::job::{Fingerprint, Seed};

/// Returns a seed for another result of an edit, which is none of those that are used, as long as there is one. It depends
/// only on these, so that a crash does not change it.
pub fn unused_seed(fingerprint: Fingerprint, is_used: impl Fn(Seed) -> bool) -> Seed {
    const SEEDS: u64 = Seed::MAX as u64 + 1;
    let first = u64::from_le_bytes(std::array::from_fn(|index| fingerprint.as_bytes()[index])) % SEEDS;
    // A step that is coprime to 10001 = 73 * 137 reaches all seeds.
    let seeds = (0..SEEDS).map(|step| (first + step * 3_571) % SEEDS);
    let mut seeds = seeds.filter_map(|seed| Seed::new(u16::try_from(seed).ok()?));
    let least_bad = seeds.clone().next().unwrap_or_default();
    seeds.find(|seed| !is_used(*seed)).unwrap_or(least_bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_seed_is_not_drawn_again_until_all_are_used() {
        let fingerprint: Fingerprint = "ff".repeat(16).parse().unwrap();
        let mut used: Vec<Seed> = Vec::new();
        for _ in 0..100 {
            let seed = unused_seed(fingerprint, |seed| used.contains(&seed));
            assert!(!used.contains(&seed));
            used.push(seed);
        }
        assert_eq!(unused_seed(fingerprint, |_| true), used[0]);
    }
}
