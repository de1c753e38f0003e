use std::borrow::Cow;

use crate::manifest::suggest;

use super::spreadsheet::lost_in_a_spreadsheet;

/// `text`, a hex or CSS color, as `#RRGGBB` in capitals; otherwise a hint.
pub(super) fn color(text: &str) -> Result<Cow<'_, str>, String> {
    if text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let is_capital = !text.bytes().any(|byte| byte.is_ascii_lowercase());
        return Ok(if is_capital { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_uppercase()) });
    }
    let expected = || "a hex color such as #1E90FF, or a CSS color name".to_owned();
    if let Some(hint) = lost_in_a_spreadsheet(text) {
        return Err(hint);
    }
    let parsed = csscolorparser::parse(text).map_err(|_| {
        let names = csscolorparser::NAMED_COLORS.keys().map(|name| name.as_str());
        match suggest::nearest(text, names) {
            Some(name) if !text.starts_with('#') => format!("did you mean `{name}`?"),
            _ => expected(),
        }
    })?;
    match parsed.to_rgba8() {
        [red, green, blue, 255] => Ok(Cow::Owned(format!("#{red:02X}{green:02X}{blue:02X}"))),
        _ => Err("a color to reach has no transparency: write six hex digits".to_owned()),
    }
}
