//! The JSON logs of a run.

use serde_json::Value;

use crate::support::{Behavior, Provider, Sandbox, code};

/// Reads a line of a JSON log. A field whose name is repeated would be read once.
#[track_caller]
fn log_line(line: &str) -> Value {
    let read: Value = serde_json::from_str(line).unwrap();
    assert_eq!(read.to_string().len(), line.len(), "{line}");
    read
}

#[test]
fn failed_and_uncertain_jobs_and_the_stop_are_found_in_the_log_by_their_message() {
    let sandbox = Sandbox::new();
    sandbox.manifest("catalog.csv", 1);
    for (status, exit, expected) in
        [(422, 3, ("failed", "job-000")), (502, 3, ("uncertain", "job-000")), (401, 1, ("stopping", ""))]
    {
        let provider = Provider::start(Behavior { every: Some((1, status)), ..Behavior::default() });
        let output =
            provider.client(&sandbox, &format!("run catalog.csv -o {status} --log-format json")).output().unwrap();
        let printed = code(&output, exit);
        let lines: Vec<Value> = String::from_utf8(output.stderr).unwrap().lines().map(log_line).collect();
        let found = lines.iter().find(|line| line["message"] == expected.0).expect(&printed);
        assert_eq!(found["job"].as_str().unwrap_or_default(), expected.1);
        assert_eq!(found["span"]["id"].as_str().unwrap_or_default(), expected.1, "{found}");
    }
}

#[test]
fn every_log_line_about_a_job_has_its_id() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    let output = provider.run(&sandbox, "--log-format json -vv").output().unwrap();
    let printed = code(&output, 0);
    let lines: Vec<Value> = String::from_utf8(output.stderr).unwrap().lines().map(log_line).collect();
    for job in ["job-000", "job-001"] {
        let own: Vec<&str> = lines
            .iter()
            .filter(|line| line["span"]["name"] == "job" && line["span"]["id"] == job)
            .map(|line| line["message"].as_str().unwrap())
            .collect();
        for message in ["submitting", "accepted", "completed"] {
            assert!(own.contains(&message), "{message} of {job} in {printed}");
        }
    }
    let astray = lines.iter().find(|line| !line["job"].is_null() && line["job"] != line["span"]["id"]);
    assert!(astray.is_none(), "{astray:?}");
    assert!(lines.iter().all(|line| line.get("spans").is_none()), "{printed}");
}
