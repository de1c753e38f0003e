//! The totals of a batch, which every output states alike.

use serde_json::Value;

use crate::retouched::disc_to_show;
use crate::support::{Sandbox, code};

/// Writes a manifest with rows of an id and a prompt, which the embedded editor carries out, and runs it.
fn night(sandbox: &Sandbox, rows: &[(&str, &str)], arguments: &str, expected: i32) -> String {
    let rows: String = rows.iter().map(|(id, prompt)| format!("{id},{prompt},disc.png,small\n")).collect();
    sandbox.write("catalog.csv", format!("id,prompt,images,size\n{rows}"));
    code(&sandbox.run(&format!("run catalog.csv -o out --backend embedded -q {arguments}")), expected)
}

const BLUE: &str = "Make it #1E90FF";

#[test]
fn removed_edited_and_retouched_jobs_are_counted_alike_everywhere() {
    let sandbox = disc_to_show("#1E90FF");
    night(&sandbox, &[("a", BLUE), ("b", BLUE), ("c", BLUE), ("d", BLUE)], "", 0);
    sandbox.write("out/results/d.png", "retouched");
    let later = [("a", BLUE), ("b", "Add a hat to it"), ("d", BLUE)];
    for _night in ["with work", "with nothing to do"] {
        let printed = night(&sandbox, &later, "--json --metrics-file out.prom", 3);
        let run: Value = serde_json::from_str(printed.split_inclusive("\n}\n").next().unwrap()).unwrap();
        let expected = serde_json::json!({"on": 1, "near": 0, "off": 0, "unmeasurable": 1});
        let status: Value = serde_json::from_str(&code(&sandbox.run("status out --json"), 0)).unwrap();
        for totals in [&run, &status, &sandbox.json("out/report/summary.json")] {
            assert_eq!(totals["colors"], expected, "{totals}");
            assert_eq!((&totals["jobs"]["completed"], &totals["jobs"]["failed"]), (&2.into(), &1.into()), "{totals}");
        }
        let metrics = sandbox.read("out.prom");
        for line in ["color=\"on\"} 1", "color=\"unmeasurable\"} 1", "status=\"completed\"} 2"] {
            assert!(metrics.contains(line), "{metrics}");
        }
    }
}

#[test]
fn a_run_of_some_jobs_is_partial_and_its_status_says_how_to_go_on() {
    let sandbox = disc_to_show("#1E90FF");
    night(&sandbox, &[("a", BLUE), ("b", BLUE)], "--limit 1 --price-limit 0.50", 0);
    let status = code(&sandbox.run("status out"), 0);
    assert!(status.starts_with("out: partial\n"), "{status}");
    let resume = "  resume    dyehouse run catalog.csv -o out --backend embedded -q --price-limit 0.50\n";
    assert!(status.contains(resume), "its limits stay: {status}");
    let summary = || sandbox.json("out/report/summary.json")["state"].clone();
    assert_eq!(summary(), "partial");
    let page = std::fs::read_to_string(sandbox.path("out/report/index.html")).unwrap();
    let command = &page[page.find("To continue").unwrap()..];
    let command = &command[..command.find("</p>").unwrap()];
    assert!(
        command.contains("run") && !command.contains("--limit"),
        "the command to continue takes all jobs: {command}"
    );
    night(&sandbox, &[("a", BLUE), ("b", BLUE)], "", 0);
    let status = code(&sandbox.run("status out"), 0);
    assert!(status.starts_with("out: finished\n") && !status.contains("resume"), "{status}");
    assert_eq!(summary(), "finished");
}

#[test]
fn a_command_that_fails_still_prints_one_json_object() {
    let sandbox = disc_to_show("#1E90FF");
    sandbox.manifest("urls.csv", 1);
    sandbox.write("bad.csv", "id,promt\na,Make it red\n");
    for (command, exit) in [
        ("run bad.csv --json", 2),
        ("run urls.csv --json", 1),
        ("run catalog.csv --backend embedded -o disc.png/out --json", 1),
        ("status nowhere --json", 2),
        ("merge nowhere -o out --json", 2),
        ("color measure nothing.png --to red --json", 1),
        ("color recolor disc.png --to red -o red.jpg --json", 2),
    ] {
        let output = sandbox.run(command);
        code(&output, exit);
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{command}: {output:?}"));
        assert_eq!((&printed["version"], &printed["exit_code"]), (&1.into(), &exit.into()), "{command}: {printed}");
        assert!(printed["error"].as_str().is_some_and(|error| !error.is_empty()), "{command}: {printed}");
    }
    let printed: Value = serde_json::from_slice(&sandbox.run("run bad.csv --json").stdout).unwrap();
    assert_eq!((&printed["state"], &printed["errors"][0]["line"]), (&"broken".into(), &1.into()), "{printed}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_only_prints_fails_if_it_cannot_and_one_that_did_something_does_not() {
    let sandbox = disc_to_show("#1E90FF");
    let ended = |arguments: &str| {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = sandbox.dyehouse(arguments).stdout(full).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(printed.contains("failed to write to stdout: No space left on device"), "{arguments}: {printed}");
        output.status.code()
    };
    night(&sandbox, &[("a", BLUE)], "", 0);
    for arguments in ["status out", "status out --json", "check catalog.csv --json", "schema manifest", "man"] {
        assert_eq!(ended(arguments), Some(1), "{arguments}");
    }
    for arguments in ["run catalog.csv -o out --backend embedded --json", "report out", "compact out"] {
        assert_eq!(ended(arguments), Some(0), "{arguments}");
    }
}
