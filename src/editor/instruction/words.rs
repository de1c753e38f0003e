//! The vocabulary of instructions.

/// Words that request a change of color, in the imperative.
const CHANGE: &[&str] = &[
    "change",
    "make",
    "turn",
    "recolor",
    "recolour",
    "paint",
    "repaint",
    "dye",
    "color",
    "colour",
    "tint",
    "convert",
    "set",
    "give",
    "render",
    "replace",
    "swap",
    "show",
    "switch",
    "transform",
    "update",
    "modify",
    "adjust",
    "shift",
    "exchange",
    "substitute",
    "use",
    "have",
    "restyle",
    "finish",
    "coat",
    "spray",
];

/// Words that request a change anywhere in a clause.
const DEMAND_WORDS: &[&str] = &["become", "becomes", "should", "must", "shall"];

/// Words that introduce parts to keep unchanged.
const KEEP: &[&str] = &[
    "keep",
    "keeping",
    "preserve",
    "preserving",
    "leave",
    "leaving",
    "maintain",
    "maintaining",
    "retain",
    "retaining",
    "don't",
    "dont",
    "without",
    "except",
    "not",
    "never",
];

/// Words that request edits that this editor does not support.
const FOREIGN: &[&str] = &[
    "add", "remove", "delete", "erase", "put", "place", "insert", "move", "rotate", "flip", "crop", "zoom", "blur",
    "sharpen", "draw", "write", "generate", "create", "extend", "expand", "enlarge", "shrink", "resize", "wear",
];

/// Words that show that the new picture is the old one in another color: "create a blue version of it".
const REFERENCE_WORDS: &[&str] = &["version", "versions", "variant", "variation", "copy", "same", "this", "edition"];

/// Words before an imperative that request nothing themselves.
const FILLER_WORDS: &[&str] = &[
    "please", "kindly", "can", "could", "would", "will", "you", "we", "i", "i'd", "want", "need", "like", "to", "then",
    "also", "just", "now", "simply", "only", "and", "but", "let's", "the", "its",
];

/// Words after a color that name its owner. Such a color is neither the current color nor a target.
const SURROUNDINGS: &[&str] = &[
    "background",
    "backdrop",
    "floor",
    "wall",
    "table",
    "surface",
    "ground",
    "studio",
    "lettering",
    "logo",
    "text",
    "label",
    "shadow",
    "shadows",
    "light",
    "lighting",
];

/// Things around a product or printed on it, which cannot be the product itself.
const NOT_THE_PRODUCT: &[&str] = &["background", "backdrop", "lettering", "logo", "text", "shadow", "shadows"];

/// Words for parts of products. They only tell that not the whole product is meant.
const PART_WORDS: &[&str] = &[
    "accent",
    "arm",
    "armrest",
    "backrest",
    "badge",
    "band",
    "bezel",
    "buckle",
    "button",
    "cap",
    "collar",
    "cord",
    "cork",
    "cuff",
    "dial",
    "drawstring",
    "drawer",
    "edge",
    "eyelet",
    "foot",
    "feet",
    "frame",
    "grip",
    "handle",
    "headrest",
    "heel",
    "hem",
    "hood",
    "inside",
    "insole",
    "interior",
    "knob",
    "label",
    "lace",
    "leg",
    "lens",
    "lenses",
    "lettering",
    "lid",
    "lining",
    "logo",
    "midsole",
    "neck",
    "neckline",
    "nozzle",
    "outsole",
    "panel",
    "part",
    "patch",
    "pattern",
    "piping",
    "pocket",
    "print",
    "pump",
    "rim",
    "ring",
    "roof",
    "screen",
    "seam",
    "seat",
    "shoelace",
    "sleeve",
    "sole",
    "spout",
    "stitching",
    "stopper",
    "strap",
    "stripe",
    "tag",
    "tassel",
    "text",
    "tire",
    "toe",
    "tongue",
    "trigger",
    "trim",
    "tyre",
    "visor",
    "wheel",
    "window",
    "zip",
    "zipper",
];

/// Whether a word names a part of a product, also several of them or one with an owner.
pub(super) fn is_part(word: &str) -> bool {
    let word = word.trim_end_matches("'s").trim_end_matches('\'');
    PART_WORDS.contains(&word) || word.strip_suffix('s').is_some_and(|one| PART_WORDS.contains(&one))
}

/// Whether a request for a change begins with this word: "change", "changing", "changed".
pub(super) fn is_change(word: &str) -> bool {
    is_form_of(word, CHANGE)
}

