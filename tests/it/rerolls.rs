//! Re-rolls: they are in the forecast, they are announced before they are paid for, and they end.

use serde_json::Value;

use crate::retouched::disc_to_show;
use crate::support::{Sandbox, code};

/// Runs a command on the catalog with the embedded backend.
fn with_catalog(sandbox: &Sandbox, command: &str, arguments: &str, expected: i32) -> String {
    code(&sandbox.run(&format!("{command} catalog.csv -o out --backend embedded {arguments}")), expected)
}

#[test]
fn rerolls_are_in_the_forecast_and_announced_before_they_are_submitted() {
    let sandbox = disc_to_show("#B22222");
    let first = with_catalog(&sandbox, "check", "--reroll 3", 0);
    assert!(first.contains("1 submit, and at most 3 re-rolls\n"), "{first}");
    assert!(with_catalog(&sandbox, "run", "", 3).contains("1 off"));

    let checked = with_catalog(&sandbox, "check", "--reroll 2", 0);
    assert!(checked.contains("  off before          1   submitted again because of --reroll 2\n"), "{checked}");
    assert!(checked.contains("\n1 submit, and at most 1 re-roll\n"), "{checked}");
    let checked: Value = serde_json::from_str(&with_catalog(&sandbox, "check", "--reroll 2 --json", 0)).unwrap();
    let number = |key: &str| checked["plan"][key].as_u64().unwrap_or_else(|| panic!("{key}: {checked}"));
    let keys = ["reused", "rerolls", "submits", "estimate_cents", "further_rerolls", "further_rerolls_cents"];
    assert_eq!(keys.map(number), [0, 1, 1, 7, 1, 7]);

    let printed = with_catalog(&sandbox, "run", "--reroll 2", 3);
    let announced = "--reroll 2: 1 job of the wrong color submitted again, and at most 1 re-roll\n";
    assert!(printed.contains(announced), "{printed}");
    assert!(printed.contains("1 off; 1 re-rolled, at most 2 times each"), "{printed}");
    assert_eq!(sandbox.json("out/report/summary.json")["attempts"].as_u64(), Some(3));
}

#[test]
fn the_night_after_rerolls_has_nothing_to_do_and_writes_nothing() {
    let sandbox = disc_to_show("#B22222");
    with_catalog(&sandbox, "run", "--reroll 1", 3);
    let journal = sandbox.read("out/journal.jsonl");
    let checked = with_catalog(&sandbox, "check", "--reroll 1", 0);
    assert!(checked.contains("\n0 submits\n") && checked.contains("  reused              1"), "{checked}");
    let printed = with_catalog(&sandbox, "run", "--reroll 1", 3);
    assert!(printed.starts_with("nothing to do") && !printed.contains("left to do"), "{printed}");
    let again = with_catalog(&sandbox, "run", "--reroll 1", 3);
    assert!(again.starts_with("nothing to do"), "{again}");
    assert_eq!(sandbox.read("out/journal.jsonl"), journal);
    let printed = with_catalog(&sandbox, "run", "", 3);
    assert!(printed.starts_with("nothing to do"), "re-rolls were not requested: {printed}");
}

#[test]
fn a_lower_bound_of_the_color_lock_corrects_less_and_rerolls_nothing() {
    let sandbox = disc_to_show("#2080E0");
    let printed = with_catalog(&sandbox, "run", "--color-lock=2.6 --reroll 1", 0);
    assert!(printed.contains("1 near") && !sandbox.path("out/originals").exists(), "{printed}");
    assert_eq!(sandbox.json("out/report/summary.json")["attempts"].as_u64(), Some(1));
    let printed = with_catalog(&sandbox, "run", "--color-lock=2.6 --reroll 1", 0);
    assert!(printed.starts_with("nothing to do"), "{printed}");
    let printed = with_catalog(&sandbox, "run", "--color-lock", 0);
    assert!(printed.contains("1 on") && sandbox.path("out/originals").exists(), "{printed}");
    let refused = with_catalog(&sandbox, "check", "--color-lock=1", 2);
    assert!(refused.contains("hint: the value of --color-lock is the largest miss that is corrected"), "{refused}");
}
