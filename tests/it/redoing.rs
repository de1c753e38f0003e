//! `dyehouse redo`: completed jobs are made anew with other seeds, once per decision.

use std::time::Duration;

use crate::support::{Behavior, Machines, Provider, Sandbox, code, wait_until};

const ROWS: [(&str, &str); 3] = [("mug", "#FF0000"), ("vase", "#FF0000"), ("lamp", "#FF0000")];

/// Returns a folder `out` with completed jobs.
fn completed() -> (Sandbox, Provider) {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.edits("catalog.csv", &ROWS);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    (sandbox, provider)
}

/// Returns the number of the prediction whose picture is shown for a job. The width of a picture is its number.
fn shown(sandbox: &Sandbox, job: &str) -> u32 {
    image::open(sandbox.path(&format!("out/results/{job}.png"))).unwrap().width() - 2
}

/// Returns the seed that the plan has for a job.
fn seed(sandbox: &Sandbox, job: &str) -> Option<u64> {
    let plan = sandbox.read("out/plan.jsonl");
    let lines = plan.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.into_iter().find(|line| line["id"] == job).unwrap()["request"]["seed"].as_u64()
}

#[test]
fn a_job_is_made_anew_once_and_its_earlier_picture_is_kept() {
    let (sandbox, provider) = completed();
    let night = |arguments: &str| code(&provider.run(&sandbox, arguments).output().unwrap(), 0);
    let before = shown(&sandbox, "mug");
    let printed = code(&sandbox.run("redo out mug"), 0);
    assert!(
        printed.starts_with("1 job to make anew, for about $0.07: mug\n  next  dyehouse run catalog.csv"),
        "{printed}"
    );
    let printed = code(&sandbox.run("redo out mug"), 0);
    assert!(printed.starts_with("1 job to make anew as requested before\n"), "{printed}");
    assert!(code(&sandbox.run("status out"), 0).contains("\n  redo      1 to make anew by the next run\n"));
    assert_eq!(shown(&sandbox, "mug"), before, "it stays until the new one is saved");

    let checked = code(&provider.client(&sandbox, "check catalog.csv -o out").output().unwrap(), 0);
    assert!(checked.contains("\n1 submit"), "{checked}");
    assert!(night("").contains("3 jobs completed"));
    assert_eq!((provider.accepted(), shown(&sandbox, "mug")), (4, 3));
    assert!(seed(&sandbox, "mug").is_some() && seed(&sandbox, "vase").is_none());
    assert_eq!(sandbox.names("out/earlier").len(), 1);

    assert!(night("").starts_with("nothing to do"), "a redo is one decision, and not one per night");
    code(&sandbox.run("compact out"), 0);
    assert!(night("").starts_with("nothing to do"));
    assert_eq!((provider.accepted(), shown(&sandbox, "mug")), (4, 3));

    let first = seed(&sandbox, "mug");
    code(&sandbox.run("redo out mug"), 0);
    night("");
    assert_eq!((provider.accepted(), shown(&sandbox, "mug")), (5, 4));
    assert_ne!(seed(&sandbox, "mug"), first);
}

#[test]
fn a_redo_that_is_taken_back_costs_nothing_and_shows_the_earlier_picture_again() {
    let (sandbox, provider) = completed();
    let night = || code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let before = shown(&sandbox, "mug");
    code(&sandbox.run("redo out mug"), 0);
    let printed = code(&sandbox.run("redo out mug --undo"), 0);
    assert!(printed.starts_with("1 job as before, at no cost: mug\n"), "{printed}");
    night();
    assert_eq!((provider.accepted(), shown(&sandbox, "mug")), (3, before));

    code(&sandbox.run("redo out mug"), 0);
    night();
    code(&sandbox.run("redo out mug --undo"), 0);
    night();
    assert_eq!((provider.accepted(), shown(&sandbox, "mug")), (4, before));
    code(&sandbox.run("redo out mug"), 0);
    night();
    assert_eq!((provider.accepted(), shown(&sandbox, "mug")), (5, 4), "what was rejected does not come back");
    let printed = code(&sandbox.run("redo out vase --undo"), 2);
    assert!(printed.contains("failed to redo vase: it was not made anew before\nhint: "), "{printed}");
}

