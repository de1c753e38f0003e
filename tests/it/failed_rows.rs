//! The `failed.csv` of a report, run as it is: it continues the run of the report.

use std::process::{Command, Output};
use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code};

const FAILED: &str = "runs/catalog/report/failed.csv";

fn run(sandbox: &Sandbox, provider: &Provider, arguments: &str) -> Output {
    provider.client(sandbox, &format!("run {arguments} --rate 200/s --burst 20 --in-flight 20")).output().unwrap()
}

/// Starts a run of three jobs and interrupts it: one is completed, and two are in progress.
fn interrupted() -> (Sandbox, Provider) {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    code(&run(&sandbox, &provider, "catalog.csv --limit 1"), 0);
    provider.behave(Behavior { edit: Duration::from_secs(600), ..Behavior::default() });
    code(&run(&sandbox, &provider, "catalog.csv --deadline 1s --grace 0s"), 4);
    assert_eq!(provider.accepted(), 3);
    provider.behave(Behavior::default());
    (sandbox, provider)
}

fn ids(sandbox: &Sandbox, table: &str) -> Vec<String> {
    let table = sandbox.read(table);
    table.lines().skip(1).map(|row| row.split(',').next().unwrap().to_owned()).collect()
}

#[test]
fn failed_rows_continue_their_run_and_its_report_keeps_the_other_jobs() {
    let (sandbox, provider) = interrupted();
    assert_eq!(ids(&sandbox, FAILED), ["job-001", "job-002"]);
    let printed = code(&sandbox.run(&format!("check {FAILED}")), 0);
    assert!(printed.contains("2 jobs on vibedream in runs/catalog\n") && printed.contains("0 submits"), "{printed}");
    let printed = code(&run(&sandbox, &provider, FAILED), 0);
    assert!(!printed.contains("differ"), "{printed}");
    assert_eq!((provider.accepted(), sandbox.path("runs/failed").exists()), (3, false));
    assert_eq!(sandbox.names("runs/catalog/results"), ["job-000.png", "job-001.png", "job-002.png"]);
    assert_eq!(ids(&sandbox, "runs/catalog/report/results.csv"), ["job-000", "job-001", "job-002"]);
    assert_eq!(sandbox.json("runs/catalog/report/summary.json")["jobs"]["completed"], 3);
    let requests = provider.requests();
    code(&run(&sandbox, &provider, "catalog.csv"), 0);
    assert_eq!(provider.requests(), requests, "nothing is left to do");
}

#[test]
fn only_the_kept_failed_rows_are_run_and_pruning_moves_no_other_pictures() {
    let broken = Behavior { every: Some((2, 400)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(broken));
    sandbox.manifest("catalog.csv", 6);
    code(&run(&sandbox, &provider, "catalog.csv"), 3);
    provider.behave(Behavior::default());
    let failed = sandbox.read(FAILED).replace("Make it", "Paint it");
    let (kept, _) = failed.trim_end().rsplit_once('\n').unwrap();
    sandbox.write(FAILED, format!("{kept}\n"));
    let printed = code(&run(&sandbox, &provider, &format!("{FAILED} --prune")), 0);
    assert!(printed.contains("2 jobs completed"), "{printed}");
    let differs =
        "  differs   2 rows differ from catalog.csv: change them there too, or its next run goes back to the old\n";
    assert!(printed.contains(differs), "{printed}");
    assert_eq!((provider.accepted(), sandbox.names("runs/catalog/results").len()), (5, 5));
    assert!(!sandbox.path("runs/catalog/earlier").exists());
    let jobs = &sandbox.json("runs/catalog/report/summary.json")["jobs"];
    assert_eq!(
        (jobs["total"].as_u64(), jobs["completed"].as_u64(), jobs["failed"].as_u64()),
        (Some(6), Some(5), Some(1))
    );
    assert_eq!(ids(&sandbox, FAILED).len(), 1, "the row that was taken out is still to be mended");
}

#[test]
fn an_empty_failed_csv_is_nothing_to_do() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&run(&sandbox, &provider, "catalog.csv"), 0);
    assert!(ids(&sandbox, FAILED).is_empty());
    let requests = provider.requests();
    let printed = code(&sandbox.run(&format!("check {FAILED}")), 0);
    assert!(printed.contains("0 jobs on vibedream in runs/catalog\n") && !printed.contains("warning"), "{printed}");
    let printed = code(&run(&sandbox, &provider, &format!("{FAILED} --retry-failed")), 0);
    assert!(printed.contains("nothing to do: the manifest, or what is selected of it, has no jobs\n"), "{printed}");
    assert_eq!(provider.requests(), requests);
    assert_eq!(ids(&sandbox, "runs/catalog/report/results.csv"), ["job-000", "job-001"], "the report keeps its jobs");
    sandbox.write("header.csv", sandbox.read(FAILED));
    let printed = code(&sandbox.run("check header.csv"), 2);
    assert!(printed.contains("the manifest has a header and no rows"), "{printed}");
}

