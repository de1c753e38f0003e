//! The deployment examples, compared with the program, and checked by the tools that they are for if these are
//! installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use dyehouse::cli::Cli;
use serde_json::Value;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

/// Returns the words of each command of the program in a shell script. A quoted text is one word. Redirections and
/// anything after the command are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ").replace("$((JOB_COMPLETION_INDEX + 1))", "1").replace('…', "x");
    let mut commands = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches([' ', '#']);
        let words = words(line);
        let program = words.iter().position(|word| word == "dyehouse" || word.ends_with("/dyehouse"));
        // In a sentence, the word is only the name of the program.
        let starts = program.filter(|at| words[..*at].iter().all(|word| is_before_a_command(word)));
        if let Some(at) = starts {
            let is_over = |word: &&String| !["||", "&&", ";", "|", "&"].contains(&word.as_str());
            let own = words[at..]
                .iter()
                .take_while(is_over)
                .filter(|word| !word.starts_with(['>', '<']) && !word.starts_with("2>"));
            let own: Vec<String> = own.cloned().collect();
            // The word alone is the name of the program.
            commands.extend((own.len() > 1).then_some(own));
        }
    }
    commands
}

/// Whether a word may precede a command: a variable, a field of a crontab, or `exec`.
fn is_before_a_command(word: &str) -> bool {
    let is_field = word == "*" || word.bytes().all(|byte| byte.is_ascii_digit());
    is_field || word == "exec" || word.contains('=')
}

fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[track_caller]
fn all_parse(commands: &[Vec<String>], place: &str) {
    for command in commands {
        let mut command = command.clone();
        command[0] = "dyehouse".to_owned();
        if let Err(error) = Cli::try_parse_from(&command) {
            assert!(!error.use_stderr(), "{place}: {command:?}: {error}");
        }
    }
}

/// Collects all strings in a YAML file.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).unwrap()
}

#[test]
fn every_command_in_documents_and_examples_is_accepted() {
    for (path, least) in [
        ("README.md", 2),
        ("docs/running.md", 1),
        ("docs/many-machines.md", 2),
        ("docs/color.md", 2),
        ("docs/embedded-server.md", 1),
        ("docs/manifests.md", 0),
        ("docs/options.md", 0),
        ("docs/output-files.md", 0),
        ("docs/notifications.md", 0),
        ("examples/nightly.sh", 1),
        ("examples/crontab", 1),
        ("examples/systemd/dyehouse-catalog.service", 0),
        ("examples/github/catalog.yml", 1),
        ("examples/kubernetes/cronjob.yaml", 1),
        ("examples/kubernetes/indexed-job.yaml", 1),
    ] {
        let found = commands(&read(path));
        assert!(found.len() >= least, "{path}: {found:?}");
        all_parse(&found, path);
    }
    let unit = read("examples/systemd/dyehouse-catalog.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    all_parse(&[words(start)], "ExecStart");
    for path in
        ["examples/github/catalog.yml", "examples/kubernetes/cronjob.yaml", "examples/kubernetes/indexed-job.yaml"]
    {
        let mut found = Vec::new();
        texts(&yaml(path), &mut found);
        let found: Vec<_> = found.iter().flat_map(|text| commands(text)).collect();
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        all_parse(&found, path);
    }
}

#[test]
fn a_run_that_stopped_at_its_deadline_succeeds_in_kubernetes() {
    let container =
        &yaml("examples/kubernetes/cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    let command: Vec<String> = serde_json::from_value(container["command"].clone()).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = format!("{}:{}", place.path().display(), std::env::var("PATH").unwrap());
    let ended = |program: &str| {
        let file = place.path().join("dyehouse");
        fs::write(&file, format!("#!/bin/sh\n{program}\n")).unwrap();
        Command::new("chmod").arg("+x").arg(&file).status().unwrap();
        Command::new(&command[0]).args(&command[1..]).env("PATH", &path).status().unwrap().code()
    };
    for (stop, code, expected) in [
        ("null", 0, 0),
        ("null", 3, 3),
        ("\"not_after\"", 4, 0),
        ("\"budget_per_run\"", 4, 0),
        ("\"balance\"", 4, 4),
        ("\"unreachable\"", 4, 4),
        ("null", 5, 5),
    ] {
        assert_eq!(ended(&format!("echo '{{\"stop\": {stop}}}'; exit {code}")), Some(expected), "{stop} {code}");
    }
    // SIGTERM reaches the program, which ends gracefully.
    let graceful = "trap 'echo \"{\\\"stop\\\": \\\"signal\\\"}\"; exit 4' TERM";
    assert_eq!(ended(&format!("{graceful}; kill -TERM $PPID; for _ in $(seq 1000); do sleep 0.01; done")), Some(0));
}

#[test]
fn the_kubernetes_manifests_are_consistent() {
    let night = yaml("examples/kubernetes/cronjob.yaml");
    assert_eq!((night["apiVersion"].as_str(), night["kind"].as_str()), (Some("batch/v1"), Some("CronJob")));
    assert_eq!(night["spec"]["concurrencyPolicy"], "Forbid");
    let shares = yaml("examples/kubernetes/indexed-job.yaml");
    assert_eq!((shares["kind"].as_str(), shares["spec"]["completionMode"].as_str()), (Some("Job"), Some("Indexed")));
    assert_eq!(shares["spec"]["completions"], 8);
    for pod in [&night["spec"]["jobTemplate"]["spec"]["template"]["spec"], &shares["spec"]["template"]["spec"]] {
        let container = &pod["containers"][0];
        let mounted: Vec<&Value> =
            container["volumeMounts"].as_array().unwrap().iter().map(|mount| &mount["name"]).collect();
        let volumes: Vec<&Value> = pod["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
        assert_eq!(mounted, volumes);
        assert_eq!(pod["restartPolicy"], "Never");
    }
}

#[test]
fn the_systemd_units_are_valid() {
    let place = tempfile::tempdir().unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify");
    for name in ["dyehouse-catalog.service", "dyehouse-catalog.timer"] {
        let unit = read(&format!("examples/systemd/{name}"));
        // The tool checks whether the program exists.
        fs::write(place.path().join(name), unit.replace("/usr/local/bin/dyehouse", env!("CARGO_BIN_EXE_dyehouse")))
            .unwrap();
        verify.arg(place.path().join(name));
    }
    // Without the tool, nothing is checked. `.ci/run` installs it.
    let Ok(output) = verify.output() else { return };
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !printed.contains("dyehouse-catalog"), "{printed}");
}
