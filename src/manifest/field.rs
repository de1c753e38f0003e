/// A manifest column that has a built-in meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Id,
    Prompt,
    Images,
    Size,
    Seed,
    SyncMode,
    Base64Output,
    SafetyChecker,
    Color,
}

impl Field {
    /// The column names, in the order in which this program writes them.
    pub(crate) const KEYS: [&'static str; 9] = [
        "id",
        "prompt",
        "images",
        "size",
        "seed",
        "enable_sync_mode",
        "enable_base64_output",
        "enable_safety_checker",
        "color",
    ];

    pub(super) const ALL: [Field; 9] = [
        Field::Id,
        Field::Prompt,
        Field::Images,
        Field::Size,
        Field::Seed,
        Field::SyncMode,
        Field::Base64Output,
        Field::SafetyChecker,
        Field::Color,
    ];

    pub(super) fn key(self) -> &'static str {
        Field::KEYS[self as usize]
    }

    pub(super) fn from_key(key: &str) -> Option<Field> {
        Field::KEYS.iter().position(|known| *known == key).map(|index| Field::ALL[index])
    }
}
