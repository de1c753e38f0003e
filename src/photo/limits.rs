use image::Limits;

/// The maximum width and height of a decoded picture, in pixels.
pub(super) const MAX_SIDE: u32 = 16_384;

/// The maximum memory for decoding, in bytes.
pub(super) const MAX_MEMORY: u64 = 512 << 20;

/// Returns the limits for decoding.
pub(super) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    limits
}
