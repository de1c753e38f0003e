//! Measures how fast the journal of a million finished jobs is replayed, the memory that takes, and how soon a run with
//! nothing to do ends.
//!
//! `cargo bench --bench replay` writes a manifest of `DYEHOUSE_JOBS` rows (1,000,000 by default), the journal of a run
//! of it with 256 jobs in flight, and its results, which share a picture. The library replays the file right after it
//! was read once, so that it is in the page cache. The time is the CPU time of the thread, and the memory is the growth
//! of the process. The same journal is then replayed after a compaction. Finally, the program runs the manifest against
//! a server that counts connections. The first of these runs writes the report, as the run that finished the jobs would
//! have. The following ones find everything unchanged.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dyehouse::api::PredictionId;
use dyehouse::job::{Backend, Cents, ContentHash, Fingerprint, StatusCounts};
use dyehouse::journal::{EditKey, ReadAt, Record, RunEvent, RunStart, SavedFile, Step, compact, replay};
use dyehouse::manifest::Manifest;

/// The number of rounds of each measurement. The best one counts, because other load on the machine only makes it
/// slower.
const ROUNDS: usize = 3;

/// A minimal PNG.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// The number of jobs in flight, which determines the distance between the records of a job.
const IN_FLIGHT: usize = 256;

fn main() {
    let jobs: usize = std::env::var("DYEHOUSE_JOBS").map_or(1_000_000, |jobs| jobs.parse().unwrap());
    // A folder that is set explicitly is kept, and existing files in it are not created again.
    let kept = std::env::var_os("DYEHOUSE_FOLDER").map(std::path::PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.as_deref().unwrap_or(temporary.path());
    let (manifest, out) = (folder.join("catalog.csv"), folder.join("out"));
    if !out.exists() {
        std::fs::create_dir_all(&out).unwrap();
        write_manifest(&manifest, jobs);
        write_run(&manifest, &out, jobs);
    }
    let journal = out.join("journal.jsonl");
    let length = journal.metadata().unwrap().len();
    println!("{jobs} jobs, a journal of {} MB", length / 1_000_000);
    let (mut seconds, mut bytes) = (f64::INFINITY, 0.0_f64);
    for _round in 0..ROUNDS {
        let (time, grown) = replayed(&journal);
        // Memory that the first round has freed is reused by later ones, so only the first shows all of it.
        (seconds, bytes) = (seconds.min(time), bytes.max(grown));
    }
    let rate = length as f64 / 1e6 / seconds;
    println!("replay                         {seconds:>7.2} s   {rate:.0} MB/s a core");
    println!("memory of the ledger           {:>7.1} bytes a job", bytes / jobs as f64);
    let short = temporary.path().join("short.jsonl");
    compacted(&journal, &short);
    let best = (0..ROUNDS).map(|_| replayed(&short).0).fold(f64::INFINITY, f64::min);
    println!("replay of it compacted         {best:>7.2} s   {} MB", short.metadata().unwrap().len() / 1_000_000);
    resume(&manifest, &out);
}

/// Writes the compacted journal to `short`.
fn compacted(journal: &Path, short: &Path) {
    let journal: Arc<dyn ReadAt> = Arc::new(File::open(journal).unwrap());
    let ledger = replay(Arc::clone(&journal)).unwrap().ledger;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(short).unwrap());
    compact(&journal, &ledger, &mut out).unwrap();
    out.flush().unwrap();
}

fn write_manifest(path: &Path, jobs: usize) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "id,prompt,images,size,seed").unwrap();
    for row in 0..jobs {
        write!(file, "mug-{row:07},Remove the background of the mug,").unwrap();
        writeln!(file, "https://cdn.example.com/catalog/mug/{row:07}.jpg?v=17,medium,{}", row % 10_000).unwrap();
    }
    file.flush().unwrap();
}

