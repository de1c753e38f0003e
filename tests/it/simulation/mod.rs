//! Simulates whole histories of a folder on paused time: the real dispatcher, journal, plan and policies, with a
//! scripted API that fails, and a disk that loses data that was not synced.
//!
//! Each seed is a history: some lives of the program, most of which end in a crash at some step, and then lives without
//! faults until nothing is left to do. After each life, the result is compared with an oracle that knows what the
//! provider charged.
//!
//! `cargo test --test it simulation` runs some hundred histories. `DYEHOUSE_HISTORIES=100000` runs more, and
//! `DYEHOUSE_SEED=42` replays a single one.

mod api;
mod disk;
mod history;
mod oracle;
mod store;
mod verifier;
mod world;

use crate::support::number;

#[test]
fn no_history_pays_for_a_job_twice_or_loses_a_result() {
    let seeds = match number("DYEHOUSE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DYEHOUSE_HISTORIES").unwrap_or(600),
    };
    let mut seen = history::Seen::default();
    for seed in seeds.clone() {
        if let Err(wrong) = history::play(seed, &mut seen) {
            panic!("history {seed}: {wrong}\nplay it again with DYEHOUSE_SEED={seed} cargo test --test it simulation");
        }
    }
    if seeds.end - seeds.start >= 600 {
        // A simulation in which little happens would find nothing.
        assert!(seen.crashes > 300 && seen.uncertain > 100 && seen.completed > 500 && seen.changed > 50, "{seen:?}");
        assert!(seen.rerolled > 50 && seen.corrected > 30 && seen.archived > 500, "{seen:?}");
        assert!(seen.failed > 30 && seen.unrecorded > 10, "{seen:?}");
    }
}
