//! Measures how many jobs per second the program processes against a server that answers immediately, and what they
//! cost, compared with a script that keeps no journal.
//!
//! `cargo bench --bench throughput` runs `DYEHOUSE_JOBS` jobs (5,000 by default) with 256 in flight against a server in
//! this process: a submit, one poll and a picture of `DYEHOUSE_SIDE` pixels (64 by default) each. First it runs the
//! program, then `benches/peer.py` with asyncio and aiohttp, or the script in `DYEHOUSE_PEER` (called as `SCRIPT
//! MANIFEST OUT CONCURRENCY` with BASE, KEY, RATE and POLL set), with `DYEHOUSE_PYTHON` (python3 by default). The lower
//! bound for a client with a journal is measured with a minimal one that does nothing else (`floor`). The cost of syncs
//! is measured by a run in memory, where they are free, and by strace if it is installed. CPU time is measured by the
//! kernel for each process, and peak memory is its VmHWM. Only results of the same run are comparable.
//!
//! Cargo builds the program of a benchmark with the tokio features that the tests need, whose clock can be paused: this
//! costs a lock for each access to the clock, and wakes the loop twice for each blocking task. `DYEHOUSE_PROGRAM`
//! selects another program, such as a copy of the result of `cargo build --release`.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

#[path = "support/floor.rs"]
mod floor;
#[path = "support/provider.rs"]
mod provider;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use provider::{Habits, Provider};

const IN_FLIGHT: u32 = 256;
const ROUNDS: usize = 3;

/// The cost of a run.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak: u64,
}

/// The argument with which this program runs the lower bound in a separate process: `--floor JOBS OUT URL`.
const FLOOR: &str = "--floor";

fn main() {
    if let [flag, jobs, out, url] = std::env::args().skip(1).collect::<Vec<_>>().as_slice()
        && flag == FLOOR
    {
        return floor::carry(jobs.parse().unwrap(), IN_FLIGHT, out.as_ref(), url);
    }
    let jobs: u32 = std::env::var("DYEHOUSE_JOBS").map_or(5000, |jobs| jobs.parse().unwrap());
    let side = std::env::var("DYEHOUSE_SIDE").map_or(64, |side| side.parse().unwrap());
    let server = Provider::start(Habits { side, seconds: None, faults: 0.0 });
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("jobs.csv");
    provider::write_manifest(&manifest, jobs);
    println!("{jobs} jobs, {IN_FLIGHT} in flight, pictures of {} bytes", server.picture_bytes);
    let (mut ours, mut theirs, mut least) = (None, None, None);
    for round in 0..ROUNDS {
        let out = folder.path().join(format!("out-{round}"));
        ours = better(ours, measure(dyehouse(&manifest, &out, &server.url)));
        assert_eq!(std::fs::read_dir(out.join("results")).unwrap().count(), jobs as usize);
        if round == 0 {
            let seen = server.seen();
            assert_eq!(seen.took.len(), jobs as usize, "each job is submitted once");
            println!("{:.2} polls a job", f64::from(seen.polls) / f64::from(jobs));
        }
        let out = folder.path().join(format!("floor-{round}"));
        let mut floor = Command::new(std::env::current_exe().unwrap());
        floor.args([FLOOR, &jobs.to_string(), out.to_str().unwrap(), &server.url]);
        least = better(least, measure(floor));
        theirs = better(
            theirs,
            peer(&manifest, &folder.path().join(format!("peer-{round}")), &server.url).and_then(measure),
        );
    }
    let (ours, least) = (ours.unwrap(), least.unwrap());
    print_cost("dyehouse, journal and syncs", jobs, ours);
    print_cost("the floor, journal and syncs", jobs, least);
    println!("{:.2} times the floor's CPU time", ours.cpu.div_duration_f64(least.cpu));
    if let Some(theirs) = theirs {
        print_cost("asyncio and aiohttp, neither", jobs, theirs);
        println!(
            "{:.2} times its jobs a second, {:.2} of its CPU time",
            theirs.wall.div_duration_f64(ours.wall),
            ours.cpu.div_duration_f64(theirs.cpu)
        );
    } else {
        println!("asyncio and aiohttp: no Python with aiohttp; set DYEHOUSE_PYTHON");
    }
    if let Ok(memory) = tempfile::tempdir_in("/dev/shm") {
        let runs = (0..ROUNDS)
            .filter_map(|round| measure(dyehouse(&manifest, &memory.path().join(round.to_string()), &server.url)));
        let unsynced = runs.min_by_key(|cost| cost.wall).unwrap();
        print_cost("dyehouse in memory", jobs, unsynced);
        println!(
            "the disk and its syncs take {:.0} % of the time",
            100.0 * (1.0 - unsynced.wall.div_duration_f64(ours.wall))
        );
    }
    syncs(&manifest, folder.path(), &server.url);
}

