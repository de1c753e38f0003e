//! Manifests as spreadsheets, shops and people write them: the jobs of each valid one, and the output for each bad one.
//!
//! To add a file to `tests/manifests/bad`, only its output in `tests/manifests/told` has to be reviewed: does it state
//! the location, the error, and how to fix it? The valid ones and what is read from them are in `tests/manifests/good`
//! and `tests/manifests/read`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use dyehouse::manifest::Manifest;
use rayon::prelude::*;
use serde_json::Value;

use crate::support::{Sandbox, code};

/// Returns the manifests in a folder of `tests/manifests`. Files in subfolders belong to them.
fn manifests(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path(folder))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file() || entry.file_name() == "folder.csv")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(name)
}

/// Runs the program on a manifest of a folder, in that folder.
fn dyehouse(sandbox: &Sandbox, folder: &str, arguments: &[&str]) -> std::process::Output {
    let mut command: Command = sandbox.dyehouse("");
    command.current_dir(path(folder)).args(arguments).args(["--backend", "embedded", "-o"]).arg(sandbox.path("out"));
    command.output().unwrap()
}

/// Compares each text with the snapshot of its name.
fn hold(kept: &str, texts: Vec<(String, String)>) {
    let settings = || {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path(kept));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings
    };
    for (name, text) in texts {
        settings().bind(|| insta::assert_snapshot!(name, text));
    }
}

#[test]
fn every_bad_manifest_is_reported_with_location_reason_and_remedy() {
    let names = manifests("bad");
    assert!(names.len() >= 150, "{}", names.len());
    let told: Vec<(String, String)> = names
        .into_par_iter()
        .map(|name| {
            let sandbox = Sandbox::new();
            let printed = code(&dyehouse(&sandbox, "bad", &["check", &name]), 2);
            assert!(printed.contains("error: ") && printed.contains("nothing was submitted"), "{name}: {printed}");
            assert!(!printed.contains("panicked"), "{name}: {printed}");
            (name, printed)
        })
        .collect();
    hold("told", told);
}

#[test]
fn a_run_of_a_bad_manifest_submits_and_writes_nothing() {
    manifests("bad").par_iter().step_by(6).for_each(|name| {
        let sandbox = Sandbox::new();
        code(&dyehouse(&sandbox, "bad", &["run", name]), 2);
        assert!(sandbox.names(".").is_empty(), "{name}");
    });
}

#[test]
fn every_reported_location_exists_in_its_file() {
    manifests("bad").par_iter().step_by(2).for_each(|name| {
        let output = dyehouse(&Sandbox::new(), "bad", &["check", name, "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        for error in told["errors"].as_array().unwrap() {
            let (Some(line), Some(column)) = (error["line"].as_u64(), error["column"].as_u64()) else { continue };
            let bytes = std::fs::read(path("bad").join(error["file"].as_str().unwrap())).unwrap();
            let text = match bytes.strip_prefix(b"\xFF\xFE") {
                Some(rest) => {
                    let units: Vec<u16> = rest.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                    String::from_utf16(&units).unwrap()
                }
                None => String::from_utf8(bytes)
                    .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect()),
            };
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            let line = text.trim_start_matches('\u{feff}').split('\n').nth(line as usize - 1);
            let length = line.unwrap_or_else(|| panic!("{name}: no such line: {error}")).chars().count() as u64;
            assert!(column <= length + 1, "{name}: no such column: {error}");
            assert!(error["message"].is_string(), "{error}");
        }
    });
}

#[test]
fn every_good_manifest_is_read_as_intended() {
    let read: Vec<(String, String)> = manifests("good")
        .into_par_iter()
        .map(|name| {
            let text = read(&path("good").join(&name));
            code(&dyehouse(&Sandbox::new(), "good", &["check", &name]), 0);
            (name, text)
        })
        .collect();
    hold("read", read);
}

