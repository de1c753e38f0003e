/// Serializes a type as its text, with its `FromStr` and `Display`.
///
/// The type must have `#[serde(try_from = "String", into = "String")]`.
macro_rules! serde_as_text {
    ($type:ty, $error:ty) => {
        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<$type, $error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}

pub(crate) use serde_as_text;
