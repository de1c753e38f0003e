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
use crate::job::{Backend, Cents, Partition, Rate, TimeOfDay, UncertainPolicy};
use crate::journal::{EditState, Ledger, RunStart};
use crate::manifest::{self, ImagesVia, Manifest};
use crate::plan::{Choices, ColorLock, ColorRules, FailedPolicy, UncertainReroll};
use crate::run_folder::{FolderError, JournalFile, RunFolder};
use crate::runner::{PollSchedule, Settings};

use super::UsageError;
use super::manifest_scope::{ManifestScope, reported_run};

/// The number of polls that each prediction may have in addition to the usual rate.
const FREE_POLLS: u32 = 2;

/// All settings of a run: the command line overrides the manifest, and the manifest overrides the defaults.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) backend: Backend,
    pub(super) base_url: BaseUrl,
    pub(super) images_via: Option<ImagesVia>,
    pub(super) folder: RunFolder,
    /// The scope of the manifest within the run of that folder.
    pub(super) scope: ManifestScope,
    pub(super) settings: Settings,
    pub(super) choices: Choices,
    pub(super) selection: Selection,
    pub(super) partition: Option<Partition>,
    /// The settings that were given neither on the command line nor in the manifest.
    defaulted: Defaulted,
    /// Whether the colors of results are checked.
    pub(super) checks_colors: bool,
}

/// Which settings have their default because they were not given.
#[derive(Clone, Copy, Debug)]
struct Defaulted {
    backend: bool,
    base_url: bool,
}

/// Which jobs of the manifest are selected.
#[derive(Debug, Default)]
pub(super) struct Selection {
    only: Option<glob::Pattern>,
    limit: Option<usize>,
}

