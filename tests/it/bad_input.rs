//! Bad input gets one clear message with a location and a hint, and the documented exit code.

use std::io::Write;
use std::process::Stdio;

use crate::retouched::disc_to_show;
use crate::support::{Sandbox, code};

const GOOD: &str = "id,prompt,images\nmug,Make it #1E90FF,https://example.com/a.jpg\n";

#[track_caller]
fn assert_refused(sandbox: &Sandbox, arguments: &str, exit: i32, parts: &[&str]) {
    let printed = code(&sandbox.run(arguments), exit);
    for part in parts {
        assert!(printed.contains(part), "no {part:?} in:\n{printed}");
    }
    assert!(!printed.contains("panicked"), "{printed}");
}

#[test]
fn a_bad_manifest_is_reported_with_locations_and_nothing_is_created() {
    let long = "x".repeat(300);
    let rows = [
        ("../x,p,https://x/a.png", "2:1", "the id contains '/'"),
        ("a/b,p,https://x/a.png", "2:1", "the id contains '/'"),
        ("a\0b,p,https://x/a.png", "2:1", "the id contains '\\0'"),
        (&format!("{long},p,https://x/a.png"), "2:1", "300 bytes long"),
        ("a,p,https://x/a.png\na,q,https://x/a.png", "3:1", "is already used on line 2"),
        ("a,,https://x/a.png", "2:3", "no `prompt`"),
        ("a,p,nowhere.png", "2", "nowhere.png does not exist"),
    ];
    for (row, place, message) in rows {
        let sandbox = Sandbox::new();
        sandbox.write("bad.csv", format!("id,prompt,images\n{row}\n"));
        let place = format!("bad.csv:{place}");
        assert_refused(
            &sandbox,
            "run bad.csv --backend embedded",
            2,
            &[&place, message, "help: ", "nothing was submitted"],
        );
        assert_eq!(sandbox.names("."), ["bad.csv"]);
    }
}

#[test]
fn bad_values_are_reported_with_the_expected_ones() {
    let values = [
        ("seed: 10001", "a whole number from 0 to 10000"),
        ("seed: 1.5", "a whole number from 0 to 10000"),
        ("size: huge", "one of small, medium, large"),
        ("promt: x", "did you mean `prompt`?"),
        ("color: tomatoe", "did you mean `tomato`?"),
    ];
    for (value, hint) in values {
        let sandbox = Sandbox::new();
        sandbox.write("bad.yaml", format!("jobs:\n  - prompt: p\n    images: https://x/a.png\n    {value}\n"));
        assert_refused(&sandbox, "check bad.yaml", 2, &["bad.yaml:4:", hint]);
    }
}

#[test]
fn files_that_are_not_manifests_are_recognized() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.csv", "");
    sandbox.write("headless.csv", "id,images\na,https://x/a.png\n");
    sandbox.write("catalog.csv", GOOD);
    assert_refused(&sandbox, "run catalogue.csv", 2, &["no such file", "did you mean `catalog.csv`?"]);
    assert_refused(&sandbox, "run empty.csv", 2, &["the manifest is empty"]);
    sandbox.write("photos/mug.txt", "");
    assert_refused(&sandbox, "check photos", 2, &["it is a folder, and a manifest is a file"]);
    sandbox.write("runs/catalog/journal.jsonl", "");
    assert_refused(&sandbox, "run runs/catalog", 2, &["is in `dyehouse status runs/catalog`"]);
    assert_refused(&sandbox, "run headless.csv", 2, &["no column `prompt`"]);
}

#[test]
fn check_json_lists_every_error_with_its_location() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.csv", "id,prompt,images,seed\na,p,https://x/a.png,1.5\n../b,p,https://x/a.png,\n");
    let output = sandbox.run("check bad.csv --json");
    code(&output, 2);
    let checked: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let places: Vec<_> = checked["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64(), error["column"].as_u64()))
        .collect();
    assert_eq!(places, [(Some(2), Some(21)), (Some(3), Some(1))]);
    assert!(checked["plan"].is_null());
}

#[test]
fn a_missing_key_is_reported_with_the_variable_and_the_other_backend() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog.csv", GOOD);
    assert_refused(&sandbox, "run catalog.csv", 1, &["VIBEDREAM_API_KEY", "--backend embedded"]);
    assert_eq!(sandbox.names("."), ["catalog.csv"]);
}

#[test]
fn local_pictures_are_refused_for_the_provider_with_a_hint() {
    let sandbox = Sandbox::new();
    image::RgbImage::new(4, 4).save(sandbox.path("a.png")).unwrap();
    sandbox.write("catalog.csv", "id,prompt,images\na,p,a.png\nb,p,a.png\n");
    assert_refused(
        &sandbox,
        "run catalog.csv",
        2,
        &["catalog.csv:2", "1 more name local pictures", "https://", "images_via: inline", "--backend embedded"],
    );
}

