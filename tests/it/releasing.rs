//! `dyehouse release` and `dyehouse adopt`: uncertain submits, which the user has looked up on the provider's dashboard.

use std::process::{Output, Stdio};
use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code};

/// Runs a manifest with rows of an id and a color.
fn night(sandbox: &Sandbox, provider: &Provider, rows: &[(&str, &str)], arguments: &str) -> Output {
    sandbox.edits("catalog.csv", rows);
    provider.client(sandbox, &format!("run catalog.csv -o out --rate 100/s --burst 9 {arguments}")).output().unwrap()
}

fn reserved(sandbox: &Sandbox) -> u64 {
    sandbox.json("out/report/summary.json")["cost_cents"]["reserved"].as_u64().unwrap()
}

const MUG: (&str, &str) = ("mug", "#FF0000");
const VASE: (&str, &str) = ("vase", "#FF0000");
const LAMP: (&str, &str) = ("lamp", "#FF0000");

#[test]
fn releasing_frees_reserved_money_even_if_the_row_was_edited_or_removed() {
    let failing = Behavior { every: Some((1, 500)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(failing));
    code(&night(&sandbox, &provider, &[MUG, VASE, LAMP], ""), 3);
    provider.behave(Behavior::default());
    let later = [MUG, ("vase", "#00FF00")];
    let printed = code(&night(&sandbox, &provider, &later, "--budget 0.21"), 4);
    assert!(printed.contains("`dyehouse release out mug` frees the money if it was not charged"), "{printed}");
    assert_eq!(provider.accepted(), 0, "all of it is reserved");

    let printed = code(&sandbox.run("release out jug"), 2);
    assert!(
        printed.contains("release jug: the run has no such job or request") && printed.contains("lamp, mug, vase"),
        "{printed}"
    );
    let printed = code(&sandbox.run("release out vase l*p"), 0);
    assert!(
        printed.contains("lamp: $0.07 released, request ") && printed.contains("vase: $0.07 released"),
        "{printed}"
    );
    assert!(printed.contains("2 requests, $0.14 released; $0.00 spent, $0.07 still reserved"), "{printed}");
    assert_eq!(reserved(&sandbox), 7);
    assert_eq!(sandbox.read("out/journal.jsonl").matches(r#""type":"released""#).count(), 2);
    let printed = code(&sandbox.run("release out vase"), 2);
    assert!(printed.contains("release vase: it has no uncertain submit\nhint: money is reserved for mug"), "{printed}");

    let printed = code(&night(&sandbox, &provider, &later, "--budget 0.21"), 3);
    assert!(printed.contains("1 of 2 jobs completed, 1 uncertain"), "{printed}");
    code(&sandbox.run("release out mug"), 0);
    code(&night(&sandbox, &provider, &later, "--budget 0.21"), 0);
    assert_eq!((provider.accepted(), reserved(&sandbox)), (2, 0), "a row that asks for it is submitted as if refused");
    code(&sandbox.run("compact out"), 0);
    code(&night(&sandbox, &provider, &later, "--budget 0.21"), 0);
    assert_eq!((provider.accepted(), reserved(&sandbox)), (2, 0));
}

#[test]
fn a_request_that_several_jobs_have_is_not_released_for_all_of_them() {
    let failing = Behavior { every: Some((1, 500)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(failing));
    let row = "Make it #1E90FF,https://example.com/a.jpg";
    sandbox.write("catalog.csv", format!("id,prompt,images\nj1,{row}\nj2,{row}\n"));
    let arguments = "run catalog.csv -o out --rate 100/s --burst 9 --json";
    let output = provider.client(&sandbox, arguments).output().unwrap();
    code(&output, 3);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let request = printed["uncertain"][0]["fingerprint"].as_str().unwrap();
    let refused = code(&sandbox.run(&format!("release out {request}")), 2);
    assert!(
        refused.contains("2 jobs have this request\nhint: name those that are meant by their ids: j1, j2"),
        "{refused}"
    );
    assert_eq!(reserved(&sandbox), 14);
    code(&sandbox.run("release out j1"), 0);
    let status = code(&sandbox.run("status out"), 0);
    assert!(
        status.starts_with("out: partial\n") && status.contains("  resume    dyehouse run catalog.csv"),
        "{status}"
    );
    code(&sandbox.run(&format!("release out {request}")), 0);
    assert_eq!(reserved(&sandbox), 0);
}

#[test]
fn a_resubmitted_job_keeps_the_money_reserved_for_its_first_submit_until_it_is_released() {
    let failing = Behavior { every: Some((1, 500)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(failing));
    code(&night(&sandbox, &provider, &[MUG], ""), 3);
    provider.behave(Behavior::default());
    let closing = code(&night(&sandbox, &provider, &[MUG], "--uncertain resubmit"), 0);
    assert_eq!(reserved(&sandbox), 7);
    let idle = code(&night(&sandbox, &provider, &[MUG], ""), 0);
    code(&sandbox.run("compact out"), 0);
    let status = code(&sandbox.run("status out"), 0);
    for printed in [closing, idle, status] {
        assert!(printed.contains("  reserved  1 submit may have been charged in addition: "), "{printed}");
        assert!(printed.contains("`dyehouse release out mug` frees the money if it was not charged"), "{printed}");
        assert!(
            printed.contains("            mug: request ") && printed.contains(" (submitted again since)\n"),
            "{printed}"
        );
    }
    assert!(code(&sandbox.run("status out --json"), 0).contains(r#""kind": "submitted_again""#));
    code(&sandbox.run("release out mug"), 0);
    assert!(!code(&sandbox.run("status out"), 0).contains("may have been charged"));
    assert_eq!(reserved(&sandbox), 0);
    let requests = provider.requests();
    code(&night(&sandbox, &provider, &[MUG], ""), 0);
    assert_eq!(provider.requests(), requests, "its picture is what it was");
}

#[test]
fn a_prediction_that_the_user_has_found_is_adopted_and_its_picture_saved_without_another_submit() {
    let slow = Behavior { answer: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    let rows = [("mug", "#FF0000"), ("vase", "#00FF00")];
    sandbox.edits("catalog.csv", &rows);
    let mut command = provider.client(&sandbox, "run catalog.csv -o out --rate 100/s --burst 9");
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    provider.wait_for_submits(2);
    killed.kill().unwrap();
    killed.wait().unwrap();
    provider.behave(Behavior::default());
    let found = provider.predictions();
    let of = |job: &str| found.iter().find(|(_, prompt)| prompt.contains(job)).unwrap().0.clone();
    let (mug, vase) = (of("mug"), of("vase"));

    let printed = code(&sandbox.run(&format!("adopt out mug {mug}")), 0);
    assert!(
        printed.contains(&format!("mug: follows {mug}; $0.07 spent instead of reserved\n$0.07 spent, $0.07 still")),
        "{printed}"
    );
    let refused = code(&sandbox.run(&format!("adopt out vase {mug}")), 2);
    assert!(
        refused.contains(&format!("adopt vase: prediction {mug} belongs to another submit of the run")),
        "{refused}"
    );
    let replaced = code(&sandbox.run(&format!("adopt out mug {vase}")), 0);
    assert!(
        replaced
            .contains(&format!("mug: follows {vase} instead of {mug}, at no further cost\n$0.07 spent, $0.07 still")),
        "{replaced}"
    );
    let refused = code(&sandbox.run(&format!("adopt out vase {vase}")), 2);
    assert!(refused.contains("belongs to another submit of the run"), "{refused}");
    let pasted = format!("adopt out mug https://example.com/api/v1/predictions/{mug}/?tab=1");
    code(&sandbox.run(&pasted), 0);
    code(&sandbox.run(&format!("adopt out vase ../{vase}")), 2);

    let printed = code(&night(&sandbox, &provider, &rows, ""), 3);
    assert!(printed.contains("1 of 2 jobs completed, 1 uncertain"), "{printed}");
    assert!(printed.contains("`dyehouse adopt out vase PREDICTION` saves the picture if it was"), "{printed}");
    code(&sandbox.run(&format!("adopt out va* {vase}")), 0);
    code(&night(&sandbox, &provider, &rows, ""), 0);
    code(&sandbox.run("compact out"), 0);
    code(&night(&sandbox, &provider, &rows, ""), 0);
    let refused = code(&sandbox.run("adopt out mug p-9"), 2);
    assert!(refused.contains("adopt mug: it has no uncertain submit\nhint: no submit of the run"), "{refused}");
    assert_eq!((provider.accepted(), reserved(&sandbox)), (2, 0));
    assert_eq!(sandbox.json("out/report/summary.json")["cost_cents"]["spent"], 14);
    assert_eq!(sandbox.names("out/results").len(), 2);
}

#[test]
fn a_prediction_is_not_adopted_for_a_job_that_was_submitted_again_or_for_several() {
    let failing = Behavior { every: Some((1, 500)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(failing));
    code(&night(&sandbox, &provider, &[MUG, VASE], ""), 3);
    let refused = code(&sandbox.run("adopt out * p-9"), 2);
    assert!(
        refused.contains("adopt *: 2 requests have an uncertain submit\nhint: name one by its fingerprint: "),
        "{refused}"
    );
    provider.behave(Behavior::default());
    code(&night(&sandbox, &provider, &[MUG, VASE], "--uncertain resubmit"), 0);
    let refused = code(&sandbox.run("adopt out mug p-9"), 2);
    assert!(refused.contains("adopt mug: it was submitted again since\nhint: "), "{refused}");
    assert_eq!(reserved(&sandbox), 14);
}

#[test]
fn a_prediction_is_adopted_for_a_submit_that_was_released_by_mistake() {
    let slow = Behavior { answer: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.edits("catalog.csv", &[MUG]);
    let mut command = provider.client(&sandbox, "run catalog.csv -o out");
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    provider.wait_for_submits(1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    provider.behave(Behavior::default());
    let mug = &provider.predictions()[0].0;
    code(&sandbox.run("release out mug"), 0);
    let printed = code(&sandbox.run(&format!("adopt out mug {mug}")), 0);
    assert!(printed.contains("$0.07 spent, although it was released\n$0.07 spent, $0.00 still"), "{printed}");
    code(&sandbox.run("compact out"), 0);
    code(&night(&sandbox, &provider, &[MUG], ""), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (1, 1));
    assert_eq!(sandbox.json("out/report/summary.json")["cost_cents"]["spent"], 7);
}
