//! Merging folders whose content does not match their journals.

use std::fs;

use crate::support::{Behavior, Machines, code};

const JOBS: usize = 12;

fn machines() -> Machines {
    Machines::new(2, JOBS)
}

/// Returns the pictures of the first share.
fn share(machines: &Machines) -> Vec<String> {
    machines.sandbox.names("runs/catalog-1-of-2/results")
}

#[test]
fn pictures_changed_in_a_share_are_merged_and_reported() {
    let machines = machines();
    machines.run_shares();
    let name = &share(&machines)[0];
    let (ours, theirs) = (format!("all/results/{name}"), format!("runs/catalog-1-of-2/results/{name}"));
    machines.sandbox.write(&theirs, "retouched");
    for _again in 0..2 {
        let printed = code(&machines.merge(""), 0);
        assert!(printed.contains(&format!("copied unchanged: {theirs}")), "{printed}");
        assert_eq!(machines.sandbox.read(&ours), "retouched");
        assert!(code(&machines.run("-o all"), 0).contains("retouched 1 job"));
    }
    assert_eq!((machines.provider.accepted(), machines.sandbox.names("all/results").len()), (JOBS, JOBS));

    // A picture that was changed in the merged folder stays, and the other one is not lost.
    machines.sandbox.write(&theirs, "retouched once more");
    for _again in 0..2 {
        let printed = code(&machines.merge(""), 0);
        assert!(printed.contains(&format!("{theirs} was changed by hand, and so was the one in all")), "{printed}");
        assert_eq!(machines.sandbox.read(&ours), "retouched");
        let earlier = machines.sandbox.names("all/earlier");
        assert_eq!(
            (earlier.len(), machines.sandbox.read(&format!("all/earlier/{}", earlier[0]))),
            (1, "retouched once more".into())
        );
    }
}

