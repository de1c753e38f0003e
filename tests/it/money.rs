//! Never pay twice, never lose what was paid for, never pass the budget: against a provider that keeps a ledger.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code};

fn run(sandbox: &Sandbox, provider: &Provider, arguments: &str) -> Command {
    let mut command =
        sandbox.dyehouse(&format!("run catalog.csv -o out --rate 200/s --burst 20 --in-flight 20 {arguments}"));
    command.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &provider.url);
    command
}

#[test]
fn two_hundred_jobs_are_two_hundred_submits_and_a_second_run_makes_no_request() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 200);
    let said = code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert!(said.contains("200 jobs completed"), "{said}");
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
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    let mut without_key = run(&sandbox, &provider, "");
    code(&without_key.env_remove("VIBEDREAM_API_KEY").output().unwrap(), 0);
    assert_eq!(provider.requests(), requests);
}

#[test]
fn a_run_that_is_killed_again_and_again_pays_for_no_job_twice() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 60);
    for lines in [3, 11, 17] {
        let mut child = run(&sandbox, &provider, "").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines().take(lines).count();
        assert_eq!(said, lines);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = run(&sandbox, &provider, "").output().unwrap();
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
fn a_submit_without_an_answer_is_uncertain_and_resubmitted_only_when_asked_to() {
    let slow = Behavior { answer: Duration::from_secs(60), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 1);
    let mut child = run(&sandbox, &provider, "").spawn().unwrap();
    while provider.accepted() == 0 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    provider.behave(Behavior::default());
    let said = code(&run(&sandbox, &provider, "").output().unwrap(), 3);
    assert!(said.contains("1 uncertain"), "{said}");
    assert_eq!(provider.accepted(), 1);
    let summary = sandbox.json("out/report/summary.json");
    assert_eq!(summary["cost_cents"]["reserved"].as_u64(), Some(7));

    code(&run(&sandbox, &provider, "--uncertain resubmit").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2);
    let summary = sandbox.json("out/report/summary.json");
    let cost = &summary["cost_cents"];
    assert_eq!((cost["spent"].as_u64(), cost["reserved"].as_u64()), (Some(7), Some(7)), "the first may have cost too");
}

#[test]
fn money_that_is_reserved_for_rows_that_are_edited_or_gone_has_a_heading_and_a_way_out() {
    let slow = Behavior { answer: Duration::from_secs(60), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    let row = |id: &str, color: &str| format!("{id},Make it {color},https://example.com/{id}.jpg\n");
    let manifest = |rows: &[String]| sandbox.write("catalog.csv", format!("id,prompt,images\n{}", rows.concat()));
    manifest(&[row("mug", "#FF0000"), row("vase", "#FF0000"), row("lamp", "#FF0000")]);
    let mut child = run(&sandbox, &provider, "").spawn().unwrap();
    while provider.accepted() < 3 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    provider.behave(Behavior::default());
    manifest(&[row("mug", "#00FF00"), row("lamp", "#FF0000")]);
    let closing = code(&run(&sandbox, &provider, "").output().unwrap(), 3);
    let status = code(&sandbox.run("status out"), 0);
    for said in [&closing, &status] {
        let heading = "  reserved  2 submits of rows that were edited or are gone may have been charged";
        let (above, below) = said.split_once(heading).unwrap_or_else(|| panic!("{said}"));
        assert!(above.contains("            lamp: submitted "), "{said}");
        assert!(
            below.contains("$0.14 stays reserved; `dyehouse release out JOB…` frees what was not charged"),
            "{said}"
        );
        assert!(above.contains("may have been charged") && above.contains("`dyehouse release out JOB…`"), "{said}");
        assert!(below.contains("(edited since)\n") && below.contains("(row gone)\n"), "{said}");
    }
    let standing = code(&sandbox.run("status out --json"), 0);
    assert!(standing.contains(r#""row": "edited""#) && standing.contains(r#""row": "gone""#), "{standing}");
}

#[test]
fn a_price_at_which_nothing_is_submitted_is_no_estimate() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior { price: 70_000, ..Behavior::default() }));
    sandbox.manifest("catalog.csv", 12);
    code(&run(&sandbox, &provider, "--budget 800").output().unwrap(), 4);
    let command = sandbox.dyehouse("check catalog.csv -o out --json --budget-per-run 5").output().unwrap();
    code(&command, 0);
    let checked: serde_json::Value = serde_json::from_slice(&command.stdout).unwrap();
    let submits = checked["plan"]["submits"].as_u64().unwrap();
    assert_eq!(checked["plan"]["estimate_cents"], 70 * submits, "{checked}");
    let warnings = checked["warnings"].as_array().unwrap();
    let told: Vec<&str> = warnings.iter().filter_map(|warning| warning["message"].as_str()).collect();
    assert_eq!(told, ["a submit costs $700.00, which is above the limit of $0.70"]);
}

#[test]
fn the_budget_is_a_ceiling_over_all_runs() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 12);
    for _night in 0..2 {
        let said = code(&run(&sandbox, &provider, "--budget 0.50").output().unwrap(), 4);
        assert!(said.contains("the next submit could pass the budget"), "{said}");
        assert_eq!(provider.accepted(), 7, "seven submits are 49 cents");
    }
    code(&run(&sandbox, &provider, "--budget 0.84").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 12);
}

