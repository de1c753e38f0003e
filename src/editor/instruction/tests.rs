use super::*;

/// Prompts, their current color if they name one, and their target color.
const UNDERSTOOD: &[(&str, Option<&str>, &str)] = &[
    // Only the target.
    ("Change the mug's color to #1E90FF (ocean), keep the background", None, "#1E90FF"),
    ("Change the mug's color to ocean (#1E90FF)", None, "#1E90FF"),
    ("Change the color of the mug to navy (#000081).", None, "#000081"),
    ("Make it red", None, "red"),
    ("make the t-shirt dark green and keep everything else", None, "darkgreen"),
    ("Turn the chair into a deep Navy", None, "navy"),
    ("recolor the product: #abc", None, "#aabbcc"),
    ("Recolour it to forest green, preserving the logo", None, "forestgreen"),
    ("Paint the suitcase hot pink. Do not change the wheels.", None, "hotpink"),
    ("Give the lamp a #FFD700 shade", None, "#FFD700"),
    ("The mug in crimson on a white background", None, "crimson"),
    ("tomato", None, "tomato"),
    ("#1E90FF", None, "#1E90FF"),
    ("Make the mug #1E90FF (dodger blue)", None, "#1E90FF"),
    ("Dye the shirt light blue", None, "lightblue"),
    ("Tint the bottle in royal blue, please!", None, "royalblue"),
    ("Could you please make the mug teal?", None, "teal"),
    ("I'd like the sofa in olive", None, "olive"),
    ("The product should be #0F0", None, "#00ff00"),
    ("Show the same mug in slate gray", None, "slategray"),
    ("Set the colour of the armchair to maroon; leave all else as it is", None, "maroon"),
    ("Render this chair in khaki, studio lighting, soft white light", None, "khaki"),
    ("Convert the mug's colour to indigo without altering the handle", None, "indigo"),
    ("change color to rgb(30, 144, 255)", None, "#1E90FF"),
    ("change the color to RGB(178,34,34), keep the background", None, "#B22222"),
    ("make it hsl(120, 100%, 25%)", None, "#008000"),
    ("Change the mug to 1E90FF", None, "#1E90FF"),
    ("change the mug to hex ffffff", None, "#ffffff"),
    ("change the mug to 0x1E90FF", None, "#1E90FF"),
    ("change the mug to # 1E90FF", None, "#1E90FF"),
    ("Change the mug to #1E90FF.Keep the background.", None, "#1E90FF"),
    ("Create a blue version of this mug", None, "blue"),
    ("Generate the same bottle in coral", None, "coral"),
    ("Change the crop top to red", None, "red"),
    ("Make the flip flops orange", None, "orange"),
    ("Change the place mat to green", None, "green"),
    ("Recoloring: the bag becomes purple", None, "purple"),
    ("Make the mug with the logo red", None, "red"),
    ("Red mug on a grey seamless background", None, "red"),
    ("A crimson mug against a light gray studio backdrop", None, "crimson"),
    ("Change the linen cushion to beige", None, "beige"),
    ("Make the mug burgundy", None, "#800020"),
    ("Change the wine glass to red", None, "red"),
    ("paint it in terracotta and keep the background", None, "#E2725B"),
    ("Change the mug's color to navy blue", None, "navy"),
    ("Only change the mug's color to blue; nothing else.", None, "blue"),
    ("do this: make it red", None, "red"),
    ("Change the mug\nto #1E90FF\nKeep the background", None, "#1E90FF"),
    ("Ändere die Farbe der Tasse auf #1E90FF", None, "#1E90FF"),
    // Shades without a CSS name.
    ("make it dark purple", None, "#4D004D"),
    ("Turn the mug pale pink, keep the background", None, "#FFE9ED"),
    ("Change the dark purple bottle to light coral", Some("#4D004D"), "lightcoral"),
    ("make it a light burgundy color", None, "#C08090"),
    ("make the chair dark #1E90FF", None, "#1E90FF"),
    // Also the current color.
    ("Change the red mug's color to #1E90FF", Some("red"), "#1E90FF"),
    ("Change the armchair from green to brick (#B22222)", Some("green"), "#B22222"),
    ("Turn the light blue bottle black", Some("lightblue"), "black"),
    ("Replace the yellow with teal", Some("yellow"), "teal"),
    ("change #C62828 to #2E7D4F", Some("#C62828"), "#2E7D4F"),
    ("change the color to navy from red", Some("red"), "navy"),
    ("change red → blue", Some("red"), "blue"),
    ("change color: red -> blue", Some("red"), "blue"),
    ("Swap red for blue", Some("red"), "blue"),
    ("Make the mug in navy blue instead of red", Some("red"), "navy"),
    ("Use blue rather than red", Some("red"), "blue"),
    ("In place of red use blue", Some("red"), "blue"),
    ("Dye the white t-shirt navy", Some("white"), "navy"),
    ("Change the mug with the red handle to blue", None, "blue"),
    ("Turn the mug in red into blue", Some("red"), "blue"),
    ("Repaint the black chair #F4F1EA, but keep the wooden legs", Some("black"), "#F4F1EA"),
    ("Transform the white sneaker to pure black", Some("white"), "black"),
    ("Replace #C62828 by #1E90FF on the mug", Some("#C62828"), "#1E90FF"),
    ("Turn the #C62828 mug navy", Some("#C62828"), "navy"),
    ("Paint the mug blue not red", Some("red"), "blue"),
    ("Apply #1E90FF to the red mug", Some("red"), "#1E90FF"),
    ("Use the color teal for the red mug", Some("red"), "teal"),
    ("Substitute #1E90FF for #C62828", Some("#C62828"), "#1E90FF"),
    ("Substitute #C62828 with #1E90FF", Some("#C62828"), "#1E90FF"),
    ("#1E90FF replaces #C62828", Some("#C62828"), "#1E90FF"),
    // Parts to keep.
    ("Change the mug to red, keep the white lid and the black handle", None, "red"),
    ("make the bottle coral but keep the white lettering", None, "coral"),
    ("make the bottle coral without changing the white background", None, "coral"),
    ("keep the blue handle, make the body orange", None, "orange"),
    ("Keep the background white, the mug becomes red", None, "red"),
    ("Keep the red lid while changing the body to blue", None, "blue"),
    ("Turn everything red except the white logo", None, "red"),
    ("The background should not change, make the mug plum", None, "plum"),
    ("Don't touch the white logo. Change the bottle's color to teal.", None, "teal"),
    ("Change only the lid, not the white mug, to blue", None, "blue"),
    ("White background, mug in crimson", None, "crimson"),
];

