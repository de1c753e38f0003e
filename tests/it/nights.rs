//! Unattended runs: signals, locked folders, and the output for programs that start the run.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Behavior, Provider, Sandbox, code, wait_until};

fn start(sandbox: &Sandbox, provider: &Provider) -> Command {
    let mut command = provider.client(sandbox, "run catalog.csv -o out --rate 100/s --burst 4 --in-flight 4");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Repeats a signal, because one that soon follows the first is the same request.
fn signal_until_it_ends(child: &mut Child, name: &str) {
    wait_until("a second signal ends the run", || {
        signal(child, name);
        child.try_wait().unwrap().is_some()
    });
}

#[test]
fn a_signal_that_is_sent_twice_at_once_counts_once() {
    let slow = Behavior { answer: Duration::from_secs(3), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 1);
    let child = start(&sandbox, &provider).spawn().unwrap();
    provider.wait_for_submits(1);
    signal(&child, "-TERM");
    signal(&child, "-TERM");
    let printed = code(&child.wait_with_output().unwrap(), 4);
    assert!(printed.contains("waiting for the answer to 1 submit"), "{printed}");
    let status = code(&sandbox.run("status out --json"), 0);
    assert!(status.contains("\"uncertain\": 0"), "the answer was waited for: {status}");
}

#[test]
fn a_run_under_nohup_continues_after_sighup() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 40);
    let run = start(&sandbox, &provider);
    let mut nohup = Command::new("nohup");
    nohup.arg(run.get_program()).args(run.get_args());
    nohup.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    nohup.current_dir(run.get_current_dir().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = nohup.spawn().unwrap();
    provider.wait_for_submits(1);
    signal(&child, "-HUP");
    code(&child.wait_with_output().unwrap(), 0);
    assert_eq!(provider.accepted(), 40);
}

#[test]
fn ctrl_c_and_sigterm_stop_gracefully_and_print_how_to_resume() {
    for name in ["-INT", "-TERM"] {
        let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
        sandbox.manifest("catalog.csv", 500);
        let mut child = start(&sandbox, &provider).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        for _ in 0..3 {
            stderr.read_line(&mut line).unwrap();
        }
        signal(&child, name);
        let mut printed = String::new();
        stderr.read_to_string(&mut printed).unwrap();
        let output = child.wait_with_output().unwrap();
        let printed = code(&output, 4) + &printed;
        assert!(
            printed.contains("interrupted by Ctrl-C, SIGTERM or SIGHUP")
                && printed.contains("dyehouse run catalog.csv -o out"),
            "{printed}"
        );
        let accepted = provider.accepted();
        assert!(accepted < 500);
        let status = code(&sandbox.run("status out"), 0);
        assert!(status.starts_with("out: stopped, interrupted by Ctrl-C, SIGTERM or SIGHUP"), "{status}");
        let command = printed.lines().find_map(|line| Some(&line[line.find("dyehouse run catalog.csv")?..])).unwrap();
        assert!(status.contains(command) && command.contains("--rate 100/s --burst 4"), "{status}");
        assert!(provider.paid_twice().is_empty());
    }
}

#[test]
fn a_second_signal_ends_the_run_at_once_with_its_own_code_and_no_loss() {
    let slow = Behavior { answer: Duration::from_secs(60), ..Behavior::default() };
    for (name, expected) in [("-INT", 130), ("-TERM", 143)] {
        let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
        sandbox.manifest("catalog.csv", 1);
        let mut child = start(&sandbox, &provider).spawn().unwrap();
        provider.wait_for_submits(1);
        signal(&child, name);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("interrupted") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended at the first one");
        }
        signal_until_it_ends(&mut child, name);
        assert_eq!(child.wait().unwrap().code(), Some(expected), "{name}");
        let status = code(&sandbox.run("status out --json"), 0);
        assert!(status.contains("\"uncertain\": 1"), "the submit without an answer is in doubt: {status}");
        assert_eq!(provider.accepted(), 1);
    }
}

#[test]
fn a_second_signal_ends_a_run_that_waits_for_the_report_lock() {
    for (name, expected) in [("-INT", 130), ("-TERM", 143)] {
        let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
        sandbox.manifest("catalog.csv", 2);
        let turn = std::fs::File::create(sandbox.write("out/.report-lock", "")).unwrap();
        turn.lock().unwrap();
        let mut child = start(&sandbox, &provider).arg("-vv").spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut printed = String::new();
        let mut read_until = |line: &str| {
            while !printed.contains(line) {
                assert!(stderr.read_line(&mut printed).unwrap() > 0, "{name}: it ended: {printed}");
            }
        };
        read_until("waiting for the report that another process writes");
        assert!(sandbox.read("out/journal.jsonl").contains("\"type\":\"ended\""));
        signal(&child, name);
        read_until("received a signal");
        assert!(child.try_wait().unwrap().is_none(), "{name}: the first one only asks");
        signal_until_it_ends(&mut child, name);
        assert_eq!(child.wait().unwrap().code(), Some(expected), "{name}");
        drop(turn);
        code(&start(&sandbox, &provider).output().unwrap(), 0);
        assert_eq!(provider.accepted(), 2);
    }
}

