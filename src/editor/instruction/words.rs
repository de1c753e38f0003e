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
    "excluding",
    "not",
    "never",
];

/// Words that say that something stays as it is, anywhere in its clause.
const STAY: &[&str] = &[
    "stay",
    "stays",
    "staying",
    "remain",
    "remains",
    "remaining",
    "unchanged",
    "untouched",
    "unaltered",
    "unmodified",
    "intact",
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

/// Words that make a pattern of colors.
const PATTERNS: &[&str] = &[
    "gradient",
    "ombre",
    "ombré",
    "fade",
    "stripe",
    "stripes",
    "striped",
    "dots",
    "dotted",
    "polka",
    "checks",
    "checkered",
    "chequered",
    "checked",
    "plaid",
    "tartan",
    "camouflage",
    "camo",
    "rainbow",
    "floral",
    "patterned",
    "multicolor",
    "multicolored",
    "multicolour",
    "multicoloured",
    "half",
    "marbled",
    "zigzag",
    "leopard",
    "zebra",
];

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

/// Returns the word for a pattern that a clause requests. "Change the striped shirt to red" only describes one.
pub(super) fn pattern(clause: &[String]) -> Option<&str> {
    let is_pattern = |word: &&String| PATTERNS.contains(&word.as_str());
    let at = clause.iter().position(|word| is_pattern(&word))?;
    let is_source = clause[at + 1..].iter().any(|word| matches!(word.as_str(), "to" | "into"))
        && !clause[..at].iter().any(|word| matches!(word.as_str(), "to" | "into" | "a" | "an"));
    (!is_source).then_some(clause[at].as_str())
}

/// Whether a clause says that something stays as it is.
pub(super) fn stays(clause: &[String]) -> bool {
    clause.iter().any(|word| STAY.contains(&word.as_str()))
}

/// Whether a thing follows a word.
pub(super) fn is_determiner(word: &str) -> bool {
    matches!(word, "the" | "this" | "that" | "these" | "those" | "its" | "my" | "our" | "your")
        || word.ends_with("'s")
        || word.ends_with("s'")
}

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

pub(super) fn is_preposition(word: &str) -> bool {
    is_link(word)
        || matches!(
            word,
            "behind"
                | "under"
                | "underneath"
                | "around"
                | "beneath"
                | "below"
                | "next"
                | "near"
                | "beside"
                | "at"
                | "above"
        )
}

pub(super) fn is_link(word: &str) -> bool {
    matches!(word, "to" | "into" | "in" | "as" | "with" | "from" | "of" | "and" | "or" | "is" | "be" | "on" | "become")
}

/// Whether a word before a color says nothing about which one it is: "a deep, matte" navy.
pub(super) fn is_of_color(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "color",
        "colour",
        "colors",
        "colours",
        "shade",
        "tone",
        "hue",
        "a",
        "an",
        "the",
        "should",
        "must",
        "becomes",
        "hex",
        "code",
        "look",
        "looks",
        "appear",
        "appears",
        "have",
        "all",
        "only",
        "one",
        "that",
        "something",
        "more",
        // Strength and finish.
        "pure",
        "bright",
        "deep",
        "rich",
        "vivid",
        "vibrant",
        "solid",
        "plain",
        "true",
        "real",
        "bold",
        "strong",
        "intense",
        "saturated",
        "full",
        "fresh",
        "clean",
        "crisp",
        "uniform",
        "very",
        "really",
        "completely",
        "fully",
        "entirely",
        "totally",
        "medium",
        "matte",
        "matt",
        "mat",
        "satin",
        "glossy",
        "gloss",
        "shiny",
        "polished",
        "metallic",
        "nice",
        "beautiful",
        "lovely",
        "gorgeous",
        "elegant",
        "classic",
        "modern",
        "stylish",
        "new",
        "different",
        "exact",
        "exactly",
        "same",
    ];
    WORDS.contains(&word)
}

/// Whether a word may be between a thing and its color. "and" begins another thing.
pub(super) fn may_precede_color(word: &str) -> bool {
    (is_link(word) && !matches!(word, "and" | "or")) || is_of_color(word)
}

/// Whether a word before a request says nothing itself.
pub(super) fn is_filler(word: &str) -> bool {
    FILLER_WORDS.contains(&word)
}

/// Returns the first word that is not a filler.
pub(super) fn first(clause: &[String]) -> Option<&str> {
    clause.iter().map(String::as_str).find(|word| !is_filler(word))
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