/// Refused prompts, and a word of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("add a hat", "add"),
    ("Remove the handle", "remove"),
    ("", "names no target color"),
    ("make it beautiful", "names no target color"),
    ("make it 20% darker", "names no target color"),
    ("A sunset over mountains with golden light", "names no target color"),
    ("Mach die Tasse rot", "names no target color"),
    ("Change the mug to Pantone 286 C", "names no target color"),
    ("make it transparent", "names no target color"),
    ("change the mug to red and add a red bow", "add"),
    ("Please remove the white background", "remove"),
    ("Create a picture of a red barn", "create"),
    ("make the body blue. Make it black.", "their current color"),
    ("Change the background to white", "background"),
    ("make the background blue", "background"),
    ("Change the logo to red", "logo"),
    ("Change the white lettering to black", "lettering"),
    ("Give it a white background", "background"),
    ("make it red and blue", "two colors"),
    ("make it red or blue", "two colors"),
];

fn read(prompt: &str) -> Result<Vec<(Option<String>, String)>, String> {
    let instruction: Instruction = prompt.parse().map_err(|error: EditError| error.to_string())?;
    let hexes = |part: &ColorChange| (part.from.map(|hex| hex.to_string()), part.to.to_string());
    Ok(instruction.changes.iter().map(hexes).collect())
}

