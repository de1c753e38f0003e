/// A text that is none of the words to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;

/// A type that is a choice among words.
macro_rules! words {
    ($type:ty, $($word:literal => $variant:path),+) => {
        impl $type {
            /// The words to choose from.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// Its word.
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