#[test]
fn a_row_whose_id_the_run_does_not_know_is_refused_and_not_paid_for() {
    let broken = Behavior { every: Some((1, 400)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(broken));
    sandbox.edits("catalog.csv", &[("0012", "#FF0000"), ("0112", "#FF0000"), ("mug", "#FF0000")]);
    code(&run(&sandbox, &provider, "catalog.csv"), 3);
    provider.behave(Behavior::default());
    let failed = sandbox.read(FAILED).replace("\n0012,", "\n12,").replace("\nmug,", "\nnew-product,");
    sandbox.write(FAILED, failed);
    for printed in [
        code(&sandbox.run(&format!("check {FAILED}")), 2),
        code(&run(&sandbox, &provider, &format!("{FAILED} --retry-failed")), 2),
    ] {
        assert!(printed.contains("the run has no job `12`") && printed.contains("did you mean `0012`?"), "{printed}");
        assert!(printed.contains("the run has no job `new-product`") && printed.contains("add new rows"), "{printed}");
    }
    assert_eq!(provider.accepted(), 0);
}

#[test]
fn failed_rows_run_in_another_folder_get_a_warning_if_they_are_paid_for_again() {
    let (sandbox, provider) = interrupted();
    let words = "2 jobs are open or uncertain in runs/catalog, and would be paid for again here";
    let printed = code(&sandbox.run(&format!("check {FAILED} -o other")), 0);
    assert!(printed.contains(words) && printed.contains("-o runs/catalog"), "{printed}");
    sandbox.write("mended.csv", sandbox.read(FAILED));
    let printed = code(&sandbox.run("check mended.csv -o other"), 0);
    assert!(!printed.contains("warning"), "nobody knows where it is from: {printed}");
    let printed = code(&run(&sandbox, &provider, &format!("{FAILED} -o other")), 0);
    assert!(printed.contains(words), "{printed}");
    assert_eq!(provider.accepted(), 5);
    let printed = code(&sandbox.run(&format!("check {FAILED} -o other")), 0);
    assert!(!printed.contains("warning"), "they are paid for by now: {printed}");
}

#[test]
fn failed_rows_stay_under_the_budget_of_their_run() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 4);
    code(&run(&sandbox, &provider, "catalog.csv --budget 0.14"), 4);
    code(&run(&sandbox, &provider, FAILED), 4);
    assert_eq!(provider.accepted(), 2);
    code(&run(&sandbox, &provider, &format!("{FAILED} --budget 0.28")), 0);
    assert_eq!(provider.accepted(), 4);
}

#[test]
fn failed_rows_use_the_model_and_the_settings_of_their_run() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    let settings = "model: other-model\nrun: {rate: 120/s, burst: 9, in_flight: 9, budget_per_run: 5, tolerance: 4}";
    let job = |id| format!("- {{id: {id}, prompt: 'Make the {id} #1E90FF', images: https://example.com/{id}.jpg}}\n");
    let jobs: String = ["mug", "cap"].map(job).concat();
    sandbox.write("catalog.yaml", format!("version: 1\n{settings}\njobs:\n{jobs}"));
    let run = |arguments: &str| provider.client(&sandbox, &format!("run {arguments}")).output().unwrap();
    code(&run("catalog.yaml --deadline 1s --grace 0s --price-limit 0.50"), 4);
    assert_eq!(provider.accepted(), 2);
    provider.behave(Behavior::default());
    let printed = code(&run(FAILED), 0);
    assert_eq!(provider.accepted(), 2, "another model would be another edit: {printed}");
    assert!(printed.contains("at 120/s") && printed.contains("of a budget of $5.00 per run"), "{printed}");

    provider.behave(Behavior { price: 60, ..Behavior::default() });
    sandbox.write(FAILED, "id,prompt,images\nmug,Make the mug #FF0000,https://example.com/mug.jpg\n");
    let printed = code(&run(&format!("{FAILED} --rate 99/s")), 4);
    assert!(printed.contains("at 99/s") && printed.contains("$0.50"), "the price limit of the run: {printed}");
}