#[test]
fn pictures_changed_after_a_merge_are_merged_next_time_and_changes_in_the_merged_folder_stay() {
    let machines = machines();
    machines.run_shares();
    code(&machines.merge(""), 0);
    let names = share(&machines);
    machines.sandbox.write(&format!("runs/catalog-1-of-2/results/{}", names[0]), "retouched there");
    machines.sandbox.write(&format!("all/results/{}", names[1]), "retouched here");
    for _again in 0..2 {
        code(&machines.merge(""), 0);
        assert_eq!(machines.sandbox.read(&format!("all/results/{}", names[0])), "retouched there");
        assert_eq!(machines.sandbox.read(&format!("all/results/{}", names[1])), "retouched here");
        code(&machines.run("-o all"), 0);
    }
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn a_changed_picture_that_was_moved_aside_is_restored_in_the_merged_folder() {
    let machines = machines();
    machines.run_shares();
    let name = share(&machines)[0].clone();
    machines.sandbox.write(&format!("runs/catalog-1-of-2/results/{name}"), "retouched");
    let all = machines.sandbox.read("catalog.csv");
    let id = name.trim_end_matches(".png");
    let fewer: String = all.lines().filter(|line| !line.starts_with(id)).map(|line| format!("{line}\n")).collect();
    machines.sandbox.write("catalog.csv", &fewer);
    machines.provider.behave(Behavior { forgets: true, ..Behavior::default() });
    for share in 1..=2 {
        code(&machines.run(&format!("--partition {share}/2 --prune")), 0);
    }
    code(&machines.merge(""), 0);
    machines.sandbox.write("catalog.csv", all);
    code(&machines.run("-o all --retry-failed"), 0);
    assert_eq!(machines.sandbox.read(&format!("all/results/{name}")), "retouched");
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn what_a_killed_merge_has_left_half_written_is_removed_by_the_next_one() {
    let machines = machines();
    machines.run_shares();
    code(&machines.merge(""), 0);
    let left: Vec<_> = ["results", "earlier", "originals", "before"]
        .iter()
        .map(|folder| {
            fs::create_dir_all(machines.sandbox.path(&format!("all/{folder}"))).unwrap();
            format!("all/{folder}/.dyehouse-draft-Xq3")
        })
        .collect();
    let theirs = "runs/catalog-1-of-2/results/.dyehouse-draft-Xq3";
    for path in left.iter().map(String::as_str).chain([theirs]) {
        machines.sandbox.write(path, "half a pict");
    }
    code(&machines.merge(""), 0);
    assert!(left.iter().all(|path| !machines.sandbox.path(path).exists()));
    assert!(machines.sandbox.path(theirs).exists(), "a merge changes nothing in the folders that it reads");
    assert_eq!(machines.sandbox.names("all/results").len(), JOBS);
}

#[test]
fn a_share_whose_journal_is_an_older_copy_is_refused() {
    let machines = machines();
    let journal = "runs/catalog-1-of-2/journal.jsonl";
    code(&machines.run("--partition 1/2 --limit 1"), 0);
    let older = machines.sandbox.read(journal);
    machines.run_shares();
    let newer = machines.sandbox.read(journal);
    machines.sandbox.write(journal, older);
    let printed = code(&machines.merge(""), 1);
    assert!(
        printed.contains("runs/catalog-1-of-2: its journal is an outdated copy")
            && !machines.sandbox.path("all").exists(),
        "{printed}"
    );
    machines.sandbox.write(journal, newer);
    code(&machines.merge(""), 0);
    code(&machines.run("-o all"), 0);
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn an_older_journal_is_accepted_if_the_merged_folder_has_the_newer_one() {
    let machines = machines();
    let journal = "runs/catalog-1-of-2/journal.jsonl";
    code(&machines.run("--partition 1/2 --limit 1"), 0);
    let older = machines.sandbox.read(journal);
    machines.run_shares();
    code(&machines.merge(""), 0);
    machines.sandbox.write(journal, older);
    code(&machines.sandbox.run("merge all runs/catalog-1-of-2 runs/catalog-2-of-2 -o all"), 0);
    code(&machines.run("-o all"), 0);
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn unknown_pictures_are_merged_and_hold_their_jobs_back() {
    let machines = machines();
    for share in 1..=2 {
        code(&machines.run(&format!("--partition {share}/2")), 0);
    }
    let share = "runs/catalog-1-of-2";
    let [journal, plan] = ["journal.jsonl", "plan.jsonl"].map(|name| machines.sandbox.read(&format!("{share}/{name}")));
    machines.sandbox.manifest("catalog.csv", 2 * JOBS);
    machines.run_shares();
    machines.sandbox.rewind(share, journal);
    machines.sandbox.write(&format!("{share}/plan.jsonl"), plan);
    let known = machines.provider.accepted();
    let printed = code(&machines.merge(""), 0);
    assert!(printed.contains("not recorded in the journals; copied: runs/catalog-1-of-2/results/job-0"), "{printed}");
    let printed = code(&machines.run("-o all"), 3);
    assert!(printed.contains("jobs are held back: results/job-0"), "{printed}");
    assert_eq!(machines.provider.accepted(), known);
}

#[test]
fn a_picture_made_by_hand_for_a_failed_job_is_merged_and_holds_the_job_back() {
    let machines = machines();
    machines.provider.behave(Behavior { every: Some((1, 422)), ..Behavior::default() });
    code(&machines.run("--partition 1/2 --limit 1"), 3);
    machines.provider.behave(Behavior::default());
    code(&machines.run("--partition 1/2"), 3);
    code(&machines.run("--partition 2/2"), 0);
    let failed = machines.sandbox.read("runs/catalog-1-of-2/report/failed.csv");
    let id = failed.lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    let picture = fs::read(machines.sandbox.path("runs/catalog-1-of-2/results").join(&share(&machines)[0])).unwrap();
    machines.sandbox.write(&format!("runs/catalog-1-of-2/results/{id}.png"), picture);
    code(&machines.merge(""), 3);
    let printed = code(&machines.run("-o all --retry-failed"), 3);
    assert!(printed.contains(&format!("1 job is held back: results/{id}.png exists")), "{printed}");
    assert_eq!(machines.provider.accepted(), JOBS - 1);
}

#[test]
fn shares_with_held_back_jobs_are_merged_to_a_partial_batch_that_reports_them() {
    let machines = machines();
    machines.run_shares();
    let picture = fs::read(machines.sandbox.path("runs/catalog-1-of-2/results").join(&share(&machines)[0])).unwrap();
    machines.sandbox.manifest("catalog.csv", JOBS + 4);
    for place in ["runs/catalog-1-of-2", "runs/catalog-2-of-2"] {
        for job in JOBS..JOBS + 4 {
            machines.sandbox.write(&format!("{place}/results/job-{job:03}.png"), &picture);
        }
    }
    for share in 1..=2 {
        code(&machines.run(&format!("--partition {share}/2")), 3);
    }
    let printed = code(&machines.merge(""), 3);
    assert!(printed.contains("all: partial") && printed.contains("held back  4: results/job-0"), "{printed}");
    code(&machines.run("-o all"), 3);
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn shares_of_different_versions_of_a_manifest_are_reported() {
    let machines = machines();
    machines.run_shares();
    assert!(!code(&machines.merge(""), 0).contains("different versions"));
    let edited = machines.sandbox.read("catalog.csv").replace("Make it", "Dye it");
    machines.sandbox.write("catalog.csv", edited);
    code(&machines.run("--partition 1/2"), 0);
    let printed = code(&machines.merge(""), 0);
    let told = "runs/catalog-1-of-2 and runs/catalog-2-of-2 are from different versions of catalog.csv; run all shares";
    assert!(printed.contains(told), "{printed}");
    code(&machines.run("--partition 2/2"), 0);
    assert!(!code(&machines.merge(""), 0).contains("different versions"));
}

#[test]
fn the_first_run_in_a_merged_folder_with_jobs_left_warns_that_the_shares_do_not_know_of_it() {
    let machines = machines();
    for share in 1..=2 {
        code(&machines.run(&format!("--partition {share}/2 --limit 1")), 0);
    }
    code(&machines.merge(""), 4);
    let share = machines.sandbox.path("runs/catalog-1-of-2").canonicalize().unwrap();
    let told = format!("all continues a copy of {}: jobs that both submit are paid for twice", share.display());
    let printed = code(&machines.run("-o all --limit 4 -q"), 0);
    assert!(printed.contains(&told), "{printed}");
    let printed = code(&machines.run("-o all"), 0);
    assert!(!printed.contains("continues a copy"), "once: {printed}");
    assert_eq!(machines.provider.accepted(), JOBS);
}

#[test]
fn a_run_in_a_merged_folder_with_nothing_left_to_do_warns_of_nothing() {
    let machines = machines();
    machines.run_shares();
    code(&machines.merge(""), 0);
    assert!(!code(&machines.run("-o all"), 0).contains("continues a copy"));
}
