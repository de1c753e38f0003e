//! Journals that are older copies, and pictures that they do not know: nothing is paid for again.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Behavior, Provider, Sandbox, code};

struct Nights {
    sandbox: Sandbox,
    provider: Provider,
}

impl Nights {
    /// Runs two manifests, the second with more rows, and then restores the journal of the first run.
    fn with_the_journal_of_the_first(first: &[(&str, &str)], second: &[(&str, &str)]) -> Nights {
        let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) };
        code(&nights.night(first, ""), 0);
        let older = nights.sandbox.read("out/journal.jsonl");
        code(&nights.night(second, ""), 0);
        nights.sandbox.write("out/journal.jsonl", older);
        nights
    }

    /// Runs a manifest with rows of an id and a color.
    fn night(&self, rows: &[(&str, &str)], arguments: &str) -> Output {
        self.command("run", rows, &format!("--rate 100/s --burst 9 {arguments}"))
    }

    fn command(&self, name: &str, rows: &[(&str, &str)], arguments: &str) -> Output {
        let rows: String = rows
            .iter()
            .map(|(id, color)| format!("{id},Make the {id} {color},https://example.com/{id}.jpg\n"))
            .collect();
        self.sandbox.write("catalog.csv", format!("id,prompt,images\n{rows}"));
        self.provider.client(&self.sandbox, &format!("{name} catalog.csv -o out {arguments}")).output().unwrap()
    }
}

const MUG: (&str, &str) = ("mug", "#FF0000");
const VASE: (&str, &str) = ("vase", "#FF0000");
const LAMP: (&str, &str) = ("lamp", "#FF0000");

#[test]
fn an_older_journal_is_reported_before_anything_is_paid_for() {
    let nights = Nights::with_the_journal_of_the_first(&[MUG], &[MUG, VASE, LAMP]);
    for command in ["run", "check"] {
        let printed = code(&nights.command(command, &[MUG, VASE, LAMP], ""), 1);
        assert!(
            printed.contains("out: its journal is an outdated copy") && printed.contains("remove out/.known-journal"),
            "{printed}"
        );
    }
    assert_eq!(nights.provider.accepted(), 3);
}

#[test]
fn an_older_journal_is_reported_even_without_unknown_pictures() {
    let blue = ("mug", "#0000FF");
    let nights = Nights::with_the_journal_of_the_first(&[MUG], &[blue]);
    std::fs::remove_dir_all(nights.sandbox.path("out/results")).unwrap();
    let printed = code(&nights.night(&[blue], ""), 1);
    assert!(printed.contains("its journal is an outdated copy"), "{printed}");
    assert_eq!(nights.provider.accepted(), 2);
}

#[test]
fn a_compacted_or_new_journal_is_not_reported_as_older() {
    let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) };
    code(&nights.night(&[MUG, VASE], ""), 0);
    code(&nights.sandbox.run("compact out"), 0);
    code(&nights.night(&[MUG, VASE], ""), 0);
    assert_eq!(nights.provider.accepted(), 2);
    for name in ["out/journal.jsonl", "out/results/mug.png", "out/results/vase.png"] {
        std::fs::remove_file(nights.sandbox.path(name)).unwrap();
    }
    code(&nights.night(&[MUG], ""), 0);
    assert_eq!(nights.provider.accepted(), 3);
}

#[test]
fn unknown_pictures_are_not_paid_for_again_if_an_older_journal_cannot_be_detected() {
    let nights = Nights::with_the_journal_of_the_first(&[MUG], &[("mug", "#0000FF"), VASE, LAMP]);
    std::fs::remove_file(nights.sandbox.path("out/.known-journal")).unwrap();
    let rows = [("mug", "#0000FF"), VASE, LAMP];
    let before = std::fs::read(nights.sandbox.path("out/results/vase.png")).unwrap();
    let printed = code(&nights.night(&rows, ""), 3);
    assert!(
        printed.contains("3 jobs are held back: results/mug.png, results/vase.png, results/lamp.png exist"),
        "{printed}"
    );
    assert_eq!(nights.provider.accepted(), 4, "none was submitted");
    assert_eq!(std::fs::read(nights.sandbox.path("out/results/vase.png")).unwrap(), before);
    for name in ["vase.png", "lamp.png"] {
        std::fs::remove_file(nights.sandbox.path("out/results").join(name)).unwrap();
    }
    code(&nights.night(&rows, ""), 3);
    assert_eq!(nights.provider.accepted(), 6, "moving the pictures away is to pay for them anew");
}

