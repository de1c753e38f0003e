//! The formats of manifests: tables, JSON lines, and documents in YAML or JSON with a list of jobs or a catalog.

pub(super) mod catalog;
pub(super) mod dialect;
pub(super) mod document;
pub(super) mod entries;
mod invalid_line;
mod json_spans;
pub(super) mod lines;
pub(super) mod long_list;
pub(super) mod table;
