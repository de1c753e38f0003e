use crate::job::{Hex, ImageRefs, Seed, Size, Switches};

/// The values of a row's known columns, without its id.
#[derive(Clone, Debug, Default)]
pub(in crate::manifest) struct ParsedRow<'a> {
    pub(super) prompt: Option<&'a str>,
    pub(super) images: Option<ImageRefs<'a>>,
    pub(super) size: Option<Size>,
    pub(super) seed: Option<Seed>,
    pub(super) switches: Switches,
    pub(super) color: Option<Hex>,
}
