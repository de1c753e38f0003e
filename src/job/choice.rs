/// The error of a text that is not one of the allowed words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;

/// Implements conversions for an enum whose variants have fixed words.
macro_rules! words {
    ($type:ty, $($word:literal => $variant:path),+) => {
        impl $type {
            /// All allowed words.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// Returns the word of the variant.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($variant => $word),+
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::job::UnknownWord;

            fn from_str(text: &str) -> Result<$type, $crate::job::UnknownWord> {
                match text {
                    $($word => Ok($variant),)+
                    _ => Err($crate::job::UnknownWord),
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    };
}

pub(crate) use words;
