//! Long lists of jobs in a document, which are read in blocks of whole entries. Each block is parsed as a document.
//!
//! Nearly all lists are written in a form that allows this: the list is at the end of the document, each entry's `-` is
//! in the same column and its content in deeper ones, and there are no anchors and aliases. Any other list is detected
//! while it is read. The document is then read as a whole by `entries`, which also reports its errors.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::{memchr2_iter, memmem};

use crate::manifest::diagnostic::Diagnostic;
use crate::manifest::node::{self, Kind, Node};
use crate::manifest::reading::blocks::{Block, Blocks, Ends, Start, begins_entry};
use crate::manifest::reading::source::{Passage, Source};
use crate::manifest::reading::text::fill;
use crate::manifest::row::{Defaults, Row, RowError};
use crate::manifest::row_cursor::{Parts, RowCursor, parts};
use crate::manifest::settings::ManifestSettings;

use super::document::{self, Opened};
use super::entries::{columns_of, row_of, span_in};

/// The size of a block, in bytes. Shorter documents are read as a whole.
pub(in crate::manifest) const BLOCK_BYTES: usize = 1 << 16;

/// The line that is put before each block, so that it is parsed as a list of jobs.
const HEAD_OF_BLOCK: &str = "jobs:\n";

/// A list of jobs that is not kept in memory.
#[derive(Debug)]
pub(in crate::manifest) struct LongList {
    defaults: Defaults,
    /// The start of the first entry.
    start: Start,
    /// The number of spaces before each entry.
    indent: usize,
    /// The size of a block, in bytes.
    size: usize,
    is_plain: AtomicBool,
}

impl LongList {
    /// Reads the settings and opens the list of the document in `source`, if the document is longer than `size` and
    /// starts in the form that this module requires. The rest of the document may have another form.
    pub(in crate::manifest) fn open(
        source: &Source,
        folder: &Path,
        size: usize,
    ) -> io::Result<Option<(ManifestSettings, LongList)>> {
        let mut head = vec![0; size];
        let is_short = fill(&mut source.reader(0), &mut head)? < size;
        Ok(if is_short { None } else { LongList::below(&head, source, folder) })
    }

    fn below(head: &[u8], source: &Source, folder: &Path) -> Option<(ManifestSettings, LongList)> {
        let indent = indent(head)?;
        let text = str::from_utf8(&head[..Ends::Entries(indent).last(head)?]).ok()?;
        let (settings, Opened::Jobs(entries), wrong) = document::read(source, text.to_owned(), folder).ok()? else {
            return None;
        };
        let first = entries.first()?;
        let offset = text[..first.span.start].rfind('\n')? + 1;
        let list = &text[offset..];
        if !wrong.is_empty() || !begins_entry(list.as_bytes(), indent) || !is_plain(list, indent) {
            return None;
        }
        let start = Start { offset: offset as u64, line: first.line };
        let is_plain = AtomicBool::new(true);
        Some((settings, LongList { defaults: entries.into_defaults(), start, indent, size: head.len(), is_plain }))
    }

    /// Whether everything read so far has the required form.
    pub(in crate::manifest) fn is_plain(&self) -> bool {
        self.is_plain.load(Ordering::Relaxed)
    }

    /// Returns the jobs, in parts.
    pub(in crate::manifest) fn parts<'l>(&'l self, source: &'l Source) -> Parts<'l> {
        let input = source.reader(self.start.offset);
        let blocks = Blocks::of_size(input, Ends::Entries(self.indent), self.start, self.size);
        parts(source, blocks, move |block| LongListCursor::new(self, source, &block))
    }
}

/// Returns the number of spaces before the entries below the key `jobs`.
fn indent(head: &[u8]) -> Option<usize> {
    let mut lines = head.split(|byte| *byte == b'\n').skip_while(|line| !line.starts_with(b"jobs:"));
    lines.next();
    lines.find_map(|line| line.iter().position(|byte| *byte != b' ').filter(|depth| line[*depth] == b'-'))
}

/// Whether all lines of `text` belong to a list with `indent` spaces before each entry, without references to other
/// parts of the document.
fn is_plain(text: &str, indent: usize) -> bool {
    let is_inside = |line: &str| {
        let words = line.trim_start_matches(' ');
        let is_deep = line.len() - words.len() > indent;
        is_deep || words.is_empty() || words.starts_with('#') || begins_entry(line.as_bytes(), indent)
    };
    let is_usual = |line: &str| is_inside(line) && !line.contains('\r');
    text.lines().all(is_usual) && !may_refer(text.as_bytes())
}

