//! The system calls and their order, observed from outside: an intent is durable before its submit is sent, a picture
//! before it is renamed, and the rename before the journal records the job as completed.
//!
//! The program runs under `strace`, so that no layer can omit a sync unnoticed. If strace is missing or not permitted,
//! the test passes without checking anything. `.ci/run` installs it.

use std::collections::HashMap;
use std::ops::Range;
use std::process::Command;

use crate::support::{Behavior, Machines, Provider, Sandbox};

const JOBS: usize = 3;

/// Files of a folder that are rebuilt if they are incomplete, and therefore do not have to be synced.
const CACHES: [&str; 4] = ["pictures.jsonl", ".plan-of", ".report-of", ".journal-snapshot"];

/// Returns the system calls of a trace in the order in which they completed, except sends, which count from their
/// start.
fn calls(trace: &str) -> Vec<String> {
    let (mut calls, mut unfinished) = (Vec::new(), HashMap::new());
    for line in trace.lines() {
        let (thread, call) = line.split_once(char::is_whitespace).unwrap();
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            if begun.contains("POST ") {
                calls.push(begun.to_owned());
            } else {
                unfinished.insert(thread, begun);
            }
        } else if call.starts_with("<... ") {
            calls.extend(unfinished.remove(thread).map(str::to_owned));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

fn trace(program: &Command, sandbox: &Sandbox) -> Option<String> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "8000", "-o", "trace.txt"]);
    strace.args(["-e", "trace=write,writev,sendto,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"]);
    strace.arg(program.get_program()).args(program.get_args()).current_dir(sandbox.path("."));
    strace.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let status = strace.output().ok()?.status;
    let trace = std::fs::read_to_string(sandbox.path("trace.txt")).unwrap_or_default();
    if trace.is_empty() {
        return None;
    }
    assert!(status.success(), "{status}");
    Some(trace)
}

fn is_sync(call: &str, path: &str) -> bool {
    (call.starts_with("fsync(") || call.starts_with("fdatasync(")) && call.contains(&format!("{path}>"))
}

fn is_record(call: &str, kind: &str) -> bool {
    call.starts_with("write(") && call.contains("/journal.jsonl>") && call.contains(&format!(r#"\"type\":\"{kind}\""#))
}

#[test]
fn nothing_is_sent_renamed_or_completed_before_its_prerequisites_are_durable() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", JOBS);
    let program =
        provider.client(&sandbox, "run catalog.csv -o runs/spring --rate 200/s --in-flight 1 --junit junit.xml");
    let Some(trace) = trace(&program, &sandbox) else { return };
    let calls = calls(&trace);
    let synced = |path: &str, within: Range<usize>| calls[within].iter().any(|call| is_sync(call, path));
    let recorded = |kind: &str, before: usize| calls[..before].iter().rposition(|call| is_record(call, kind)).unwrap();
    let seen: Vec<String> = calls.iter().map(|call| call.chars().take(200).collect()).collect();
    let home = sandbox.path("").canonicalize().unwrap().display().to_string();
    let (mut submits, mut names, mut completed, mut replaced) = (0, 0, 0, Vec::new());
    for (place, call) in calls.iter().enumerate() {
        if call.contains("\"POST /api") {
            submits += 1;
            let intent = recorded("intent", place);
            assert!(synced("/journal.jsonl", intent..place), "a submit left before its intent was synced: {seen:#?}");
            for folder in [format!("{home}/runs/spring"), format!("{home}/runs"), home.clone()] {
                assert!(synced(&folder, 0..place), "the names in {folder} were not synced: {seen:#?}");
            }
        }
        if call.starts_with("rename") && call.contains("/.dyehouse-draft-") {
            let [from, to] = [1, 3].map(|place| call.split('"').nth(place).unwrap());
            let draft = from.rsplit('/').next().unwrap();
            let is_cache = CACHES.iter().any(|cache| to.ends_with(cache)) || to.contains("/thumbs/");
            assert!(is_cache || synced(draft, 0..place), "{to} got its name before it was synced: {seen:#?}");
            if to.contains("/results/") {
                names += 1;
                let fetched = recorded("fetched", place);
                assert!(synced("/journal.jsonl", fetched..place), "its record was not synced: {seen:#?}");
            }
            replaced.push(to.rsplit('/').next().unwrap());
        }
        if is_record(call, "completed") {
            completed += call.matches(r#"\"type\":\"completed\""#).count();
            let named = calls[..place].iter().rposition(|call| call.starts_with("rename")).unwrap();
            assert!(synced("/spring/results", named..place), "completed before its name was synced: {seen:#?}");
        }
    }
    assert_eq!((submits, names, completed), (JOBS, JOBS, JOBS), "{seen:#?}");
    for name in [".known-journal", "junit.xml"] {
        assert!(replaced.contains(&name), "{name} is written: {replaced:?}");
    }
}

#[test]
fn a_merge_that_is_complete_stays_complete() {
    let machines = Machines::new(2, JOBS);
    machines.run_shares();
    let program = machines.sandbox.dyehouse("merge runs/catalog-1-of-2 runs/catalog-2-of-2 -o all");
    let Some(trace) = trace(&program, &machines.sandbox) else { return };
    let calls = calls(&trace);
    let is_removal = |call: &String| call.starts_with("unlink") && call.contains("/.merging\"");
    let removed = calls.iter().rposition(is_removal).unwrap();
    let after = &calls[removed..];
    assert!(after.iter().any(|call| is_sync(call, "/all")), "its mark could come back: {after:#?}");
}

#[test]
fn a_prune_syncs_its_records_before_it_moves_pictures_and_each_folder_once() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 8);
    let run = "run catalog.csv -o runs/spring --rate 200/s --burst 9 --no-color-check";
    assert!(provider.client(&sandbox, run).output().unwrap().status.success());
    sandbox.manifest("catalog.csv", 1);
    let Some(trace) = trace(&provider.client(&sandbox, &format!("{run} --prune")), &sandbox) else { return };
    let calls = calls(&trace);
    let moves = |call: &&String| call.starts_with("rename") && call.contains("/earlier/");
    assert_eq!(calls.iter().filter(moves).count(), 7);
    let first = calls.iter().position(|call| moves(&call)).unwrap();
    let last = calls.iter().rposition(|call| moves(&call)).unwrap();
    let recorded = calls[..first].iter().rposition(|call| is_record(call, "set_aside")).unwrap();
    assert!(calls[recorded..first].iter().any(|call| is_sync(call, "/journal.jsonl")), "recorded before they move");
    let folders = ["/spring/earlier", "/spring/results"];
    assert!(!calls[first..last].iter().any(|call| folders.iter().any(|folder| is_sync(call, folder))));
    let synced = |folder| calls[last..].iter().position(|call| is_sync(call, folder)).unwrap();
    assert!(synced(folders[0]) < synced(folders[1]), "the new names are durable before the old ones are gone");
}
