use crate::job::Cents;

use crate::words::counted;

/// The re-rolls of a run, as far as they are known before it begins. They cost money, so they are reported before the
/// first submit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlannedRerolls {
    /// The number of jobs whose color is known to be off, and that are submitted again.
    pub known: u64,
    /// The number of re-rolls that may follow, at most.
    pub further: u64,
    /// The limit for each job.
    pub limit: u32,
    /// The price of a submit; `None` if submits are free.
    pub price: Option<Cents>,
}

impl PlannedRerolls {
    /// Whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.known == 0 && self.further == 0
    }
}

impl std::fmt::Display for PlannedRerolls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PlannedRerolls { known, further, limit, price } = *self;
        write!(formatter, "--reroll {limit}: ")?;
        if known > 0 {
            write!(formatter, "{} of the wrong color submitted again", counted(known, "job"))?;
            if let Some(price) = price {
                write!(formatter, ", about {}", price.times(known))?;
            }
        }
        match (known, further) {
            (_, 0) => Ok(()),
            (0, further) => formatter.write_str(&at_most(further, price)),
            (_, further) => write!(formatter, ", and {}", at_most(further, price)),
        }
    }
}

/// Returns the cost of `rerolls` that may follow, or their number if submits are free.
pub(crate) fn at_most(rerolls: u64, price: Option<Cents>) -> String {
    match price {
        Some(price) => format!("at most {} for re-rolls", price.times(rerolls)),
        None => format!("at most {}", counted(rerolls, "re-roll")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rerolls_are_announced_with_their_cost_or_number() {
        let words = |known, further, price| PlannedRerolls { known, further, limit: 2, price }.to_string();
        insta::assert_snapshot!(
            [
                words(3, 5, Some(Cents(7))),
                words(1, 0, Some(Cents(7))),
                words(0, 5000, Some(Cents(7))),
                words(0, 1, None),
                words(2, 8, None),
            ]
            .join("\n"),
            @r"
        --reroll 2: 3 jobs of the wrong color submitted again, about $0.21, and at most $0.35 for re-rolls
        --reroll 2: 1 job of the wrong color submitted again, about $0.07
        --reroll 2: at most $350.00 for re-rolls
        --reroll 2: at most 1 re-roll
        --reroll 2: 2 jobs of the wrong color submitted again, and at most 8 re-rolls
        "
        );
    }
}