/// Whether a text may contain anchors, aliases or merge keys.
fn may_refer(text: &[u8]) -> bool {
    let begins_word = |at: usize| {
        let is_open = at == 0 || matches!(text[at - 1], b' ' | b'\t' | b'\n' | b'[' | b'{' | b',' | b':');
        is_open && text.get(at + 1).is_some_and(|next| !next.is_ascii_whitespace())
    };
    memchr2_iter(b'&', b'*', text).any(begins_word) || memmem::find(text, b"<<").is_some()
}

/// A cursor over the entries of a block.
struct LongListCursor<'l> {
    list: &'l LongList,
    source: &'l Source,
    /// The text of the block below [`HEAD_OF_BLOCK`].
    text: String,
    /// The line of the document where the block starts, minus one for [`HEAD_OF_BLOCK`].
    first_line: u64,
    /// The entries, if they were parsed already.
    jobs: Option<Vec<Node>>,
    /// The index of the next entry. The current entry is before it.
    next: usize,
}

impl<'l> LongListCursor<'l> {
    fn new(list: &'l LongList, source: &'l Source, block: &Block) -> LongListCursor<'l> {
        let text = [HEAD_OF_BLOCK, &block.text].concat();
        LongListCursor { list, source, text, first_line: block.line - 1, jobs: None, next: 0 }
    }

    fn parsed(&self) -> Result<Vec<Node>, Diagnostic> {
        let error = |span, message: String, hint: String| {
            self.list.is_plain.store(false, Ordering::Relaxed);
            self.source.error_in(Passage { text: &self.text, first_line: self.first_line }, &span, message, hint)
        };
        let at = HEAD_OF_BLOCK.len()..HEAD_OF_BLOCK.len();
        let mut root = node::parse(&self.text).map_err(|wrong| error(wrong.at, wrong.message, wrong.hint))?;
        if let Some(lost) = root.find_lost(&self.text).into_iter().next() {
            return Err(error(lost.span, lost.message, lost.hint));
        }
        let jobs = match root.kind {
            Kind::Map(pairs) if is_plain(&self.text[at.start..], self.list.indent) => pairs.into_iter().next(),
            _ => None,
        };
        match jobs.map(|(_, value)| value.kind) {
            Some(Kind::List(jobs)) => Ok(jobs),
            _ => {
                let message = "what follows is not a plain list of jobs".to_owned();
                Err(error(at, message, "open the manifest as a whole".to_owned()))
            }
        }
    }

    fn job(&self) -> &Node {
        &self.jobs.as_deref().unwrap_or_default()[self.next - 1]
    }
}