#[test]
fn common_spellings_are_understood() {
    let hex = |name: &str| name.parse::<Hex>().unwrap().to_string();
    let wrong: Vec<String> = UNDERSTOOD
        .iter()
        .filter_map(|(prompt, from, to)| {
            let found = read(prompt);
            let wanted = vec![(from.map(hex), hex(to))];
            (found.as_ref() != Ok(&wanted)).then(|| format!("{prompt}\n    {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_unsupported_instruction_is_refused_with_the_reason_and_the_supported_ones() {
    let wrong: Vec<String> = REFUSED
        .iter()
        .filter_map(|(prompt, why)| {
            let found = read(prompt);
            let is_right = found.as_ref().is_err_and(|error| {
                // A run shows 200 characters of a message.
                let is_short = error.chars().count() <= 200;
                is_short && error.contains("only recolors") && error.contains("#1E90FF") && error.contains(why)
            });
            (!is_right).then(|| format!("{prompt}\n    {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn parts_are_recognized_by_name_and_products_are_not_parts() {
    use crate::color::Part::{Bottom, Limb, Top};
    let cases = [
        ("make the handle white", Some(Limb)),
        ("Change the color of the tote's straps to #C62828, keep the bag", Some(Limb)),
        ("give it a red lid", Some(Top)),
        ("Change the bottle's cap to black", Some(Top)),
        ("Paint the cap #C62828 and keep the body white", Some(Top)),
        ("Paint the cap red, the bottle stays as it is", Some(Top)),
        ("turn the legs of the chair navy", Some(Bottom)),
        ("Change the red mug's handle to white", Some(Limb)),
        ("Change the cap to black", None),
        ("change the base color to red", None),
        ("Make the mug with the handle red", None),
        ("Change the mug to red, keep the handle", None),
        ("Convert the mug's colour to indigo without altering the handle", None),
    ];
    for (prompt, part) in cases {
        let instruction: Instruction = prompt.parse().unwrap();
        let found = instruction.changes[0];
        assert_eq!(found.named.map(|named| named.part), part, "{prompt}");
        assert_eq!(found.from, None, "{prompt}");
    }
    let black: Instruction = "make the black handle white".parse().unwrap();
    assert_eq!(black.changes[0].from, Some(Hex([0; 3])), "a color tells a part best");
}

#[test]
fn several_parts_are_distinguished_by_their_colors() {
    let two = [(Some("#FF0000".to_owned()), "#0000FF".to_owned()), (Some("#FFFFFF".to_owned()), "#000000".to_owned())];
    for prompt in [
        "make the red body blue and the white lid black",
        "Change the red body to blue, and the white lid to black",
        "Change the mug from red to blue and lid from white to black",
        "Turn red into blue. Turn white into black.",
    ] {
        assert_eq!(read(prompt).as_deref(), Ok(two.as_slice()), "{prompt}");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_never_causes_a_panic(prompt in "\\PC{0,80}") {
        let _ = prompt.parse::<Instruction>();
    }
}

/// Returns what is understood of a prompt, in words.
fn reading(prompt: &str) -> String {
    let Instruction { changes, kept } = match prompt.parse() {
        Ok(instruction) => instruction,
        Err(error) => return format!("refused: {error}").replace(EXAMPLE, ""),
    };
    let change = |change: &ColorChange| {
        let from = change.from.map(|from| format!(" from {from}")).unwrap_or_default();
        format!("{}{from} to {}", change.named.map_or("product", |named| named.word), change.to)
    };
    let kept = kept.iter().map(|kept| format!("keep {}", kept.word));
    changes.iter().map(change).chain(kept).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_phrasings_that_people_use_are_understood_or_refused() {
    let readings: Vec<String> =
        include_str!("phrases.txt").lines().map(|prompt| format!("{prompt}\n    {}", reading(prompt))).collect();
    insta::assert_snapshot!(readings.join("\n"));
}
