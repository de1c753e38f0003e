//! Jobs out of a catalog: every row, times every entry of a matrix, through templates.
//!
//! ```text
//! read      the three keys, from nodes to a catalog
//! rows      the source of rows: a table, lines of JSON, a list, pictures
//! axis      the matrix: what each row is multiplied with
//! template  texts with {{ names }} in them
//! jobs      the jobs of its rows, one after the other
//! cells     what is wrong with the cells that templates are filled with
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
