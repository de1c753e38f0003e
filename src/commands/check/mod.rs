mod forecast;
mod json;
mod pace;
mod probe;
mod renamed;
mod text;
mod warnings;

use std::path::Path;

use jiff::Timestamp;

use crate::cli::Check;
use crate::exit::Exit;
use crate::job::{HeldBack, ImageRef, JobRef};
use crate::journal::{EditKey, Ledger};
use crate::manifest::{Diagnostic, FoundJob, Manifest, Problems, Severity, Style};
use crate::pictures::LocalPictures;
use crate::plan::{Advice, Decision, JobFeatures};
use crate::progress::Screen;
use crate::run_folder::FolderError;

use super::Failure;
use super::failure::problems_text;
use super::job_loading::{NotHashed, Partitioned, Sent, for_each, unmatched};
use super::manifest_scope::OtherRunConflicts;
use super::options::Options;
use super::print::{print, print_json};
use super::unknown_pictures::UnknownPictures;
use forecast::Forecast;
use json::{Checked, Plan};
use probe::{Probed, Urls, probe};
use renamed::Renamed;
use text::text;
use warnings::{Files, held_back_warning, other_origin_warning, warnings};

/// The data of a job that `--only` selects.
struct Candidate {
    features: JobFeatures,
    /// `None` if the folder knows no job and no picture is probed: this is kept small for a million jobs.
    details: Option<Box<Details>>,
}

/// The parts of a job that are compared with the folder and the network.
#[derive(Default)]
struct Details {
    key: Option<EditKey>,
    /// The image URLs for `--probe`.
    urls: Vec<String>,
}

impl Candidate {
    /// Returns a job of a folder that knows no jobs.
    fn of_new(job: &JobRef<'_>, sent: &Sent<'_>) -> Result<Candidate, NotHashed> {
        Ok(Candidate { features: JobFeatures::of(job, sent.request_hash()?), details: None })
    }

    fn of_any(job: &JobRef<'_>, sent: &Sent<'_>) -> Result<Candidate, NotHashed> {
        let fingerprint = sent.fingerprint()?;
        let key = Some(EditKey { job: job.id.to_id(), fingerprint });
        let details = Some(Box::new(Details { key, urls: Vec::new() }));
        Ok(Candidate { features: JobFeatures::of(job, fingerprint.into()), details })
    }

    fn with_urls(mut self, job: &JobRef<'_>) -> Candidate {
        self.details.get_or_insert_default().urls = urls_of(job);
        self
    }
}

/// The result of checking a manifest without errors.
struct Findings {
    options: Options,
    ledger: Ledger,
    forecast: Forecast,
    advice: Advice,
    warnings: Vec<Diagnostic>,
    probed: Option<(Probed, Problems)>,
}

/// Prints what a run of the manifest would do. It makes no network requests without `--probe`, and writes nothing.
pub(super) fn check(arguments: &Check, screen: &Screen) -> Result<Exit, Failure> {
    let is_json = arguments.run.json;
    let mut notices = Vec::new();
    match examine(arguments, Manifest::open_on_trust, &mut notices, screen) {
        Ok(Findings { options, ledger, forecast, advice, warnings, probed }) => {
            let warnings: Vec<Diagnostic> = notices.into_iter().chain(warnings).collect();
            let (probe, problems) = probed.unzip();
            let problems = problems.unwrap_or_default();
            if is_json {
                let (sizes, colors) = (advice.sizes(), advice.colors());
                let plan = Some(Plan { forecast, sizes, colors });
                let exit = if problems.is_empty() { Exit::Complete } else { Exit::Usage };
                let (errors, more_errors) = (problems.with_counts(), problems.more);
                print_json(&Checked { version: 1, errors, more_errors, warnings, plan, probe });
                return Ok(exit);
            }
            print(text(&forecast, &advice, &warnings, &ledger, &options).as_bytes());
            print(probe.map(|probed| probed.text()).unwrap_or_default().as_bytes());
            if problems.is_empty() { Ok(Exit::Complete) } else { Err(Failure::Manifest(problems)) }
        }
        Err(failure) if is_json => {
            let (errors, more_errors) = match &failure {
                Failure::Manifest(problems) => (problems.with_counts(), problems.more),
                other => {
                    let (file, hint) = (arguments.run.manifest.display().to_string(), other.hint());
                    let hint = hint.unwrap_or_default();
                    (vec![Diagnostic::about_job(Severity::Error, &file, None, other.to_string(), &hint)], 0)
                }
            };
            print_json(&Checked { version: 1, errors, more_errors, warnings: notices, plan: None, probe: None });
            Ok(failure.exit())
        }
        // The notices may explain the errors.
        Err(Failure::Manifest(problems)) if !notices.is_empty() => {
            print(format!("{}\n\n", problems_text(&Problems::from(notices), Style::Plain)).as_bytes());
            Err(Failure::Manifest(problems))
        }
        Err(failure) => Err(failure),
    }
}

