use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::bytes;

/// Returns a form of an id that is equal for all ids with the same file name on Windows or macOS.
pub(crate) fn folded(id: &str) -> Cow<'_, str> {
    const NORMALIZER: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    if bytes::all_match(id.as_bytes(), |byte| byte.is_ascii() & !byte.is_ascii_uppercase()) {
        Cow::Borrowed(id)
    } else if id.is_ascii() {
        Cow::Owned(id.to_ascii_lowercase())
    } else {
        Cow::Owned(NORMALIZER.normalize(&id.to_lowercase()).into_owned())
    }
}
