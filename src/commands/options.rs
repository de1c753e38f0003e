use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::BaseUrl;
use crate::api::wire::PROVIDER_URL;
use crate::cli::Run;
use crate::color::Tolerance;
use crate::files::{check_writable, folder_of};
use crate::job::{Backend, Cents, IdPattern, Partition, Rate, TimeOfDay, UncertainPolicy};
use crate::journal::{EditState, Ledger, RunStart};
use crate::manifest::{ImagesVia, Manifest, ManifestSettings};
use crate::plan::{Choices, ColorLock, ColorRules, FailedPolicy, UncertainReroll};
use crate::run_folder::{FolderError, JournalFile, RunFolder};
use crate::runner::{PollSchedule, Settings};

use super::UsageError;
use super::folder_owner::{other_owner, run_beside};
use super::manifest_scope::{ManifestScope, reported_run};
use super::renamed_manifest::RenamedManifest;

/// The number of polls that each prediction may have in addition to the configured rate.
const FREE_POLLS: u32 = 2;

/// All settings of a run: the command line overrides the manifest, and the manifest overrides the defaults.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) backend: Backend,
    pub(super) base_url: BaseUrl,
    pub(super) images_via: Option<ImagesVia>,
    pub(super) folder: RunFolder,
    folder_choice: FolderChoice,
    /// The scope of the manifest within the run of `folder`.
    pub(super) scope: ManifestScope,
    pub(super) settings: Settings,
    pub(super) choices: Choices,
    pub(super) selection: Selection,
    pub(super) partition: Option<Partition>,
    /// Whether the colors of results are checked.
    checks_colors: bool,
    /// Whether the pictures of removed rows are moved away.
    pub(super) prunes: bool,
    /// The settings that were given explicitly, on the command line or in the manifest.
    given: ManifestSettings,
}

/// How the run's folder was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FolderChoice {
    /// By the user, or by a report that the manifest is in.
    Given,
    /// By the name of the manifest, which another manifest may have as well.
    Default,
}

/// The selection of jobs of the manifest.
#[derive(Debug, Default)]
pub(super) struct Selection {
    only: Option<IdPattern>,
    limit: Option<usize>,
}

impl Options {
    /// Merges the settings of the command line and of the manifest.
    pub(super) fn merge(run: &Run, manifest: &Manifest) -> Result<Options, UsageError> {
        if let Some(path) = &run.junit {
            check_junit(path)?;
        }
        let given = from_command_line(run).or(manifest.settings().clone());
        let reported = reported_run(&run.manifest);
        let folder = given.out.clone().or(reported.clone());
        let folder_choice = if folder.is_some() { FolderChoice::Given } else { FolderChoice::Default };
        let folder = match folder {
            Some(folder) => folder,
            None if is_nameless(&run.manifest) => return Err(UsageError::NamelessManifest),
            None => default_folder(manifest, run.partition),
        };
        let scope = ManifestScope::of(reported, &folder);
        Options::of(run, given, scope, RunFolder::new(folder), folder_choice)
    }

    fn of(
        run: &Run,
        given: ManifestSettings,
        scope: ManifestScope,
        folder: RunFolder,
        folder_choice: FolderChoice,
    ) -> Result<Options, UsageError> {
        let uncertain = given.uncertain.unwrap_or_default();
        let failed = if run.retry_failed { FailedPolicy::Retry } else { FailedPolicy::Keep };
        Ok(Options {
            backend: given.backend.unwrap_or(Backend::Vibedream),
            base_url: base_url(run.base_url.clone(), given.base_url.as_deref())?,
            images_via: given.images_via,
            folder,
            folder_choice,
            scope,
            settings: settings(run, &given, uncertain)?,
            choices: Choices { failed, uncertain },
            selection: Selection { only: run.only.clone(), limit: run.limit },
            partition: run.partition,
            checks_colors: given.color_check.unwrap_or(true),
            prunes: run.prune,
            given,
        })
    }

