//! Writes the files of the report.

use std::io;
use std::path::Path;

use super::columns::Columns;
use super::duplicate_pictures::{DuplicatePictureFinder, Twins};
use super::error::ReportError;
use super::files::ReportFolder;
use super::manifest_csv::DataUris;
use super::model::{BatchView, JobView, ReportOptions, Written};
use super::page::{Page, PageJob};
use super::row_buffer::{Row, RowBuffer};
use super::summary::Summary;
use super::tally::Tally;
use super::test_case::{TestCase, TestTotals};
use super::{inputs, junit, manifest_csv, results_csv, thumbnails};
use crate::job::{Backend, JobStatus};
use crate::pictures::LocalPictures;
use crate::run_folder::RunFolder;

/// Writes the report of the run in `folder` to `folder/report`.
///
/// Jobs come in the order of the manifest, one at a time. Memory holds one of them, and some bytes of each for names
/// and charts. Files of an earlier report that are not part of this one are removed at the end.
///
/// # Errors
///
/// A job cannot be read, or a file cannot be written. If not all jobs can be read, the tables and the page of an
/// earlier report stay.
pub(crate) fn write<E: From<ReportError>>(
    folder: &Path,
    batch: &BatchView,
    jobs: impl Iterator<Item = Result<JobView, E>>,
    options: &ReportOptions,
) -> Result<Written, E> {
    let run = std::path::absolute(folder).map_err(|cause| ReportError::io("find", folder, cause))?;
    let mut report = ReportFolder::open(run.join("report"))?;
    let mut pictures = LocalPictures::with_cache(&RunFolder::new(&run).pictures());
    let last_run = batch.last_run.map(|run| run.started_at);
    // The embedded editor makes the same picture for every seed, and does not mix up pictures.
    let mixes_up = batch.backend != Some(Backend::Embedded);
    let duplicate_pictures = mixes_up.then(|| DuplicatePictureFinder::new(last_run));
    let mut tally = Tally { duplicate_pictures, ..Tally::default() };
    let root = report.root().to_owned();
    let in_buffer = |cause| ReportError::io("write", &root, cause);
    let mut row_buffer = RowBuffer::in_folder(&root).map_err(in_buffer)?;
    let mut columns = Columns::default();
    let mut totals = TestTotals::default();
    let mut page = Page::default();
    thumbnails::alongside(&root, |thumbnails| {
        for job in jobs {
            let job = job?;
            tally.add(&job);
            let twin = tally.duplicate_pictures.as_mut().and_then(|duplicates| duplicates.add(&job));
            let before = inputs::gather(&job, &mut pictures, &mut report)?;
            let rerun = match job.status {
                JobStatus::Completed => None,
                _ => Some(manifest_csv::cells(&job, DataUris::AsTheyAre, &mut report)?),
            };
            let case = options.junit.is_some().then(|| TestCase::of(&job));
            case.iter().for_each(|case| totals.add(case));
            let own = columns.cells(&job.columns);
            let row = Row { results: results_csv::cells(&job), manifest: rerun, case, own, twin };
            row_buffer.push(&row).map_err(in_buffer)?;
            page.push(PageJob { view: &job, before: &before, own: row.own, twin }, &mut report, thumbnails)?;
        }
        Ok::<_, E>(())
    })?;
    let twins = tally.duplicate_pictures.as_ref().map(DuplicatePictureFinder::twins);
    write_tables(&mut row_buffer, columns.names(), twins, &mut report)?;
    let mut summary = serde_json::to_vec_pretty(&Summary::of(batch, &tally)).map_err(ReportError::Data)?;
    summary.push(b'\n');
    report.write("summary.json", &summary)?;
    page.finish(batch, &tally, columns.names(), &mut report)?;
    report.sweep()?;
    if let Some(path) = &options.junit {
        junit::write(path, batch, totals, &mut row_buffer)?;
    }
    Ok(Written {
        index: report.root().join("index.html"),
        jobs: tally.jobs,
        changed: report.changed(),
        files: report.names().cloned().collect(),
    })
}

fn write_tables(
    row_buffer: &mut RowBuffer,
    own: &[String],
    mut twins: Option<Twins<'_>>,
    report: &mut ReportFolder,
) -> Result<(), ReportError> {
    const RESULTS: &str = "results.csv";
    const FAILED: &str = "failed.csv";
    let mut results = csv::Writer::from_writer(report.draft(RESULTS)?);
    let mut failed = csv::Writer::from_writer(report.draft(FAILED)?);
    let in_results = |cause| ReportError::Table { name: RESULTS, cause };
    let in_failed = |cause| ReportError::Table { name: FAILED, cause };
    let root = report.root().to_owned();
    let in_buffer = |cause| ReportError::io("read", &root, cause);

    let own_names = own.iter().map(|name| results_csv::own_column(name));
    let header = results_csv::COLUMNS.iter().map(|name| (*name).to_owned()).chain(own_names);
    results.write_record(header.map(|name| results_csv::neutral(&name).into_owned())).map_err(in_results)?;
    let header = manifest_csv::COLUMNS.into_iter().chain(own.iter().map(String::as_str));
    failed.write_record(header).map_err(in_failed)?;
    for (place, row) in (0..).zip(row_buffer.rows().map_err(in_buffer)?) {
        let row = row.map_err(in_buffer)?;
        let own_cells = row.own_cells(own.len());
        let twin = twins.as_mut().and_then(|twins| twins.of(place, &row.results[0], row.twin)).unwrap_or_default();
        let cells = row.results.iter().map(String::as_str).chain([twin.as_str()]).chain(own_cells.iter().copied());
        results.write_record(cells.map(|cell| results_csv::neutral(cell).into_owned())).map_err(in_results)?;
        if let Some(manifest) = &row.manifest {
            let cells = manifest.iter().map(String::as_str).chain(own_cells);
            failed.write_record(cells).map_err(in_failed)?;
        }
    }
    for (name, table) in [(RESULTS, results), (FAILED, failed)] {
        let draft = table
            .into_inner()
            .map_err(|error| ReportError::Table { name, cause: io::Error::from(error.error().kind()).into() })?;
        report.publish(draft)?;
    }
    Ok(())
}
