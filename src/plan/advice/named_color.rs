use crate::color::{Hex, ciede2000};

/// The minimum CIEDE2000 difference between colors with different names. What people call green is up to 40 from CSS's
/// green.
const MIN_DIFFERENCE: f64 = 40.0;

/// Names that mean the same color everywhere. Others, such as plum, khaki and gold, differ between brands.
const NAMES: [&str; 13] =
    ["black", "blue", "brown", "gray", "green", "grey", "navy", "orange", "pink", "purple", "red", "white", "yellow"];

/// Whether a prompt is a single clause that ends in `to` and a color's name, and that color is far from `color`.
///
/// Any other prompt may refer to something else, or to a shade: `to Ice Blue`, `to Ocean, and keep the logo white`.
pub(super) fn names_another(prompt: &str, color: Hex) -> bool {
    let prompt = prompt.trim_end().trim_end_matches(['.', '!']);
    let Some((before, name)) = prompt.rsplit_once(' ') else { return false };
    let Some(name) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else { return false };
    let is_target = before.rsplit(' ').next().is_some_and(|last| last.eq_ignore_ascii_case("to"));
    if !is_target || before.contains(['.', ',', ';', ':', '"', '\'', '(']) {
        return false;
    }
    let Ok(named) = name.parse::<Hex>() else { return false };
    ciede2000(named.linear().into(), color.linear().into()) > MIN_DIFFERENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_color_is_compared_with_the_checked_one() {
        for (prompt, color) in [
            ("Change the mug to red", "#1E90FF"),
            ("Recolor the jacket to Navy.", "#B22222"),
            ("Change it from navy to green", "#B22222"),
        ] {
            assert!(names_another(prompt, color.parse().unwrap()), "{prompt}");
        }
        for (prompt, color) in [
            ("Change the mug to green", "#90EE90"),
            ("Change the jacket to Ice Blue", "#D6F4F7"),
            ("Change the sofa to Plum", "#4E1A45"),
            ("Recolor it to Ocean, and change the lid to white", "#1E90FF"),
            ("Recolor the jacket in Ember. Logo stays white", "#B22222"),
            ("Change the red mug as in image 2", "#1E90FF"),
            ("red", "#1E90FF"),
        ] {
            assert!(!names_another(prompt, color.parse().unwrap()), "{prompt}");
        }
    }
}
