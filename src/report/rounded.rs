/// Rounds a value to `1 / parts`. Sums of seconds, for example, have errors in their last digits.
pub(super) fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_seconds_have_no_digits_beyond_milliseconds() {
        assert_ne!(0.7 + 0.1, 0.8);
        assert_eq!(rounded(0.7 + 0.1, 1000.0), 0.8);
    }
}