#[test]
fn a_killed_run_of_redone_jobs_goes_on_with_the_same_seeds_and_pays_for_none_twice() {
    let (sandbox, provider) = completed();
    code(&sandbox.run("redo out *"), 0);
    provider.behave(Behavior { edit: Duration::from_secs(600), ..Behavior::default() });
    let mut killed = provider.run(&sandbox, "").spawn().unwrap();
    let is_recorded = || sandbox.read("out/journal.jsonl").matches(r#""type":"accepted""#).count() >= 5;
    wait_until("two predictions are recorded", is_recorded);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let seeds = ROWS.map(|(job, _)| seed(&sandbox, job));
    provider.behave(Behavior::default());
    let printed = code(&sandbox.run("redo out mug lamp vase"), 2);
    assert!(printed.contains("it has no pictures yet"), "{printed}");
    let uncertain = code(&provider.run(&sandbox, "--uncertain resubmit").output().unwrap(), 0);
    assert_eq!(ROWS.map(|(job, _)| seed(&sandbox, job)), seeds);
    assert!(uncertain.contains("3 jobs completed"), "{uncertain}");
    assert!(ROWS.iter().all(|(job, _)| shown(&sandbox, job) >= 3), "{uncertain}");
    let is_one_uncertain = uncertain.contains("1 submit may have been charged");
    assert_eq!(provider.accepted() - usize::from(is_one_uncertain), 6, "{uncertain}");
}

#[test]
fn the_rejected_jobs_of_the_page_are_made_anew_within_the_budget() {
    let (sandbox, provider) = completed();
    sandbox.write("rejected.csv", "id,prompt,images,note\nmug,x,y,\"too\nred\"\nlamp,x,y,\n");
    let printed = code(&sandbox.run("redo out --from rejected.csv"), 0);
    assert!(printed.starts_with("2 jobs to make anew, for about $0.14: mug, lamp\n"), "{printed}");
    code(&provider.run(&sandbox, "--budget 0.28").output().unwrap(), 4);
    assert_eq!(provider.accepted(), 4);
    code(&provider.run(&sandbox, "--budget 0.35").output().unwrap(), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/earlier").len()), (5, 2));
}

#[test]
fn what_redo_cannot_mean_is_refused_before_anything_is_recorded() {
    let (sandbox, _provider) = completed();
    let journal = sandbox.read("out/journal.jsonl");
    let refused = |arguments: &str, expected: &str| {
        let printed = code(&sandbox.run(&format!("redo out {arguments}")), 2);
        assert!(printed.contains(expected), "{arguments}: {printed}");
    };
    refused("mugg vase", "failed to redo mugg: the run has no such job\nhint: did you mean `mug`?");
    sandbox.write("ids.csv", "id;note\nvase;a\njug;b\n");
    refused("--from ids.csv", "failed to redo jug: the run has no such job");
    sandbox.write("ids.csv", "sku\nvase\n");
    refused("--from ids.csv", "failed to read ids.csv: it has no column `id`\nhint: give a CSV file");
    refused("--from nothing.csv", "failed to read nothing.csv: ");
    assert_eq!(sandbox.read("out/journal.jsonl"), journal);
}

#[test]
fn shares_that_are_merged_keep_what_was_made_anew() {
    let machines = Machines::new(2, 6);
    machines.run_shares();
    let share = machines.sandbox.names("runs/catalog-1-of-2/results");
    let job = share[0].trim_end_matches(".png");
    code(&machines.sandbox.run(&format!("redo runs/catalog-1-of-2 {job}")), 0);
    machines.run_shares();
    assert_eq!(machines.provider.accepted(), 7);
    code(&machines.merge(""), 0);
    let printed = code(&machines.run("-o all"), 0);
    assert!(printed.starts_with("nothing to do"), "{printed}");
    assert_eq!(machines.provider.accepted(), 7);
}
