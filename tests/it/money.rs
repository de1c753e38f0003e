//! No job is paid for twice, no paid result is lost, and the budget is never exceeded, against a provider with a
//! ledger.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code, wait_until};

#[test]
fn every_job_is_submitted_once_and_a_second_run_makes_no_request() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 200);
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert!(printed.contains("200 jobs completed"), "{printed}");
    assert_eq!((provider.accepted(), provider.keys_at_assets()), (200, 0));
    assert!(provider.paid_twice().is_empty());

    let names = sandbox.names("out/results");
    assert_eq!(names.len(), 200);
    let mut widths: Vec<u32> =
        names.iter().map(|name| image::open(sandbox.path("out/results").join(name)).unwrap().width()).collect();
    widths.sort_unstable();
    assert_eq!(widths, (2..202).collect::<Vec<_>>(), "every prediction's picture is there once, and whole");
    let summary = sandbox.json("out/report/summary.json");
    assert_eq!(
        (summary["jobs"]["completed"].as_u64(), summary["cost_cents"]["spent"].as_u64()),
        (Some(200), Some(1400))
    );

    let requests = provider.requests();
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let mut without_key = provider.run(&sandbox, "");
    code(&without_key.env_remove("VIBEDREAM_API_KEY").output().unwrap(), 0);
    assert_eq!(provider.requests(), requests);
}

#[test]
fn answers_and_pictures_that_are_compressed_without_being_requested_are_read() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior { compresses: true, ..Behavior::default() }));
    sandbox.manifest("catalog.csv", 5);
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert!(printed.contains("5 jobs completed"), "{printed}");
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (5, 5));
}

#[test]
fn a_run_of_some_jobs_saves_the_pictures_of_all_that_were_paid_for_and_pays_for_no_other() {
    let (sandbox, provider) =
        (Sandbox::new(), Provider::start(Behavior { edit: Duration::from_secs(600), ..Behavior::default() }));
    sandbox.manifest("catalog.csv", 4);
    let mut child = provider.run(&sandbox, "--limit 3").stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    provider.wait_for_submits(3);
    // The answers are recorded before the run is killed.
    let accepted = || sandbox.read("out/journal.jsonl").matches(r#""type":"accepted""#).count();
    wait_until("three predictions are in the journal", || accepted() == 3);
    child.kill().unwrap();
    child.wait().unwrap();
    provider.behave(Behavior::default());
    let printed = code(&provider.run(&sandbox, "--only job-000").output().unwrap(), 0);
    assert!(printed.contains("1 job completed"), "{printed}");
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (3, 3), "{printed}");
    code(&provider.run(&sandbox, "--limit 1").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 3);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (4, 4));
}

#[test]
fn a_repeatedly_killed_run_pays_for_no_job_twice() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 60);
    for lines in [3, 11, 17] {
        let mut child = provider.run(&sandbox, "").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let printed = BufReader::new(child.stderr.take().unwrap()).lines().take(lines).count();
        assert_eq!(printed, lines);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = provider.run(&sandbox, "").output().unwrap();
    let code = output.status.code().unwrap();
    assert!(code == 0 || code == 3, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(provider.paid_twice().is_empty());
    let jobs = &sandbox.json("out/report/summary.json")["jobs"];
    let count = |status: &str| jobs[status].as_u64().unwrap();
    assert_eq!(count("completed") + count("uncertain"), 60, "a job whose answer was lost is uncertain, and no other");
    assert_eq!(code == 0, count("uncertain") == 0);
    assert_eq!(sandbox.names("out/results").len() as u64, count("completed"));
    assert!(!sandbox.names("out/results").iter().any(|name| name.starts_with('.')), "nothing half-written is left");
}

#[test]
fn a_submit_without_an_answer_is_uncertain_and_resubmitted_only_on_request() {
    let slow = Behavior { answer: Duration::from_secs(60), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 1);
    let mut child = provider.run(&sandbox, "").spawn().unwrap();
    provider.wait_for_submits(1);
    child.kill().unwrap();
    child.wait().unwrap();

    provider.behave(Behavior::default());
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 3);
    assert!(printed.contains("1 uncertain"), "{printed}");
    assert_eq!(provider.accepted(), 1);
    let summary = sandbox.json("out/report/summary.json");
    assert_eq!(summary["cost_cents"]["reserved"].as_u64(), Some(7));

    let checked = |arguments: &str| code(&sandbox.run(&format!("check catalog.csv -o out {arguments}")), 0);
    let (left_alone, asked) = (checked(""), checked("--uncertain resubmit"));
    assert!(
        left_alone.contains("not submitted without --uncertain resubmit") && left_alone.contains("0 submits"),
        "{left_alone}"
    );
    assert!(asked.contains("both submits may be charged") && asked.contains("1 submit,"), "{asked}");
    code(&provider.run(&sandbox, "--uncertain resubmit").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2);
    let summary = sandbox.json("out/report/summary.json");
    let cost = &summary["cost_cents"];
    assert_eq!((cost["spent"].as_u64(), cost["reserved"].as_u64()), (Some(7), Some(7)), "the first may have cost too");
}