/// Bad manifests that the schema accepts, with the reason why it cannot detect the error.
const BEYOND_THE_SCHEMA: [(&str, &[&str]); 6] = [
    (
        "a comment is gone before a schema looks",
        &[
            "color-not-quoted.yaml",
            "default-color-not-quoted.yaml",
            "prompt-before-a-comment.yaml",
            "text-cut-by-a-comment.yaml",
            "text-with-a-tag.yaml",
        ],
    ),
    ("it does not multiply", &["matrix-of-billions.yaml"]),
    ("it cannot compare one job with another", &["id-twice.yaml", "ids-that-are-one-number.yaml"]),
    (
        "what is in another file is not in this one",
        &[
            "rows-a-folder.yaml",
            "cell-named-as-a-column.yaml",
            "cells-with-holes.yaml",
            "rows-below-a-title.yaml",
            "rows-of-a-flat-file.yaml",
            "rows-and-pictures-missing.yaml",
            "rows-at-an-address.yaml",
            "rows-file-missing.yaml",
            "rows-file-no-table.yaml",
            "rows-of-torn-lines.yaml",
            "rows-pattern-without-match.yaml",
            "rows-with-a-header-twice.yaml",
            "rows-with-an-open-quote.yaml",
            "rows-with-empty-cells.yaml",
        ],
    ),
    (
        "rows may have any column, and some win over the template",
        &["override-wrong.yaml", "row-without-a-key.yaml", "template-without-prompt.yaml"],
    ),
    (
        "a template is a text until it is filled in",
        &[
            "decimal-comma.yaml",
            "empty-cell-as-a-number.yaml",
            "entry-as-a-text.yaml",
            "entry-without-a-part.yaml",
            "placeholders-of-other-programs.yaml",
            "empty-cell-as-a-number-in-the-end.yaml",
            "numbers-of-all-kinds.yaml",
            "several-urls-of-all-kinds.yaml",
            "cells-that-stand-for-nothing.yaml",
            "if-no-is-a-text.yaml",
            "template-block-of-lines.yaml",
            "template-block-open.yaml",
            "template-divides-by-zero.yaml",
            "template-filter-unknown.yaml",
            "template-makes-a-bad-id.yaml",
            "template-makes-a-bad-size.yaml",
            "template-makes-one-id-for-all-rows.yaml",
            "template-makes-one-id.yaml",
            "template-misses-a-part-of-the-matrix.yaml",
            "template-name-in-quotes.yaml",
            "template-name-with-dashes.yaml",
            "template-names-a-part-of-a-text.yaml",
            "template-names-no-part.yaml",
            "template-names-nothing.yaml",
            "template-never-ends.yaml",
            "template-open.yaml",
            "template-open-and-names-misspelt.yaml",
            "when-beside-its-braces.yaml",
            "when-compares-a-text.yaml",
            "when-compares-two-texts.yaml",
            "when-compares-with-a-number-in-quotes.yaml",
            "when-in-another-language.yaml",
            "when-no-in-every-color.yaml",
            "when-no-is-a-text.yaml",
            "when-true-is-a-text.yaml",
            "when-open.yaml",
        ],
    ),
];

#[test]
fn the_schema_and_the_reader_agree_on_the_corpus() {
    let schema = jsonschema::validator_for(&dyehouse::manifest::schema()).unwrap();
    let is_document = |name: &String| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    let value = |folder: &str, name: &str| -> Option<Value> {
        let bytes = std::fs::read(path(folder).join(name)).unwrap();
        let text = match bytes.strip_prefix(b"\xFF\xFE") {
            Some(rest) => {
                let units: Vec<u16> = rest.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                String::from_utf16(&units).unwrap()
            }
            None => String::from_utf8(bytes).ok()?,
        };
        // Invalid YAML and YAML with duplicate keys are never validated against a schema.
        serde_yaml::from_str(&text).ok()
    };
    for name in manifests("good").into_iter().filter(is_document) {
        let value = value("good", &name).unwrap();
        let wrong: Vec<String> =
            schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
    let taken: Vec<String> = manifests("bad")
        .into_iter()
        .filter(is_document)
        .filter(|name| value("bad", name).is_some_and(|value| schema.is_valid(&value)))
        .collect();
    let mut expected: Vec<&str> = BEYOND_THE_SCHEMA.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    expected.sort_unstable();
    assert_eq!(taken, expected);
}

/// Returns the content of a manifest: notices, and each job with its request.
fn read(path: &Path) -> String {
    let manifest = Manifest::open(path).unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
    let folder = format!("{}/", path.parent().unwrap().display());
    let mut text = String::new();
    for notice in manifest.notices() {
        writeln!(text, "{:?}: {}", notice.severity, notice.message).unwrap();
    }
    for job in manifest.jobs().unwrap() {
        let job = job.unwrap_or_else(|wrong| panic!("{}: {wrong:?}", path.display()));
        writeln!(text, "\n{} (line {})", job.id, job.line).unwrap();
        let request = &job.request;
        writeln!(text, "  prompt  {:?}", request.prompt).unwrap();
        for image in &request.images {
            writeln!(text, "  image   {}", image.to_string().replace(&folder, "")).unwrap();
        }
        let switches = request.switches;
        let known = [
            ("size", request.size.map(|size| size.as_str().to_owned())),
            ("seed", request.seed.map(|seed| seed.get().to_string())),
            ("sync", switches.enable_sync_mode.map(|switch| switch.to_string())),
            ("safety", switches.enable_safety_checker.map(|switch| switch.to_string())),
            ("color", job.color.map(|color| color.to_string())),
        ];
        for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            writeln!(text, "  {name:<7} {value}").unwrap();
        }
        for (name, value) in job.columns.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(text, "  | {name}: {value:?}").unwrap();
        }
    }
    text
}