#[test]
fn each_night_has_a_budget_of_its_own_beside_that_of_the_whole() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 12);
    let mut nights = Vec::new();
    for said in ["the budget of this run", "the budget of this run", "the next submit could pass the budget\n"] {
        let output = run(&sandbox, &provider, "--budget-per-run 0.30 --budget 0.75").output().unwrap();
        assert!(code(&output, 4).contains(said), "{said}");
        nights.push(provider.accepted());
    }
    assert_eq!(nights, [4, 8, 10]);
    let output = run(&sandbox, &provider, "--budget-per-run 0.30 --json").output().unwrap();
    let closing: serde_json::Value = serde_json::from_str(&{
        code(&output, 0);
        String::from_utf8(output.stdout).unwrap()
    })
    .unwrap();
    assert_eq!(
        (closing["cost_cents"]["spent_now"].as_u64(), closing["cost_cents"]["budget_per_run"].as_u64()),
        (Some(14), Some(30))
    );
}

#[test]
fn a_price_above_the_budget_of_a_run_is_named_with_the_ways_out_and_is_no_night_that_ended_as_planned() {
    let dear = Behavior { price: 40, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(dear));
    sandbox.manifest("catalog.csv", 3);
    for _night in 0..2 {
        let said = code(&run(&sandbox, &provider, "--budget-per-run 0.30").output().unwrap(), 4);
        assert!(said.contains("a submit may cost $0.40, and a run $0.30: raise --budget-per-run to $0.40"), "{said}");
        assert!(said.contains("or leave it out and bound the whole by --budget"), "{said}");
        assert_eq!(provider.accepted(), 1);
    }
    let said = code(&run(&sandbox, &provider, "--budget-per-run 0.40").output().unwrap(), 4);
    assert!(said.contains("the budget of this run") && provider.accepted() == 2, "{said}");
}

#[test]
fn a_prediction_with_thousands_of_pictures_fills_no_disk_and_the_first_of_them_are_saved() {
    let hostile = Behavior { outputs: 5_000, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(hostile));
    sandbox.manifest("catalog.csv", 1);
    let said = code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert!(said.contains("job-000: the provider names 5000 pictures; the first 16 are saved"), "{said}");
    assert_eq!(sandbox.names("out/results").len(), 16);
}

#[test]
fn a_template_that_is_worded_anew_is_told_before_the_catalog_is_paid_for_again() {
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
        let mut command = sandbox.dyehouse(&format!("run catalog.yaml -o out --rate 200/s --burst 20 {arguments}"));
        command.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &provider.url);
        command.output().unwrap()
    };
    manifest("Make");
    assert!(!code(&night(""), 0).contains("anew"));
    manifest("Paint");
    let output = night("");
    let words = "2 jobs ask for something else than before and are paid for anew, about $0.14";
    assert!(code(&output, 0).contains(words));
    let lines = String::from_utf8(output.stderr).unwrap();
    assert!(lines.find(words) < lines.find("completed") && lines.contains("completed"), "it is said first: {lines}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&format!("  changed   {words}")), "{said}");
    manifest("Dye");
    let output = night("--json -q");
    let closing: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((closing["changed"].as_u64(), provider.accepted()), (Some(2), 6));
}

#[test]
fn what_was_refused_for_now_is_sent_again_and_paid_for_once() {
    let busy = Behavior { every: Some((4, 429)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(busy));
    sandbox.manifest("catalog.csv", 6);
    let said = code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert!(said.contains("before the next submit"), "{said}");
    assert_eq!(provider.accepted(), 6);
}

#[test]
fn a_used_up_balance_stops_the_run_and_keeps_what_was_paid_for() {
    let poor = Behavior { balance: 3, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(poor));
    sandbox.manifest("catalog.csv", 6);
    let said = code(&run(&sandbox, &provider, "").output().unwrap(), 4);
    assert!(said.contains("the balance is used up"), "{said}");
    assert_eq!(sandbox.names("out/results").len(), 3);
    provider.behave(Behavior::default());
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 6);
}