#[test]
fn a_picture_made_by_hand_for_a_new_row_holds_only_that_job_back() {
    let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) };
    code(&nights.night(&[MUG], ""), 0);
    std::fs::copy(nights.sandbox.path("out/results/mug.png"), nights.sandbox.path("out/results/vase.png")).unwrap();
    let made = std::fs::read(nights.sandbox.path("out/results/vase.png")).unwrap();

    let checked = nights.command("check", &[MUG, VASE, LAMP], "--json");
    code(&checked, 0);
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(
        (&checked["plan"]["held_back"], &checked["plan"]["new"], &checked["plan"]["submits"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let told = checked["warnings"][0]["message"].as_str().unwrap();
    assert_eq!(told, "1 job is held back: results/vase.png exists but is not recorded in the journal");

    for (night, accepted) in [("the first", 2), ("the next", 2)] {
        let ended = nights.night(&[MUG, VASE, LAMP], "");
        code(&ended, 3);
        let summary = String::from_utf8_lossy(&ended.stdout);
        assert!(summary.contains("2 of 3 jobs completed, 1 pending"), "{night}: {summary}");
        assert!(summary.contains("held back 1 job: results/vase.png exists"), "{night}: {summary}");
        assert_eq!(nights.provider.accepted(), accepted, "{night}: the mug and the lamp");
    }
    assert_eq!(std::fs::read(nights.sandbox.path("out/results/vase.png")).unwrap(), made);
    let report: Value = serde_json::from_str(&nights.sandbox.read("out/report/summary.json")).unwrap();
    assert_eq!(report["state"], "partial");
    assert_eq!(report["held_back"], json!({"jobs": 1, "pictures": ["vase.png"]}));
    assert!(
        report["notes"][0].as_str().unwrap().contains("if the journal is an outdated copy, restore the newest one"),
        "{report}"
    );

    // Jobs that are not selected do not matter.
    code(&nights.night(&[MUG, VASE, LAMP], "--only mug"), 0);
    std::fs::remove_file(nights.sandbox.path("out/results/vase.png")).unwrap();
    code(&nights.night(&[MUG, VASE, LAMP], ""), 0);
    assert_eq!(nights.provider.accepted(), 3);
}

#[test]
fn check_reports_a_picture_made_by_hand_even_before_the_first_submit() {
    let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) };
    code(&nights.night(&[MUG], "--limit 0"), 0);
    nights.sandbox.write("out/results/mug.png", "made by hand");
    let told = code(&nights.command("check", &[MUG, VASE], ""), 0);
    assert!(told.contains("held back") && told.contains("1 submit,"), "{told}");
    code(&nights.night(&[MUG, VASE], ""), 3);
    assert_eq!(nights.provider.accepted(), 1);
}

#[test]
fn a_changed_picture_holds_no_job_back() {
    let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) };
    code(&nights.night(&[MUG], ""), 0);
    nights.sandbox.write("out/results/mug.png", "retouched");
    code(&nights.night(&[("mug", "#0000FF")], ""), 0);
    assert_eq!(nights.sandbox.read(&format!("out/earlier/{}", nights.sandbox.names("out/earlier")[0])), "retouched");
}

#[test]
fn a_further_picture_of_another_job_does_not_count_as_the_picture_of_the_job_with_its_name() {
    for (id, [first, second]) in [("mug-2", ["mug-2-2.png", "mug-2-3.png"]), ("MUG-2", ["MUG-2-2.png", "MUG-2-3.png"])]
    {
        let two = Behavior { outputs: 2, ..Behavior::default() };
        let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(two) };
        code(&nights.night(&[MUG], ""), 0);
        assert_eq!(nights.sandbox.names("out/results"), ["mug-2.png", "mug.png"]);
        let picture = std::fs::read(nights.sandbox.path("out/results/mug-2.png")).unwrap();
        for _night in 0..2 {
            code(&nights.night(&[MUG, (id, "#FF0000")], ""), 0);
            assert_eq!(std::fs::read(nights.sandbox.path("out/results/mug-2.png")).unwrap(), picture);
            assert!(!nights.sandbox.path("out/earlier").exists());
        }
        let results = nights.sandbox.read("out/report/results.csv");
        let files = format!("results/{first}|results/{second}");
        assert!(results.contains("results/mug.png|results/mug-2.png") && results.contains(&files), "{results}");
        assert_eq!(nights.provider.accepted(), 2);
        // Another edit of the first job takes the name of neither of them.
        code(&nights.night(&[("mug", "#0000FF"), (id, "#FF0000")], ""), 0);
        let results = nights.sandbox.read("out/report/results.csv");
        assert!(results.contains("results/mug.png|results/mug-3.png") && results.contains(&files), "{results}");
        code(&nights.sandbox.run("merge out -o all"), 0);
        assert_eq!(nights.sandbox.names("all/results"), nights.sandbox.names("out/results"));
    }
}

#[test]
fn a_further_picture_does_not_take_the_name_of_a_removed_job() {
    let two = Behavior { outputs: 2, ..Behavior::default() };
    let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(two) };
    code(&nights.night(&[("mug-2", "#FF0000")], ""), 0);
    code(&nights.night(&[MUG], ""), 0);
    assert_eq!(nights.sandbox.names("out/results"), ["mug-2-2.png", "mug-2.png", "mug-3.png", "mug.png"]);
}

#[test]
fn a_picture_made_by_hand_for_a_failed_job_holds_only_that_job_back() {
    let refusing = Behavior { every: Some((2, 422)), ..Behavior::default() };
    let nights = Nights { sandbox: Sandbox::new(), provider: Provider::start(refusing) };
    code(&nights.night(&[MUG], ""), 0);
    code(&nights.night(&[MUG, VASE], ""), 3);
    std::fs::copy(nights.sandbox.path("out/results/mug.png"), nights.sandbox.path("out/results/vase.png")).unwrap();
    let told = nights.command("check", &[MUG, VASE, LAMP], "--retry-failed");
    code(&told, 0);
    assert!(String::from_utf8_lossy(&told.stdout).contains("1 submit,"), "the lamp alone: {told:?}");
    let printed = code(&nights.night(&[MUG, VASE, LAMP], "--retry-failed"), 3);
    assert!(printed.contains("1 job is held back: results/vase.png exists"), "{printed}");
    assert_eq!(nights.provider.accepted(), 2, "mug and lamp");
}
