//! Limits of the cost: of all runs of a folder, of a run, of a submit, and an empty balance.

use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code};

#[test]
fn money_reserved_for_edited_or_removed_rows_is_reported_with_a_hint() {
    let slow = Behavior { answer: Duration::from_secs(60), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    let row = |id: &str, color: &str| format!("{id},Make it {color},https://example.com/{id}.jpg\n");
    let manifest = |rows: &[String]| sandbox.write("catalog.csv", format!("id,prompt,images\n{}", rows.concat()));
    manifest(&[row("mug", "#FF0000"), row("vase", "#FF0000"), row("lamp", "#FF0000")]);
    let mut child = provider.run(&sandbox, "").spawn().unwrap();
    provider.wait_for_submits(3);
    child.kill().unwrap();
    child.wait().unwrap();

    provider.behave(Behavior::default());
    manifest(&[row("mug", "#00FF00"), row("lamp", "#FF0000")]);
    let closing = code(&provider.run(&sandbox, "").output().unwrap(), 3);
    let status = code(&sandbox.run("status out"), 0);
    for printed in [&closing, &status] {
        let heading = "  reserved  2 submits may have been charged in addition";
        let (above, below) = printed.split_once(heading).unwrap_or_else(|| panic!("{printed}"));
        assert!(above.contains("            lamp: submitted "), "{printed}");
        assert!(
            below.contains("$0.14 stays reserved; `dyehouse release out ")
                && below.contains("` frees the money of one that was not charged\n"),
            "{printed}"
        );
        assert!(above.contains("`dyehouse release out lamp` frees the money if it was not charged"), "{printed}");
        assert!(below.contains("(edited since)\n") && below.contains("(row removed)\n"), "{printed}");
    }
    let standing = code(&sandbox.run("status out --json"), 0);
    assert!(standing.contains(r#""row": "edited""#) && standing.contains(r#""row": "gone""#), "{standing}");
}

#[test]
fn a_price_above_the_limit_is_not_used_as_an_estimate() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior { price: 70_000, ..Behavior::default() }));
    sandbox.manifest("catalog.csv", 12);
    code(&provider.run(&sandbox, "--budget 800").output().unwrap(), 4);
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
fn the_budget_limits_all_runs_together() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 12);
    for _night in 0..2 {
        let printed = code(&provider.run(&sandbox, "--budget 0.50").output().unwrap(), 4);
        assert!(printed.contains("could exceed the budget of"), "{printed}");
        assert_eq!(provider.accepted(), 7, "seven submits are 49 cents");
    }
    code(&provider.run(&sandbox, "--budget 0.84").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 12);
}

#[test]
fn each_run_has_its_own_budget_in_addition_to_that_of_the_folder() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 12);
    let mut nights = Vec::new();
    for reason in ["this run's budget of", "this run's budget of", "could exceed the budget of"] {
        let output = provider.run(&sandbox, "--budget-per-run 0.30 --budget 0.75").output().unwrap();
        assert!(code(&output, 4).contains(reason), "{reason}");
        nights.push(provider.accepted());
    }
    assert_eq!(nights, [4, 8, 10]);
    let output = provider.run(&sandbox, "--budget-per-run 0.30 --json").output().unwrap();
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
fn a_price_above_the_budget_of_a_run_is_reported_with_hints_and_is_not_a_planned_stop() {
    let dear = Behavior { price: 40, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(dear));
    sandbox.manifest("catalog.csv", 3);
    for _night in 0..2 {
        let printed = code(&provider.run(&sandbox, "--budget-per-run 0.30").output().unwrap(), 4);
        assert!(
            printed.contains("more than the run's budget of $0.30: raise --budget-per-run to at least $0.40"),
            "{printed}"
        );
        assert!(printed.contains("or use only --budget"), "{printed}");
        assert_eq!(provider.accepted(), 1);
    }
    let printed = code(&provider.run(&sandbox, "--budget-per-run 0.40").output().unwrap(), 4);
    assert!(printed.contains("exceed this run's budget of $0.40") && provider.accepted() == 2, "{printed}");
}

#[test]
fn a_used_up_balance_stops_the_run_and_keeps_paid_results() {
    let poor = Behavior { balance: 3, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(poor));
    sandbox.manifest("catalog.csv", 6);
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 4);
    assert!(printed.contains("the balance is used up"), "{printed}");
    assert_eq!(sandbox.names("out/results").len(), 3);
    provider.behave(Behavior::default());
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!(provider.accepted(), 6);
}

#[test]
fn check_warns_of_a_time_limit_that_comes_before_the_last_submit() {
    let sandbox = Sandbox::new();
    sandbox.manifest("catalog.csv", 200);
    let check = |arguments: &str| code(&sandbox.run(&format!("check catalog.csv -o out {arguments}")), 0);
    let warned = check("--deadline 10m");
    assert!(warned.contains("the deadline of 10 min 00 s covers about "), "{warned}");
    assert!(!check("--deadline 1h").contains("warning"));
    // 06:00 is within a day, in which no more than 192 submits are made at this rate.
    let warned = check("--rate 8/h --not-after 06:00");
    assert!(warned.contains("--not-after, in ") && warned.contains("of the 200 submits at this pace"), "{warned}");
}

#[test]
fn check_reports_reserved_money_and_removed_rows_and_warns_only_of_budgets_that_bind() {
    let behavior = Behavior { every: Some((2, 502)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(behavior));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "").output().unwrap(), 3);
    let check = |arguments: &str| code(&sandbox.run(&format!("check catalog.csv -o out {arguments}")), 0);

    let idle = check("--budget 0.10");
    assert!(idle.contains("\n0 submits; $0.07 spent and $0.07 reserved so far\n"), "{idle}");
    assert!(!idle.contains("budget"), "nothing is submitted: {idle}");

    sandbox.manifest("catalog.csv", 4);
    let bound = check("--budget 0.21");
    let warning = "the budget of $0.21 covers 1 of the 2 submits: the batch would come to $0.28";
    assert!(bound.contains(warning) && !bound.contains("removed"), "{bound}");
    assert!(!check("--budget 0.28").contains("warning"));

    sandbox.edits("catalog.csv", &[("vase", "#FF0000")]);
    let kept = check("");
    assert!(kept.contains("  removed             1   no longer in the manifest; the pictures stay"), "{kept}");
    let pruned = check("--prune --only vase");
    let note = "  removed             1   no longer in the manifest; --prune moves the pictures to earlier/\n";
    assert!(pruned.contains(note), "{pruned}");
}

#[test]
fn edited_jobs_that_a_run_could_not_afford_are_reported_as_still_to_be_paid_for() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let night = |color, arguments: &str| {
        sandbox.edits("catalog.csv", &["mug", "vase", "lamp"].map(|id| (id, color)));
        let arguments = format!("run catalog.csv -o out --rate 100/s --burst 9 {arguments}");
        provider.client(&sandbox, &arguments).output().unwrap()
    };
    code(&night("#FF0000", ""), 0);
    let printed = code(&night("#00FF00", "--budget-per-run 0.07"), 4);
    let changed =
        "  changed   1 job edited and paid for again, about $0.07; 2 more still to be paid for, about $0.14\n";
    assert!(printed.contains(changed), "{printed}");
    let printed = code(&night("#00FF00", "--budget-per-run 0.14"), 0);
    assert!(
        printed.contains("  changed   2 jobs edited and paid for again, about $0.14; earlier pictures move"),
        "{printed}"
    );
}
