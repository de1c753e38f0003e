mod candidate;
mod examination;
mod forecast;
mod json;
mod pace;
mod probe;
mod text;
mod warnings;

use crate::cli::Check;
use crate::exit::Exit;
use crate::journal::Ledger;
use crate::manifest::{Diagnostic, FoundJob, Manifest, Problems, Style};
use crate::pictures::LocalPictures;
use crate::plan::Advice;
use crate::progress::Screen;

use super::Failure;
use super::failure::problems_text;
use super::job_loading::{Partitioned, Sent, for_each, unmatched};
use super::manifest_scope;
use super::options::Options;
use super::print::{print, print_json};
use examination::Examination;
use forecast::Forecast;
use json::{CheckOutput, Plan};
use probe::{Probed, probe};
use text::text;

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
    match examine(arguments, &mut notices, screen) {
        Ok(Findings { options, ledger, forecast, advice, warnings, probed }) => {
            let warnings: Vec<Diagnostic> = notices.into_iter().chain(warnings).collect();
            let (probe, problems) = probed.unzip();
            let problems = problems.unwrap_or_default();
            if is_json {
                let (sizes, colors) = (advice.sizes(), advice.colors());
                let plan = Some(Plan { forecast, sizes, colors });
                let exit = if problems.is_empty() { Exit::Complete } else { Exit::Usage };
                let (errors, more_errors) = (problems.with_counts(), problems.more);
                print_json(&CheckOutput { version: 1, errors, more_errors, warnings, plan, probe })?;
                return Ok(exit);
            }
            print(text(&forecast, &advice, &warnings, &ledger, &options).as_bytes())?;
            print(probe.map(|probed| probed.text()).unwrap_or_default().as_bytes())?;
            if problems.is_empty() { Ok(Exit::Complete) } else { Err(Failure::Manifest(problems)) }
        }
        Err(failure) if is_json => {
            let (errors, more_errors) = failure.diagnostics(&arguments.run.manifest.display().to_string());
            print_json(&CheckOutput { version: 1, errors, more_errors, warnings: notices, plan: None, probe: None })?;
            Ok(failure.exit())
        }
        // The notices may explain the errors.
        Err(Failure::Manifest(problems)) if !notices.is_empty() => {
            print(format!("{}\n\n", problems_text(&Problems::from(notices), Style::Plain)).as_bytes())?;
            Err(Failure::Manifest(problems))
        }
        Err(failure) => Err(failure),
    }
}

/// Examines a manifest while reading it once, and again if its later rows contradict what was assumed from its first
/// ones. Adds its notices to `notices`, even if there is an error.
fn examine(arguments: &Check, notices: &mut Vec<Diagnostic>, screen: &Screen) -> Result<Findings, Failure> {
    let path = &arguments.run.manifest;
    let mut manifest = manifest_scope::open_on_trust(path).map_err(Failure::Manifest)?;
    let mut findings = examine_jobs(arguments, &mut manifest, screen);
    if matches!(findings, Err(Failure::Manifest(_))) && !manifest.is_as_trusted() {
        manifest = manifest_scope::open(path).map_err(Failure::Manifest)?;
        findings = examine_jobs(arguments, &mut manifest, screen);
    }
    notices.extend(manifest.notices().iter().cloned());
    findings
}

fn examine_jobs(arguments: &Check, manifest: &mut Manifest, screen: &Screen) -> Result<Findings, Failure> {
    let run = &arguments.run;
    let options = Options::merge(run, manifest)?;
    options.check_new_folder(&run.manifest)?;
    let ledger = options.ledger()?;
    let options = options.inherit(run, &ledger)?;
    manifest.set_model(options.model());
    options.check_folder(&ledger, &run.manifest)?;
    let mut pictures = LocalPictures::with_cache(&options.folder.pictures());
    let mut examination = Examination::begin(arguments, &options, &ledger);
    let candidates = examination.candidates();
    let candidate = move |found: &FoundJob<'_>, sent: &Sent<'_>| candidates.make(found, sent);
    let row_warnings = for_each(manifest, &options, &mut pictures, candidate, |job| {
        let Partitioned::Ours(candidate) = job else { return Ok(()) };
        Ok(examination.add(candidate?)?)
    })?;
    let is_unmatched = examination.forecast.counts.jobs == 0 && options.selection.is_below_limit(0);
    if let Some(only) = options.must_match().filter(|_| is_unmatched) {
        return Err(unmatched(only, manifest).into());
    }
    let warnings = examination.finish(manifest, run.manifest.display().to_string())?;
    let mut warnings: Vec<Diagnostic> = row_warnings.into_iter().chain(warnings).collect();
    // Those about the manifest as a whole come last.
    warnings.sort_by_key(|warning| warning.line.unwrap_or(u64::MAX));
    let Examination { forecast, advice, urls, .. } = examination;
    let probed = urls.map(|urls| probe(urls, manifest, arguments.probe_rate, screen)).transpose()?;
    Ok(Findings { options, ledger, forecast, advice, warnings, probed })
}
