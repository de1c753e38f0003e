use crate::job::Cents;

use crate::words::counted;

/// What happens to earlier pictures. Those of jobs that do not complete stay.
const MOVE: &str = "move to earlier/ once the new ones are there";

/// Jobs whose requests differ from earlier runs. A changed word in a template changes a whole catalog, so they are
/// reported before the first submit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedJobs {
    /// The number of such jobs.
    pub jobs: u64,
    /// The number of them that have pictures.
    pub shown: u64,
    /// The price of a submit; `None` if submits are free.
    pub price: Option<Cents>,
}

impl std::fmt::Display for ChangedJobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} edited and ", counted(self.jobs, "job"))?;
        match self.price {
            Some(price) => write!(formatter, "paid for again, about {}", price.times(self.jobs))?,
            None => formatter.write_str("made again")?,
        }
        match self.shown {
            0 => Ok(()),
            all if all == self.jobs => write!(formatter, "; earlier pictures {MOVE}"),
            some => write!(formatter, "; the earlier pictures of {some} {MOVE}"),
        }
    }
}

/// Returns the text about edited jobs that have no new pictures yet.
pub(crate) fn outdated_text(jobs: u64) -> String {
    let (have, their) = if jobs == 1 { ("has", "its") } else { ("have", "their") };
    format!("{} still {have} {their} earlier picture in results/", counted(jobs, "edited job"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_jobs_are_announced_with_their_cost_or_as_free() {
        let catalog = ChangedJobs { jobs: 4000, shown: 4000, price: Some(Cents(7)) };
        insta::assert_snapshot!(catalog, @"4000 jobs edited and paid for again, about $280.00; earlier pictures move to earlier/ once the new ones are there");
        let single = ChangedJobs { jobs: 1, shown: 1, price: None };
        insta::assert_snapshot!(single, @"1 job edited and made again; earlier pictures move to earlier/ once the new ones are there");
    }

    #[test]
    fn rows_without_pictures_are_not_reported_as_moved() {
        let words = |shown| ChangedJobs { jobs: 3, shown, price: None }.to_string();
        assert!(words(0).ends_with("made again"));
        assert!(words(2).ends_with("; the earlier pictures of 2 move to earlier/ once the new ones are there"));
    }
}
