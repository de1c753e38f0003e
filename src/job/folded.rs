use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// What all ids have in common that name one file on Windows or macOS.
pub(crate) fn folded(id: &str) -> Cow<'_, str> {
    const NORMALIZER: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    match (id.is_ascii(), id.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase())) {
        (true, false) => Cow::Borrowed(id),
        (true, true) => Cow::Owned(id.to_ascii_lowercase()),
        (false, _) => Cow::Owned(NORMALIZER.normalize(&id.to_lowercase()).into_owned()),
    }
}
