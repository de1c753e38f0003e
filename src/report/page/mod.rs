//! `index.html` and its data. The page opens from disk, makes no network requests, and runs only its own script.

mod charts;
mod data;
mod item;
mod overview;
mod picture;
mod tries;
mod value;

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minijinja::{AutoEscape, Environment, Value};

use crate::job::Backend;

use super::error::ReportError;
use super::files::ReportFolder;
use super::manifest_csv;
use super::model::BatchView;
use super::tally::Tally;
use super::thumbnails::Thumbnails;
use data::{Chunks, Opening};
use item::Item;

pub(crate) use item::PageJob;

const STYLE: &str = include_str!("assets/page.css");

/// The parts of the script share one scope. Each uses only parts before it.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("assets/elements.js"),
    include_str!("assets/store.js"),
    include_str!("assets/csv.js"),
    include_str!("assets/review.js"),
    include_str!("assets/view.js"),
    include_str!("assets/cards.js"),
    include_str!("assets/sheet.js"),
    include_str!("assets/viewer.js"),
    include_str!("assets/main.js"),
    "})();\n"
);

/// The templates. All values are escaped for HTML.
static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    templates.add_template("page", include_str!("assets/page.html"))?;
    templates.add_template("overview", include_str!("assets/overview.html"))?;
    Ok(templates)
});

/// The page in progress: jobs are added one at a time, and the heading last.
#[derive(Debug, Default)]
pub(crate) struct Page {
    chunks: Chunks,
}

impl Page {
    /// Adds a job.
    pub(crate) fn push(
        &mut self,
        job: PageJob<'_>,
        report: &mut ReportFolder,
        thumbnails: &mut Thumbnails,
    ) -> Result<(), ReportError> {
        let item = Item::new(job, report, thumbnails)?;
        self.chunks.push(&item, report)
    }

    /// Writes the remaining data and the page itself.
    pub(crate) fn finish(
        self,
        batch: &BatchView,
        tally: &Tally,
        own: &[String],
        report: &mut ReportFolder,
    ) -> Result<(), ReportError> {
        let chunks = self.chunks.finish(report)?;
        let overview = template("overview")?
            .render(Value::from_pairs(overview::values(batch, tally)))
            .map_err(ReportError::Page)?;
        let opening = Opening {
            version: 1,
            key: batch.key.clone(),
            title: batch.heading(),
            backend: batch.backend.map_or("", Backend::as_str),
            state: batch.state_name(),
            manifest: &manifest_csv::COLUMNS,
            own,
            chunks: &chunks,
            overview,
        };
        data::write_opening(&opening, report)?;
        write_index(&opening, report)
    }
}

fn write_index(opening: &Opening<'_>, report: &mut ReportFolder) -> Result<(), ReportError> {
    let values = Value::from_pairs([
        ("policy", Value::from(policy())),
        ("style", Value::from_safe_string(STYLE.to_owned())),
        ("script", Value::from_safe_string(SCRIPT.to_owned())),
        ("title", Value::from(opening.title)),
        ("overview", Value::from_safe_string(opening.overview.clone())),
        ("version", Value::from(env!("CARGO_PKG_VERSION"))),
    ]);
    let page = template("page")?.render(values).map_err(ReportError::Page)?;
    report.write("index.html", page.as_bytes())
}

fn template(name: &str) -> Result<minijinja::Template<'static, 'static>, ReportError> {
    let templates = TEMPLATES.as_ref().map_err(|error| minijinja::Error::new(error.kind(), error.to_string()));
    templates.and_then(|templates| templates.get_template(name)).map_err(ReportError::Page)
}

/// Returns the page's content security policy. It allows pictures next to the page, its one script and its one style.
///
/// `strict-dynamic` lets that script load the data next to the page, from disk and from a server, and prevents text in
/// the page from loading anything.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; img-src 'self' file:; style-src 'sha256-{}'; script-src 'sha256-{}' 'strict-dynamic'; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}
