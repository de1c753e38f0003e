//! The report folder, for the user who ordered the batch.
//!
//! ```text
//! report/
//!   index.html               the page: opens from disk, and makes no network requests
//!   data/                    the data of the page: `batch.js` lists the files with the jobs
//!   thumbs/<hash>.jpg        thumbnails of pictures in `results/` and of local input pictures
//!   inputs/<hash>.<ext>      input pictures from `data:` URIs, and copies of files with unusual paths
//!   summary.json             for scripts: the whole batch
//!   results.csv              for spreadsheets and scripts: one row per job
//!   failed.csv               for the next run: the rows that did not complete, as a manifest
//! ```
//!
//! [`write()`] takes a [`BatchView`] and a stream of [`JobView`]s, and depends on neither journal nor runner. Every
//! file is written to a temporary name and renamed, so that readers never see an incomplete file. A file whose content
//! did not change is not replaced, so that updating the report while a batch runs costs little.

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
mod rounded;
mod row_buffer;
mod schema;
mod summary;
mod tally;
mod test_case;
#[cfg(test)]
mod tests;
mod thumbnails;
mod working_time;
mod write;

pub(crate) use batch_totals::BatchTotals;
pub(crate) use duplicate_pictures::DuplicatePictures;
pub(crate) use error::ReportError;
pub(crate) use junit::write_junit_error;
pub(crate) use model::{
    BatchView, ColorCheck, JobImage, JobView, LastRun, ReportOptions, ResultFile, TimelineEvent, TimelineKind, TryView,
    Written,
};
pub(crate) use schema::summary_schema;
pub(crate) use write::write;
