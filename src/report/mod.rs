//! The report folder, for the user who ordered the batch.
//!
//! ```text
//! report/
//!   index.html               the page: opens from disk, asks nothing of the network
//!   data/                    what the page shows: `batch.js` names the files that hold the jobs
//!   thumbs/<hash>.jpg        small pictures of what is in `results/` and of local pictures to edit
//!   inputs/<hash>.<ext>      pictures to edit that are no file with a plain path: from `data:` URIs
//!   summary.json             for scripts: the whole batch
//!   results.csv              for spreadsheets and scripts: one row a job
//!   failed.csv               for the next run: the rows that did not complete, as a manifest
//! ```
//!
//! [`write()`] takes a [`BatchView`] and a stream of [`JobView`]s and knows neither journal nor runner. Every file is
//! written to a temporary name and renamed, so that a reader never sees half a file. A file whose content would not
//! change is left alone, so that writing a report again and again while a batch runs costs little.

mod batch_totals;
mod columns;
mod duplicate_pictures;
mod error;
mod files;
mod inputs;
mod junit;
mod links;
mod manifest_csv;
mod model;
mod page;
mod results_csv;
mod row_buffer;
mod schema;
mod summary;
mod tally;
mod test_case;
#[cfg(test)]
mod tests;
mod thumbnails;
mod write;

pub use batch_totals::BatchTotals;
pub use duplicate_pictures::DuplicatePictures;
pub use error::ReportError;
pub use model::{
    BatchState, BatchView, ColorCheck, JobView, ReportOptions, ResultFile, TimelineEvent, TimelineKind, TryView,
    Written,
};
pub use schema::summary_schema;
pub use write::write;
