use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::JobId;
use super::text::serde_as_text;

/// A share of a manifest that is divided among several processes: the `index`th of `count`, from 1.
///
/// The share of a job depends only on its id, so that it stays the same when other rows are added, removed or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition {
    count: u16,
    index: u16,
}

/// The reason why a share is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// It does not have the form `2/8`.
    #[error("expected a share such as 2/8, the second of eight")]
    Malformed,
    /// Its index is 0.
    #[error("shares are counted from 1: 1/{count} is the first")]
    Zero {
        /// The number of shares.
        count: u16,
    },
    /// Its index is greater than the number of shares.
    #[error("there is no share {index} of {count}")]
    Beyond {
        /// The index.
        index: u16,
        /// The number of shares.
        count: u16,
    },
}

impl Partition {
    /// Whether the job `id` is in this share: the first eight bytes of its BLAKE3 hash, as a little-endian number,
    /// modulo the number of shares. This rule must never change, because jobs of other shares would be paid for again.
    pub fn takes(self, id: &JobId) -> bool {
        let hash = blake3::hash(id.as_str().as_bytes());
        let (first, _) = hash.as_bytes().split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        u64::from_le_bytes(*first) % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// Returns the number of shares.
    pub fn count(self) -> u16 {
        self.count
    }

    /// Returns all shares of the same manifest, including this one.
    pub fn siblings(self) -> impl Iterator<Item = Partition> {
        (1..=self.count).map(move |index| Partition { index, ..self })
    }

    /// Returns the suffix for the name of the folder, `2-of-8`, so that no two shares use the same folder.
    pub fn suffix(self) -> String {
        format!("{}-of-{}", self.index, self.count)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Partition, PartitionError> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Partition { count, index }),
            Some((0, count)) => Err(PartitionError::Zero { count }),
            Some((index, count)) => Err(PartitionError::Beyond { index, count }),
            None => Err(PartitionError::Malformed),
        }
    }
}

serde_as_text!(Partition, PartitionError);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(count: u16) -> impl Iterator<Item = Partition> {
        Partition { count, index: 1 }.siblings()
    }

    proptest! {
        #[test]
        fn every_job_is_in_exactly_one_share(id in "[a-z0-9]{1,12}", count in 1_u16..200) {
            let id = JobId::new(&id).unwrap();
            prop_assert_eq!(shares(count).filter(|share| share.takes(&id)).count(), 1);
        }
    }

    #[test]
    fn the_rule_stays_the_same_from_version_to_version() {
        let share = |id: &str| shares(8).find(|share| share.takes(&JobId::new(id).unwrap())).unwrap().to_string();
        assert_eq!(["mug-ocean", "mug-brick", "商品1"].map(share), ["1/8", "5/8", "8/8"]);
    }

    #[test]
    fn shares_are_about_equal() {
        let ids: Vec<JobId> = (0..8000).map(|number| JobId::new(&format!("sku-{number}")).unwrap()).collect();
        for share in shares(8) {
            let count = ids.iter().filter(|id| share.takes(id)).count();
            assert!((900..1100).contains(&count), "{share} has {count} of 8000");
        }
    }

    #[test]
    fn shares_are_numbered_from_one() {
        assert_eq!("2/8".parse::<Partition>().unwrap().suffix(), "2-of-8");
        for (bad, hint) in
            [("0/8", "from 1"), ("9/8", "no share 9 of 8"), ("2", "2/8"), ("0/0", "from 1"), ("-1/3", "2/8")]
        {
            let printed = bad.parse::<Partition>().unwrap_err().to_string();
            assert!(printed.contains(hint), "{bad}: {printed}");
        }
    }
}
