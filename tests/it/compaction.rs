//! A compacted journal works like the original.
//!
//! `DYEHOUSE_KILLS` sets how often a compaction is killed (25 by default), and `DYEHOUSE_SEED` sets the moments.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use dyehouse::api::PredictionId;
use dyehouse::job::{Cents, ContentHash, JobId, StatusCounts};
use dyehouse::journal::{EditKey, Record, RunEvent, RunStart, SavedFile, Step};
use jiff::Timestamp;

use crate::support::{Behavior, Provider, Sandbox, code, number};

fn night(sandbox: &Sandbox, provider: &Provider, rows: &[&str], out: &str) -> Output {
    let rows: Vec<(&str, &str)> = rows.iter().map(|id| (*id, "#FF0000")).collect();
    sandbox.edits("catalog.csv", &rows);
    provider
        .client(sandbox, &format!("run catalog.csv -o {out} --rate 100/s --burst 9 --no-color-check"))
        .output()
        .unwrap()
}

#[test]
fn run_report_and_status_work_with_a_compacted_journal_like_with_the_original() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    code(&night(&sandbox, &provider, &["mug", "vase", "lamp"], "out"), 0);
    code(&night(&sandbox, &provider, &["mug", "vase", "jug"], "out"), 0);
    let report_file = |name: &str| sandbox.read(&format!("out/report/{name}"));
    // The report of the run matches its journal.
    let (results, status) = (report_file("results.csv"), code(&sandbox.run("status out --json"), 0));

    let printed = code(&sandbox.run("compact out"), 0);
    assert!(printed.contains("24 records (") && printed.contains(") became 9 ("), "{printed}");
    assert!(printed.contains("out/journal-until-"), "{printed}");
    assert!(code(&sandbox.run("compact out"), 0).contains("already as short as possible"));
    assert_eq!(code(&sandbox.run("status out --json"), 0), status);
    code(&sandbox.run("report out"), 0);
    assert_eq!(report_file("results.csv"), results);

    let (requests, accepted) = (provider.requests(), provider.accepted());
    code(&night(&sandbox, &provider, &["mug", "vase", "jug"], "out"), 0);
    assert_eq!(provider.requests(), requests, "there is nothing to do");
    code(&night(&sandbox, &provider, &["mug", "lamp", "tray"], "out"), 0);
    assert_eq!(provider.accepted(), accepted + 1, "only the tray is new");
}

#[test]
fn compacted_shares_are_merged_and_locked_folders_are_not_compacted() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    code(&night(&sandbox, &provider, &["mug", "vase"], "one"), 0);
    code(&night(&sandbox, &provider, &["lamp"], "two"), 0);
    code(&sandbox.run("compact one"), 0);
    code(&sandbox.run("merge one two -o all --partial"), 0);
    let printed = code(&sandbox.run("status all"), 0);
    assert!(printed.contains("$0.21"), "{printed}");

    let holder = std::fs::File::options().write(true).open(sandbox.path("all/.lock")).unwrap();
    holder.lock().unwrap();
    code(&sandbox.run("compact all"), 5);
    assert_eq!(sandbox.run("compact nothing").status.code(), Some(2));
}

#[test]
fn shares_are_merged_again_after_a_share_or_the_merged_folder_was_compacted() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let merge = |expected: &str| {
        let printed = code(&sandbox.run("merge one two -o all --partial"), 0);
        assert!(printed.contains(expected), "{printed}");
    };
    code(&night(&sandbox, &provider, &["mug", "vase"], "one"), 0);
    code(&night(&sandbox, &provider, &["lamp"], "two"), 0);
    merge("2 folders merged");
    code(&sandbox.run("compact one"), 0);
    merge("2 folders merged");
    merge(" 0 new journal lines");
    code(&night(&sandbox, &provider, &["mug", "jug"], "one"), 0);
    code(&sandbox.run("compact all"), 0);
    merge("2 folders merged");
    merge(" 0 new journal lines");
    assert_eq!(sandbox.names("all/results"), ["jug.png", "lamp.png", "mug.png", "vase.png"]);
    assert!(code(&sandbox.run("status all"), 0).contains("$0.28"));
    let accepted = provider.accepted();
    code(&night(&sandbox, &provider, &["mug", "jug", "lamp"], "all"), 0);
    assert_eq!(provider.accepted(), accepted);
}