#[test]
fn a_key_that_is_refused_ends_the_run_at_once() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 6);
    let output = run(&sandbox, &provider, "").env("VIBEDREAM_API_KEY", "another").output().unwrap();
    let said = code(&output, 1);
    assert!(said.contains("refused the key"), "{said}");
    assert_eq!(provider.accepted(), 0);
}

#[test]
fn an_edited_row_is_a_new_edit_and_the_earlier_result_is_kept_aside() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let manifest = |color: &str| format!("id,prompt,images\nmug,Make it {color},https://example.com/a.jpg\n");
    sandbox.write("catalog.csv", manifest("#FF0000"));
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    let first = std::fs::read(sandbox.path("out/results/mug.png")).unwrap();
    sandbox.write("catalog.csv", manifest("#00FF00"));
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2);
    assert_ne!(std::fs::read(sandbox.path("out/results/mug.png")).unwrap(), first);
    assert_eq!(sandbox.names("out/earlier").len(), 1);
    sandbox.write("catalog.csv", manifest("#FF0000"));
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2, "what was paid for before is brought back");
    assert_eq!(std::fs::read(sandbox.path("out/results/mug.png")).unwrap(), first);
}

#[test]
fn a_result_that_a_dead_process_has_moved_aside_comes_back_without_the_provider() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let manifest = |color: &str| format!("id,prompt,images\nmug,Make it {color},https://example.com/a.jpg\n");
    for is_another_in_its_place in [true, false] {
        let out = format!("out-{is_another_in_its_place}");
        let run = || {
            let mut command = sandbox.dyehouse(&format!("run catalog.csv -o {out} --no-color-check"));
            command.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &provider.url);
            code(&command.output().unwrap(), 0)
        };
        sandbox.write("catalog.csv", manifest("#FF0000"));
        provider.behave(Behavior::default());
        run();
        let result = || std::fs::read(sandbox.path(&out).join("results/mug.png")).unwrap();
        let first = result();
        let journal = sandbox.read(&format!("{out}/journal.jsonl"));
        sandbox.write("catalog.csv", manifest("#00FF00"));
        run();
        // As if the power had failed before that was recorded, and somebody had thought better of it meanwhile.
        sandbox.rewind(&out, &journal);
        if !is_another_in_its_place {
            std::fs::remove_file(sandbox.path(&out).join("results/mug.png")).unwrap();
        }
        sandbox.write("catalog.csv", manifest("#FF0000"));
        provider.behave(Behavior { forgets: true, ..Behavior::default() });
        let said = run();
        assert!(said.contains("1 comes back from earlier") && !said.contains("retouched"), "{said}");
        assert_eq!(result(), first);
    }
}

#[test]
fn predictions_are_asked_for_where_they_were_submitted_and_nowhere_else() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider, other) = (Sandbox::new(), Provider::start(slow), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    let mut child = run(&sandbox, &provider, "").spawn().unwrap();
    while !std::fs::read_to_string(sandbox.path("out/journal.jsonl"))
        .is_ok_and(|text| text.matches("accepted").count() == 2)
    {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = code(&run(&sandbox, &other, "").output().unwrap(), 2);
    assert!(said.contains("follow 2 predictions at") && said.contains(&provider.url), "{said}");
    assert_eq!(other.requests(), 0);
    code(&sandbox.run("run catalog.csv -o out --backend embedded"), 2);
    code(&run(&sandbox, &provider, "--deadline 0s --grace 0s").output().unwrap(), 4);
    assert_eq!(provider.accepted(), 2, "they wait for their own server");
}

#[test]
fn what_one_backend_made_does_not_pass_for_the_work_of_another() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    for command in ["run", "check"] {
        let said = code(&sandbox.run(&format!("{command} catalog.csv -o out --backend embedded")), 2);
        assert!(said.contains("those of the vibedream backend, not of embedded") && said.contains("-o"), "{said}");
    }
}

#[test]
fn results_without_their_journal_are_not_paid_for_again() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    let journal = sandbox.read("out/journal.jsonl");
    for lose in [
        |sandbox: &Sandbox| std::fs::remove_file(sandbox.path("out/journal.jsonl")),
        |sandbox: &Sandbox| std::fs::write(sandbox.path("out/journal.jsonl"), ""),
    ] {
        lose(&sandbox).unwrap();
        let said = code(&run(&sandbox, &provider, "").output().unwrap(), 1);
        assert!(said.contains("it has results and no journal"), "{said}");
    }
    assert_eq!(provider.accepted(), 2);
    sandbox.write("out/journal.jsonl", journal);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
}