impl Options {
    /// Merges the settings of the command line and of the manifest.
    pub(super) fn merge(run: &Run, manifest: &Manifest) -> Result<Options, UsageError> {
        if let Some(path) = &run.junit {
            check_junit(path)?;
        }
        let manifest_settings = manifest.settings();
        let defaults = Settings::default();
        let in_flight = run.in_flight.or(manifest_settings.in_flight).unwrap_or(defaults.in_flight);
        let deadline = run.deadline.or(manifest_settings.deadline);
        let uncertain = run.uncertain.or(manifest_settings.uncertain).unwrap_or_default();
        let not_after = run.not_after.or(manifest_settings.not_after);
        let polls = run.poll_rate.or(manifest_settings.polls);
        let settings = Settings {
            submits: run.rate.or(manifest_settings.rate).unwrap_or(defaults.submits),
            burst: run.burst.or(manifest_settings.burst).unwrap_or(defaults.burst),
            // The provider's documentation polls each prediction once a second.
            polls: polls.unwrap_or(defaults.polls.max(Rate::per_second(in_flight))),
            // If predictions finish quickly, one poll for each would exceed the configured rate.
            free_polls: if polls.is_some() { 0 } else { FREE_POLLS },
            in_flight,
            downloads: manifest_settings.downloads.unwrap_or(defaults.downloads),
            budget: run.budget.or(manifest_settings.budget),
            budget_per_run: run.budget_per_run.or(manifest_settings.budget_per_run),
            price_limit: run.price_limit.or(manifest_settings.price_limit).unwrap_or(defaults.price_limit),
            deadline,
            not_after: not_after.map(next_occurrence).transpose()?.flatten(),
            grace: run.grace,
            job_timeout: manifest_settings.job_timeout.unwrap_or(defaults.job_timeout),
            give_up_after: run.give_up_after,
            schedule: defaults.schedule,
            color: color_rules(run, manifest_settings, uncertain),
        };
        let reported = reported_run(&run.manifest);
        let folder = run.out.clone().or(manifest_settings.out.clone()).or(reported.clone());
        let folder = folder.unwrap_or_else(|| default_folder(manifest, run.partition));
        let failed = if run.retry_failed { FailedPolicy::Retry } else { FailedPolicy::Keep };
        Ok(Options {
            backend: run.backend.or(manifest_settings.backend).unwrap_or(Backend::Vibedream),
            base_url: base_url(run.base_url.clone(), manifest_settings.base_url.as_deref())?,
            images_via: manifest_settings.images_via,
            scope: ManifestScope::of(reported, &folder),
            folder: RunFolder::new(folder),
            settings,
            choices: Choices { failed, uncertain },
            selection: Selection { only: run.only.clone(), limit: run.limit },
            partition: run.partition,
            defaulted: Defaulted {
                backend: run.backend.or(manifest_settings.backend).is_none(),
                base_url: run.base_url.is_none() && manifest_settings.base_url.is_none(),
            },
            checks_colors: manifest_settings.color_check.unwrap_or(true) && !run.no_color_check,
        })
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

    /// Refuses a folder of another share, because jobs of the other shares would be paid for again. Also refuses a
    /// folder with another backend's pictures, because they would pass for this backend's.
    pub(super) fn check_folder(&self, ledger: &Ledger) -> Result<(), UsageError> {
        let Some(RunStart { partition, backend, .. }) = ledger.last_run() else { return Ok(()) };
        if *backend != self.backend && !ledger.is_blank() {
            let folder = self.folder.path().to_owned();
            return Err(UsageError::OtherBackend { folder, theirs: *backend, ours: self.backend });
        }
        if *partition != self.partition {
            let folder = self.folder.path().to_owned();
            return Err(UsageError::OtherShare { folder, theirs: *partition, ours: self.partition });
        }
        Ok(())
    }

    /// Takes settings from the run that the manifest is a part of, such as its budget, because a table has none.
    pub(super) fn inherit(&mut self, ledger: &Ledger) {
        let Some(whole) = ledger.last_run().filter(|_| self.scope == ManifestScope::Part) else { return };
        self.settings.budget = self.settings.budget.or(whole.budget_cents);
        self.partition = self.partition.or(whole.partition);
        self.images_via = self.images_via.or_else(|| whole.images_via.as_deref()?.parse().ok());
        if self.defaulted.backend {
            self.backend = whole.backend;
        }
        let base_url = whole.origin.as_deref().and_then(|origin| BaseUrl::parse(origin).ok());
        if let Some(base_url) = base_url.filter(|_| self.defaulted.base_url) {
            self.base_url = base_url;
        }
    }

    /// Returns the pattern that must match a job of the manifest. A share may have no matching jobs.
    pub(super) fn must_match(&self) -> Option<&glob::Pattern> {
        self.selection.only().filter(|_| self.partition.is_none())
    }

    /// Refuses to poll predictions at another server than the one that has them: it would not know them, and they would
    /// be given up. `asked_again` is the number of finished or failed predictions that are polled again.
    pub(super) fn check_origin(&self, ledger: &Ledger, asked_again: u64) -> Result<(), UsageError> {
        let Some(RunStart { origin: Some(origin), .. }) = ledger.last_run() else { return Ok(()) };
        let in_work = ledger.live_edits().filter(|(_, edit)| matches!(edit.state, EditState::Processing)).count();
        let open = in_work as u64 + asked_again;
        if open == 0 || self.origin().is_none_or(|ours| ours == *origin) {
            return Ok(());
        }
        Err(UsageError::OtherOrigin { open, theirs: origin.clone(), ours: self.base_url.to_string() })
    }

    /// Polls more often, because a server on this machine answers quickly and has no quota.
    pub(super) fn use_local_poll_schedule(&mut self) {
        let schedule = self.settings.schedule;
        self.settings.schedule =
            PollSchedule { shortest: Duration::from_millis(50), lag: Duration::from_millis(50), ..schedule };
        self.settings.polls = NonZeroU32::new(200).map_or(self.settings.polls, Rate::per_second);
    }
}

impl Selection {
    /// Returns whether the job `id` may be selected.
    pub(super) fn names(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|pattern| pattern.matches(id))
    }

    /// Returns the pattern of `--only`.
    pub(super) fn only(&self) -> Option<&glob::Pattern> {
        self.only.as_ref()
    }

    /// Returns whether another job may be selected after `selected` jobs.
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

fn color_rules(run: &Run, manifest_settings: &manifest::ManifestSettings, uncertain: UncertainPolicy) -> ColorRules {
    let defaults = Tolerance::default();
    let on = run.tolerance.or(manifest_settings.tolerance).unwrap_or(defaults.on);
    let color_lock = run.color_lock.or(manifest_settings.color_lock);
    ColorRules {
        tolerance: Tolerance { on, near: color_lock.unwrap_or(defaults.near).max(on) },
        rerolls: run.reroll.or(manifest_settings.reroll).unwrap_or(0),
        lock: if color_lock.is_some() { ColorLock::On } else { ColorLock::Open },
        uncertain_reroll: if uncertain == UncertainPolicy::Resubmit {
            UncertainReroll::Counts
        } else {
            UncertainReroll::Holds
        },
    }
}

fn default_folder(manifest: &Manifest, share: Option<Partition>) -> PathBuf {
    let suffix = share.map_or_else(String::new, |share| format!("-{}", share.suffix()));
    Path::new("runs").join(format!("{}{suffix}", manifest.name()))
}

/// Returns when that time of day is next, on this machine's clock. An unknown time zone is an error, not a reason to
/// use another one.
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
