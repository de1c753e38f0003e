//! Runs a manifest from Rust, on the embedded server: `cargo run --example library`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::collections::HashSet;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use dyehouse::api::BaseUrl;
use dyehouse::api::client::Client;
use dyehouse::editor::{Recolorer, wanted};
use dyehouse::job::{Backend, Fingerprint, SubmitRate};
use dyehouse::journal::RunStart;
use dyehouse::manifest::Manifest;
use dyehouse::outputs::{DownloadLimits, Downloader, Results};
use dyehouse::pictures::LocalPictures;
use dyehouse::plan::{self, Choices, Decision, KnownEdit, PlannedJob};
use dyehouse::run_folder::{JournalFile, Lock, RunFolder};
use dyehouse::runner::{self, Batch, Effects, Event, Observer, RunTotals, Settings, StopSignal};
use dyehouse::server::{Server, ServerConfig};
use dyehouse::verify::{BeforePictures, ColorChecker, FetchLimits};
use secrecy::SecretString;

/// Prints the end of every job.
struct Printer;

impl Observer for Printer {
    fn observe(&mut self, event: &Event<'_>, totals: &RunTotals) {
        match event {
            Event::Completed { job, files } => println!("{job}: {} ({} so far)", files[0].name, totals.spent),
            Event::Failed { job, message, .. } => println!("{job} failed: {message}"),
            _ => {}
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A manifest becomes jobs, and each job becomes an edit with a fingerprint over everything that is sent for it.
    let manifest = Manifest::open("manifests/quickstart.yaml".as_ref())?;
    let mut pictures = LocalPictures::default();
    let mut jobs = Vec::new();
    for job in manifest.jobs()? {
        let job = job.map_err(|wrong| wrong[0].message.clone())?;
        let fingerprint = Fingerprint::of(&job.request, |path| pictures.look(path).map(|picture| picture.hash))?;
        jobs.push(PlannedJob { fingerprint, job });
    }

    // A folder has one owner, and a journal with its history.
    let folder = RunFolder::new("runs/library");
    let _lock = Lock::take(&folder)?;
    let (ledger, disk) = JournalFile::open(&folder)?.into_disk();
    let key = SecretString::from("a-key-of-our-own");
    let config = ServerConfig::new("127.0.0.1:0".parse()?, folder.embedded(), key.clone());
    let server = Server::start(config, Arc::new(Recolorer)).await?;
    let client = Client::new(BaseUrl::parse(&server.url())?, &key, folder.path())?;
    let results = Results::open(folder.path(), Downloader::new(true, DownloadLimits::default())?)?;

    // The plan has all work that is left, including unchecked colors, and the runner executes it.
    let settings = Settings { submits: "20/s".parse::<SubmitRate>()?, ..Settings::default() };
    let rules = Some(&settings.color);
    let mut work = Vec::new();
    for job in &jobs {
        let key = job.key();
        let known = KnownEdit::of(&key, &ledger);
        let decision = plan::decide(&key, &known, Choices::default(), |name, bytes| folder.presence(name, bytes));
        let colors = wanted(job.job.color, &job.job.request.prompt);
        // The runner looks at the history of a job when it is its turn.
        let in_history = || Ok::<_, Infallible>(Some(Decision::ReviewColor));
        let decision = plan::with_color_review(decision, &known, &colors, rules, in_history)?;
        work.extend(plan::work(job, decision, rules));
    }
    let opening = RunStart {
        manifest: "manifests/quickstart.yaml".to_owned(),
        backend: Backend::Embedded,
        program: "examples/library".to_owned(),
        jobs: plan::count(&jobs, &ledger),
        ..RunStart::default()
    };
    let ids: HashSet<&str> = jobs.iter().map(|planned| planned.job.id.as_str()).collect();
    let before = BeforePictures::new(folder.path(), FetchLimits::default())?;
    let effects = Effects {
        api: Arc::new(client),
        store: Arc::new(results),
        verifier: Arc::new(ColorChecker::new(folder.path(), before)),
        disk,
        now: Arc::new(jiff::Timestamp::now),
        seed: 1,
    };
    let batch = Batch { opening, work: work.into_iter().map(Ok), is_job: |text: &str| ids.contains(text) };
    let ending = runner::run(settings, effects, ledger, batch, &mut Printer, StopSignal::default()).await?;
    println!("{} of {} jobs are completed", ending.ledger.counts().completed, jobs.len());
    server.shutdown().await;
    Ok(())
}
