//! One manifest on many machines: shares, and merging them.

use std::fs;
use std::path::Path;

use crate::support::{Machines, code};

const JOBS: usize = 40;

fn machines() -> Machines {
    Machines::new(3, JOBS)
}

/// Returns the first two columns of a folder's results.
fn column(machines: &Machines, folder: &str) -> Vec<String> {
    let table = machines.sandbox.read(&format!("{folder}/report/results.csv"));
    table.lines().map(|line| line.split(',').take(2).collect()).collect()
}

/// Returns all files of a folder except its report, by name.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in ["journal.jsonl", "plan.jsonl"] {
        all.push((name.to_owned(), fs::read(folder.join(name)).unwrap_or_default()));
    }
    for entry in fs::read_dir(folder.join("results")).unwrap() {
        let path = entry.unwrap().path();
        all.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
    }
    all.sort();
    all
}

fn is_whole(folder: &Path) -> bool {
    !folder.join(".merging").exists() && fs::read_dir(folder.join("results")).unwrap().count() == JOBS
}

#[test]
fn shares_process_every_job_once_and_merge_to_the_result_of_a_single_run() {
    let machines = machines();
    machines.run_shares();
    assert_eq!(machines.provider.accepted(), JOBS);
    assert!(machines.provider.paid_twice().is_empty());

    code(&machines.merge(""), 0);
    let requests = machines.provider.requests();
    let resumed = machines.sandbox.run("run catalog.csv -o all");
    assert!(code(&resumed, 0).contains("all 40 jobs are completed"), "without a key, for nothing is left to do");
    assert_eq!(machines.provider.requests(), requests, "and nobody was asked anything");

    code(&machines.run("-o single"), 0);
    let summary = |folder: &str| machines.sandbox.json(&format!("{folder}/report/summary.json"));
    let (joined, single) = (summary("all"), summary("single"));
    for figure in ["jobs", "cost_cents", "errors", "attempts", "removed", "state"] {
        assert_eq!(joined[figure], single[figure], "{figure}");
    }
    assert_eq!(joined["pictures"]["files"], single["pictures"]["files"]);
    assert_eq!(machines.sandbox.names("all/results"), machines.sandbox.names("single/results"));
    assert_eq!(column(&machines, "all"), column(&machines, "single"), "in the manifest's order");
}

