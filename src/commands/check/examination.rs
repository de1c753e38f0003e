use jiff::Timestamp;

use crate::cli::Check;
use crate::commands::Failure;
use crate::commands::decision::Decider;
use crate::commands::manifest_scope::{ManifestScope, OtherRunConflicts};
use crate::commands::options::Options;
use crate::commands::recorded_edits::RecordedEdits;
use crate::commands::renamed::Renamed;
use crate::commands::renamed_manifest::RenamedManifest;
use crate::commands::unknown_rows::PartialRows;
use crate::job::HeldBack;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Manifest};
use crate::plan::{Advice, Decided, Decision};
use crate::run_folder::FolderError;

use super::candidate::{Candidate, Candidates, Row};
use super::forecast::Forecast;
use super::probe::Urls;
use super::warnings::{Files, held_back_warning, warnings};

/// Examines the jobs of a manifest, one after the other.
pub(super) struct Examination<'e> {
    options: &'e Options,
    ledger: &'e Ledger,
    decider: Decider<'e>,
    conflicts: Option<OtherRunConflicts>,
    partial_rows: Option<PartialRows>,
    renamed_manifest: Option<RenamedManifest>,
    renamed: Renamed,
    held_back: HeldBack,
    /// The number of jobs of the manifest with pictures in `results/`, selected or not.
    shown: u64,
    /// The forecast of a run.
    pub(super) forecast: Forecast,
    /// The advice about the jobs.
    pub(super) advice: Advice,
    /// The URLs for `--probe`.
    pub(super) urls: Option<Urls>,
}

impl<'e> Examination<'e> {
    pub(super) fn begin(arguments: &Check, options: &'e Options, ledger: &'e Ledger) -> Examination<'e> {
        Examination {
            options,
            ledger,
            decider: Decider::of(options, ledger),
            conflicts: OtherRunConflicts::of(options.backend, &options.scope),
            partial_rows: PartialRows::of(&options.scope),
            renamed_manifest: options.renamed_manifest(&arguments.run.manifest),
            renamed: Renamed::default(),
            held_back: HeldBack::default(),
            shown: 0,
            forecast: Forecast::default(),
            advice: Advice::new(Timestamp::now(), options.settings.submits.expected(ledger.learned().submit_rate())),
            urls: arguments.probe.then(Urls::default),
        }
    }

    /// Returns the factory of the candidates for [`Examination::add`].
    pub(super) fn candidates(&self) -> Candidates<'e, impl Fn() -> Option<&'e Ledger> + use<'e>> {
        let is_known = !self.ledger.is_blank()
            || self.options.folder.has_results()
            || self.conflicts.is_some()
            || self.renamed_manifest.is_some();
        let Examination { options, ledger, .. } = *self;
        let recorded = RecordedEdits::of(&options.folder, move || Some(ledger));
        let selection = &options.selection;
        Candidates { selection, ledger, recorded, needs_keys: is_known, needs_urls: self.urls.is_some() }
    }

    /// Adds the next job.
    ///
    /// # Errors
    ///
    /// The run's folder cannot be read.
    pub(super) fn add(&mut self, Row { is_shown, candidate }: Row) -> Result<(), FolderError> {
        self.shown += u64::from(is_shown);
        let Some(Candidate { features, details }) = candidate else { return Ok(()) };
        let details = details.map(|details| *details).unwrap_or_default();
        let key = details.key;
        if let (Some(rows), Some(key)) = (&mut self.partial_rows, &key) {
            rows.note(&key.job, features.line());
        }
        if let Some(renamed) = &mut self.renamed_manifest {
            renamed.note(|| key.clone());
        }
        let added = self.forecast.add(key.as_ref(), features.colors(), self.ledger, &self.decider, self.options)?;
        let Some((Decided { decision, .. }, picture)) = added else { return Ok(()) };
        self.advice.add(&features, decision.submits());
        if let Some(urls) = self.urls.as_mut().filter(|_| decision.submits()) {
            urls.add(details.urls);
        }
        if let Some(picture) = picture {
            self.held_back.add(picture);
        }
        if let (Some(key), Some(conflicts)) = (&key, &mut self.conflicts) {
            conflicts.note(&key.job, decision);
        }
        if let Some(key) = key.filter(|_| matches!(decision, Decision::New | Decision::Changed)) {
            self.renamed.note(key, Some(features.line()), self.ledger);
        }
        Ok(())
    }

    /// Completes the forecast, and returns all warnings except those about single rows.
    ///
    /// # Errors
    ///
    /// A run would be refused, or the journal cannot be read again.
    pub(super) fn finish(&mut self, manifest: &Manifest, name: String) -> Result<Vec<Diagnostic>, Failure> {
        if self.options.scope != ManifestScope::Part {
            self.forecast.removed = self.ledger.shown_jobs().saturating_sub(self.shown);
        }
        if let Some(rows) = self.partial_rows.take() {
            rows.check(&self.options.folder, self.ledger, manifest.file_of_lines())?;
        }
        if let Some(renamed) = self.renamed_manifest.take() {
            renamed.check()?;
        }
        self.options.check_origin(self.ledger, self.forecast.counts.asked_again)?;
        self.forecast.finish(self.ledger, self.options);
        let files = Files { manifest: name, lines: manifest.file_of_lines().to_owned() };
        let renamed = self.renamed.warning(self.ledger, &files.lines).map_err(FolderError::from)?;
        let held_back = held_back_warning(&files, &self.held_back);
        let conflicts = self.conflicts.as_mut().and_then(|conflicts| conflicts.warning(&files.manifest));
        let others = warnings(&files, &self.forecast, &mut self.advice, self.ledger, self.options);
        Ok([renamed, held_back, conflicts].into_iter().flatten().chain(others).collect())
    }
}
