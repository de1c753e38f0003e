//! Files of lines that are only ever appended to: their reader, and their writer with group commit.
//!
//! A crash can tear the last line. Readers tell how far the whole lines reach, and a writer begins there.

mod disk;
mod lines;
mod read_at;
mod writer;

pub use disk::{Disk, FileDisk};
pub(crate) use lines::{Lines, line_number};
pub use read_at::{Chained, ReadAt};
pub(crate) use writer::{AppendLog, Receipt};
