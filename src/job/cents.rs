use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// An amount of money in whole US cents, as the API bills it.
///
/// Arithmetic saturates, so that no sequence of prices can wrap a budget around to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(pub u64);

impl Cents {
    /// Zero.
    pub const ZERO: Cents = Cents(0);

    /// Parses an amount in dollars: `10`, `2.50`, `$0.07`. It has at most two decimals, and is not negative.
    pub fn from_dollars(text: &str) -> Option<Cents> {
        let text = text.trim();
        let text = text.strip_prefix('$').unwrap_or(text);
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || decimals.len() > 2 || !digits(whole) || !digits(decimals) {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let decimals: u64 = format!("{decimals:0<2}").parse().ok()?;
        Some(Cents(whole.checked_mul(100)?.checked_add(decimals)?))
    }

    /// Returns the amount in dollars without a sign, as options take it: `2.50`.
    pub fn dollars(self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }

    /// Returns this amount times `count`.
    pub fn times(self, count: u64) -> Cents {
        Cents(self.0.saturating_mul(count))
    }

    /// Returns this amount minus `other`, at least 0.
    pub fn minus(self, other: Cents) -> Cents {
        Cents(self.0.saturating_sub(other.0))
    }
}

impl Add for Cents {
    type Output = Cents;

    fn add(self, other: Cents) -> Cents {
        Cents(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, other: Cents) {
        *self = *self + other;
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Cents>>(amounts: I) -> Cents {
        amounts.fold(Cents::ZERO, Add::add)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("${}", self.dollars()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_amount_is_read_as_it_is_written(cents: u64) {
            let amount = Cents(cents);
            prop_assert_eq!(Cents::from_dollars(&amount.dollars()), Some(amount));
            prop_assert_eq!(Cents::from_dollars(&amount.to_string()), Some(amount));
        }
    }

    #[test]
    fn dollars_are_parsed_exactly() {
        assert_eq!(Cents::from_dollars("10"), Some(Cents(1000)));
        assert_eq!(Cents::from_dollars("$2.5"), Some(Cents(250)));
        assert_eq!(Cents::from_dollars("0.07"), Some(Cents(7)));
        for bad in ["", "-1", "1.234", "1e3", "ten", ".", "NaN", "99999999999999999999"] {
            assert_eq!(Cents::from_dollars(bad), None, "{bad}");
        }
    }

    #[test]
    fn amounts_are_displayed_in_dollars() {
        assert_eq!(Cents(7).to_string(), "$0.07");
        assert_eq!(Cents(280_000).to_string(), "$2800.00");
    }
}
