use std::io;

use crate::manifest::formats::dialect;
use crate::manifest::reading::blocks::{Block, Blocks, Ends, Start};
use crate::manifest::reading::source::Source;
use crate::manifest::reading::text::Text;

use super::header;
use super::records::Records;

/// A reader of the records at the top of a table.
pub(super) struct Top {
    blocks: Blocks<Text>,
    pub(super) records: Records,
    pub(super) delimiter: u8,
}

impl Top {
    pub(super) fn open(source: &Source, delimiter: u8) -> Top {
        let blocks = Blocks::new(source.reader(0), Ends::Records(delimiter), Start::TEXT, 1);
        Top { blocks, records: Records::new(Block::default(), delimiter), delimiter }
    }

    pub(super) fn advance(&mut self) -> io::Result<bool> {
        loop {
            if self.records.advance() {
                return Ok(true);
            }
            let Some(block) = self.blocks.next() else { return Ok(false) };
            self.records = Records::new(block?, self.delimiter);
        }
    }
}

/// The number of records at the top of a table that are searched for its header.
pub(super) const MAX_HEADER_RECORDS: usize = 20;

/// Returns the line of a record near the top that has the required columns.
pub(super) fn header_below(source: &Source, delimiter: u8) -> io::Result<Option<u64>> {
    let mut top = Top::open(source, delimiter);
    for _record in 0..MAX_HEADER_RECORDS {
        if !top.advance()? {
            break;
        }
        let fields = dialect::fields(&top.records.iter().map(str::to_owned).collect::<Vec<_>>());
        if header::REQUIRED_FIELDS.iter().all(|field| fields.contains(&Some(*field))) {
            return Ok(Some(top.records.line()));
        }
    }
    Ok(None)
}
