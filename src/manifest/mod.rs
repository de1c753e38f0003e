//! Reads manifests: from bytes to jobs, and every error with its location.
//!
//! [`Manifest::open`] reads the head, [`Manifest::jobs`] iterates over the jobs, and [`Manifest::read`] reads them on
//! all cores. Images are not opened: the callers check whether they exist.
//!
//! `reading` turns a file into text and blocks of text, `formats` finds the rows in it, and `row` makes a job from a
//! row or reports all its errors. Rows come in parts: tables, JSON lines and long lists of jobs in blocks of text,
//! other formats in slices of a list in memory. A `RowCursor` reads one part, on any thread.

mod diagnostic;
mod field;
mod formats;
mod id_index;
mod jobs;
mod model;
mod node;
mod open;
mod parallel;
mod reading;
mod row;
mod row_cursor;
mod schema;
mod settings;
mod suggest;
mod whitespace;

pub use diagnostic::{Diagnostic, Excerpt, Problems, Severity, Style, render};
pub(crate) use field::Field;
pub(crate) use formats::dialect::delimiter;
pub use formats::dialect::slug;
pub use jobs::{FoundJob, Jobs};
pub use model::Manifest;
pub use parallel::{Found, RowLocation};
pub use reading::kind::near_picture;
pub use reading::pattern::files_matching;
pub use schema::schema;
pub use settings::{ImagesVia, ManifestSettings};
pub(crate) use suggest::nearest;
pub(crate) use whitespace::is_invisible;

#[cfg(test)]
mod tests;
