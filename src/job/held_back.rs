use serde::{Deserialize, Serialize};

use crate::words::{and_more, counted, is_are};

/// The maximum number of pictures that are listed.
const NAMED: usize = 3;

/// Jobs that are not submitted, because a picture that the journal does not know has the name of their result. The user
/// may have made it by hand, or the journal was replaced by an older copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The number of jobs.
    pub jobs: u64,
    /// The first of the pictures, by their names in `results/`.
    pub pictures: Vec<String>,
}

impl HeldBack {
    /// A hint for the user.
    pub const HINT: &'static str = "if the journal is an outdated copy, restore the newest one; otherwise move the picture of a \
                                    job out of results/ to run it, or remove the row to keep the picture";

    /// Returns the sum over several folders that have no jobs in common.
    pub fn of_all<'h>(folders: impl Iterator<Item = &'h HeldBack>) -> HeldBack {
        folders.fold(HeldBack::default(), |mut all, held| {
            all.jobs += held.jobs;
            all.pictures.extend(held.pictures.iter().take(NAMED - all.pictures.len()).cloned());
            all
        })
    }

    /// Adds a job that is held back because of `picture`.
    pub fn add(&mut self, picture: String) {
        self.jobs += 1;
        if self.pictures.len() < NAMED {
            self.pictures.push(picture);
        }
    }

    /// Whether other jobs are left to do than these, if this many are pending.
    pub fn leaves_others(&self, pending: u64) -> bool {
        pending > self.jobs
    }

    /// Whether there are no such jobs.
    pub fn is_empty(&self) -> bool {
        self.jobs == 0
    }

    /// Returns the reason, as a sentence fragment to follow their number.
    pub fn reason(&self) -> String {
        let named: Vec<String> = self.pictures.iter().map(|name| format!("results/{name}")).collect();
        let more = self.jobs.saturating_sub(named.len() as u64);
        let (exist, are) = if self.jobs == 1 { ("exists", "is") } else { ("exist", "are") };
        format!("{}{} {exist} but {are} not recorded in the journal", named.join(", "), and_more(more))
    }
}

impl std::fmt::Display for HeldBack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} held back: {}", counted(self.jobs, "job"), is_are(self.jobs), self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_is_named_and_the_first_of_several() {
        let mut held = HeldBack::default();
        held.add("mug.png".to_owned());
        insta::assert_snapshot!(held, @"1 job is held back: results/mug.png exists but is not recorded in the journal");
        ["a.png", "b.png", "c.png", "d.png"].into_iter().for_each(|name| held.add(name.to_owned()));
        insta::assert_snapshot!(held, @"5 jobs are held back: results/mug.png, results/a.png, results/b.png and 2 more exist but are not recorded in the journal");
    }
}