#[test]
fn merging_again_changes_nothing_wherever_it_was_interrupted() {
    let machines = machines();
    machines.run_shares();
    code(&machines.merge(""), 0);
    let all = machines.sandbox.path("all");
    let whole = content(&all);
    code(&machines.merge(""), 0);
    assert_eq!(content(&all), whole);

    let results = machines.sandbox.names("all/results");
    let journal_without_its_end = |whole: &[(String, Vec<u8>)]| {
        let mut content = whole.to_vec();
        content.retain(|(name, _)| name != "journal.jsonl");
        content
    };
    for (kept, journal, plan) in [(0, false, false), (13, false, false), (JOBS, false, true), (JOBS, true, true)] {
        for name in results.iter().skip(kept) {
            fs::remove_file(all.join("results").join(name)).unwrap();
        }
        for (name, _) in [("journal.jsonl", journal), ("plan.jsonl", plan)].iter().filter(|(_, is_kept)| !is_kept) {
            fs::remove_file(all.join(name)).unwrap();
        }
        fs::write(all.join(".merging"), "dyehouse merge a b -o all").unwrap();
        let printed = code(&machines.run("-o all"), 1);
        assert!(
            printed.contains("a merge into it was interrupted") && printed.contains("dyehouse merge a b -o all"),
            "{printed}"
        );
        for draft in [".dyehouse-draft-a1B2c3", ".journal-a1B2c3", ".plan-a1B2c3"] {
            fs::write(all.join(draft), "half of one").unwrap();
        }
        code(&machines.merge(""), 0);
        assert!(is_whole(&all));
        let names = machines.sandbox.names("all");
        assert!(!names.iter().any(|name| name.ends_with("-a1B2c3")), "{names:?}");
        assert_eq!(journal_without_its_end(&content(&all)), journal_without_its_end(&whole));
    }
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn continued_shares_are_merged_again() {
    let machines = machines();
    code(&machines.run("--partition 1/3"), 0);
    let printed = code(&machines.run("--partition 2/3 --budget 0.28"), 4);
    assert!(printed.contains("the budget is for share 2/3 only: all 3 shares may cost $0.84"), "{printed}");
    assert!(
        printed.contains("resume    dyehouse run catalog.csv --")
            && printed.contains("--partition 2/3 --budget 0.28\n")
    );
    let printed = code(&machines.merge(""), 2);
    assert!(printed.contains("find a run in runs/catalog-3-of-3"), "{printed}");
    code(&machines.run("--partition 3/3"), 0);
    let printed = code(&machines.merge(""), 4);
    assert!(
        printed.contains("all: stopped, runs/catalog-2-of-3: the next submit ($0.07) could exceed the budget of"),
        "{printed}"
    );
    assert!(printed.contains("resume    dyehouse run catalog.csv -o all"), "{printed}");
    let before = machines.sandbox.read("all/journal.jsonl");
    code(&machines.run("--partition 2/3"), 0);
    assert!(code(&machines.merge(""), 0).contains("all: finished"));
    assert!(machines.sandbox.read("all/journal.jsonl").starts_with(&before), "what was joined before stays");
    assert_eq!((machines.provider.accepted(), column(&machines, "all").len()), (JOBS, JOBS + 1));
    assert!(is_whole(&machines.sandbox.path("all")));
}

#[test]
fn a_folder_is_for_one_share_and_refuses_the_others() {
    let machines = machines();
    code(&machines.run("--partition 1/3"), 0);
    let accepted = machines.provider.accepted();
    for (arguments, printed) in [
        ("--partition 2/3", "it is for share 1/3 of the manifest, not share 2/3 of the manifest"),
        ("--partition 1/2", "it is for share 1/3 of the manifest, not share 1/2 of the manifest"),
        ("", "it is for share 1/3 of the manifest, not the whole manifest"),
    ] {
        let output = machines.run(&format!("{arguments} -o runs/catalog-1-of-3"));
        assert!(code(&output, 2).contains(printed), "{printed}");
    }
    for (share, printed) in [("0/3", "counted from 1"), ("4/3", "no share 4 of 3"), ("half", "such as 2/8")] {
        assert!(code(&machines.run(&format!("--partition {share}")), 2).contains(printed));
    }
    assert_eq!(machines.provider.accepted(), accepted);
    let status = code(&machines.sandbox.run("status runs/catalog-1-of-3"), 0);
    assert!(status.starts_with("runs/catalog-1-of-3: finished, share 1/3\n"), "{status}");
}

#[test]
fn incompatible_folders_are_refused_and_nothing_is_written() {
    let machines = machines();
    let merge = |arguments: &str, expected: i32| code(&machines.sandbox.run(&format!("merge {arguments}")), expected);
    code(&machines.run("-o one --limit 3"), 0);
    code(&machines.run("-o two --limit 2"), 0);
    let printed = merge("one two -o all", 2);
    assert!(printed.contains("failed to merge one and two: both have worked on job job-000 and 1 more"), "{printed}");
    machines.run_shares();
    let printed = merge("runs/catalog-1-of-3 runs/catalog-3-of-3 -o all", 2);
    assert!(printed.contains("failed to merge: share 2/3 is missing") && printed.contains("--partial"), "{printed}");
    assert!(!machines.sandbox.path("all").exists());
    for named in ["runs/catalog-1-of-3 runs/catalog-2-of-3 runs/catalog-3-of-3", "runs/catalog-2-of-3"] {
        let printed = merge(&format!("{named} -o runs/catalog-1-of-3"), 2);
        assert!(printed.contains("it is share 1/3 of the manifest"), "{printed}");
    }
    code(&machines.run("--partition 1/3"), 0);
    merge("runs/catalog-1-of-3 runs/catalog-3-of-3 -o part --partial", 0);
    let printed = merge("runs/catalog-2-of-3 -o part --partial", 2);
    assert!(
        printed.contains("which is in none of the given folders") && printed.contains("give part as well"),
        "{printed}"
    );
    merge("part runs/catalog-2-of-3 -o part", 0);
    assert_eq!(column(&machines, "part").len(), JOBS + 1);

    let journal = "runs/catalog-2-of-3/journal.jsonl";
    let (ours, theirs) = (
        &machines.sandbox.names("runs/catalog-2-of-3/results")[0],
        &machines.sandbox.names("runs/catalog-1-of-3/results")[0],
    );
    machines.sandbox.write(journal, machines.sandbox.read(journal).replace(ours.as_str(), theirs));
    let printed = code(&machines.merge(""), 2);
    assert!(printed.contains(&format!("{theirs} is a picture of job")), "{printed}");
}