/// Returns the program with only the provider's key, in another directory.
fn elsewhere(sandbox: &Sandbox, arguments: &str) -> Command {
    std::fs::create_dir_all(sandbox.path("elsewhere")).unwrap();
    let mut command = sandbox.dyehouse(arguments);
    command.env("VIBEDREAM_API_KEY", Provider::KEY).current_dir(sandbox.path("elsewhere"));
    command
}

#[test]
fn failed_rows_continue_from_any_directory_with_the_pictures_and_the_provider_of_their_run() {
    let broken = Behavior { every: Some((2, 400)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(broken));
    std::fs::create_dir_all(sandbox.path("photos")).unwrap();
    let job = |number: u8| {
        let name = format!("photos/{number}.png");
        image::RgbImage::from_pixel(8, 8, image::Rgb([number; 3])).save(sandbox.path(&name)).unwrap();
        format!("- {{id: job-{number}, prompt: 'Add a hat {number}', images: {name}}}\n")
    };
    let jobs: String = (0..4).map(job).collect();
    sandbox.write("catalog.yaml", format!("version: 1\nrun: {{images_via: inline}}\njobs:\n{jobs}"));
    let begun = format!("run catalog.yaml --base-url {} --rate 200/s", provider.url);
    let begun = sandbox.dyehouse(&begun).env("VIBEDREAM_API_KEY", Provider::KEY).output().unwrap();
    code(&begun, 3);
    provider.behave(Behavior::default());
    let failed = sandbox.read(FAILED);
    let (kept, left_out) = failed.trim_end().rsplit_once('\n').unwrap();
    sandbox.write(FAILED, format!("{kept}\n"));
    let again = format!("run {} --retry-failed --rate 200/s", sandbox.path(FAILED).display());
    let printed = code(&elsewhere(&sandbox, &again).output().unwrap(), 0);
    assert!(printed.contains("1 job completed") && provider.accepted() == 3, "{printed}");
    assert_eq!(sandbox.read(FAILED).trim_end().lines().last(), Some(left_out), "it names its picture as before");
    code(&elsewhere(&sandbox, &again).output().unwrap(), 0);
    assert_eq!((provider.accepted(), ids(&sandbox, FAILED).len()), (4, 0));
    assert!(provider.paid_twice().is_empty() && sandbox.names("elsewhere").is_empty());
}

#[test]
#[cfg(unix)]
fn failed_rows_of_a_share_continue_it_even_through_a_symlink() {
    let broken = Behavior { every: Some((2, 400)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(broken));
    sandbox.manifest("catalog.csv", 12);
    code(&run(&sandbox, &provider, "catalog.csv --partition 1/2"), 3);
    provider.behave(Behavior::default());
    let failed = "runs/catalog-1-of-2/report/failed.csv";
    let count = ids(&sandbox, failed).len();
    let before = provider.accepted();
    assert!(count > 0);
    std::os::unix::fs::symlink(sandbox.path(failed), sandbox.path("again.csv")).unwrap();
    code(&run(&sandbox, &provider, "again.csv --retry-failed"), 0);
    assert_eq!((provider.accepted(), ids(&sandbox, failed).len()), (before + count, 0));
    assert_eq!(sandbox.names("runs"), ["catalog-1-of-2"]);
}

#[test]
fn check_refuses_what_a_run_refuses_if_predictions_are_open_at_another_origin() {
    let (sandbox, provider) = interrupted();
    let printed = code(&sandbox.run("check catalog.csv"), 2);
    let refused = "failed to follow 2 predictions at https://api.vibedream.ai: submitted to";
    assert!(printed.contains(refused) && printed.contains(&format!("use --base-url {}", provider.url)), "{printed}");
    code(&sandbox.run(&format!("check catalog.csv --base-url {}", provider.url)), 0);
    code(&sandbox.run(&format!("check {FAILED}")), 0);
}