fn better(best: Option<Cost>, cost: Option<Cost>) -> Option<Cost> {
    best.into_iter().chain(cost).min_by_key(|cost| cost.wall)
}

fn print_cost(what: &str, jobs: u32, cost: Cost) {
    println!(
        "{what:<28} {:>6.0} jobs/s   {:>6.3} s of CPU per 1,000 jobs   {:>4} MiB at its peak",
        f64::from(jobs) / cost.wall.as_secs_f64(),
        cost.cpu.as_secs_f64() * 1000.0 / f64::from(jobs),
        cost.peak >> 20,
    );
}

fn dyehouse(manifest: &Path, out: &Path, url: &str) -> Command {
    let program = std::env::var_os("DYEHOUSE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_dyehouse").into());
    let mut command = Command::new(program);
    command.arg("run").arg(manifest).arg("-o").arg(out);
    command.args(["--base-url", url, "--rate", "1000000/s", "--burst", "1000", "--in-flight", &IN_FLIGHT.to_string()]);
    command
        .args(["--poll-rate", "1000000/s", "--progress", "none"])
        .env("VIBEDREAM_API_KEY", "key")
        .env("NO_PROXY", "*");
    command
}

/// Returns the command of the script, if there is a Python that can run it.
fn peer(manifest: &Path, out: &Path, url: &str) -> Option<Command> {
    let python = std::env::var_os("DYEHOUSE_PYTHON").unwrap_or_else(|| "python3".into());
    let script = std::env::var_os("DYEHOUSE_PEER")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer.py"), PathBuf::from);
    let mut probe = Command::new(&python);
    let can_run =
        probe.args(["-c", "import aiohttp"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let mut command = Command::new(python);
    command.arg(script).arg(manifest).arg(out).arg(IN_FLIGHT.to_string());
    command.env("BASE", url).env("KEY", "key").env("RATE", "0").env("POLL", "0");
    can_run.then_some(command)
}

/// Runs a command to its end; `None` if it cannot be run.
fn measure(mut command: Command) -> Option<Cost> {
    let (started, before) = (Instant::now(), children_cpu());
    let mut child = command.stdout(Stdio::null()).spawn().ok()?;
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kilobytes =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0_u64) << 10);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let wall = started.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    Some(Cost { wall, cpu: children_cpu() - before, peak })
}

/// Returns the CPU time of all children that have ended, which Linux reports in hundredths of a second.
fn children_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    let ticks: u64 = fields.skip(13).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// Prints the number of syncs of a run and their durations, as measured by strace.
fn syncs(manifest: &Path, folder: &Path, url: &str) {
    let program = dyehouse(manifest, &folder.join("traced"), url);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-w", "-e", "trace=fsync,fdatasync", "-o"]).arg(folder.join("syncs.txt"));
    strace.arg(program.get_program()).args(program.get_args());
    strace.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if measure(strace).is_some() {
        println!("under strace:\n{}", std::fs::read_to_string(folder.join("syncs.txt")).unwrap());
    }
}
