use image::Limits;

/// The widest and the highest picture that is decoded, in pixels.
pub(super) const LONGEST_SIDE: u32 = 16_384;

/// The most memory that decoding may take, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

/// What decoding may take.
pub(super) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}