    /// Inherits the settings of the run that the manifest is a part of, because a table has none.
    pub(super) fn inherit(self, run: &Run, ledger: &Ledger) -> Result<Options, UsageError> {
        let Some(whole) = ledger.last_run().filter(|_| self.scope == ManifestScope::Part) else { return Ok(self) };
        let is_origin = |origin: &&String| BaseUrl::parse(origin).is_ok();
        let inherited = ManifestSettings {
            backend: Some(whole.backend),
            base_url: whole.origin.as_ref().filter(is_origin).cloned(),
            budget: whole.budget_cents,
            images_via: whole.images_via.as_deref().and_then(|via| via.parse().ok()),
            ..ManifestSettings::inherit(&whole.settings).map_err(|key| UsageError::Inherited { key })?
        };
        let (partition, given) = (self.partition.or(whole.partition), self.given.or(inherited));
        Ok(Options { partition, ..Options::of(run, given, self.scope, self.folder, self.folder_choice)? })
    }

    /// Returns the settings that a run of some of this run's jobs inherits.
    pub(super) fn inheritable(&self) -> BTreeMap<String, String> {
        self.given.inheritable()
    }

    /// Returns the model of all jobs, if one was given.
    pub(super) fn model(&self) -> Option<&str> {
        self.given.model.as_deref()
    }

    /// Returns the rules for the colors of results; `None` if they are not checked.
    pub(super) fn color_rules(&self) -> Option<ColorRules> {
        self.checks_colors.then_some(self.settings.color)
    }

    /// Returns the expected price of a submit: the highest price so far, but at most the price limit, because nothing
    /// is submitted above it.
    pub(super) fn price(&self, ledger: &Ledger) -> Cents {
        ledger.estimate().min(self.settings.price_limit)
    }

    /// Returns the ledger of the folder, which is empty if it has no journal.
    pub(super) fn ledger(&self) -> Result<Ledger, FolderError> {
        self.folder.check_journal()?;
        match JournalFile::read(&self.folder) {
            Err(FolderError::NoRun { .. }) => Ok(Ledger::default()),
            other => other,
        }
    }

    /// Returns the API's address, unless the backend is embedded.
    pub(super) fn origin(&self) -> Option<String> {
        (self.backend == Backend::Vibedream).then(|| self.base_url.to_string())
    }

    /// Refuses to make a default folder for a manifest that was run from its own directory before.
    pub(super) fn check_new_folder(&self, manifest: &Path) -> Result<(), UsageError> {
        if self.folder_choice == FolderChoice::Given || self.backend == Backend::Embedded {
            return Ok(());
        }
        let refuse = |theirs| {
            let folder = self.folder.path().to_owned();
            Err(UsageError::RunBeside { folder, theirs, ours: manifest.to_owned() })
        };
        run_beside(manifest, &self.folder).map_or(Ok(()), refuse)
    }

    /// Returns the check whether `manifest` was renamed since it was run, if its folder is a new default folder.
    pub(super) fn renamed_manifest(&self, manifest: &Path) -> Option<RenamedManifest> {
        let is_paid = self.folder_choice == FolderChoice::Default && self.backend == Backend::Vibedream;
        is_paid.then(|| RenamedManifest::of(manifest, &self.folder)).flatten()
    }

    /// Refuses a folder of another share, because jobs of other shares would be paid for again, and a folder with
    /// another backend's pictures, because they would be mistaken for this backend's. Also refuses a default folder
    /// that has the jobs of another manifest with the same name, because jobs with the same ids would replace each
    /// other's pictures, and be paid for again by each run.
    pub(super) fn check_folder(&self, ledger: &Ledger, manifest: &Path) -> Result<(), UsageError> {
        let Some(RunStart { partition, backend, .. }) = ledger.last_run() else { return Ok(()) };
        if *backend != self.backend && !ledger.is_blank() {
            let folder = self.folder.path().to_owned();
            return Err(UsageError::OtherBackend { folder, theirs: *backend, ours: self.backend });
        }
        if *partition != self.partition {
            let folder = self.folder.path().to_owned();
            return Err(UsageError::OtherShare { folder, theirs: *partition, ours: self.partition });
        }
        if self.folder_choice == FolderChoice::Default
            && !ledger.is_blank()
            && let Some(theirs) = other_owner(ledger, manifest)
        {
            let folder = self.folder.path().to_owned();
            return Err(UsageError::OtherManifest { folder, theirs, ours: manifest.to_owned() });
        }
        Ok(())
    }

