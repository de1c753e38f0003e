//! A compacted journal: everything goes on as if it were the long one.

use std::process::Output;

use crate::support::{Behavior, Provider, Sandbox, code};

fn night(sandbox: &Sandbox, provider: &Provider, rows: &[&str], out: &str) -> Output {
    let rows: String =
        rows.iter().map(|id| format!("{id},Make the {id} #FF0000,https://example.com/{id}.jpg\n")).collect();
    sandbox.write("catalog.csv", format!("id,prompt,images\n{rows}"));
    let mut command = sandbox.dyehouse(&format!("run catalog.csv -o {out} --rate 100/s --burst 9 --no-color-check"));
    command.env("VIBEDREAM_API_KEY", Provider::KEY).env("VIBEDREAM_BASE_URL", &provider.url);
    command.output().unwrap()
}

#[test]
fn a_run_a_report_and_a_status_go_on_with_a_compacted_journal_as_with_the_long_one() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    code(&night(&sandbox, &provider, &["mug", "vase", "lamp"], "out"), 0);
    code(&night(&sandbox, &provider, &["mug", "vase", "jug"], "out"), 0);
    let told = |name: &str| sandbox.read(&format!("out/report/{name}"));
    // What the run has written is what its journal says.
    let (results, status) = (told("results.csv"), code(&sandbox.run("status out --json"), 0));

    let said = code(&sandbox.run("compact out"), 0);
    assert!(said.contains("24 records in ") && said.contains("are 9 records in "), "{said}");
    assert!(said.contains("out/journal-until-"), "{said}");
    assert!(code(&sandbox.run("compact out"), 0).contains("as short as it can be"));
    assert_eq!(code(&sandbox.run("status out --json"), 0), status);
    code(&sandbox.run("report out"), 0);
    assert_eq!(told("results.csv"), results);

    let (requests, accepted) = (provider.requests(), provider.accepted());
    code(&night(&sandbox, &provider, &["mug", "vase", "jug"], "out"), 0);
    assert_eq!(provider.requests(), requests, "there is nothing to do");
    code(&night(&sandbox, &provider, &["mug", "lamp", "tray"], "out"), 0);
    assert_eq!(provider.accepted(), accepted + 1, "only the tray is new");
}

#[test]
fn compacted_shares_are_merged_and_a_folder_that_somebody_works_in_is_left_alone() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    code(&night(&sandbox, &provider, &["mug", "vase"], "one"), 0);
    code(&night(&sandbox, &provider, &["lamp"], "two"), 0);
    code(&sandbox.run("compact one"), 0);
    code(&sandbox.run("merge one two -o all --partial"), 0);
    let said = code(&sandbox.run("status all"), 0);
    assert!(said.contains("$0.21"), "{said}");

    let holder = std::fs::File::options().write(true).open(sandbox.path("all/.lock")).unwrap();
    holder.lock().unwrap();
    code(&sandbox.run("compact all"), 5);
    assert_eq!(sandbox.run("compact nothing").status.code(), Some(1));
}
