//! Makes jobs from a catalog: every row, times every entry of a matrix, rendered through templates.
//!
//! ```text
//! read      parses the three keys into a catalog
//! rows      the sources of rows: a table, JSON lines, a list, images
//! axis      the dimensions of the matrix
//! template  texts with {{ names }} in them
//! jobs      the cursor over the jobs
//! cells     checks of the cells that templates use
//! ```

mod axis;
mod cells;
mod jobs;
mod model;
mod read;
mod rendered;
mod rows;
mod template;

pub(in crate::manifest) use axis::Axis;
pub(in crate::manifest) use model::Catalog;
pub(in crate::manifest) use read::{CatalogErrors, Keys, read};
pub(in crate::manifest) use rows::RowSource;
pub(in crate::manifest) use template::Template;
