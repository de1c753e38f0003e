use std::ops::Deref;
use std::sync::OnceLock;

/// A text with the offsets of its lines, which are computed when they are first needed.
#[derive(Debug)]
pub(in crate::manifest) struct LinedText {
    text: String,
    starts: OnceLock<Vec<usize>>,
}

impl From<String> for LinedText {
    fn from(text: String) -> LinedText {
        LinedText { text, starts: OnceLock::new() }
    }
}

impl Deref for LinedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl LinedText {
    /// Returns the line that contains byte `at`, from 1, and the offset where this line starts.
    pub(in crate::manifest) fn line_at(&self, at: usize) -> (u64, usize) {
        let starts = self.starts.get_or_init(|| {
            let bytes = self.text.as_bytes();
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
    fn lines_start_after_every_kind_of_line_break() {
        let text = LinedText::from("a\nb\r\nc\rd".to_owned());
        let positions = [0, 1, 2, 3, 4, 5, 7, 99].map(|at| text.line_at(at));
        assert_eq!(positions, [(1, 0), (1, 0), (2, 2), (2, 2), (2, 2), (3, 5), (4, 7), (4, 7)]);
    }
}
