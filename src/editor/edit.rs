use crate::job::{Seed, Size};
use crate::photo::EncodeError;

/// Something that edits pictures as the API's contract describes.
pub trait Editor: Send + Sync + 'static {
    /// Edits the first of `input.images` as `input.prompt` asks. Blocking, and bounded in memory and time.
    fn edit(&self, input: &EditInput<'_>) -> Result<EditOutput, EditError>;
}

/// The inputs of an edit.
#[derive(Clone, Debug)]
pub struct EditInput<'a> {
    /// The instruction.
    pub prompt: &'a str,
    /// The encoded pictures (JPEG, PNG, GIF or WebP), in the request's order.
    pub images: &'a [Vec<u8>],
    /// The size asked for; `None` keeps the input's.
    pub size: Option<Size>,
    /// The seed asked for.
    pub seed: Option<Seed>,
}

/// The result of an edit.
#[derive(Clone, Debug)]
pub struct EditOutput {
    /// The edited picture, a whole PNG file.
    pub png: Vec<u8>,
}

/// The reason why an edit failed; the text becomes the prediction's `error`.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The editor cannot carry out the instruction.
    #[error("{0}")]
    Instruction(String),
    /// A picture cannot be read.
    #[error("image {number} cannot be read: {cause}")]
    Picture {
        /// The number of the image, from 1.
        number: usize,
        /// Why.
        cause: String,
    },
    /// The product could not be found in the picture.
    #[error("{0}")]
    NoProduct(String),
    /// The edited picture could not be written as a PNG.
    #[error("the edited picture cannot be encoded: {0}")]
    Encode(EncodeError),
}
