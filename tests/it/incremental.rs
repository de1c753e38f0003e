//! Repeated runs of a manifest: only new and changed rows cost money, and removed rows cost nothing.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code};

struct Nights {
    sandbox: Sandbox,
    provider: Provider,
}

impl Nights {
    fn new() -> Nights {
        Nights { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) }
    }

    /// Runs a manifest with rows of an id and a color.
    fn night(&self, rows: &[(&str, &str)], arguments: &str) -> Output {
        self.sandbox.edits("catalog.csv", rows);
        self.provider
            .client(&self.sandbox, &format!("run catalog.csv -o out --rate 100/s --burst 9 {arguments}"))
            .output()
            .unwrap()
    }

    fn picture(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.sandbox.path("out/results").join(name)).unwrap()
    }
}

const FIRST: [(&str, &str); 3] = [("mug", "#FF0000"), ("vase", "#FF0000"), ("lamp", "#FF0000")];

#[test]
fn only_new_and_changed_rows_cost_money_and_removed_ones_are_reported_and_kept() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let (mug, vase) = (nights.picture("mug.png"), nights.picture("vase.png"));

    let second = [("mug", "#FF0000"), ("lamp", "#00FF00"), ("jug", "#FF0000")];
    let printed = code(&nights.night(&second, ""), 0);
    assert_eq!(nights.provider.accepted(), 5, "one row was changed and one is new");
    assert!(printed.contains("removed   1 job no longer in the manifest; the pictures stay"), "{printed}");
    assert!(printed.contains("$0.35 spent, $0.14 of it in this run"), "{printed}");
    assert_eq!((nights.picture("mug.png"), nights.picture("vase.png")), (mug, vase));
    assert_eq!(nights.sandbox.names("out/earlier").len(), 1, "the lamp of the first night");
    let summary = nights.sandbox.json("out/report/summary.json");
    assert_eq!((summary["removed"].as_u64(), summary["jobs"]["total"].as_u64()), (Some(1), Some(3)));
    assert!(summary["notes"][0].as_str().unwrap().starts_with("1 job is no longer in the manifest"), "{summary}");
    assert!(code(&nights.sandbox.run("status out"), 0).contains("removed   1 no longer in the manifest"));

    let requests = nights.provider.requests();
    code(&nights.night(&second, ""), 0);
    assert_eq!(nights.provider.requests(), requests, "the third night has nothing to do");
}

#[test]
fn check_warns_of_renamed_rows_before_they_are_paid_for_again() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let rows = ["mug", "vase", "lamp"].map(|id| format!("new-{id},Make the {id} #FF0000,https://example.com/{id}.jpg"));
    nights.sandbox.write(
        "catalog.csv",
        format!("id,prompt,images\n{}\nlid,Make it #FF0000,https://x/lid.jpg\n", rows.join("\n")),
    );
    let printed = code(&nights.sandbox.run("check catalog.csv -o out"), 0);
    let told = "the job requests the edit that `mug` shows already, and is paid for again (and 2 more)";
    assert!(
        printed.contains(told) && printed.contains("catalog.csv:2") && printed.contains("do not change the id"),
        "{printed}"
    );
}

#[test]
fn check_warns_of_swapped_ids_before_both_are_paid_for_again() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let rows = [("mug", "lamp"), ("lamp", "mug")]
        .map(|(id, of)| format!("{id},Make the {of} #FF0000,https://example.com/{of}.jpg\n"));
    nights.sandbox.write("catalog.csv", format!("id,prompt,images\n{}", rows.concat()));
    let printed = code(&nights.sandbox.run("check catalog.csv -o out"), 0);
    let told = "the job requests the edit that `lamp` shows already, and is paid for again (and 1 more)";
    assert!(printed.contains(told), "{printed}");
}

