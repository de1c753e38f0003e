use crate::manifest::diagnostic::quoted;

/// Why a text does not name an image, and what the user can do about it.
pub(in crate::manifest) struct ImageRefusal {
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: String,
}

/// Returns the refusal of `text`.
pub(super) fn refuse<T>(text: &str, what: &str, hint: impl Into<String>) -> Result<T, ImageRefusal> {
    Err(ImageRefusal { message: format!("{} {what}", quoted(text)), hint: hint.into() })
}

/// Whether `text` starts with `prefix`, ignoring ASCII case.
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
