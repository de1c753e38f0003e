//! Reads a file, a pipe or standard input as text in UTF-8, and splits the text into blocks of whole rows.

pub(super) mod blocks;
pub(super) mod encoding;
pub(super) mod kind;
pub(super) mod lined_text;
pub(super) mod pattern;
pub(super) mod quotes;
pub(super) mod source;
pub(super) mod stdin;
pub(super) mod text;
mod unsupported;