    /// Returns the pattern that must match a job of the manifest. A share may have no matching jobs.
    pub(super) fn must_match(&self) -> Option<&IdPattern> {
        self.selection.only().filter(|_| self.partition.is_none())
    }

    /// Refuses to poll predictions at another server than the one that has them, because it does not know them, and
    /// they would be given up. `asked_again` is the number of finished or failed predictions that are polled again.
    pub(super) fn check_origin(&self, ledger: &Ledger, asked_again: u64) -> Result<(), UsageError> {
        let Some(RunStart { origin: Some(origin), .. }) = ledger.last_run() else { return Ok(()) };
        let in_work = ledger.live_edits().filter(|(_, edit)| matches!(edit.state, EditState::Processing)).count();
        let open = in_work as u64 + asked_again;
        if open == 0 || self.origin().is_none_or(|ours| ours == *origin) {
            return Ok(());
        }
        Err(UsageError::OtherOrigin { open, theirs: origin.clone(), ours: self.base_url.to_string() })
    }

    /// Increases the poll rate, because a server on this machine answers quickly and has no quota.
    pub(super) fn use_local_poll_schedule(&mut self) {
        let schedule = self.settings.schedule;
        self.settings.schedule =
            PollSchedule { shortest: Duration::from_millis(50), lag: Duration::from_millis(50), ..schedule };
        self.settings.polls = NonZeroU32::new(200).map_or(self.settings.polls, Rate::per_second);
    }
}

impl Selection {
    /// Whether the job `id` may be selected.
    pub(super) fn names(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|pattern| pattern.matches(id))
    }

    /// Whether jobs may be left out.
    pub(super) fn selects(&self) -> bool {
        self.only.is_some() || self.limit.is_some()
    }

    /// Returns the pattern of `--only`.
    pub(super) fn only(&self) -> Option<&IdPattern> {
        self.only.as_ref()
    }

    /// Whether another job may be selected after `selected` jobs.
    pub(super) fn is_below_limit(&self, selected: usize) -> bool {
        self.limit.is_none_or(|limit| selected < limit)
    }
}

/// Refuses a JUnit file that cannot be written, before anything is paid for.
fn check_junit(path: &Path) -> Result<(), UsageError> {
    let folder = folder_of(path);
    let reason = match check_writable(folder) {
        _ if !folder.is_dir() => "there is no such folder".to_owned(),
        _ if path.is_dir() => "it is a folder".to_owned(),
        Err(cause) => format!("{}: {cause}", folder.display()),
        Ok(()) => return Ok(()),
    };
    Err(UsageError::JunitFile { path: path.to_owned(), reason })
}

/// Returns the settings of the command line that a manifest may have too, except the base URL, which is already parsed.
fn from_command_line(run: &Run) -> ManifestSettings {
    ManifestSettings {
        backend: run.backend,
        rate: run.rate,
        burst: run.burst,
        in_flight: run.in_flight,
        budget: run.budget,
        budget_per_run: run.budget_per_run,
        price_limit: run.price_limit,
        deadline: run.deadline,
        not_after: run.not_after,
        polls: run.poll_rate,
        tolerance: run.tolerance,
        color_check: run.no_color_check.then_some(false),
        reroll: run.reroll,
        color_lock: run.color_lock,
        uncertain: run.uncertain,
        out: run.out.clone(),
        ..ManifestSettings::default()
    }
}

/// Returns the settings of the runner, with defaults for those that were not given.
fn settings(run: &Run, given: &ManifestSettings, uncertain: UncertainPolicy) -> Result<Settings, UsageError> {
    let defaults = Settings::default();
    let in_flight = given.in_flight.unwrap_or(defaults.in_flight);
    Ok(Settings {
        submits: given.rate.unwrap_or(defaults.submits),
        burst: given.burst.unwrap_or(defaults.burst),
        // The provider's documentation polls each prediction once per second.
        polls: given.polls.unwrap_or(defaults.polls.max(Rate::per_second(in_flight))),
        // If predictions finish quickly, one poll for each would exceed the configured rate.
        free_polls: if given.polls.is_some() { 0 } else { FREE_POLLS },
        in_flight,
        downloads: given.downloads.unwrap_or(defaults.downloads),
        budget: given.budget,
        budget_per_run: given.budget_per_run,
        price_limit: given.price_limit.unwrap_or(defaults.price_limit),
        deadline: given.deadline,
        not_after: given.not_after.map(next_occurrence).transpose()?.flatten(),
        grace: run.grace,
        job_timeout: given.job_timeout.unwrap_or(defaults.job_timeout),
        give_up_after: run.give_up_after,
        schedule: defaults.schedule,
        color: color_rules(given, uncertain)?,
        recent_jobs: defaults.recent_jobs,
    })
}