/// Writes the files of a run of all jobs: records in the order in which steady submits would produce them, and
/// pictures.
fn write_run(manifest: &Path, out: &Path, jobs: usize) {
    std::fs::create_dir(out.join("results")).unwrap();
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out.join("journal.jsonl")).unwrap());
    let started: jiff::Timestamp = "2026-11-23T20:00:00Z".parse().unwrap();
    let mut tick = 0;
    let mut write = |record: &Record| {
        tick += 7;
        file.write_all(&record.to_line(started + Duration::from_millis(tick)).unwrap()).unwrap();
    };
    let total = jobs as u64;
    write(&Record::Run(RunEvent::Run(RunStart {
        manifest: manifest.display().to_string(),
        backend: Backend::Vibedream,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        jobs: StatusCounts { total, pending: total, ..StatusCounts::default() },
        ..RunStart::default()
    })));
    let manifest = Manifest::open(manifest).unwrap();
    let mut planned = manifest.jobs().unwrap_or_else(|_| panic!("the manifest cannot be read"));
    let mut random = fastrand::Rng::with_seed(7);
    let mut in_flight: VecDeque<[Record; 5]> = VecDeque::new();
    for turn in 0.. {
        if let Some(Ok(job)) = planned.next() {
            let fingerprint = Fingerprint::of(&job.request, |_| Ok::<_, Infallible>(ContentHash::of(b""))).unwrap();
            let key = EditKey { fingerprint, job: job.id };
            in_flight.push_back(records(&key, out, &mut random));
        }
        // Each turn writes one record of each kind, each about a job that was submitted `age` turns ago.
        let first = (turn + 1_usize).saturating_sub(IN_FLIGHT);
        for (kind, age) in [0, 8, IN_FLIGHT - 9, IN_FLIGHT - 5, IN_FLIGHT - 1].into_iter().enumerate() {
            if let Some(index) = turn.checked_sub(age).map(|number| number - first)
                && let Some(records) = in_flight.get(index)
            {
                write(&records[kind]);
            }
        }
        if turn + 1 >= IN_FLIGHT && in_flight.pop_front().is_some() && in_flight.is_empty() {
            break;
        }
    }
    write(&Record::Run(RunEvent::Ended { reason: None, stop: None }));
    file.flush().unwrap();
}

/// Returns the records of a job in order, and links its picture.
fn records(key: &EditKey, out: &Path, random: &mut fastrand::Rng) -> [Record; 5] {
    let (a, b, c, d) = (random.u32(..), random.u16(..), random.u16(..0x1000), random.u64(..1 << 48));
    let prediction = PredictionId::new(&format!("{a:08x}-{b:04x}-4{c:03x}-a{c:03x}-{d:012x}")).unwrap();
    let name = format!("{}.png", key.job);
    let bytes = PICTURE.len() as u64;
    // A file has a limited number of hard links, and a new file takes a block of the disk.
    let number: usize = key.job.as_str().trim_start_matches("mug-").parse().unwrap();
    let picture = out.join(format!("picture-{}", number / 30_000));
    if !picture.exists() {
        std::fs::write(&picture, PICTURE).unwrap();
    }
    std::fs::hard_link(picture, out.join("results").join(&name)).unwrap();
    let blake3 = ContentHash::of(name.as_bytes());
    let saved = SavedFile { name, bytes, blake3, width: 1, height: 1 };
    [
        Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None },
        Step::Accepted { prediction, cost_cents: Cents(7), status_path: None },
        Step::Generated { outputs: 1 },
        Step::Fetched { files: vec![saved] },
        Step::Completed,
    ]
    .map(|step| Record::Edit(key.clone(), step))
}

/// Returns the CPU time of a replay in seconds, and the growth of the process in bytes.
fn replayed(journal: &Path) -> (f64, f64) {
    std::io::copy(&mut File::open(journal).unwrap(), &mut std::io::sink()).unwrap();
    let (before, started) = (resident(), on_a_core());
    let replayed = replay(File::open(journal).unwrap()).unwrap();
    let seconds = on_a_core() - started;
    let grown = resident() - before;
    assert_eq!((replayed.length, replayed.torn), (journal.metadata().unwrap().len(), 0));
    (seconds, grown)
}

/// Returns the CPU time of this thread in seconds as reported by Linux, which excludes other processes.
fn on_a_core() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Returns the memory of this process in bytes, as reported by Linux.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or(f64::NAN) * 1024.0
}

/// Runs the manifest, with nothing to do, against a server that counts connections.
fn resume(manifest: &Path, out: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    std::thread::spawn(move || {
        for _connection in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    for round in 0..=ROUNDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dyehouse"));
        command.arg("run").arg(manifest).arg("-o").arg(out).args(["--base-url", &url, "--progress", "none"]);
        command.env("VIBEDREAM_API_KEY", "key").env("NO_PROXY", "*").stdout(Stdio::null()).stderr(Stdio::inherit());
        let started = Instant::now();
        let status = command.status().unwrap();
        let seconds = started.elapsed().as_secs_f64();
        assert!(status.success(), "{status}");
        let what = if round == 0 { "a run that writes the report" } else { "a run with nothing to do" };
        println!("{what:<28}   {seconds:>7.2} s   {} requests", visits.load(Ordering::Relaxed));
    }
}