/// Whether this clause requests a change, which ends a list of parts to keep.
pub(super) fn asks_for_change(clause: &[String]) -> bool {
    first(clause).is_some_and(is_change)
        || clause.iter().any(|word| DEMAND_WORDS.contains(&word.as_str()))
        || clause.first().is_some_and(|word| matches!(word.as_str(), "to" | "into"))
}

/// Whether parts to keep follow. "do", "does", "should" and "must" count only before "not".
pub(super) fn is_keep(word: &str, next: Option<&str>) -> bool {
    KEEP.contains(&word) || (matches!(word, "do" | "does" | "should" | "must") && next == Some("not"))
}

/// Returns the word that requests something other than a color.
pub(super) fn foreign(clause: &[String]) -> Option<&str> {
    let verb = first(clause).filter(|word| is_form_of(word, FOREIGN))?;
    let is_again = clause.iter().any(|word| REFERENCE_WORDS.contains(&word.as_str()));
    let is_making = ["generate", "create", "draw"].iter().any(|make| is_form_of(verb, &[make]));
    (!(is_making && is_again)).then_some(verb)
}

/// Whether a clause begins with this word.
pub(super) fn begins_clause(word: &str, next: Option<&str>) -> bool {
    is_change(word)
        || is_keep(word, next)
        || is_form_of(word, FOREIGN)
        || matches!(word, "the" | "its" | "then" | "also" | "please")
}

/// The owner of a color that does not belong to the product.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elsewhere {
    /// The surroundings of the product: "on a white background".
    Place,
    /// A thing whose color should change: "make the background white", "the logo to red".
    Asked(String),
}

/// Returns the owner of a color if it is not the product, determined by the words before and after it in its clause.
pub(super) fn elsewhere(before: &[String], behind: &[String]) -> Option<Elsewhere> {
    const PLACE_PREPOSITIONS: &[&str] = &["on", "against", "before", "in", "onto", "over"];
    let placed = |words: &[String]| words.iter().rev().take(3).any(|word| PLACE_PREPOSITIONS.contains(&word.as_str()));
    if let Some(at) = before.iter().rposition(|word| NOT_THE_PRODUCT.contains(&word.as_str())) {
        let is_its_color = before[at + 1..].iter().all(|word| is_link(word) || is_of_color(word));
        let is_aside = before[..at].iter().rev().take(3).any(|word| matches!(word.as_str(), "with" | "without"));
        if is_its_color && !is_aside {
            let is_place = placed(&before[..at]);
            return Some(if is_place { Elsewhere::Place } else { Elsewhere::Asked(before[at].clone()) });
        }
    }
    if !is_of_surroundings(behind) {
        return None;
    }
    let is_order = first(before).is_some_and(is_change) && before.len() <= 3;
    let named = behind.iter().find(|word| NOT_THE_PRODUCT.contains(&word.as_str()));
    match named {
        Some(named) if is_order && !placed(before) => Some(Elsewhere::Asked(named.clone())),
        _ => Some(Elsewhere::Place),
    }
}

/// Whether the color before these words belongs to the surroundings of the product: "white seamless background".
fn is_of_surroundings(behind: &[String]) -> bool {
    const MAX_WORDS_BEHIND: usize = 3;
    let mut near = behind.iter().take(MAX_WORDS_BEHIND).take_while(|word| !is_link(word));
    near.any(|word| SURROUNDINGS.contains(&word.as_str()))
}

pub(super) fn is_link(word: &str) -> bool {
    matches!(word, "to" | "into" | "in" | "as" | "with" | "from" | "of" | "and" | "or" | "is" | "be" | "on" | "become")
}

pub(super) fn is_of_color(word: &str) -> bool {
    matches!(word, "color" | "colour" | "a" | "an" | "the" | "should" | "must" | "becomes" | "pure" | "bright" | "hex")
}

/// Returns the first word that is not a filler.
fn first(clause: &[String]) -> Option<&str> {
    clause.iter().map(String::as_str).find(|word| !FILLER_WORDS.contains(word))
}

/// Whether `word` is one of `stems`, or one of them with the ending `s`, `d`, `ed` or `ing`.
fn is_form_of(word: &str, stems: &[&str]) -> bool {
    stems.iter().any(|stem| {
        word.strip_prefix(stem).is_some_and(|ending| matches!(ending, "" | "s" | "d" | "ed" | "ing"))
            || stem.strip_suffix('e').and_then(|root| word.strip_prefix(root)) == Some("ing")
            || (word == "putting" && *stem == "put")
            || (word == "setting" && *stem == "set")
    })
}