#[test]
fn an_unchanged_manifest_is_not_planned_again_but_a_changed_plan_is() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let (plan, mark) = (nights.sandbox.path("out/plan.jsonl"), nights.sandbox.path("out/.plan-of"));
    let planned = std::fs::read(&plan).unwrap();
    let requests = nights.provider.requests();
    let night = |rows: &[(&str, &str)]| code(&nights.night(rows, ""), 0);
    night(&FIRST);
    std::fs::write(&plan, &planned[..planned.len() - 9]).unwrap();
    night(&FIRST);
    assert_eq!(std::fs::read(&plan).unwrap(), planned, "a plan that was tampered with is made again");
    std::fs::remove_file(&plan).unwrap();
    night(&FIRST);
    assert_eq!(std::fs::read(&plan).unwrap(), planned);
    std::fs::remove_file(nights.sandbox.path("out/results/vase.png")).unwrap();
    night(&FIRST);
    assert!(nights.provider.requests() > requests, "a picture that is gone is asked for again");
    assert!(nights.sandbox.path("out/results/vase.png").exists());

    let marked = std::fs::read(&mark).unwrap();
    night(&FIRST[..2]);
    assert_ne!(std::fs::read(&mark).unwrap(), marked);
    assert_eq!(std::fs::read_to_string(&plan).unwrap().lines().count(), 2);
    night(&FIRST);
    assert_eq!((std::fs::read(&plan).unwrap(), std::fs::read(&mark).unwrap()), (planned, marked));
    assert_eq!(nights.provider.accepted(), 3, "nothing was paid for twice");
}

#[test]
fn prune_moves_results_of_removed_rows_aside_and_restored_rows_get_theirs_back() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let vase = nights.picture("vase.png");
    let thumbnails = nights.sandbox.names("out/report/thumbs");
    assert!(!thumbnails.is_empty());
    let without = [FIRST[0], FIRST[2]];
    let mut prune = nights.sandbox.dyehouse("run catalog.csv -o out --prune --json");
    nights.sandbox.write("catalog.csv", "id,prompt,images\nmug,Make the mug #FF0000,https://example.com/mug.jpg\n");
    let output = prune.output().unwrap();
    code(&output, 0);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["removed"].as_u64(), summary["set_aside"].as_u64()), (Some(0), Some(2)), "and needs no key");
    assert_eq!(nights.sandbox.names("out/results"), ["mug.png"]);
    assert_eq!(nights.sandbox.names("out/earlier").len(), 2);
    assert_eq!(nights.sandbox.names("out/report/thumbs"), thumbnails, "those of rows that may return are kept");
    assert!(!code(&nights.sandbox.run("status out"), 0).contains("removed"));

    code(&nights.night(&FIRST, "--prune"), 0);
    assert_eq!(nights.provider.accepted(), 3, "already paid for");
    assert_eq!(nights.picture("vase.png"), vase);
    assert_eq!(nights.sandbox.names("out/results"), ["lamp.png", "mug.png", "vase.png"]);
    code(&nights.night(&without, "--prune"), 0);
    assert_eq!(nights.sandbox.names("out/results"), ["lamp.png", "mug.png"]);
}

#[test]
fn a_prune_that_was_interrupted_before_moving_is_completed_by_the_next() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let vase = nights.picture("vase.png");
    code(&nights.night(&FIRST[..1], "--prune"), 0);
    // Simulates a power failure between the record and the move.
    nights.sandbox.write("out/results/vase.png", &vase);
    code(&nights.night(&FIRST[..2], ""), 0);
    assert_eq!(nights.picture("vase.png"), vase, "a row that comes back finds it in either place");
    code(&nights.night(&FIRST[..1], "--prune"), 0);
    nights.sandbox.write("out/results/vase.png", &vase);
    code(&nights.night(&FIRST[..1], "--prune"), 0);
    assert_eq!(nights.sandbox.names("out/results"), ["mug.png"]);
    assert_eq!(nights.provider.accepted(), 3);
}

#[test]
fn a_picture_removed_from_earlier_is_fetched_again_when_its_row_is_restored() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    code(&nights.night(&FIRST[..2], "--prune"), 0);
    std::fs::remove_dir_all(nights.sandbox.path("out/earlier")).unwrap();
    code(&nights.night(&FIRST, ""), 0);
    assert_eq!((nights.provider.accepted(), nights.sandbox.names("out/results").len()), (3, 3));
}

