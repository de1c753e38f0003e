//! `index.html`: one file that opens from disk, asks nothing of the network, and runs no script but its own.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};

use super::ReportError;
use super::card::Card;
use super::files::ReportFolder;
use super::heading;
use super::inputs::Before;
use super::model::{BatchView, JobView};
use super::tally::Tally;

const STYLE: &str = include_str!("assets/page.css");
const SCRIPT: &str = include_str!("assets/page.js");

/// The templates. All values are escaped for HTML.
static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    templates.add_template("page", include_str!("assets/page.html"))?;
    templates.add_template("card", include_str!("assets/card.html"))?;
    templates.add_template("foot", include_str!("assets/foot.html"))?;
    Ok(templates)
});

/// The cards of the jobs, on disk until the heading above them is known.
pub(crate) struct Cards {
    file: BufWriter<File>,
    report: PathBuf,
    count: u64,
}

impl Cards {
    /// For a report in the run's folder `run`.
    pub(crate) fn new(run: &Path) -> Result<Cards, ReportError> {
        Ok(Cards { file: BufWriter::new(tempfile::tempfile()?), report: run.join("report"), count: 0 })
    }

    /// Adds the card of a job whose pictures to edit are `before`.
    pub(crate) fn push(&mut self, job: &JobView, before: &[Before]) -> Result<(), ReportError> {
        self.count += 1;
        let card = Card::new(job, before, &self.report, self.count);
        let card = context! { job => Value::from(Serde(&card)) };
        template("card")?.render_captured_to(card, &mut self.file)?;
        Ok(())
    }
}

/// Writes the page.
pub(crate) fn write(
    batch: &BatchView,
    tally: &Tally,
    cards: Cards,
    report: &mut ReportFolder,
) -> Result<(), ReportError> {
    let page = report.root().join("index.html");
    let failed = |source| ReportError::io("write", &page, source);
    let mut draft = report.draft("index.html")?;
    let mut values = heading::values(batch, tally);
    values.insert("policy", policy().into());
    values.insert("style", Value::from_safe_string(STYLE.to_owned()));
    values.insert("script", Value::from_safe_string(SCRIPT.to_owned()));
    values.insert("version", env!("CARGO_PKG_VERSION").into());
    let values = Value::from_pairs(values);
    template("page")?.render_captured_to(values.clone(), &mut draft)?;
    let mut cards = cards.file.into_inner().map_err(io::IntoInnerError::into_error)?;
    cards.rewind()?;
    io::copy(&mut cards, &mut draft).map_err(failed)?;
    template("foot")?.render_captured_to(values.clone(), &mut draft)?;
    draft.flush().map_err(failed)?;
    report.publish(draft)
}

fn template(name: &str) -> Result<minijinja::Template<'static, 'static>, ReportError> {
    match &*TEMPLATES {
        Ok(templates) => Ok(templates.get_template(name)?),
        Err(error) => Err(minijinja::Error::new(error.kind(), error.to_string()).into()),
    }
}

/// What the page may do: show pictures that are beside it, and run the one script and the one style that are in it.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; img-src 'self' file:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}
