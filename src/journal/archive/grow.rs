/// Adds an entry to one of many parts. A vector that doubles would be half empty where it matters.
pub(in crate::journal) fn push_with_small_growth<T>(part: &mut Vec<T>, entry: T) {
    if part.len() == part.capacity() {
        part.reserve_exact((part.len() / 8).max(4));
    }
    part.push(entry);
}
