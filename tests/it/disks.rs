//! Full disks, read-only disks and vanished folders: the run stops cleanly, loses nothing, and can be resumed.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::support::{Behavior, Provider, Sandbox, code};

fn run(sandbox: &Sandbox, provider: &Provider) -> Command {
    provider.client(sandbox, "run catalog.csv -o out --rate 200/s --burst 20 --in-flight 8")
}

/// Checks that another run completes the jobs once the problem is solved, and that nothing was paid for twice.
fn goes_on(sandbox: &Sandbox, provider: &Provider, jobs: usize) {
    let output = run(sandbox, provider).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    let exit = output.status.code().unwrap();
    assert!(exit == 0 || exit == 3, "{printed}");
    assert!(provider.paid_twice().is_empty(), "{:?}", provider.paid_twice());
    let count = |status: &str| {
        let jobs = &sandbox.json("out/report/summary.json")["jobs"];
        usize::try_from(jobs[status].as_u64().unwrap()).unwrap()
    };
    assert_eq!(count("completed") + count("uncertain"), jobs, "{printed}");
    // Only submits that were in flight when the disk failed may be uncertain.
    assert!(count("uncertain") <= 8, "{printed}");
    assert_eq!(sandbox.names("out/results").len(), count("completed"));
}

#[test]
fn a_journal_that_cannot_grow_ends_the_run_and_reports_unrecorded_predictions() {
    let thoughtful = Behavior { answer: Duration::from_millis(40), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(thoughtful));
    sandbox.manifest("catalog.csv", 100);
    let program = run(&sandbox, &provider);
    // No file may grow beyond 48 KiB: further writes fail like on a full disk, because the signal is ignored.
    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 96; exec \"$0\" \"$@\"";
    limited.args(["-c", script]).arg(program.get_program()).args(program.get_args());
    limited.current_dir(sandbox.path(".")).env_remove("RUST_LOG").env("NO_PROXY", "*");
    limited.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &provider.url);
    let printed = code(&limited.output().unwrap(), 1);
    assert!(printed.contains("write the journal: File too large"), "{printed}");
    assert!(provider.accepted() < 100);
    let journal = sandbox.read("out/journal.jsonl");
    for (id, _) in provider.predictions() {
        let is_recorded = journal.contains(&format!("\"prediction\":\"{id}\""));
        assert!(
            is_recorded || printed.contains(&format!("is prediction {id}")),
            "{id} is in no journal, and not named: {printed}"
        );
    }
    goes_on(&sandbox, &provider, 100);
}

#[test]
fn a_results_folder_that_vanishes_ends_the_run_and_the_next_one_fetches_again() {
    let slow = Behavior { edit: Duration::from_millis(300), answer: Duration::from_millis(150), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 30);
    let child = run(&sandbox, &provider).stderr(std::process::Stdio::piped()).spawn().unwrap();
    provider.wait_for_submits(5);
    std::fs::remove_dir_all(sandbox.path("out/results")).unwrap();
    let printed = code(&child.wait_with_output().unwrap(), 1);
    assert!(printed.contains("results") && printed.contains("hint"), "{printed}");
    goes_on(&sandbox, &provider, 30);
    let jobs = &sandbox.json("out/report/summary.json")["jobs"];
    assert_eq!(
        jobs["completed"].as_u64(),
        Some(30),
        "the journal was well, so every submit under way got its id: {jobs}"
    );
}

#[test]
fn a_leftover_that_cannot_be_removed_costs_neither_the_report_nor_the_summary() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    code(&run(&sandbox, &provider).args(["--limit", "1"]).output().unwrap(), 0);
    // A folder cannot be removed like a file.
    std::fs::create_dir(sandbox.path("out/results/.dyehouse-draft-1")).unwrap();
    let printed = code(&run(&sandbox, &provider).output().unwrap(), 1);
    assert!(printed.contains("3 jobs completed"), "{printed}");
    assert!(printed.contains("failed to remove temporary files") && printed.contains(".dyehouse-draft-1"), "{printed}");
    assert!(sandbox.path("out/report/index.html").exists() && sandbox.path("out/.known-journal").exists(), "{printed}");
    assert_eq!(sandbox.json("out/report/summary.json")["state"], json!("finished"));
}

#[test]
fn a_report_takes_space_only_on_the_disk_of_its_run() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    code(&run(&sandbox, &provider).env("TMPDIR", sandbox.path("nowhere")).output().unwrap(), 0);
    assert_eq!(sandbox.json("out/report/summary.json")["jobs"]["completed"], json!(3));
}

