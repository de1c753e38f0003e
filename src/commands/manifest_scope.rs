//! The scope of a manifest within a run: all of its jobs, or some of them, as in the `failed.csv` of its report.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::job::{Backend, JobId, JobStatus};
use crate::journal::{EditState, Ledger};
use crate::manifest::{Diagnostic, Manifest, Problems, Severity};
use crate::plan::{self, Decision};
use crate::run_folder::{JournalFile, RunFolder};
use crate::words::{counted, is_are, shell_word};

/// The relation between the manifest and the run in the output folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ManifestScope {
    /// The manifest defines all jobs of the run.
    Whole,
    /// The manifest is in the report of this run: jobs without a row in it are unchanged.
    Part,
    /// The manifest is in the report of another run, which knows its jobs.
    OfAnother(RunFolder),
}

impl ManifestScope {
    /// Returns the scope of a manifest in the report of `reported` within the run of `folder`.
    pub(super) fn of(reported: Option<PathBuf>, folder: &Path) -> ManifestScope {
        let Some(reported) = reported else { return ManifestScope::Whole };
        let real = |path: &Path| path.canonicalize().ok();
        match real(folder).is_some_and(|folder| real(&reported) == Some(folder)) {
            true => ManifestScope::Part,
            false => ManifestScope::OfAnother(RunFolder::new(reported)),
        }
    }
}

/// Opens the manifest of a run. The table of a report may have no rows, if every job is completed.
pub(super) fn open(manifest: &Path) -> Result<Manifest, Problems> {
    open_with(manifest, Manifest::open)
}

/// Opens a manifest like [`open`], for callers that read all rows once.
pub(super) fn open_on_trust(manifest: &Path) -> Result<Manifest, Problems> {
    open_with(manifest, Manifest::open_on_trust)
}

fn open_with(manifest: &Path, open: fn(&Path) -> Result<Manifest, Problems>) -> Result<Manifest, Problems> {
    // The folder of a run has files with the endings of manifests, but none of them is one.
    if RunFolder::new(manifest).journal().is_file() {
        let name = manifest.display().to_string();
        let hint = format!("the command that continues this run is in `dyehouse status {}`", shell_word(&name));
        let message = "it is a folder, and a manifest is a file".to_owned();
        return Err(Diagnostic::about_job(Severity::Error, &name, None, message, &hint).into());
    }
    match reported_run(manifest) {
        Some(_) => Manifest::open_leftovers(manifest),
        None => open(manifest),
    }
}

/// Returns the folder of the run whose report contains `manifest`. Symbolic links are followed.
pub(super) fn reported_run(manifest: &Path) -> Option<PathBuf> {
    const STDIN: &str = "-";
    if manifest == Path::new(STDIN) {
        return None;
    }
    run_around(manifest).or_else(|| run_around(&manifest.canonicalize().ok()?))
}

fn run_around(manifest: &Path) -> Option<PathBuf> {
    let report = match manifest.parent()? {
        // A bare name is relative to the working directory.
        named if named.file_name().is_none() => std::path::absolute(manifest).ok()?.parent()?.to_owned(),
        named => named.to_owned(),
    };
    let is_report = RunFolder::new("").report_page().parent()?.file_name() == report.file_name();
    let folder = match report.parent()? {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    (is_report && RunFolder::new(folder).journal().is_file()).then(|| folder.to_owned())
}

/// Returns the directory that the paths in a run's plan are relative to, unless it is the current one.
pub(super) fn original_directory(ledger: &Ledger) -> Option<PathBuf> {
    let home = Path::new(ledger.last_run()?.directory.as_deref()?);
    (std::env::current_dir().ok()? != home).then(|| home.to_owned())
}

/// Jobs that are open or uncertain in another run, and that would be paid for again here.
pub(super) struct OtherRunConflicts {
    run: RunFolder,
    open: HashSet<JobId>,
    count: u64,
}

impl OtherRunConflicts {
    /// Returns the jobs of the run whose report contains the manifest, if that run has another folder. If its journal
    /// cannot be read, there are none; that error is for the other run to report.
    pub(super) fn of(backend: Backend, scope: &ManifestScope) -> Option<OtherRunConflicts> {
        let ManifestScope::OfAnother(run) = scope else { return None };
        let ledger = JournalFile::read(run).ok()?;
        let is_paid = |ledger: &Ledger| ledger.last_run().is_some_and(|run| run.backend == Backend::Vibedream);
        if backend != Backend::Vibedream || !is_paid(&ledger) {
            return None;
        }
        let unanswered = ledger.live_edits().filter(|(_, edit)| matches!(edit.state, EditState::Submitting { .. }));
        let under_way = unanswered.map(|(job, _)| job).chain(plan::unfinished(&ledger)).cloned();
        let in_doubt = ledger.uncertain().filter_map(Result::ok);
        let in_doubt = in_doubt.filter(|(_, edit)| edit.status() == JobStatus::Uncertain).map(|(job, _)| job);
        Some(OtherRunConflicts { run: run.clone(), open: under_way.chain(in_doubt).collect(), count: 0 })
    }

    /// Adds the decision on a job.
    pub(super) fn note(&mut self, job: &JobId, decision: Decision) {
        self.count += u64::from(decision.submits() && self.open.contains(job));
    }

    /// Returns the warning about these jobs. `file` is the manifest.
    pub(super) fn warning(&self, file: &str) -> Option<Diagnostic> {
        let folder = self.run.path().display().to_string();
        let (jobs, are) = (counted(self.count, "job"), is_are(self.count));
        let message = format!("{jobs} {are} open or uncertain in {folder}, and would be paid for again here");
        let hint = format!("to continue them there, leave -o out, or use -o {}", shell_word(&folder));
        (self.count > 0).then(|| Diagnostic::about_job(Severity::Warning, file, None, message, &hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_in_a_report_belongs_to_the_run_of_that_report() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("m");
        std::fs::create_dir_all(run.join("report")).unwrap();
        let failed = run.join("report/failed.csv");
        assert_eq!(reported_run(&failed), None, "a folder without a journal is no run");
        std::fs::write(run.join("journal.jsonl"), "").unwrap();
        assert_eq!(reported_run(&failed), Some(run.clone()));
        for other in ["m/failed.csv", "m/results/failed.csv", "report/failed.csv", "m/report/old/failed.csv"] {
            assert_eq!(reported_run(&folder.path().join(other)), None, "{other}");
        }
        for other in ["-", "catalog.csv", "report/catalog.csv"] {
            assert_eq!(reported_run(Path::new(other)), None, "{other}");
        }
        #[cfg(unix)]
        {
            let link = folder.path().join("again.csv");
            std::fs::write(&failed, "").unwrap();
            std::os::unix::fs::symlink(&failed, &link).unwrap();
            assert_eq!(reported_run(&link), run.canonicalize().ok(), "a link to it is the same");
        }
        let scope = |out: &Path| ManifestScope::of(reported_run(&failed), out);
        assert_eq!(scope(&run.join("../m")), ManifestScope::Part);
        assert_eq!(scope(&folder.path().join("other")), ManifestScope::OfAnother(RunFolder::new(&run)));
        assert_eq!(ManifestScope::of(None, &run), ManifestScope::Whole);
    }
}
