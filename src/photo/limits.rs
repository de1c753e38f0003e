use image::Limits;

/// The widest and the highest picture that is decoded, in pixels.
pub(super) const MAX_SIDE: u32 = 16_384;

/// The most memory that decoding may take, in bytes.
const MAX_MEMORY: u64 = 512 << 20;

/// Returns the limits of decoding.
pub(super) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    limits
}