#[test]
fn a_changed_template_is_reported_before_the_catalog_is_paid_for_again() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let manifest = |verb: &str| {
        let rows = "[{sku: mug, url: https://example.com/m.jpg}, {sku: vase, url: https://example.com/v.jpg}]";
        let template =
            format!("{{id: '{{{{ sku }}}}', prompt: '{verb} the {{{{ sku }}}} #1E90FF', images: '{{{{ url }}}}'}}");
        sandbox.write("catalog.csv", "");
        sandbox.write(
            "catalog.yaml",
            format!("version: 1\nrun: {{color_check: false}}\nrows: {rows}\ntemplate: {template}\n"),
        );
    };
    let night = |arguments: &str| {
        provider
            .client(&sandbox, &format!("run catalog.yaml -o out --rate 200/s --burst 20 {arguments}"))
            .output()
            .unwrap()
    };
    manifest("Make");
    assert!(!code(&night(""), 0).contains("anew"));
    manifest("Paint");
    let output = night("");
    let words = "2 jobs edited and paid for again, about $0.14";
    assert!(code(&output, 0).contains(words));
    let lines = String::from_utf8(output.stderr).unwrap();
    assert!(lines.find(words) < lines.find("completed") && lines.contains("completed"), "it is printed first: {lines}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains(&format!("  changed   {words}")), "{printed}");
    manifest("Dye");
    let output = night("--json -q");
    let closing: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((closing["changed"].as_u64(), provider.accepted()), (Some(2), 6));
}

#[test]
fn a_submit_refused_with_429_is_repeated_and_paid_for_once() {
    let busy = Behavior { every: Some((4, 429)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(busy));
    sandbox.manifest("catalog.csv", 6);
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert!(printed.contains("before the next submit"), "{printed}");
    assert_eq!(provider.accepted(), 6);
}

#[test]
fn two_submits_that_are_answered_with_one_id_are_both_marked() {
    let repeating = Behavior { repeats_id: true, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(repeating));
    sandbox.manifest("catalog.csv", 2);
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 3);
    assert!(printed.contains("1 of 2 jobs completed, 1 uncertain"), "{printed}");
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (2, 1));
    for _compacted in 0..2 {
        let results = sandbox.read("out/report/results.csv");
        let row = |status: &str| results.lines().find(|line| line.contains(status)).unwrap().to_owned();
        let id = |row: &str| row.split(',').next().unwrap().to_owned();
        let (first, second) = (row(",completed,"), row(",uncertain,"));
        let expected = format!("the provider gave the id of this prediction to {} as well", id(&second));
        assert!(first.contains(&expected), "{first}");
        let expected = format!("the answer names prediction p-0, which belongs to {}", id(&first));
        assert!(second.contains(&expected), "{second}");
        code(&sandbox.run("compact out"), 0);
        code(&sandbox.run("report out"), 0);
    }
}

#[test]
fn a_key_that_is_refused_ends_the_run_at_once() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 6);
    let output = provider.run(&sandbox, "").env("VIBEDREAM_API_KEY", "another").output().unwrap();
    let printed = code(&output, 1);
    assert!(printed.contains("refused the key"), "{printed}");
    assert_eq!(provider.accepted(), 0);
}