fn color_rules(given: &ManifestSettings, uncertain: UncertainPolicy) -> Result<ColorRules, UsageError> {
    let defaults = Tolerance::default();
    let on = given.tolerance.unwrap_or(defaults.on);
    let lock = match given.color_lock {
        Some(bound) if bound <= on => return Err(UsageError::ColorLock { bound, tolerance: on }),
        Some(bound) => ColorLock::Within(bound),
        None => ColorLock::Open,
    };
    // A lower bound corrects fewer results, and makes none of them off, because re-rolls of those are paid for.
    let near = given.color_lock.unwrap_or(defaults.near).max(defaults.near).max(on);
    Ok(ColorRules {
        tolerance: Tolerance { on, near },
        rerolls: given.reroll.unwrap_or(0),
        lock,
        uncertain_reroll: if uncertain == UncertainPolicy::Resubmit {
            UncertainReroll::Counts
        } else {
            UncertainReroll::Holds
        },
    })
}

/// Whether a manifest is read from stdin or a pipe of the shell, whose name says nothing about its content. Two of them
/// would share a folder, and each would pay for its rows again.
fn is_nameless(manifest: &Path) -> bool {
    manifest == Path::new("-") || manifest.starts_with("/dev") || manifest.starts_with("/proc")
}

fn default_folder(manifest: &Manifest, share: Option<Partition>) -> PathBuf {
    let suffix = share.map_or_else(String::new, |share| format!("-{}", share.suffix()));
    Path::new("runs").join(format!("{}{suffix}", manifest.name()))
}

/// Returns the next occurrence of a time of day, in the local time zone. An unknown time zone is an error; no other one
/// is used instead.
fn next_occurrence(time: TimeOfDay) -> Result<Option<Timestamp>, UsageError> {
    let zone = TimeZone::try_system().map_err(UsageError::TimeZone)?;
    Ok(time.next(&Timestamp::now().to_zoned_datetime(zone)))
}

fn base_url(flag: Option<BaseUrl>, manifest: Option<&str>) -> Result<BaseUrl, UsageError> {
    if let Some(url) = flag {
        return Ok(url);
    }
    BaseUrl::parse(manifest.unwrap_or(PROVIDER_URL)).map_err(UsageError::BaseUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(tolerance: Option<f64>, color_lock: Option<f64>) -> Result<ColorRules, UsageError> {
        color_rules(&ManifestSettings { tolerance, color_lock, ..ManifestSettings::default() }, UncertainPolicy::Hold)
    }

    #[test]
    fn the_bound_of_the_color_lock_makes_no_near_result_off() {
        let border = |tolerance, color_lock| rules(tolerance, color_lock).unwrap().tolerance;
        assert_eq!(border(None, Some(4.0)), Tolerance { on: 2.5, near: 8.0 });
        assert_eq!(border(None, Some(12.0)), Tolerance { on: 2.5, near: 12.0 });
        assert_eq!(border(Some(9.0), None), Tolerance { on: 9.0, near: 9.0 });
        assert_eq!(rules(None, Some(4.0)).unwrap().lock, ColorLock::Within(4.0));
    }

    #[test]
    fn a_color_lock_that_would_correct_nothing_is_refused() {
        for (tolerance, bound) in [(None, 1.0), (None, 2.5), (Some(10.0), 8.0)] {
            let refused = rules(tolerance, Some(bound)).unwrap_err();
            assert!(matches!(refused, UsageError::ColorLock { .. }), "{refused}");
        }
    }
}
