use crate::job::Cents;

use crate::words::counted;

/// What happens to earlier pictures. Those of jobs that do not complete stay.
const MOVE: &str = "move to earlier/ once the new ones are there";

/// Jobs whose requests differ from earlier runs. A changed word in a template changes a whole catalog, so they are
/// reported before the first submit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedJobs {
    /// The number of such jobs that the run submits, or has submitted.
    pub jobs: u64,
    /// The number of such jobs that the run has left to a later one.
    pub left: u64,
    /// The number of them that have pictures.
    pub shown: u64,
    /// The price of a submit; `None` if submits are free.
    pub price: Option<Cents>,
}

impl std::fmt::Display for ChangedJobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (paid, made) = match self.price {
            Some(price) => (format!("paid for again, about {}", price.times(self.jobs)), "paid for"),
            None => ("made again".to_owned(), "made again"),
        };
        if self.jobs > 0 || self.left == 0 {
            write!(formatter, "{} edited and {paid}", counted(self.jobs, "job"))?;
        }
        if self.left > 0 {
            match self.jobs {
                0 => write!(formatter, "{} still to be {made}", counted(self.left, "edited job"))?,
                _ => write!(formatter, "; {} more still to be {made}", self.left)?,
            }
            // The summary names the pictures that are outdated in a line of its own.
            return self.price.map_or(Ok(()), |price| write!(formatter, ", about {}", price.times(self.left)));
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
        let catalog = ChangedJobs { jobs: 4000, left: 0, shown: 4000, price: Some(Cents(7)) };
        insta::assert_snapshot!(catalog, @"4000 jobs edited and paid for again, about $280.00; earlier pictures move to earlier/ once the new ones are there");
        let single = ChangedJobs { jobs: 1, left: 0, shown: 1, price: None };
        insta::assert_snapshot!(single, @"1 job edited and made again; earlier pictures move to earlier/ once the new ones are there");
    }

    #[test]
    fn jobs_that_a_run_has_left_are_not_reported_as_paid_for() {
        let words = |jobs, left, price| ChangedJobs { jobs, left, shown: 9, price }.to_string();
        let price = Some(Cents(7));
        insta::assert_snapshot!(words(4, 26, price), @"4 jobs edited and paid for again, about $0.28; 26 more still to be paid for, about $1.82");
        insta::assert_snapshot!(words(0, 1, price), @"1 edited job still to be paid for, about $0.07");
        insta::assert_snapshot!(words(2, 3, None), @"2 jobs edited and made again; 3 more still to be made again");
    }

    #[test]
    fn rows_without_pictures_are_not_reported_as_moved() {
        let words = |shown| ChangedJobs { jobs: 3, left: 0, shown, price: None }.to_string();
        assert!(words(0).ends_with("made again"));
        assert!(words(2).ends_with("; the earlier pictures of 2 move to earlier/ once the new ones are there"));
    }
}
