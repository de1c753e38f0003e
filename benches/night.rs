//! Compares the real time of a run with its lower bound.
//!
//! `cargo bench --bench night` runs the program with `DYEHOUSE_JOBS` jobs (500 by default) against a server in this
//! process over HTTP, with the durable journal, at 10 submits per second and without a limit of predictions in flight.
//! Edits take 15 to 40 s, uniformly distributed. Then it runs again with faults: 5 % of the polls are answered with
//! 502, and 5 % of the downloads are interrupted. The lower bound is the time of the last submit at the given rate,
//! plus the longest edit. The benchmark takes about three minutes.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at errors")]

#[path = "support/provider.rs"]
mod provider;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use provider::{Habits, Provider};

const RATE: u32 = 10;

fn main() {
    let jobs: u32 = std::env::var("DYEHOUSE_JOBS").map_or(500, |jobs| jobs.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("jobs.csv");
    provider::write_manifest(&manifest, jobs);
    for faults in [0.0, 0.05] {
        let provider = Provider::start(Habits { side: 64, seconds: Some(15.0..40.0), faults });
        let picture = provider.picture_bytes;
        println!("{jobs} jobs of 15 to 40 s at {RATE} submits a second, pictures of {picture} bytes");
        let mut program = Command::new(env!("CARGO_BIN_EXE_dyehouse"));
        program.arg("run").arg(&manifest).arg("-o").arg(folder.path().join(format!("out-{faults}")));
        program.args(["--base-url", &provider.url, "--rate", &format!("{RATE}/s"), "--in-flight", "1000"]);
        program.args(["--progress", "none"]).env("VIBEDREAM_API_KEY", "key").env("NO_PROXY", "*");
        let begun = Instant::now();
        let status = program.stdout(Stdio::null()).status().unwrap();
        let took = begun.elapsed();
        assert!(status.success(), "{status}");
        let seen = provider.seen();
        assert_eq!(seen.took.len(), jobs as usize, "each job is submitted once");
        let done = (0..).zip(&seen.took).map(|(number, took)| Duration::from_secs(1) * number / RATE + *took);
        let bound = done.max().unwrap();
        let every_second: f64 = seen.took.iter().map(|took| took.as_secs_f64().ceil()).sum();
        println!(
            "{:>2.0} % faults: {:>6.2} s of {:>6.2} s: {:.4}   {:.1} polls a job, {:.2} of asking every second",
            faults * 100.0,
            took.as_secs_f64(),
            bound.as_secs_f64(),
            took.div_duration_f64(bound),
            f64::from(seen.polls) / f64::from(jobs),
            f64::from(seen.polls) / every_second,
        );
    }
}