#[test]
fn the_key_is_in_no_output_and_no_file() {
    let faults = Behavior { every: Some((3, 500)), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(faults));
    sandbox.manifest("catalog.csv", 6);
    let mut command = start(&sandbox, &provider);
    let output = command.args(["-vv", "--log-format", "json"]).env("RUST_LOG", "trace").output().unwrap();
    let printed = code(&output, 3);
    assert!(printed.len() > 10_000, "this is to be everything that can be printed");
    assert!(!printed.contains(Provider::KEY));
    let mut folders = vec![sandbox.path("out")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let is_in = content.windows(Provider::KEY.len()).any(|window| window == Provider::KEY.as_bytes());
            assert!(!is_in, "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 8, "{files}");
    assert_eq!(provider.keys_at_assets(), 0);
}

#[test]
fn a_locked_folder_is_reported_with_its_holder() {
    let slow = Behavior { edit: Duration::from_secs(60), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 1);
    let mut first = start(&sandbox, &provider).spawn().unwrap();
    provider.wait_for_submits(1);
    let printed = code(&start(&sandbox, &provider).output().unwrap(), 5);
    assert!(printed.contains(&format!("process {}", first.id())), "{printed}");
    let status = code(&sandbox.run("status out"), 0);
    assert!(status.starts_with("out: running, process"), "{status}");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(provider.accepted(), 1);
}

#[test]
fn json_on_stdout_is_one_object_and_stderr_has_the_rest() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    let output = start(&sandbox, &provider).args(["--json", "--log-format", "json"]).output().unwrap();
    code(&output, 0);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["jobs"]["completed"].as_u64(), Some(3));
    let logs = String::from_utf8(output.stderr).unwrap();
    let mut events = logs.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert!(events.any(|event| event["message"] == "completed" && event["job"] == "job-002"), "{logs}");
    assert!(!logs.contains(Provider::KEY));
}

#[test]
fn predictions_that_a_stopped_run_leaves_at_the_provider_are_reported() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 30);
    let mut run = start(&sandbox, &provider);
    run.args(["--deadline", "2s", "--grace", "0s", "--json", "--metrics-file", "m.prom"]);
    let output = run.output().unwrap();
    code(&output, 4);
    let accepted = provider.accepted() as u64;
    assert!(accepted > 0);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let status: serde_json::Value = serde_json::from_slice(&sandbox.run("status out --json").stdout).unwrap();
    for told in [&printed, &status, &sandbox.json("out/report/summary.json")] {
        assert_eq!(told["open"].as_u64(), Some(accepted), "{told}");
    }
    assert!(
        sandbox
            .read("m.prom")
            .contains(&format!("\ndyehouse_open_predictions{{manifest=\"catalog.csv\"}} {accepted}\n"))
    );
    let status = code(&sandbox.run("status out"), 0);
    assert!(status.contains("at the provider") && status.contains("run again soon"), "{status}");
}

#[test]
fn quiet_prints_only_the_summary() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    let output = start(&sandbox, &provider).arg("-q").output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("3 jobs completed"));
}

#[test]
fn a_part_of_the_manifest_can_be_run_first() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 30);
    code(&start(&sandbox, &provider).args(["--only", "job-01*", "--limit", "4"]).output().unwrap(), 0);
    assert_eq!(sandbox.names("out/results"), ["job-010.png", "job-011.png", "job-012.png", "job-013.png"]);
    let report = sandbox.json("out/report/summary.json");
    assert_eq!(report["jobs"]["pending"].as_u64(), Some(26), "the report shows the whole manifest");
    code(&start(&sandbox, &provider).output().unwrap(), 0);
    assert_eq!(provider.accepted(), 30);
}

#[test]
fn a_pattern_that_matches_no_job_is_an_error_with_a_suggestion() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    for _whether_there_was_a_run in 0..2 {
        for (only, near) in [("job-0022", "job-002"), ("OB-001", "job-001")] {
            let run = start(&sandbox, &provider).args(["--only", only]).output().unwrap();
            for output in [run, sandbox.run(&format!("check catalog.csv -o out --only {only}"))] {
                let printed = code(&output, 2);
                assert!(printed.contains(&format!("--only '{only}': no id")), "{printed}");
                assert!(printed.contains(&format!("did you mean `{near}`?")), "{printed}");
            }
        }
        code(&start(&sandbox, &provider).args(["--only", "job-000"]).output().unwrap(), 0);
        code(&start(&sandbox, &provider).args(["--only", "job-000", "--limit", "0"]).output().unwrap(), 0);
    }
    // A share may have no matching jobs.
    for share in 1..=2 {
        code(&sandbox.run(&format!("check catalog.csv -o share --partition {share}/2 --only job-000")), 0);
    }
    assert_eq!(provider.accepted(), 1);
}