#[test]
fn a_run_whose_folder_is_moved_away_asks_for_it_back_before_the_next_run() {
    let slow = Behavior { edit: Duration::from_millis(300), answer: Duration::from_millis(150), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 30);
    let mut program = run(&sandbox, &provider);
    let child = program.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    provider.wait_for_submits(5);
    std::fs::rename(sandbox.path("out"), sandbox.path("away")).unwrap();
    let printed = code(&child.wait_with_output().unwrap(), 1);
    let (told, remedy) = ("was moved or removed while it was in use", "bring it back before you run again");
    assert!(printed.contains(told) && printed.contains(remedy), "{printed}");
    assert!(!printed.contains("everything paid for is in the journal") && !sandbox.path("out").exists(), "{printed}");
    std::fs::rename(sandbox.path("away"), sandbox.path("out")).unwrap();
    goes_on(&sandbox, &provider, 30);
}

#[test]
fn a_plan_that_becomes_unreadable_ends_the_run_as_unfinished() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    // The plan is longer than the block that is read of it at once.
    let notes = "x".repeat(30_000);
    let row =
        |number| format!("job-{number:02},Make it #1E90FF number {number},https://example.com/{number}.jpg,{notes}\n");
    let rows: String = (0..12).map(row).collect();
    sandbox.write("catalog.csv", format!("id,prompt,images,notes\n{rows}"));
    let child = provider
        .client(&sandbox, "run catalog.csv -o out --rate 200/s --burst 20 --in-flight 1")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    provider.wait_for_submits(1);
    let mut plan = OpenOptions::new().write(true).open(sandbox.path("out/plan.jsonl")).unwrap();
    plan.seek(SeekFrom::End(-1)).unwrap();
    plan.write_all(b"?").unwrap();
    let printed = code(&child.wait_with_output().unwrap(), 1);
    assert!(printed.contains("plan.jsonl: line 12") && printed.contains("hint: run the manifest again"), "{printed}");
    let status: serde_json::Value =
        serde_json::from_slice(&sandbox.run("status out --json").stdout).expect("the status is JSON");
    assert_ne!(status["state"], json!("finished"), "{status}");
    goes_on(&sandbox, &provider, 12);
}