#[test]
fn a_run_with_nothing_to_do_rewrites_the_report_only_if_it_would_change() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let page = |nights: &Nights| nights.sandbox.path("out/report/index.html").metadata().unwrap().modified().unwrap();
    let first = page(&nights);
    code(&nights.night(&FIRST, ""), 0);
    assert_eq!(page(&nights), first);
    std::fs::remove_file(nights.sandbox.path("out/report/failed.csv")).unwrap();
    code(&nights.night(&FIRST, ""), 0);
    assert!(nights.sandbox.path("out/report/failed.csv").exists());
    code(&nights.night(&FIRST, "--budget 9"), 0);
    let summary = nights.sandbox.read("out/report/summary.json");
    assert!(summary.contains("900"), "the new budget stands in it: {summary}");
}

#[test]
fn a_manifest_without_jobs_prunes_nothing() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let rows = nights.sandbox.read("catalog.csv");
    nights.sandbox.write("rows.csv", rows.replace("images", "pictures"));
    let template =
        "{id: \"{{ id }}\", prompt: \"{{ prompt }}\", images: [\"{{ pictures }}\"], when: \"{{ id == 'mugs' }}\"}";
    nights.sandbox.write("catalog.yaml", format!("version: 1\nrows: rows.csv\ntemplate: {template}\n"));
    let mut command = nights.provider.client(&nights.sandbox, "run catalog.yaml -o out --prune");
    let printed = code(&command.output().unwrap(), 0);
    assert!(printed.contains("nothing is pruned"), "{printed}");
    assert_eq!(nights.sandbox.names("out/results").len(), 3);
}

#[test]
fn a_junit_file_that_cannot_be_written_is_refused_before_anything_is_paid_for() {
    let nights = Nights::new();
    nights.sandbox.write("folder/file", "");
    for (path, reason) in [
        ("nowhere/x.xml", "there is no such folder"),
        ("folder/file/x.xml", "there is no such folder"),
        ("folder", "it is a folder"),
    ] {
        let printed = code(&nights.night(&FIRST, &format!("--junit {path}")), 2);
        assert!(printed.contains(reason) && nights.provider.accepted() == 0, "{printed}");
    }
    assert_eq!(nights.sandbox.names("folder"), ["file"]);
}

#[test]
fn a_run_that_cannot_start_is_an_error_in_its_junit_file() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, "--junit x.xml"), 0);
    nights.sandbox.edits("catalog.csv", &[("mug", "#00FF00")]);
    let mut run = nights.provider.run(&nights.sandbox, "--junit x.xml");
    code(&run.env_remove("VIBEDREAM_API_KEY").env("VIBEDREAM_API_KEY_FILE", "/no/such/file").output().unwrap(), 1);
    let written = nights.sandbox.read("x.xml");
    assert!(
        written.contains("tests=\"1\" failures=\"0\" errors=\"1\"") && written.contains("/no/such/file"),
        "{written}"
    );
    nights.sandbox.write("catalog.csv", "id,promt\na,Make it red\n");
    code(&nights.provider.run(&nights.sandbox, "--junit x.xml").output().unwrap(), 2);
    let written = nights.sandbox.read("x.xml");
    assert!(written.contains("<error type=\"broken\"") && written.contains("did you mean `prompt`"), "{written}");
    assert!(written.contains("name=\"catalog\""), "{written}");
}

