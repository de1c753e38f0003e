use crate::job::{Seed, Size};
use crate::photo::EncodeError;

/// An editor of pictures that follows the API's contract.
pub trait Editor: Send + Sync + 'static {
    /// Edits the first of `input.images` according to `input.prompt`. The call blocks. Its memory and time are bounded.
    fn edit(&self, input: &EditInput<'_>) -> Result<EditOutput, EditError>;
}

/// The inputs of an edit.
#[derive(Clone, Debug)]
pub struct EditInput<'a> {
    /// The instruction.
    pub prompt: &'a str,
    /// The encoded pictures (JPEG, PNG, GIF or WebP), in the request's order.
    pub images: &'a [Vec<u8>],
    /// The requested size. `None` keeps the size of the input.
    pub size: Option<Size>,
    /// The requested seed.
    pub seed: Option<Seed>,
}

/// The result of an edit.
#[derive(Clone, Debug)]
pub struct EditOutput {
    /// The edited picture, as a complete PNG file.
    pub png: Vec<u8>,
}

/// The reason why an edit failed. Its text becomes the prediction's `error`.
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
        /// The cause of the failure.
        cause: String,
    },
    /// The product could not be found in the picture.
    #[error("{0}")]
    NoProduct(String),
    /// The edited picture could not be written as a PNG.
    #[error("the edited picture cannot be encoded: {0}")]
    Encode(EncodeError),
}
