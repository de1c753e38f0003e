use jiff::Timestamp;

use crate::cli::Check;
use crate::commands::Failure;
use crate::commands::manifest_scope::OtherRunConflicts;
use crate::commands::options::Options;
use crate::commands::unknown_pictures::UnknownPictures;
use crate::job::HeldBack;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, Manifest};
use crate::plan::{Advice, Decision};
use crate::run_folder::FolderError;

use super::candidate::{Candidate, Candidates};
use super::forecast::Forecast;
use super::probe::Urls;
use super::renamed::Renamed;
use super::warnings::{Files, held_back_warning, other_origin_warning, warnings};

/// Examines the jobs of a manifest, one after the other.
pub(super) struct Examination<'e> {
    options: &'e Options,
    ledger: &'e Ledger,
    unknown_pictures: UnknownPictures<'e>,
    conflicts: Option<OtherRunConflicts>,
    renamed: Renamed,
    held_back: HeldBack,
    asked_again: u64,
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
            unknown_pictures: UnknownPictures::of(&options.folder, ledger),
            conflicts: OtherRunConflicts::of(options.backend, &options.scope),
            renamed: Renamed::default(),
            held_back: HeldBack::default(),
            asked_again: 0,
            forecast: Forecast::default(),
            advice: Advice::new(Timestamp::now(), options.settings.submits.expected(ledger.learned().submits)),
            urls: arguments.probe.then(Urls::default),
        }
    }

    /// Returns the factory of the candidates for [`Examination::add`].
    pub(super) fn candidates(&self) -> Candidates<'e> {
        let is_known = !self.ledger.is_blank() || self.options.folder.has_results() || self.conflicts.is_some();
        Candidates { selection: &self.options.selection, needs_keys: is_known, needs_urls: self.urls.is_some() }
    }

    /// Adds the next selected job.
    ///
    /// # Errors
    ///
    /// The run's folder cannot be read.
    pub(super) fn add(&mut self, Candidate { features, details }: Candidate) -> Result<(), FolderError> {
        let details = details.map(|details| *details).unwrap_or_default();
        let key = details.key;
        let added = self.forecast.add(key.as_ref(), self.ledger, &self.unknown_pictures, self.options)?;
        let Some((decision, picture)) = added else { return Ok(()) };
        let edit = key.as_ref().and_then(|key| self.ledger.brief(key));
        self.asked_again += u64::from(decision.asks_again(edit.as_ref()));
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
        if let Some(key) = key.filter(|_| decision == Decision::New) {
            self.renamed.note(key, features.line(), self.ledger);
        }
        Ok(())
    }

    /// Completes the forecast, and returns all warnings except those about single rows.
    ///
    /// # Errors
    ///
    /// The journal cannot be read again.
    pub(super) fn finish(&mut self, manifest: &Manifest, name: String) -> Result<Vec<Diagnostic>, Failure> {
        self.forecast.finish(self.ledger, self.options);
        let files = Files { manifest: name, lines: manifest.file_of_lines().to_owned() };
        let renamed = self.renamed.warning(self.ledger, &files.lines).map_err(FolderError::from)?;
        let held_back = held_back_warning(&files, &self.held_back);
        let conflicts = self.conflicts.as_mut().and_then(|conflicts| conflicts.warning(&files.manifest));
        let other_origin = self.options.check_origin(self.ledger, self.asked_again).err();
        let other_origin = other_origin.map(|refused| other_origin_warning(&files, &refused));
        let others = warnings(&files, &self.forecast, &mut self.advice, self.ledger, self.options);
        Ok([renamed, held_back, conflicts, other_origin].into_iter().flatten().chain(others).collect())
    }
}
