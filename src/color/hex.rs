use std::collections::HashSet;
use std::sync::LazyLock;

use crate::job::Hex;

use super::{Rgb, decode};

impl Hex {
    /// Returns the color in linear light.
    pub fn linear(self) -> Rgb {
        decode(self.0)
    }
}

/// Whether a text in lower case is the name of a CSS color.
pub(super) fn is_css_name(text: &str) -> bool {
    static NAMES: LazyLock<HashSet<String>> =
        LazyLock::new(|| csscolorparser::NAMED_COLORS.keys().map(|name| name.as_str().to_lowercase()).collect());
    NAMES.contains(text)
}