impl RowCursor for LongListCursor<'_> {
    fn rewind(&mut self) {
        self.next = 0;
    }

    fn advance(&mut self) -> Result<bool, Diagnostic> {
        // Parsing is left to the cursor, so that threads can parse blocks in parallel.
        let jobs = match self.jobs.take() {
            Some(jobs) => jobs,
            None => self.parsed()?,
        };
        self.next += 1;
        Ok(self.next <= self.jobs.insert(jobs).len())
    }

    fn line(&self) -> u64 {
        self.first_line + self.job().line - 1
    }

    fn defaults(&self) -> &Defaults {
        &self.list.defaults
    }

    fn row(&self) -> (Row<'_>, Vec<RowError>) {
        row_of(self.job())
    }

    fn columns(&self) -> Vec<(String, String)> {
        columns_of(self.job())
    }

    fn diagnostic(&self, row_error: RowError) -> Diagnostic {
        let span = span_in(&row_error.at, self.job(), &self.text);
        self.source.error_in(
            Passage { text: &self.text, first_line: self.first_line },
            &span,
            row_error.message,
            row_error.hint,
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::Job;
    use crate::manifest::Problems;
    use crate::manifest::model::{Body, Manifest};
    use crate::manifest::open::Documents;
    use crate::manifest::reading::kind::FileKind as Format;

    /// The jobs of a document, each with its errors, or the errors that prevent reading them.
    type Rows = Result<Vec<Result<Job, Vec<Diagnostic>>>, Problems>;

    /// Reads the rows of a document as a whole, or in blocks of `size` bytes if possible. Also returns whether blocks
    /// were used.
    fn rows(text: &str, size: Option<usize>) -> (Rows, bool) {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        let source = Source::open(file.path(), "a.yaml".to_owned(), Format::Yaml).unwrap();
        let long = size.and_then(|size| LongList::open(&source, Path::new("m"), size).unwrap());
        let (name, folder) = ("a".to_owned(), "m".into());
        let manifest = match long {
            Some((settings, list)) => {
                Manifest { source, name, folder, settings, notices: Vec::new(), body: Body::Long(list) }
                    .whole_unless_plain()
            }
            None => Manifest::understand(source, Format::Yaml, name, folder, Documents::Whole),
        };
        let is_long = matches!(&manifest, Ok(manifest) if matches!(manifest.body, Body::Long(_)));
        (manifest.map(|manifest| manifest.jobs().unwrap().collect()), is_long)
    }

    /// Parts of lists of jobs, valid and invalid. `I` is replaced by the indentation of each entry.
    const PARTS: [&str; 34] = [
        "I- id: one\nI  prompt: Make it red\nI  images: https://x/a.png\n",
        "I- {id: two, prompt: Make it red, images: [https://x/a.png, b.png], seed: 7}\n",
        "I- id: thrée\nI  prompt: |\nI    Make it\nI    - red\nI   \n\nI  images:\nI    - a.png\n",
        "I- prompt: 'Make it\nI    - red'\nI  images: a.png\n",
        "I- prompt: \"Make it\nI- red\"\nI  images: a.png\n",
        "I- id: four\n\nI  # what for\nI  images: a.png\nI  prompt: Make it\nI    red\n",
        "I- id: five\r\nI  prompt: Make it red\r\nI  images: a.png\r\n",
        "I-\nI  id: six\nI  images: a.png\n",
        "I- id: seven\nI  seed: -1\nI  columns: {a: 1, b: [2]}\n",
        "I- prompt:Make it red\n",
        "I- - a\n",
        "I- # nothing\n",
        "# a remark\n",
        "I# - id: a\n",
        "\n",
        "I- id: &it eight\nI  prompt: Make it red\nI  images: a.png\n",
        "I- prompt: Make it red\nI  images: a.png\nI  id: *it\n",
        "I- <<: {prompt: Make it red}\nI  images: a.png\n",
        "I- prompt: Salt & pepper * 2\nI  images: https://x/a.png?b=1&c=2\n",
        "I- id: nine\nI  prompt: Make it #1E90FF\nI  images: a.png\n",
        "I- id: ten\nI  prompt: Make it red\nI  images: a.png\nI  color: #1E90FF\n",
        "I- id: 1e999\nI  prompt: Make it red\nI  images: a.png\n",
        "I- id: 007\nI  prompt: !cut Make it red\nI  images: a.png\n",
        "I- prompt: \"never closed\n",
        "I- prompt: Make it red\nI   images: a.png\n",
        "I- images: [a.png\n",
        "I\t- id: a\n",
        "---\n",
        "...\n",
        "rows: a.csv\n",
        "jobs: []\n",
        "words\n",
        "I- id: a\rI  prompt: Make it red\n",
        "\u{1a}",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn document_has_the_same_rows_in_blocks_and_as_a_whole(
            head in "(version: 1\n|defaults: \\{size: small\\}\n|# a\n|run:\n  rate: 2/s\n){0,2}jobs:( |  # all)?\n",
            indent in 0usize..4,
            parts in prop::collection::vec(prop_oneof![3 => 0usize..15, 1 => 0..PARTS.len()], 1..12),
            size in 8usize..300,
        ) {
            let parts: String = parts.into_iter().map(|part| PARTS[part]).collect();
            let text = head + &parts.replace('I', &" ".repeat(indent));
            prop_assert_eq!(rows(&text, Some(size)).0, rows(&text, None).0, "{}", text);
        }
    }

    #[test]
    fn long_list_with_invalid_rows_is_read_in_blocks() {
        for indent in ["", "  "] {
            let text = format!("# all\ndefaults: {{seed: 1}}\njobs:\n{}", PARTS[..15].concat().repeat(3));
            let text = text.replace(PARTS[4], "").replace('I', indent);
            let (read, is_long) = rows(&text, Some(400));
            assert!(is_long, "{text}");
            assert_eq!(read.unwrap().len(), 33, "{text}");
        }
    }
}
