use std::sync::OnceLock;

/// Where the lines of a text begin. It is found out when it is asked for, and once.
#[derive(Debug, Default)]
pub(super) struct LineStarts(OnceLock<Vec<usize>>);

impl LineStarts {
    /// The line of `text` that byte `at` is on, from 1, and where it begins. The text is the same every time.
    pub(super) fn before(&self, text: &str, at: usize) -> (u64, usize) {
        let starts = self.0.get_or_init(|| {
            let bytes = text.as_bytes();
            let is_end =
                |end: &usize| bytes[*end] == b'\n' || (bytes[*end] == b'\r' && bytes.get(end + 1) != Some(&b'\n'));
            let ends = memchr::memchr2_iter(b'\n', b'\r', bytes).filter(is_end);
            std::iter::once(0).chain(ends.map(|end| end + 1)).collect()
        });
        let line = starts.partition_point(|start| *start <= at).max(1);
        (line as u64, starts[line - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_behind_whatever_ends_the_one_before_it() {
        let (text, starts) = ("a\nb\r\nc\rd", LineStarts::default());
        let places = [0, 1, 2, 3, 4, 5, 7, 99].map(|at| starts.before(text, at));
        assert_eq!(places, [(1, 0), (1, 0), (2, 2), (2, 2), (2, 2), (3, 5), (4, 7), (4, 7)]);
    }
}
