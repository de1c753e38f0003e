//! The record for the start of a run.

use crate::commands::copied_folder::canonical_name;
use crate::commands::manifest_scope::{self, ManifestScope};
use crate::commands::options::Options;
use crate::commands::report_data::{Jobs, resume};
use crate::journal::{Ledger, RunStart};
use crate::manifest::Manifest;

use super::run_plan::RunPlan;

/// Returns the record for the start of a run of the manifest `name`.
pub(super) fn run_start(
    ledger: &Ledger,
    options: &Options,
    run_plan: &RunPlan,
    manifest: &Manifest,
    name: &str,
) -> RunStart {
    // A partial manifest belongs to the manifest of the run.
    let whole = ledger.last_run().filter(|_| options.scope == ManifestScope::Part);
    // Its path is relative to the directory of that run.
    let home = manifest_scope::original_directory(ledger);
    let of_whole = |run: &RunStart| match &home {
        Some(home) if run.manifest != "-" => home.join(&run.manifest).display().to_string(),
        _ => run.manifest.clone(),
    };
    RunStart {
        manifest: whole.map_or_else(|| name.to_owned(), of_whole),
        backend: options.backend,
        origin: options.origin(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        jobs: run_plan.counts,
        budget_cents: options.settings.budget,
        partition: options.partition,
        manifest_hash: match whole {
            Some(whole) => whole.manifest_hash.clone(),
            None => options.partition.and_then(|_| manifest.content().ok().flatten()).map(Box::new),
        },
        held_back: run_plan.held_back.clone(),
        images_via: options.images_via.map(|via| via.to_string().into()),
        settings: options.inheritable(),
        directory: std::env::current_dir().ok().and_then(|folder| folder.to_str().map(Box::from)),
        folder: match run_plan.decided.submits {
            // The first run that submits in a copy of folders, or in a merged one, warns, and knows the original from this.
            0 => ledger.last_run().and_then(|run| run.folder.clone()),
            _ => canonical_name(options.folder.path()),
        },
        resume: Some(resume_command(Jobs::Selected).into()),
        resume_all: options.selection.selects().then(|| resume_command(Jobs::All).into()),
    }
}

/// Returns the command that continues this run.
pub(super) fn resume_command(jobs: Jobs) -> String {
    resume(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()), jobs)
}