#[test]
fn a_lock_file_that_was_cleared_away_lets_no_second_process_in() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 2);
    let mut child = run(&sandbox, &provider, "").spawn().unwrap();
    while provider.accepted() < 2 {
        std::thread::yield_now();
    }
    std::fs::remove_file(sandbox.path("out/.lock")).unwrap();
    code(&run(&sandbox, &provider, "").output().unwrap(), 5);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(provider.paid_twice().is_empty());
}

#[test]
fn a_result_that_somebody_removed_is_fetched_again_without_paying() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    std::fs::remove_file(sandbox.path("out/results/job-001.png")).unwrap();
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (3, 3));
}

#[test]
fn what_a_dead_process_has_fetched_stays_until_it_has_its_name_and_no_longer() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&run(&sandbox, &provider, "--only job-000").output().unwrap(), 0);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    // As if the power had failed between the record of the second picture and its name.
    let journal = sandbox.read("out/journal.jsonl");
    let completed = journal.rmatch_indices(r#""type":"completed""#).next().unwrap().0;
    let lines = journal[..completed].rfind('\n').unwrap() + 1;
    sandbox.rewind("out", &journal[..lines]);
    let (named, stray) = (sandbox.path("out/results/job-001.png"), sandbox.path("out/results/.incoming-x.part"));
    std::fs::rename(&named, &stray).unwrap();

    let requests = provider.requests();
    code(&run(&sandbox, &provider, "--only job-000").output().unwrap(), 0);
    assert!(stray.exists(), "the other job needs it");
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert!(named.exists() && !stray.exists());
    assert_eq!(provider.requests(), requests, "it was here all the time");

    // As a process leaves it that dies while it saves a picture, with nothing left to do for the next one.
    std::fs::write(&stray, "half of a picture").unwrap();
    let journal = sandbox.read("out/journal.jsonl");
    let ended = journal.trim_end().rfind('\n').unwrap() + 1;
    assert!(journal[ended..].contains(r#""type":"ended""#), "{}", &journal[ended..]);
    sandbox.rewind("out", &journal[..ended]);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    assert!(!stray.exists(), "also where nothing is left to do");
}

#[test]
fn reports_that_are_asked_for_at_the_same_time_are_all_written() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 10);
    code(&run(&sandbox, &provider, "").output().unwrap(), 0);
    let again = (0..8).map(|number| match number {
        0..6 => sandbox.dyehouse("report out").stdout(Stdio::null()).spawn().unwrap(),
        // The last two are a run of its own, and one that is told so.
        _ => run(&sandbox, &provider, "").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    });
    let codes: Vec<i32> =
        again.collect::<Vec<_>>().iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
    assert!(codes[..6].iter().all(|code| *code == 0), "{codes:?}");
    assert!(codes[6..].iter().all(|code| [0, 5].contains(code)), "{codes:?}");
    let left: Vec<String> = sandbox.names("out/report").into_iter().filter(|name| name.starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_picture_that_is_replaced_while_the_run_goes_on_is_not_sent_as_the_one_before() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let picture =
        |shade| image::RgbImage::from_pixel(8, 8, image::Rgb([shade; 3])).save(sandbox.path("p.png")).unwrap();
    let job = |id| format!("  - {{id: {id}, prompt: make it red, images: p.png}}\n");
    let jobs = format!("{}{}", job("a"), job("b").replace("red", "navy"));
    sandbox.write("catalog.yaml", format!("version: 1\nrun: {{images_via: inline, rate: 1/s}}\njobs:\n{jobs}"));
    let night = || {
        let mut command = sandbox.dyehouse("run catalog.yaml -o out");
        command.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &provider.url);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    picture(1);
    let first = night();
    while provider.accepted() == 0 {
        std::thread::yield_now();
    }
    picture(2);
    code(&first.wait_with_output().unwrap(), 3);
    assert_eq!(provider.accepted(), 1);
    let failed = sandbox.read("out/report/results.csv");
    assert!(failed.contains("p.png: changed since the manifest was read"), "{failed}");
    // Nothing was sent, so that the next night tries it by itself.
    picture(1);
    code(&night().wait_with_output().unwrap(), 0);
    assert_eq!(provider.accepted(), 2);
    assert!(provider.paid_twice().is_empty());
}