#[test]
fn a_folder_that_cannot_be_created_is_reported() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog.csv", GOOD);
    sandbox.write("taken", "a file");
    assert_refused(&sandbox, "run catalog.csv --backend embedded -o taken/out", 1, &["taken/out", "hint: "]);
}

#[test]
fn a_journal_with_a_broken_line_is_refused_and_not_changed() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog.csv", GOOD);
    let journal = "{\"v\":1,\"at\":\"2026-11-23T20:00:00Z\",\"type\":\"ended\"}\n{\"v\":1,\n{\"v\":1,\"at\":\"2026-11-23T20:00:00Z\",\"type\":\"ended\"}\n";
    sandbox.write("out/journal.jsonl", journal);
    for command in ["run catalog.csv --backend embedded -o out", "status out", "report out", "check catalog.csv -o out"]
    {
        assert_refused(&sandbox, command, 1, &["journal.jsonl: line 2", "hint: "]);
    }
    assert_eq!(sandbox.read("out/journal.jsonl"), journal);
}

#[test]
fn a_line_of_a_journal_that_was_broken_after_a_run_is_named() {
    let sandbox = disc_to_show("#1E90FF");
    code(&sandbox.run("run catalog.csv --backend embedded -o out"), 0);
    let journal = sandbox.read("out/journal.jsonl");
    let line = journal.lines().nth(2).unwrap();
    for broken in ["broken", &"x".repeat(line.len()), &format!("{line} more")] {
        let broken = journal.replacen(line, broken, 1);
        sandbox.write("out/journal.jsonl", &broken);
        for command in
            ["run catalog.csv --backend embedded -o out", "status out", "check catalog.csv --backend embedded -o out"]
        {
            assert_refused(&sandbox, command, 1, &["journal.jsonl: line 3", "hint: nothing was changed"]);
        }
        assert_eq!(sandbox.read("out/journal.jsonl"), broken);
    }
}

#[test]
fn a_manifest_from_stdin_needs_a_folder() {
    let sandbox = Sandbox::new();
    for command in ["run -", "check -"] {
        let mut child = sandbox.dyehouse(&format!("{command} --backend embedded"));
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(GOOD.as_bytes()).unwrap();
        let printed = code(&child.wait_with_output().unwrap(), 2);
        assert!(printed.contains("a manifest from stdin has no name") && printed.contains("-o"), "{printed}");
    }
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn an_invalid_url_from_the_environment_is_reported_with_its_variable() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog.csv", GOOD);
    let output = sandbox.dyehouse("run catalog.csv").env("VIBEDREAM_BASE_URL", "ftp://x").output().unwrap();
    let told = "invalid value for 'VIBEDREAM_BASE_URL': \"ftp://x\" is not an https URL";
    assert!(code(&output, 2).contains(told), "{output:?}");
    let printed = code(&sandbox.run("run catalog.csv --base-url ftp://x"), 2);
    assert!(printed.contains("invalid value for '--base-url <URL>': \"ftp://x\" is not an https URL"), "{printed}");
}

#[test]
fn a_folder_without_a_run_is_reported() {
    let sandbox = Sandbox::new();
    for command in ["status nowhere", "report nowhere", "compact nowhere", "release nowhere mug"] {
        assert_refused(&sandbox, command, 2, &["find a run in nowhere"]);
    }
}

#[test]
fn invalid_options_are_usage_errors() {
    let sandbox = Sandbox::new();
    sandbox.write("catalog.csv", GOOD);
    for options in [
        "--rate fast",
        "--budget -1",
        "--in-flight 0",
        "--backend other",
        "--base-url http://example.com",
        "--only [",
        "--deadline soon",
    ] {
        assert_refused(&sandbox, &format!("run catalog.csv {options}"), 2, &["error"]);
    }
}

#[cfg(unix)]
#[test]
fn a_picture_with_a_path_that_is_not_unicode_is_refused_by_check_and_run() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let sandbox = Sandbox::new();
    let folder = sandbox.path(".").join(OsStr::from_bytes(b"caf\xE9"));
    std::fs::create_dir(&folder).unwrap();
    image::RgbImage::new(4, 4).save(folder.join("a.png")).unwrap();
    std::fs::write(folder.join("catalog.csv"), "id,prompt,images\nmug,Make it #1E90FF,a.png\n").unwrap();
    for command in ["check", "run"] {
        let mut program = sandbox.dyehouse(&format!("{command} --backend embedded -o out"));
        let printed = code(&program.arg(OsStr::from_bytes(b"caf\xE9/catalog.csv")).output().unwrap(), 2);
        assert!(printed.contains("a.png cannot be used: a name in its path is not valid UTF-8"), "{printed}");
        assert!(printed.contains("rename it, or the folder that has the name"), "{printed}");
    }
    assert!(!sandbox.path("out").exists());
}
