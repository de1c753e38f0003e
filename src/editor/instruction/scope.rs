use crate::color::{Hex, Scope};

use super::clauses::clauses;
use super::words::{asks_for_change, is_keep, is_part};
use super::{ColorChange, Instruction};

/// Returns what of a product a prompt asks to recolor, for the check of the result.
///
/// The prompt may be written for another editor and may not be an `Instruction`. A part that only that editor can
/// find is recognized by its name.
pub fn scope(prompt: &str) -> Scope {
    let changes = prompt.parse::<Instruction>().map(|instruction| instruction.changes);
    match changes.as_deref() {
        Ok([ColorChange { from: Some(color), .. }]) => Scope::Material(Hex::linear(*color)),
        Ok([ColorChange { named: Some(_), .. }]) => Scope::Part,
        _ if names_part(prompt) => Scope::Part,
        Ok(_) => Scope::Product,
        Err(_) => Scope::Unclear,
    }
}

/// Whether a prompt names a part of a product, except to keep it.
fn names_part(prompt: &str) -> bool {
    let mut is_kept = false;
    clauses(prompt).iter().any(|clause| {
        let Some(first) = clause.first() else { return false };
        is_kept = is_keep(first, clause.get(1).map(String::as_str)) || (is_kept && !asks_for_change(clause));
        !is_kept && clause.iter().any(|word| is_part(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_tells_whether_the_product_or_a_part_of_it_is_to_change() {
        let red = Scope::Material("red".parse::<Hex>().unwrap().linear());
        for (prompt, meant) in [
            ("Change the mug's color to #1E90FF, keep the background", Scope::Product),
            ("Make the bottle #1E90FF. Keep the cap and the label as they are", Scope::Product),
            ("Change the red mug to #1E90FF", red),
            ("recolor it from red to #1E90FF", red),
            ("Make the handle #1E90FF", Scope::Part),
            ("Change the color of the label to #1E90FF, keep the rest", Scope::Part),
            ("Make the zippers of the jacket #1E90FF", Scope::Part),
            ("A studio photo of the sofa in deep blue, add a cat", Scope::Unclear),
            ("", Scope::Unclear),
        ] {
            assert_eq!(scope(prompt), meant, "{prompt}");
        }
    }
}
