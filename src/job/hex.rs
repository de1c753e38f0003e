use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An opaque color in the notation of catalogs: `#1E90FF`, 8 bits per channel, encoded sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hex(pub [u8; 3]);

/// The error of a text that is not an opaque color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a color: write a hex such as #1E90FF, or a CSS color name")]
pub struct HexError;

impl Hex {
    /// Returns the color of three or six hex digits.
    pub(crate) fn from_digits(digits: &str) -> Option<Hex> {
        let digits = digits.as_bytes();
        let value = |at: usize| Some((*digits.get(at)? as char).to_digit(16)? as u8);
        let channel = |channel: usize| match digits.len() {
            3 => Some(value(channel)? * 17),
            6 => Some(value(2 * channel)? * 16 + value(2 * channel + 1)?),
            _ => None,
        };
        Some(Hex([channel(0)?, channel(1)?, channel(2)?]))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Hex {
    type Err = HexError;

    /// Parses a hex code of 3 or 6 digits, or a CSS color name.
    fn from_str(text: &str) -> Result<Hex, HexError> {
        if let Some(color) = text.strip_prefix('#').and_then(Hex::from_digits) {
            return Ok(color);
        }
        let color = csscolorparser::parse(text.trim()).map_err(|_| HexError)?;
        match color.to_rgba8() {
            [red, green, blue, 255] => Ok(Hex([red, green, blue])),
            _ => Err(HexError),
        }
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02X}{green:02X}{blue:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_codes_and_css_names_are_colors() {
        for (text, shown) in [("#1e90ff", "#1E90FF"), ("#abc", "#AABBCC"), ("Crimson", "#DC143C"), ("red", "#FF0000")] {
            assert_eq!(text.parse::<Hex>().map(|hex| hex.to_string()).as_deref(), Ok(shown));
        }
        for bad in ["", "#12", "ocean", "transparent", "#11223380"] {
            assert_eq!(bad.parse::<Hex>(), Err(HexError), "{bad}");
        }
    }
}
