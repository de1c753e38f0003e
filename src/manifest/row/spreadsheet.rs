//! What is left of a cell when a spreadsheet has had its way with it.

/// The way out where a spreadsheet took a hex without its `#` for a number: `008080` is 8080 then.
pub(super) fn lost_in_a_spreadsheet(text: &str) -> Option<String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (1..6).contains(&text.len()) {
        return Some(format!(
            "write `#` before the hex digits; if a spreadsheet took away zeros, it was `#{text:0>6}`"
        ));
    }
    let is_rounded = text.contains(['E', 'e']) && text.contains('+') && text.parse::<f64>().is_ok();
    is_rounded.then(|| "a spreadsheet took the hex for a number: write it with `#` in front".to_owned())
}

/// Whether a text is what spreadsheets leave where a formula failed: `#REF!`, `#NAME?`, `#N/A`, `Err:502`, in whatever
/// language they speak.
pub(super) fn is_formula_error(text: &str) -> bool {
    let text = text.trim();
    if let Some(number) = text.strip_prefix("Err:") {
        return !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(name) = text.strip_prefix('#') else { return false };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_uppercase() || letter.is_numeric() || matches!(letter, '/' | '_'))
    };
    matches!(name, "N/A" | "NV" | "N/D" | "N/B") || name.strip_suffix(['!', '?']).is_some_and(is_name)
}
