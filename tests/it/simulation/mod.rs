//! Whole histories of a folder on paused time: the real dispatcher, journal, plan and policies, with an API that fails
//! as a script says and a disk that loses what was not synced.
//!
//! Each seed is a history: some lives of the program, most of which end in a crash at some step, then lives without
//! faults until nothing is left to do. After each life an oracle that knows what the provider charged is asked.
//!
//! `cargo test --test it simulation` runs some hundred histories. `DYEHOUSE_HISTORIES=100000` runs more, and
//! `DYEHOUSE_SEED=42` one, as often as it takes to understand it.

mod api;
mod disk;
mod history;
mod oracle;
mod store;
mod verifier;
mod world;

use crate::support::number;

#[test]
fn in_no_history_is_a_job_paid_for_twice_or_a_result_lost() {
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
        // A simulation in which nothing happens would find nothing either.
        assert!(seen.crashes > 300 && seen.uncertain > 100 && seen.completed > 500 && seen.changed > 50, "{seen:?}");
        assert!(seen.rerolled > 50 && seen.corrected > 30, "{seen:?}");
    }
}