#[test]
fn a_deadline_stops_submitting_and_lets_open_jobs_finish() {
    let slow = Behavior { edit: Duration::from_millis(700), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 100);
    let output = start(&sandbox, &provider).args(["--deadline", "300ms"]).output().unwrap();
    let printed = code(&output, 4);
    assert!(printed.contains("the deadline has passed"), "{printed}");
    assert_eq!(provider.accepted(), 4);
    assert_eq!(sandbox.names("out/results").len(), 4);
}

#[test]
fn a_time_of_day_in_an_unknown_time_zone_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.manifest("a.csv", 1);
    let mut command = sandbox.dyehouse("run a.csv --backend embedded --not-after 06:00");
    let printed = code(&command.env("TZ", "Nowhere/City").output().unwrap(), 2);
    assert!(printed.contains("determine the local time zone") && printed.contains("tzdata"), "{printed}");
}

#[test]
fn a_time_of_day_ends_the_run_and_can_be_set_in_the_manifest() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let job = "jobs: [{id: a, prompt: 'Make it #1E90FF', images: https://example.com/a.jpg}]";
    sandbox.write("night.yaml", format!("run: {{not_after: 06:00, budget_per_run: 5}}\n{job}"));
    let run = |arguments: &str| {
        let mut command = provider.client(&sandbox, &format!("run night.yaml -o out {arguments}"));
        command.env("TZ", "Asia/Tokyo").output().unwrap()
    };
    assert!(code(&run("--not-after 25:00"), 2).contains("expected a time of day from 00:00 to 23:59"));
    let printed = code(&run(""), 0);
    assert!(printed.contains(" 06:00 +09:00\n") && printed.contains("of a budget of $5.00 per run"), "{printed}");
}

/// Takes as long as the minimum time between two refreshes.
#[test]
fn a_watching_report_follows_a_run_and_ends_with_it() {
    let slow = Behavior { edit: Duration::from_millis(1500), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 3);
    let mut run = start(&sandbox, &provider).spawn().unwrap();
    provider.wait_for_submits(3);
    let mut watching = sandbox.dyehouse("report out --watch");
    let mut watching = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    BufReader::new(watching.stdout.take().unwrap()).read_line(&mut printed).unwrap();
    assert!(printed.ends_with("out/report/index.html\n"), "{printed}");
    assert!(run.wait().unwrap().success());
    code(&watching.wait_with_output().unwrap(), 0);
    let summary = sandbox.json("out/report/summary.json");
    assert_eq!((summary["state"].as_str(), summary["jobs"]["completed"].as_u64()), (Some("finished"), Some(3)));
}

#[test]
fn identical_pictures_of_different_jobs_are_named_after_the_run_that_made_them_and_counted_after_later_ones() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior { pictures: 1, ..Behavior::default() }));
    sandbox.manifest("catalog.csv", 3);
    let alike = "2 jobs have the same picture as an earlier job: job-001, job-002; the provider";
    let night = || code(&start(&sandbox, &provider).output().unwrap(), 0);
    let printed = night();
    assert!(printed.contains(&format!("  alike     {alike}")), "{printed}");
    let summary = sandbox.json("out/report/summary.json");
    let named = |ids: &[&str]| serde_json::json!({"jobs": ids.len(), "ids": ids});
    assert_eq!(summary["alike"]["new"], named(&["job-001", "job-002"]));
    let idle = night();
    assert!(idle.contains("  alike     2 jobs of earlier runs have the same picture as another; the report"), "{idle}");
    sandbox.manifest("catalog.csv", 4);
    let printed = night();
    assert!(printed.contains("  alike     1 job has the same picture as an earlier job: job-003; the"), "{printed}");
    assert!(printed.contains("mixed them up; 2 more in earlier runs"), "{printed}");
    let alike = "3 jobs have the same picture as an earlier job: job-001, job-002, job-003; the provider";
    assert!(sandbox.read("out/report/index.html").contains(alike));
    let summary = sandbox.json("out/report/summary.json");
    assert_eq!(summary["alike"]["ids"], serde_json::json!(["job-001", "job-002", "job-003"]));
    assert_eq!(summary["alike"]["new"], named(&["job-003"]));
}

#[test]
fn nothing_for_this_machine_goes_through_a_proxy() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    let mut command = start(&sandbox, &provider);
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let printed = code(&command.output().unwrap(), 0);
    assert!(printed.contains("2 jobs completed"), "{printed}");
}