#[test]
fn a_share_that_was_continued_and_compacted_is_merged_again_using_the_original_journal() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let row = |color: &str| {
        let row = format!("mug,Make the mug {color},https://example.com/mug.jpg");
        sandbox.write("catalog.csv", format!("id,prompt,images\n{row}\n"));
        code(&provider.client(&sandbox, "run catalog.csv -o one --rate 100/s --no-color-check").output().unwrap(), 0)
    };
    let merge = |expected| code(&sandbox.run("merge one -o all --partial"), expected);
    row("#FF0000");
    merge(0);
    let before = sandbox.read("all/journal.jsonl");
    for color in ["#00FF00", "#0000FF"] {
        row(color);
        code(&sandbox.run("compact one"), 0);
    }
    row("#FF0000");
    let kept: Vec<String> =
        sandbox.names("one").into_iter().filter(|name| name.starts_with("journal-until-")).collect();
    assert_eq!(kept.len(), 2);
    let last = sandbox.path("one").join(&kept[1]);
    let hidden = sandbox.path("hidden");
    std::fs::rename(&last, &hidden).unwrap();
    let printed = merge(2);
    assert!(
        printed.contains("both have worked on job mug") && printed.contains("journal-until-….jsonl is gone"),
        "{printed}"
    );
    std::fs::rename(&hidden, &last).unwrap();
    merge(0);
    // The record of the compaction is the only one that the original journal does not have.
    assert!(merge(0).contains(" 1 new journal line"));
    assert!(merge(0).contains(" 0 new journal lines"));
    assert!(sandbox.read("all/journal.jsonl").starts_with(&before), "what was joined before stays");
    assert!(code(&sandbox.run("status all"), 0).contains("$0.21"));
    assert_eq!(sandbox.names("all/earlier").len(), 2);
    let accepted = provider.accepted();
    code(&sandbox.run("run catalog.csv -o all --no-color-check"), 0);
    assert_eq!(provider.accepted(), accepted);
}

/// Returns the journal of a run of `jobs` jobs, half of which succeeded.
fn journal(jobs: u64) -> Vec<u8> {
    let counts = StatusCounts { total: jobs, pending: jobs, ..StatusCounts::default() };
    let [manifest, program] = ["catalog.csv", "0.1.0"].map(str::to_owned);
    let run = RunEvent::Run(RunStart { manifest, program, jobs: counts, ..RunStart::default() });
    let edits = (0..jobs).flat_map(|number| {
        let job = JobId::new(&format!("job-{number}")).unwrap();
        let key = EditKey { fingerprint: format!("{number:032x}").parse().unwrap(), job };
        let prediction = PredictionId::new(&format!("p-{number}")).unwrap();
        let name = format!("{}.png", key.job);
        let files = vec![SavedFile { name, bytes: 5, blake3: ContentHash::of(b"x"), width: 1, height: 1 }];
        let mut steps = vec![
            Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None },
            Step::Accepted { prediction, cost_cents: Cents(7), status_path: None },
            Step::Generated { outputs: 1 },
            Step::Fetched { files },
            Step::Completed,
        ];
        steps.truncate(if number % 2 == 0 { 5 } else { 2 });
        steps.into_iter().map(move |step| Record::Edit(key.clone(), step))
    });
    let records = std::iter::once(Record::Run(run)).chain(edits);
    records.flat_map(|record| record.to_line(Timestamp::UNIX_EPOCH).unwrap()).collect()
}

#[test]
fn a_killed_compaction_leaves_either_the_original_or_the_compacted_journal() {
    let (sandbox, long) = (Sandbox::new(), journal(1_000));
    let kept = "out/journal-until-1970-01-01T00-00-00.000Z.jsonl";
    sandbox.write("out/journal.jsonl", &long);
    let status = code(&sandbox.run("status out --json"), 0);
    let began = Instant::now();
    code(&sandbox.run("compact out"), 0);
    let whole = began.elapsed();
    let short = std::fs::read(sandbox.path("out/journal.jsonl")).unwrap();
    assert!(short.len() < long.len());

    let mut moments = fastrand::Rng::with_seed(number("DYEHOUSE_SEED").unwrap_or(1));
    for _kill in 0..number("DYEHOUSE_KILLS").unwrap_or(25) {
        let mut child = sandbox.dyehouse("compact out").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(moments.f64() * 1.2) + Duration::from_millis(1));
        let _ = child.kill();
        child.wait().unwrap();
        let journal = std::fs::read(sandbox.path("out/journal.jsonl")).unwrap();
        if journal != long {
            assert!(journal == short, "a journal of {} bytes is neither", journal.len());
            assert!(std::fs::read(sandbox.path(kept)).unwrap() == long, "the long one is kept");
            // The next one starts with the original journal, and with all files that the previous ones left behind.
            std::fs::rename(sandbox.path(kept), sandbox.path("out/journal.jsonl")).unwrap();
        }
    }

    code(&sandbox.run("compact out"), 0);
    assert!(std::fs::read(sandbox.path("out/journal.jsonl")).unwrap() == short);
    assert_eq!(code(&sandbox.run("status out --json"), 0), status);
    let names = sandbox.names("out");
    assert!(names.iter().all(|name| !name.starts_with(".dyehouse-draft-")), "drafts are swept: {names:?}");
}
