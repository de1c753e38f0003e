/// Pushes to one of many vectors and grows it by an eighth, because doubling would leave half of the memory unused.
pub(in crate::journal) fn push_with_small_growth<T>(part: &mut Vec<T>, entry: T) {
    if part.len() == part.capacity() {
        part.reserve_exact((part.len() / 8).max(4));
    }
    part.push(entry);
}