#[test]
fn a_junit_file_that_fails_at_the_end_does_not_affect_summary_report_and_notifications() {
    let nights = Nights::new();
    nights.provider.behave(Behavior { edit: Duration::from_secs(600), ..Behavior::default() });
    nights.sandbox.edits("catalog.csv", &FIRST);
    let mut run = nights.provider.run(&nights.sandbox, "--junit x.xml --on-finish");
    let child = run.arg("cat > notice.json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    nights.provider.wait_for_submits(3);
    nights.sandbox.write("x.xml/file", "");
    nights.provider.behave(Behavior::default());
    let printed = code(&child.wait_with_output().unwrap(), 1);
    assert!(printed.starts_with("3 jobs completed") && printed.contains("failed to write x.xml"), "{printed}");
    assert_eq!(nights.sandbox.json("out/report/summary.json")["jobs"]["completed"], 3);
    let notice = nights.sandbox.json("notice.json");
    assert_eq!((&notice["exit_code"], &notice["jobs"]["completed"]), (&1.into(), &3.into()));
    assert!(notice["batch"].is_null(), "it could be that of an earlier run: {notice}");
    code(&nights.provider.run(&nights.sandbox, "--junit y.xml").output().unwrap(), 0);
    assert!(nights.sandbox.read("y.xml").contains("tests=\"3\""));
}

#[test]
fn results_of_rows_that_came_back_return_though_their_rows_are_not_selected() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let pictures = ["mug.png", "vase.png", "lamp.png"].map(|name| nights.picture(name));
    code(&nights.night(&[FIRST[0], ("vase", "#00FF00")], "--prune"), 0);
    // A run that stops at once leaves them where they are, and reports them there.
    code(&nights.night(&FIRST, "--deadline 0s"), 4);
    let reported = |nights: &Nights| reported_pictures(&nights.sandbox);
    assert_eq!(reported(&nights), pictures);
    let table = nights.sandbox.read("out/report/results.csv");
    assert!(table.contains("earlier/vase.") && table.contains("earlier/lamp."), "{table}");

    let printed = code(&nights.night(&FIRST, "--only mug"), 0);
    assert!(printed.contains("catalog.csv: 1 job, 2 restored from earlier/, "), "{printed}");
    assert_eq!(["mug.png", "vase.png", "lamp.png"].map(|name| nights.picture(name)), pictures);
    assert_eq!(reported(&nights), pictures);
    assert!(!nights.sandbox.read("out/report/results.csv").contains("earlier/"));
    assert_eq!(nights.provider.accepted(), 4, "only the edit of the vase was paid for in addition");
}

#[test]
fn pictures_of_rows_that_are_not_selected_and_were_removed_from_earlier_are_left_to_their_run() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    code(&nights.night(&FIRST[..2], "--prune"), 0);
    std::fs::remove_dir_all(nights.sandbox.path("out/earlier")).unwrap();
    nights.provider.behave(Behavior { forgets: true, ..Behavior::default() });
    let requests = nights.provider.requests();
    assert!(code(&nights.night(&FIRST, "--only mug"), 0).starts_with("nothing to do"));
    assert_eq!(nights.provider.requests(), requests);
}

#[test]
fn pictures_that_were_moved_away_are_missed_and_taken_back_later_although_the_provider_has_forgotten_them() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let pictures = ["mug.png", "vase.png", "lamp.png"].map(|name| nights.picture(name));
    let (results, shop) = (nights.sandbox.path("out/results"), nights.sandbox.path("shop"));
    std::fs::rename(&results, &shop).unwrap();
    let printed = code(&nights.provider.client(&nights.sandbox, "check catalog.csv -o out").output().unwrap(), 0);
    assert!(printed.contains("  missing             3   not in results/ any more"), "{printed}");
    nights.provider.behave(Behavior { forgets: true, ..Behavior::default() });
    let printed = code(&nights.night(&FIRST, "--deadline 1s --grace 0s -q"), 4);
    assert!(printed.contains("3 completed jobs have no picture in results/ any more"), "{printed}");
    // What a run records once the provider has known none of them for a minute.
    let journal = nights.sandbox.read("out/journal.jsonl");
    let lost = r#""type":"failed","class":"lost","message":"HTTP 404"}"#;
    let ended = journal.lines().filter_map(|line| line.strip_suffix(r#""type":"completed"}"#));
    let lines: String = ended.map(|line| format!("{line}{lost}\n")).collect();
    assert_eq!(lines.lines().count(), 3);
    nights.sandbox.write("out/journal.jsonl", journal + &lines);
    let _ = std::fs::remove_dir(&results);
    std::fs::rename(&shop, &results).unwrap();
    let printed = code(&nights.night(&FIRST, "--retry-failed"), 0);
    assert!(!printed.contains("no picture in results/"), "{printed}");
    assert_eq!(["mug.png", "vase.png", "lamp.png"].map(|name| nights.picture(name)), pictures);
    assert_eq!(nights.provider.accepted(), 3, "nothing was paid for again");
    assert!(code(&nights.night(&FIRST, ""), 0).starts_with("nothing to do"));
}

#[test]
fn a_run_warns_of_edits_that_are_paid_for_again_under_other_ids() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let catalog = nights.sandbox.read("catalog.csv").replace("\nmug,", "\nMug-1,").replace("\nvase,", "\nvase-1,");
    nights.sandbox.write("catalog.csv", catalog);
    let printed = code(&nights.provider.client(&nights.sandbox, "run catalog.csv -o out -q").output().unwrap(), 0);
    let told = "`Mug-1` requests the edit that `mug` shows already, and is paid for again (and 1 more)";
    assert!(printed.contains(told), "{printed}");
}

