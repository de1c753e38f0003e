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
        ("examples/Dockerfile", 0),
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

/// A folder with programs that scripts find instead of the real ones.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new() -> Programs {
        Programs(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a shell script as the program `name`.
    fn put(&self, name: &str, script: &str) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        Command::new("chmod").arg("+x").arg(&file).status().unwrap();
    }

    /// Runs a script with these programs, in this folder, and returns its exit code.
    fn run(&self, shell: &[&str], script: &str) -> Option<i32> {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(script).env("PATH", path).current_dir(self.0.path());
        command.output().unwrap().status.code()
    }
}

/// The summary of a run that stopped, with one job that ended as `ending` says.
fn summary(stop: &str, ending: &str) -> Value {
    let of = |word: &str| u64::from(word == ending);
    serde_json::json!({
        "jobs": {"total": 9, "completed": 7, "failed": of("failed"), "uncertain": of("uncertain"), "pending": 1},
        "held_back": {"jobs": of("held back"), "pictures": []},
        "colors": {"on": 7, "near": of("near"), "off": of("off"), "unmeasurable": 0},
        "alike": {"jobs": 1, "ids": ["a", "b"]},
        "uncertain": [],
        "last_run": {"stop": stop},
        "stop": stop,
    })
}

/// Runs with exit codes, stops and endings of jobs, and whether they are successes where `limit` is the time limit.
fn nights(limit: &str) -> Vec<(i32, &str, &'static str, bool)> {
    vec![
        (0, "none", "near", true),
        (3, "none", "failed", false),
        (4, limit, "near", true),
        (4, "budget_per_run", "near", true),
        (4, limit, "failed", false),
        (4, limit, "uncertain", false),
        (4, "budget_per_run", "off", false),
        (4, limit, "held back", false),
        (4, "balance", "near", false),
        (4, "unreachable", "near", false),
        (5, "none", "near", false),
    ]
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn night_container() -> Value {
    let job = &yaml("examples/kubernetes/cronjob.yaml")["spec"]["jobTemplate"];
    job["spec"]["template"]["spec"]["containers"][0].clone()
}

#[test]
fn a_run_that_stopped_as_planned_succeeds_in_kubernetes_unless_a_job_needs_attention() {
    let command: Vec<String> = serde_json::from_value(night_container()["command"].clone()).unwrap();
    let programs = Programs::new();
    let ended = |program: &str| {
        programs.put("dyehouse", program);
        programs.run(&[&command[0], &command[1]], &command[2])
    };
    for (code, stop, ending, is_success) in nights("not_after") {
        let printed = serde_json::to_string_pretty(&summary(stop, ending)).unwrap();
        fs::write(programs.path("printed.json"), printed).unwrap();
        let expected = if is_success { 0 } else { code };
        assert_eq!(ended(&format!("cat printed.json; exit {code}")), Some(expected), "{code} {stop} {ending}");
    }
    // SIGTERM reaches the program, which ends gracefully.
    let graceful = "trap 'echo \"{\\\"stop\\\": \\\"signal\\\"}\"; exit 4' TERM";
    assert_eq!(ended(&format!("{graceful}; kill -TERM $PPID; for _ in $(seq 1000); do sleep 0.01; done")), Some(0));
}

#[test]
fn a_run_that_stopped_as_planned_succeeds_on_github_unless_a_job_needs_attention() {
    // Without the tools, nothing is checked. `.ci/run` installs them.
    if !has("jq") || !has("bash") {
        return;
    }
    let workflow = yaml("examples/github/catalog.yml");
    let steps = workflow["jobs"]["edit"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == "Edit").unwrap();
    let programs = Programs::new();
    programs.put("aws", "exit 1");
    fs::create_dir_all(programs.path("run/report")).unwrap();
    for (code, stop, ending, is_success) in nights("deadline") {
        programs.put("dyehouse", &format!("exit {code}"));
        let written = serde_json::to_string_pretty(&summary(stop, ending)).unwrap();
        fs::write(programs.path("run/report/summary.json"), written).unwrap();
        // As GitHub runs it.
        let ended = programs.run(&["bash", "-e", "-c"], step["run"].as_str().unwrap());
        assert_eq!(ended, Some(if is_success { 0 } else { code }), "{code} {stop} {ending}");
    }
}

#[test]
fn cron_finds_a_program_that_cargo_has_installed() {
    let home = Programs::new();
    let arguments = "echo \"$@\" > \"$HOME/started\"";
    home.put(".cargo/bin/dyehouse", arguments);
    for path in ["docs/running.md", "examples/crontab"] {
        let text = read(path);
        let line = text.lines().find_map(|line| line.strip_prefix("15 22 * * *")).unwrap();
        // Cron sets the path to this, or to what a line above says.
        let listed = text.lines().find_map(|line| line.strip_prefix("PATH=")).unwrap_or("/usr/bin:/bin");
        let listed = listed.replace("/home/catalog", &home.0.path().display().to_string());
        let mut cron = Command::new("/bin/sh");
        cron.args(["-c", line.trim()]).env_clear().env("HOME", home.0.path()).env("PATH", listed);
        assert!(cron.status().unwrap().success(), "{path}: {line}");
        assert!(fs::read_to_string(home.path("started")).unwrap().starts_with("run /srv/catalog/"), "{path}");
        fs::remove_file(home.path("started")).unwrap();
    }
}

#[test]
fn the_image_is_built_from_the_lock_file_and_kubernetes_runs_it_as_its_user() {
    let text = read("examples/Dockerfile").replace("\\\n", " ");
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let of = |word: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
    };
    let instructions = ["FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT"];
    assert!(lines.iter().all(|line| instructions.iter().any(|known| line.starts_with(known))), "{lines:?}");

    let [build, image] = of("FROM")[..] else { panic!("{lines:?}") };
    let release = image.strip_prefix("debian:").and_then(|tag| tag.strip_suffix("-slim")).unwrap();
    assert_eq!(build, format!("rust:1-slim-{release} AS build"), "both stages have the same C library");
    assert!(of("RUN")[0].contains("--release --locked") && of("RUN")[1].contains("ca-certificates"), "{lines:?}");
    assert_eq!(of("COPY")[1], "--from=build /source/target/release/dyehouse /usr/local/bin/dyehouse");
    let ignored = read("examples/Dockerfile.dockerignore");
    assert!(["target", ".git"].iter().all(|name| ignored.lines().any(|line| line == *name)), "{ignored}");
    for path in ["Cargo.toml", "Cargo.lock", "src", "benches", "tests", "examples"] {
        assert!(repository(path).exists() && !ignored.lines().any(|line| line == path), "{path} is needed");
    }

    let user: u64 = of("USER")[0].split(':').next().unwrap().parse().unwrap();
    let name = format!("registry.example.com/dyehouse:{}", env!("CARGO_PKG_VERSION"));
    assert!(user > 0 && text.contains(&format!("-t {name} .")), "{text}");
    let shares = &yaml("examples/kubernetes/indexed-job.yaml")["spec"]["template"]["spec"];
    let night = &yaml("examples/kubernetes/cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    for pod in [night, shares] {
        assert_eq!(pod["containers"][0]["image"], name.as_str());
        let context = &pod["securityContext"];
        assert_eq!(context["runAsNonRoot"], true);
        // The group of the volumes, whose secrets only their owner and group can read.
        assert!(["runAsUser", "runAsGroup", "fsGroup"].iter().all(|key| context[key] == user), "{context}");
    }
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