fn examine(
    arguments: &Check,
    open: impl FnOnce(&Path) -> Result<Manifest, Problems>,
    notices: &mut Vec<Diagnostic>,
    screen: &Screen,
) -> Result<Findings, Failure> {
    let run = &arguments.run;
    let mut manifest = open(&run.manifest).map_err(Failure::Manifest)?;
    notices.extend(manifest.notices().iter().cloned());
    let options = Options::merge(run, &manifest)?;
    let ledger = options.ledger()?;
    let options = options.inherit(run, &ledger)?;
    manifest.set_model(options.model());
    options.check_folder(&ledger)?;
    let mut pictures = LocalPictures::with_cache(&options.folder.pictures());
    let (mut forecast, mut renamed) = (Forecast::default(), Renamed::default());
    let mut advice = Advice::new(Timestamp::now(), options.settings.submits.expected(ledger.learned().submits));
    let mut urls = arguments.probe.then(Urls::default);
    let mut conflicts = OtherRunConflicts::of(options.backend, &options.scope);
    let is_blank = ledger.is_blank() && !options.folder.has_results() && conflicts.is_none();
    let unknown_pictures = UnknownPictures::of(&options.folder, &ledger);
    let (mut held_back, mut asked_again) = (HeldBack::default(), 0);
    let candidate = |found: &FoundJob<'_>, sent: &Sent<'_>| {
        let job = found.job;
        if !options.selection.names(job.id.as_str()) {
            return Ok(None);
        }
        let candidate = if is_blank { Candidate::of_new(job, sent)? } else { Candidate::of_any(job, sent)? };
        Ok::<_, NotHashed>(Some(if arguments.probe { candidate.with_urls(job) } else { candidate }))
    };
    let row_warnings = for_each(&manifest, &options, &mut pictures, candidate, |job| {
        let Partitioned::Ours(candidate) = job else { return Ok(()) };
        let Some(Candidate { features, details }) = candidate? else { return Ok(()) };
        let Details { key, urls: named } = details.map_or_else(Details::default, |details| *details);
        let added = forecast.add(key.as_ref(), &ledger, &unknown_pictures, &options)?;
        let Some((decision, picture)) = added else { return Ok(()) };
        let edit = key.as_ref().and_then(|key| ledger.brief(key));
        asked_again += u64::from(decision.asks_again(edit.as_ref()));
        advice.add(&features, decision.submits());
        if let Some(urls) = urls.as_mut().filter(|_| decision.submits()) {
            urls.add(named);
        }
        if let Some(picture) = picture {
            held_back.add(picture);
        }
        if let (Some(key), Some(conflicts)) = (&key, &mut conflicts) {
            conflicts.note(&key.job, decision);
        }
        if let Some(key) = key.filter(|_| decision == Decision::New) {
            renamed.note(key, features.line(), &ledger);
        }
        Ok(())
    });
    if matches!(row_warnings, Err(Failure::Manifest(_))) && !manifest.is_as_trusted() {
        notices.clear();
        return examine(arguments, Manifest::open as fn(&Path) -> _, notices, screen);
    }
    let row_warnings = row_warnings?;
    if let Some(only) = options.must_match().filter(|_| forecast.jobs == 0 && options.selection.is_below_limit(0)) {
        return Err(unmatched(only, &manifest).into());
    }
    forecast.finish(&ledger, &options);
    let files = Files { manifest: run.manifest.display().to_string(), lines: manifest.file_of_lines().to_owned() };
    let renamed = renamed.warning(&ledger, &files.lines).map_err(FolderError::from)?;
    let held_back = held_back_warning(&files, &held_back);
    let warnings = warnings(&files, &forecast, &mut advice, &ledger, &options);
    let conflicts = conflicts.and_then(|conflicts| conflicts.warning(&files.manifest));
    let other_origin = options.check_origin(&ledger, asked_again).err();
    let other_origin = other_origin.map(|refused| other_origin_warning(&files, &refused));
    let refusals = conflicts.into_iter().chain(other_origin);
    let warnings = row_warnings.into_iter().chain(renamed).chain(held_back).chain(refusals).chain(warnings).collect();
    let probed = urls.map(|urls| probe(urls, &manifest, arguments.probe_rate, screen)).transpose()?;
    Ok(Findings { options, ledger, forecast, advice, warnings, probed })
}

fn urls_of(job: &JobRef<'_>) -> Vec<String> {
    let url = |image: &ImageRef<'_>| match image {
        ImageRef::Url(url) => Some(url.as_str().to_owned()),
        ImageRef::Data(_) | ImageRef::File(_) => None,
    };
    job.request.images.iter().filter_map(url).collect()
}