#[test]
fn an_edited_row_is_a_new_edit_and_the_earlier_result_is_kept_aside() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let manifest = |color: &str| format!("id,prompt,images\nmug,Make it {color},https://example.com/a.jpg\n");
    sandbox.write("catalog.csv", manifest("#FF0000"));
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let first = std::fs::read(sandbox.path("out/results/mug.png")).unwrap();
    sandbox.write("catalog.csv", manifest("#00FF00"));
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2);
    assert_ne!(std::fs::read(sandbox.path("out/results/mug.png")).unwrap(), first);
    assert_eq!(sandbox.names("out/earlier").len(), 1);
    sandbox.write("catalog.csv", manifest("#FF0000"));
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2, "what was paid for before is brought back");
    assert_eq!(std::fs::read(sandbox.path("out/results/mug.png")).unwrap(), first);
}

#[test]
fn predictions_are_polled_only_at_the_origin_that_accepted_them() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider, other) = (Sandbox::new(), Provider::start(slow), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    let mut child = provider.run(&sandbox, "").spawn().unwrap();
    wait_until("both predictions are in the journal", || {
        let journal = std::fs::read_to_string(sandbox.path("out/journal.jsonl"));
        journal.is_ok_and(|text| text.matches("accepted").count() == 2)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let printed = code(&other.run(&sandbox, "").output().unwrap(), 2);
    assert!(printed.contains("follow 2 predictions at") && printed.contains(&provider.url), "{printed}");
    assert_eq!(other.requests(), 0);
    code(&sandbox.run("run catalog.csv -o out --backend embedded"), 2);
    code(&provider.run(&sandbox, "--deadline 0s --grace 0s").output().unwrap(), 4);
    assert_eq!(provider.accepted(), 2, "they wait for their own server");
}

#[test]
fn a_picture_that_is_replaced_during_the_run_is_not_sent() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let picture =
        |shade| image::RgbImage::from_pixel(8, 8, image::Rgb([shade; 3])).save(sandbox.path("p.png")).unwrap();
    let job = |id| format!("  - {{id: {id}, prompt: make it red, images: p.png}}\n");
    let jobs = format!("{}{}", job("a"), job("b").replace("red", "navy"));
    sandbox.write("catalog.yaml", format!("version: 1\nrun: {{images_via: inline, rate: 1/s}}\njobs:\n{jobs}"));
    let night = || {
        let mut command = provider.client(&sandbox, "run catalog.yaml -o out");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    picture(1);
    let first = night();
    provider.wait_for_submits(1);
    picture(2);
    code(&first.wait_with_output().unwrap(), 3);
    assert_eq!(provider.accepted(), 1);
    let failed = sandbox.read("out/report/results.csv");
    assert!(failed.contains("p.png: changed since the manifest was read"), "{failed}");
    // Nothing was sent, so the next run submits it again without being asked.
    picture(1);
    code(&night().wait_with_output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2);
    assert!(provider.paid_twice().is_empty());
}

#[test]
fn a_prediction_that_timed_out_is_polled_again_before_the_job_is_submitted_again() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    let job = "{id: mug, prompt: 'Make it #FF0000', images: 'https://example.com/mug.jpg'}";
    sandbox.write("catalog.yaml", format!("version: 1\nrun: {{job_timeout: 1s, color_check: false}}\njobs: [{job}]\n"));
    let night = |arguments: &str| {
        provider.client(&sandbox, &format!("run catalog.yaml -o out --rate 200/s {arguments}")).output().unwrap()
    };
    let printed = code(&night(""), 3);
    assert!(printed.contains("timeout: not finished after 1 second\n"), "{printed}");
    code(&night("--retry-failed"), 3);
    assert_eq!(provider.accepted(), 1, "the provider still works on it");
    provider.behave(Behavior::default());
    code(&night("--retry-failed"), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/results")), (1, vec!["mug.png".to_owned()]));
}

#[test]
fn a_removed_picture_is_fetched_only_from_its_own_server() {
    let (sandbox, provider, other) =
        (Sandbox::new(), Provider::start(Behavior::default()), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    std::fs::remove_file(sandbox.path("out/results/job-001.png")).unwrap();
    let printed = code(&other.run(&sandbox, "").output().unwrap(), 2);
    assert!(printed.contains("follow 1 prediction at") && printed.contains(&provider.url), "{printed}");
    assert_eq!(other.requests(), 0);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (2, 2));
}

#[test]
fn run_warns_of_edits_that_are_paid_for_twice_like_check() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let row = "Make it #1E90FF,https://example.com/a.jpg";
    sandbox.write("catalog.csv", format!("id,prompt,images\nmug,{row}\ncup,{row}\n"));
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert!(printed.contains("catalog.csv:3") && printed.contains("it is paid for each time"), "{printed}");
}
