/// Returns the filters that remove everything else from a cell with a number: separators, currencies, units. `None` if
/// the rest is not a number or is ambiguous.
pub(super) fn filters(cell: &str) -> Option<String> {
    let mut replaced: Vec<(String, &str)> = Vec::new();
    let is_of_number =
        |sign: char| sign.is_ascii_digit() || matches!(sign, '.' | ',' | '-' | '+') || sign.is_whitespace();
    let units = cell.split(is_of_number).filter(|unit| !unit.is_empty());
    replaced.extend(units.map(|unit| (unit.to_owned(), "")));
    let spaces = cell.trim().chars().filter(|sign| sign.is_whitespace());
    replaced.extend(spaces.map(|space| (space.to_string(), "")));
    let decimal = decimal(cell)?;
    let thousands = [',', '.'].into_iter().filter(|sign| Some(*sign) != decimal && cell.contains(*sign));
    replaced.extend(thousands.map(|sign| (sign.to_string(), "")));
    replaced.extend((decimal == Some(',')).then(|| (",".to_owned(), ".")));
    let mut once: Vec<(String, &str)> = Vec::new();
    for part in replaced {
        if !once.contains(&part) {
            once.push(part);
        }
    }
    let number = once.iter().fold(cell.to_owned(), |number, (from, to)| number.replace(from.as_str(), to));
    let is_quotable = once.iter().all(|(from, _)| !from.contains(['\'', '\\', '"']));
    let is_number = is_quotable && number.trim().parse::<f64>().is_ok_and(f64::is_finite);
    is_number.then(|| once.iter().map(|(from, to)| format!(" | replace('{from}', '{to}')")).collect())
}

/// Returns the decimal separator of a number, if it has one. The outer `None` means that the number is ambiguous: a
/// single comma before three digits may separate thousands or decimals.
fn decimal(number: &str) -> Option<Option<char>> {
    let separators: Vec<(usize, char)> =
        number.match_indices([',', '.']).map(|(at, sign)| (at, if sign == "," { ',' } else { '.' })).collect();
    let Some((at, last)) = separators.last().copied() else { return Some(None) };
    let digits = number[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
    let is_alone = separators.iter().filter(|(_, sign)| *sign == last).count() == 1;
    let has_others = separators.iter().any(|(_, sign)| *sign != last);
    match (is_alone, has_others) {
        (false, true) => None,
        (false, false) => Some(None),
        (true, true) => Some(Some(last)),
        (true, false) if digits == 3 && last == ',' => None,
        (true, false) => Some(Some(last)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn decimal_separator_is_detected_by_all_separators() {
        for (cell, filters) in [
            ("1,234.50", Some(" | replace(',', '')")),
            ("1.234,50", Some(" | replace('.', '') | replace(',', '.')")),
            ("12,5", Some(" | replace(',', '.')")),
            ("28,68 €", Some(" | replace('€', '') | replace(' ', '') | replace(',', '.')")),
            ("$1,234,567", Some(" | replace('$', '') | replace(',', '')")),
            ("1 023,90 EUR", Some(" | replace('EUR', '') | replace(' ', '') | replace(',', '.')")),
            ("12.5%", Some(" | replace('%', '')")),
            ("1,234", None),
            ("on request", None),
            ("1.2.3,4,5", None),
        ] {
            assert_eq!(super::filters(cell).as_deref(), filters, "{cell}");
        }
    }
}