/// Returns the pictures of all jobs from where `results.csv` says that they are.
fn reported_pictures(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let table = sandbox.read("out/report/results.csv");
    let paths = table.lines().skip(1).map(|row| row.split(',').find(|cell| cell.ends_with(".png")).unwrap());
    paths.map(|path| std::fs::read(sandbox.path("out").join(path)).unwrap()).collect()
}

#[test]
fn an_edited_row_keeps_its_earlier_picture_until_the_new_one_is_there_and_is_counted() {
    let nights = Nights::new();
    code(&nights.night(&FIRST, ""), 0);
    let mug = nights.picture("mug.png");
    nights.provider.behave(Behavior { every: Some((1, 422)), ..Behavior::default() });
    let edited = [("mug", "#00FF00"), FIRST[1], FIRST[2]];
    let printed = code(&nights.night(&edited, ""), 3);
    assert!(printed.contains("earlier pictures move to earlier/ once the new ones are there"), "{printed}");
    let told = "  outdated  1 edited job still has its earlier picture in results/\n";
    assert!(printed.contains(told), "{printed}");
    assert_eq!(nights.picture("mug.png"), mug);
    let summary = nights.sandbox.json("out/report/summary.json");
    assert_eq!(summary["outdated"], 1, "{summary}");
    assert_eq!(summary["notes"][0], "1 edited job still has its earlier picture in results/", "{summary}");
    assert!(code(&nights.night(&edited, ""), 3).contains(told), "a run with nothing to do says so too");
    assert!(code(&nights.sandbox.run("status out"), 0).contains(told));

    nights.provider.behave(Behavior::default());
    assert!(!code(&nights.night(&edited, "--retry-failed"), 0).contains("outdated"));
}

#[test]
fn predictions_of_removed_rows_are_fetched_straight_to_earlier_by_a_run_that_prunes() {
    let nights = Nights::new();
    code(&nights.night(&FIRST[..1], ""), 0);
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    nights.provider.behave(slow);
    nights.sandbox.edits("catalog.csv", &FIRST);
    let child = nights.provider.run(&nights.sandbox, "").stdout(Stdio::piped()).spawn().unwrap();
    nights.provider.wait_for_submits(3);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    code(&child.wait_with_output().unwrap(), 4);
    nights.provider.behave(Behavior::default());

    let output = nights.night(&FIRST[..1], "--prune --json");
    code(&output, 0);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(nights.sandbox.names("out/results"), ["mug.png"]);
    assert_eq!(nights.sandbox.names("out/earlier").len(), 2);
    assert_eq!((summary["removed"].as_u64(), summary["set_aside"].as_u64()), (Some(0), Some(2)), "{summary}");

    code(&nights.night(&FIRST, ""), 0);
    assert_eq!(nights.provider.accepted(), 3, "rows that come back find their pictures");
    assert_eq!(nights.sandbox.names("out/results"), ["lamp.png", "mug.png", "vase.png"]);
}