/// A separate file system, which is unmounted when this is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(path: &Path, options: &str) -> Mounted {
        std::fs::create_dir_all(path).unwrap();
        let mount = ["-t", "tmpfs", "-o", options, "tmpfs"];
        assert!(Command::new("mount").args(mount).arg(path).status().unwrap().success(), "mounting needs root");
        Mounted(path.to_owned())
    }

    fn remount(&self, options: &str) {
        assert!(Command::new("mount").args(["-o", options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[ignore = "mounts a file system, which needs root: cargo test --test it -- --ignored"]
fn a_full_disk_ends_the_run_which_resumes_once_there_is_space() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 100);
    let disk = Mounted::tmpfs(&sandbox.path("out"), "size=32m");
    let printed = code(&run(&sandbox, &provider).output().unwrap(), 1);
    assert!(printed.contains("No space left on device"), "{printed}");
    assert_eq!(provider.accepted(), 0, "nothing is paid for that could not be saved");
    disk.remount("remount,size=128m");
    goes_on(&sandbox, &provider, 100);
}

#[test]
#[ignore = "mounts a file system, which needs root: cargo test --test it -- --ignored"]
fn a_read_only_disk_ends_the_run_which_resumes_once_it_is_writable() {
    let slow = Behavior { edit: Duration::from_millis(300), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 100);
    let disk = Mounted::tmpfs(&sandbox.path("out"), "size=128m");
    code(&run(&sandbox, &provider).args(["--limit", "5"]).output().unwrap(), 0);
    disk.remount("remount,ro");
    let printed = code(&run(&sandbox, &provider).output().unwrap(), 1);
    assert!(printed.contains("Read-only file system"), "{printed}");
    assert_eq!(provider.accepted(), 5, "nothing is sent that cannot be recorded");
    disk.remount("remount,rw");
    goes_on(&sandbox, &provider, 100);
}

#[test]
#[ignore = "mounts a file system, which needs root: cargo test --test it -- --ignored"]
fn results_on_a_disk_of_their_own_are_moved_to_earlier_and_back() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    let first = sandbox.read("catalog.csv");
    let _disk = Mounted::tmpfs(&sandbox.path("out/results"), "size=128m");
    code(&run(&sandbox, &provider).output().unwrap(), 0);
    let pictures = |names: &[String]| -> Vec<Vec<u8>> {
        names.iter().map(|name| std::fs::read(sandbox.path("out/results").join(name)).unwrap()).collect()
    };
    let names = sandbox.names("out/results");
    let before = pictures(&names);
    sandbox.write("catalog.csv", first.replace("Make", "Now make"));
    assert_ne!(sandbox.read("catalog.csv"), first);
    code(&run(&sandbox, &provider).output().unwrap(), 0);
    assert_eq!(sandbox.names("out/earlier").len(), 3);
    assert_ne!(pictures(&names), before);
    sandbox.write("catalog.csv", &first);
    code(&run(&sandbox, &provider).output().unwrap(), 0);
    assert_eq!((pictures(&names), provider.accepted()), (before, 6));
}

#[test]
#[ignore = "mounts a file system, which needs root: cargo test --test it -- --ignored"]
fn a_disk_that_fills_up_stops_submits_and_paid_results_are_saved() {
    let slow = Behavior { edit: Duration::from_millis(300), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 100);
    let _disk = Mounted::tmpfs(&sandbox.path("out"), "size=96m");
    let child = run(&sandbox, &provider)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    provider.wait_for_submits(5);
    let ballast = sandbox.write("out/ballast", vec![0; 48 << 20]);
    let output = child.wait_with_output().unwrap();
    let printed = code(&output, 1);
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(summary.contains("of 100 jobs completed") && summary.contains("free some space"), "{summary}");
    assert!(printed.contains("No space left on device: only") && printed.contains("free some space"), "{printed}");
    assert!(printed.contains("waiting for open jobs") && !printed.contains("the deadline"), "{printed}");
    assert!(provider.accepted() < 100);
    assert_eq!(sandbox.names("out/results").len(), provider.accepted());
    assert!(!printed.contains("failed to save"), "all pictures are: {printed}");
    let summary = sandbox.json("out/report/summary.json");
    assert_eq!((&summary["state"], &summary["jobs"]["completed"]), (&json!("stopped"), &json!(provider.accepted())));
    assert!(summary["stopped_because"].as_str().unwrap().contains("No space left on device"), "{summary}");
    std::fs::remove_file(ballast).unwrap();
    goes_on(&sandbox, &provider, 100);
}

#[test]
#[ignore = "mounts a file system, which needs root: cargo test --test it -- --ignored"]
fn results_that_cannot_be_written_are_reported_before_anything_is_paid_for() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 10);
    let disk = Mounted::tmpfs(&sandbox.path("out/results"), "ro,size=128m");
    let printed = code(&run(&sandbox, &provider).output().unwrap(), 1);
    assert!(printed.contains("Read-only file system") && provider.accepted() == 0, "{printed}");
    disk.remount("remount,rw");
    goes_on(&sandbox, &provider, 10);
}

#[test]
#[ignore = "mounts a file system, which needs root: cargo test --test it -- --ignored"]
fn shares_on_read_only_disks_are_merged_and_commands_that_write_say_what_to_do() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 6);
    let disk = Mounted::tmpfs(&sandbox.path("runs"), "size=128m");
    let share = |number| format!("run catalog.csv -o runs/{number} --partition {number}/2 --rate 200/s --burst 20");
    for number in 1..=2 {
        code(&provider.client(&sandbox, &share(number)).output().unwrap(), 0);
    }
    disk.remount("remount,ro");
    for command in ["report runs/1", "compact runs/1"] {
        let printed = code(&sandbox.run(command), 1);
        assert!(printed.contains("Read-only file system") && !printed.contains("--out"), "{printed}");
        assert!(printed.contains("hint: the disk is read-only: make it writable"), "{printed}");
    }
    code(&sandbox.run("status runs/1"), 0);
    code(&sandbox.run("merge runs/1 runs/2 -o all"), 0);
    assert_eq!(sandbox.names("all/results").len(), 6);
    assert!(code(&provider.client(&sandbox, "run catalog.csv -o all").output().unwrap(), 0).contains("nothing to do"));
    // The same disk may be writable by another path, by which a run uses the folder.
    let lock = std::fs::File::open(sandbox.path("runs/1/.lock")).unwrap();
    lock.lock().unwrap();
    code(&sandbox.run("merge runs/1 runs/2 -o another"), 5);
}
