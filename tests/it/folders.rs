//! Folders that users or dead processes have changed: nothing is paid for again, and nothing is left behind.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::retouched::disc_to_show;
use crate::support::{Behavior, Provider, Sandbox, code};

#[test]
fn only_the_first_pictures_of_a_prediction_with_thousands_are_saved() {
    let hostile = Behavior { outputs: 5_000, ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(hostile));
    sandbox.manifest("catalog.csv", 1);
    let printed = code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert!(printed.contains("job-000: the prediction has 5000 pictures; the first 16 are saved"), "{printed}");
    assert_eq!(sandbox.names("out/results").len(), 16);
}

#[test]
fn a_result_moved_aside_by_a_dead_process_is_restored_without_the_provider() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let manifest = |color: &str| format!("id,prompt,images\nmug,Make it {color},https://example.com/a.jpg\n");
    for is_another_in_its_place in [true, false] {
        let out = format!("out-{is_another_in_its_place}");
        let run = || {
            code(&provider.client(&sandbox, &format!("run catalog.csv -o {out} --no-color-check")).output().unwrap(), 0)
        };
        sandbox.write("catalog.csv", manifest("#FF0000"));
        provider.behave(Behavior::default());
        run();
        let result = || std::fs::read(sandbox.path(&out).join("results/mug.png")).unwrap();
        let first = result();
        let journal = sandbox.read(&format!("{out}/journal.jsonl"));
        sandbox.write("catalog.csv", manifest("#00FF00"));
        run();
        // Simulates a power failure before that was recorded, after which the user has changed the manifest back.
        sandbox.rewind(&out, &journal);
        if !is_another_in_its_place {
            std::fs::remove_file(sandbox.path(&out).join("results/mug.png")).unwrap();
        }
        sandbox.write("catalog.csv", manifest("#FF0000"));
        provider.behave(Behavior { forgets: true, ..Behavior::default() });
        let printed = run();
        assert!(printed.contains("1 restored from earlier/") && !printed.contains("retouched"), "{printed}");
        assert_eq!(result(), first);
    }
}

#[test]
fn a_folder_of_one_backend_is_refused_by_the_other() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    for command in ["run", "check"] {
        let printed = code(&sandbox.run(&format!("{command} catalog.csv -o out --backend embedded")), 2);
        assert!(
            printed.contains("those of the vibedream backend, not of embedded") && printed.contains("-o"),
            "{printed}"
        );
    }
}

#[test]
fn results_without_their_journal_are_not_paid_for_again() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let journal = sandbox.read("out/journal.jsonl");
    for lose in [
        |sandbox: &Sandbox| std::fs::remove_file(sandbox.path("out/journal.jsonl")),
        |sandbox: &Sandbox| std::fs::write(sandbox.path("out/journal.jsonl"), ""),
    ] {
        lose(&sandbox).unwrap();
        let printed = code(&provider.run(&sandbox, "").output().unwrap(), 1);
        assert!(printed.contains("it has results and no journal"), "{printed}");
    }
    assert_eq!(provider.accepted(), 2);
    sandbox.write("out/journal.jsonl", journal);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
}

#[test]
fn a_removed_lock_file_does_not_allow_a_second_process() {
    let slow = Behavior { edit: Duration::from_secs(600), ..Behavior::default() };
    let (sandbox, provider) = (Sandbox::new(), Provider::start(slow));
    sandbox.manifest("catalog.csv", 2);
    let mut child = provider.run(&sandbox, "").spawn().unwrap();
    provider.wait_for_submits(2);
    std::fs::remove_file(sandbox.path("out/.lock")).unwrap();
    code(&provider.run(&sandbox, "").output().unwrap(), 5);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(provider.paid_twice().is_empty());
}

#[test]
fn a_removed_result_is_fetched_again_without_paying() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 3);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    std::fs::remove_file(sandbox.path("out/results/job-001.png")).unwrap();
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (3, 3));
}

#[test]
fn pictures_fetched_by_a_killed_process_are_published_by_the_next_run_whatever_it_takes() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "--only job-000").output().unwrap(), 0);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    // Simulates a power failure between the record of the second picture and its rename.
    let journal = sandbox.read("out/journal.jsonl");
    let completed = journal.rmatch_indices(r#""type":"completed""#).next().unwrap().0;
    let lines = journal[..completed].rfind('\n').unwrap() + 1;
    sandbox.rewind("out", &journal[..lines]);
    let (named, stray) = (sandbox.path("out/results/job-001.png"), sandbox.path("out/results/.dyehouse-draft-x"));
    std::fs::rename(&named, &stray).unwrap();

    let requests = provider.requests();
    code(&provider.run(&sandbox, "--only job-000").output().unwrap(), 0);
    assert!(named.exists() && !stray.exists());
    assert_eq!(provider.requests(), requests, "it was here all the time");

    // Simulates a process that died while it saved a picture, with nothing left to do for the next one.
    std::fs::write(&stray, "half of a picture").unwrap();
    let journal = sandbox.read("out/journal.jsonl");
    let ended = journal.trim_end().rfind('\n').unwrap() + 1;
    assert!(journal[ended..].contains(r#""type":"ended""#), "{}", &journal[ended..]);
    sandbox.rewind("out", &journal[..ended]);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    assert!(!stray.exists(), "also where nothing is left to do");
}

#[test]
fn all_drafts_of_a_killed_process_are_removed_also_those_of_earlier_versions() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "--only job-000").output().unwrap(), 0);
    let names = [".dyehouse-draft-a1B2c3", ".part-a1B2c3", ".incoming-a1B2c3.part", ".journal-a1B2c3", ".plan-a1B2c3"];
    let folders = ["out", "out/results", "out/earlier", "out/originals", "out/before"];
    let drafts: Vec<String> =
        folders.iter().flat_map(|folder| names.iter().map(move |name| format!("{folder}/{name}"))).collect();
    for draft in &drafts {
        sandbox.write(draft, "half of a file");
    }
    let kept = ["out/.plan-of", "out/.journal-snapshot", "out/.journal-a1", "out/results/.notes"];
    kept.iter().for_each(|name| drop(sandbox.write(name, "not a draft")));
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let left: Vec<_> = drafts.iter().filter(|draft| sandbox.path(draft).exists()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(kept.iter().all(|name| sandbox.path(name).exists()));
}

#[test]
fn concurrent_reports_are_all_written() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 10);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let again = (0..8).map(|number| match number {
        0..6 => sandbox.dyehouse("report out").stdout(Stdio::null()).spawn().unwrap(),
        // The last two are runs. One of them is refused if the other has locked the folder.
        _ => provider.run(&sandbox, "").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    });
    let codes: Vec<i32> =
        again.collect::<Vec<_>>().iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
    assert!(codes[..6].iter().all(|code| *code == 0), "{codes:?}");
    assert!(codes[6..].iter().all(|code| [0, 5].contains(code)), "{codes:?}");
    let left: Vec<String> = sandbox.names("out/report").into_iter().filter(|name| name.starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_report_is_not_replaced_by_one_that_lacks_jobs() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 12);
    code(&provider.run(&sandbox, "--no-color-check").output().unwrap(), 0);
    let files = || {
        let files = ["", "data", "thumbs"].map(|folder| sandbox.names(&format!("out/report/{folder}")));
        let texts = ["results.csv", "failed.csv", "summary.json", "index.html"]
            .map(|name| sandbox.read(&format!("out/report/{name}")));
        (files, texts)
    };
    let whole = files();
    let plan = sandbox.read("out/plan.jsonl");
    let line = plan.lines().nth(5).unwrap();
    sandbox.write("out/plan.jsonl", plan.replace(line, &line[..line.len() - 20]));
    let printed = code(&sandbox.run("report out"), 1);
    assert!(printed.contains("plan.jsonl: line 6"), "{printed}");
    assert_eq!(files(), whole);
}

#[test]
fn the_default_folder_of_another_manifest_with_the_same_name_is_refused() {
    let sandbox = disc_to_show("#1E90FF");
    for folder in ["a", "b"] {
        for name in ["catalog.csv", "disc.png"] {
            sandbox.write(&format!("{folder}/{name}"), std::fs::read(sandbox.path(name)).unwrap());
        }
    }
    let run = |arguments: &str, expected| code(&sandbox.run(&format!("{arguments} --backend embedded")), expected);
    run("run a/catalog.csv", 0);
    let journal = sandbox.read("runs/catalog/journal.jsonl");
    for command in ["run", "check"] {
        let refused = run(&format!("{command} b/catalog.csv"), 2);
        assert!(refused.contains("use runs/catalog: it belongs to a/catalog.csv, not to b/catalog.csv"), "{refused}");
        assert!(refused.contains("hint: give this manifest a folder of its own with -o"), "{refused}");
    }
    assert_eq!(sandbox.read("runs/catalog/journal.jsonl"), journal);
    let nothing = "nothing to do: the job is completed";
    assert!(run("run ./a/../a/catalog.csv", 0).starts_with(nothing));

    std::fs::rename(sandbox.path("a"), sandbox.path("moved")).unwrap();
    assert!(run("run moved/catalog.csv", 2).contains("use -o runs/catalog"));
    assert!(run("run moved/catalog.csv -o runs/catalog", 0).starts_with(nothing));
    assert!(run("run moved/catalog.csv", 0).starts_with(nothing), "the folder is known as that of the moved manifest");

    let mut elsewhere = sandbox.dyehouse("run ../runs/catalog/report/failed.csv");
    code(&elsewhere.current_dir(sandbox.path("moved")).output().unwrap(), 0);
    assert!(run("run moved/catalog.csv", 0).starts_with(nothing), "a part of it was run in another directory");
}

#[test]
fn a_manifest_that_was_run_from_its_own_directory_is_not_paid_for_again_from_another_one() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("shop/catalog.csv", 2);
    std::fs::create_dir(sandbox.path("home")).unwrap();
    let run_in = |folder: &str, arguments: &str, expected| {
        let mut command = provider.client(&sandbox, arguments);
        code(&command.current_dir(sandbox.path(folder)).output().unwrap(), expected)
    };
    run_in("shop", "run catalog.csv --rate 100/s", 0);
    for command in ["run", "check"] {
        let refused = run_in("home", &format!("{command} ../shop/catalog.csv"), 2);
        assert!(
            refused.contains("make runs/catalog: ../shop/catalog.csv was run in ../shop/runs/catalog before"),
            "{refused}"
        );
        assert!(refused.contains("to continue that run, use -o ../shop/runs/catalog; for another run"), "{refused}");
    }
    assert!(sandbox.names("home").is_empty(), "no folder is made");
    assert!(run_in("home", "run ../shop/catalog.csv -o ../shop/runs/catalog", 0).starts_with("nothing to do"));
    assert_eq!(provider.accepted(), 2);

    run_in("home", "run ../shop/catalog.csv -o runs/catalog --rate 100/s", 0);
    assert_eq!(provider.accepted(), 4, "the user has asked for that");
    assert!(run_in("home", "run ../shop/catalog.csv", 0).starts_with("nothing to do"), "an existing folder is used");
    sandbox.manifest("home/shop/catalog.csv", 1);
    run_in("home", "run shop/catalog.csv -o shop/runs/catalog --rate 100/s", 0);
    std::fs::remove_dir_all(sandbox.path("home/runs")).unwrap();
    sandbox.manifest("shop/runs/catalog/other/catalog.csv", 1);
    run_in("home", "check ../shop/runs/catalog/other/catalog.csv", 0);
}

#[cfg(unix)]
#[test]
fn a_manifest_that_was_renamed_is_not_paid_for_again_in_a_folder_of_its_new_name() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let night = |command: &str| {
        provider.client(&sandbox, &format!("{command} --no-color-check --rate 100/s --burst 9")).output().unwrap()
    };
    let rows = [("mug", "#FF0000"), ("vase", "#FF0000"), ("lamp", "#FF0000")];
    let old = sandbox.edits("shop.csv", &rows);
    code(&night("run shop.csv"), 0);
    let new = |rows: &[(&str, &str)]| drop(sandbox.edits("shop-2026.csv", rows));
    new(&[("jug", "#FF0000"), ("mug", "#FF0000"), ("vase", "#FF0000")]);
    assert!(code(&night("check shop-2026.csv"), 0).contains("3 submits"), "a copy is another manifest");
    std::fs::remove_file(old).unwrap();
    for command in ["check shop-2026.csv", "run shop-2026.csv"] {
        let refused = code(&night(command), 2);
        let expected = "make runs/shop-2026: shop-2026.csv was run in runs/shop before";
        assert!(refused.contains(expected) && refused.contains("use -o runs/shop;"), "{refused}");
    }
    assert_eq!((provider.accepted(), sandbox.names("runs")), (3, vec!["shop".to_owned()]));
    code(&night("run shop-2026.csv -o runs/shop"), 0);
    assert_eq!(provider.accepted(), 4);
    new(&[("jug", "#0000FF"), ("mug", "#0000FF"), ("vase", "#FF0000")]);
    code(&night("run shop-2026.csv -o runs/shop"), 0);

    // Other edits are those of another manifest.
    std::fs::remove_file(sandbox.path("shop-2026.csv")).unwrap();
    sandbox.edits("winter.csv", &[("jug", "#FFFFFF"), ("mug", "#FFFFFF"), ("vase", "#FF0000")]);
    code(&night("run winter.csv"), 0);
    assert_eq!(sandbox.names("runs"), ["shop", "winter"]);
}

#[test]
fn links_to_a_disk_that_is_not_mounted_are_reported_with_their_targets() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 1);
    std::fs::create_dir(sandbox.path("linked")).unwrap();
    for link in ["linked/results", "dangling"] {
        std::os::unix::fs::symlink("/nonexistent/disk", sandbox.path(link)).unwrap();
    }
    for (folder, expected) in [
        ("linked", "linked/results: it is a link to /nonexistent/disk, which does not exist"),
        ("dangling", "make the folder dangling: it is a link to /nonexistent/disk, which does not exist"),
        ("dangling/spring", "dangling/spring: dangling is a link to /nonexistent/disk, which does not exist"),
    ] {
        let printed = code(&provider.client(&sandbox, &format!("run catalog.csv -o {folder}")).output().unwrap(), 1);
        assert!(printed.contains(expected) && printed.contains("hint: is the disk mounted?"), "{printed}");
    }
    assert_eq!(provider.accepted(), 0);
}

#[test]
fn a_clock_that_was_set_back_does_not_start_a_run_after_its_last_record() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 1);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let journal = sandbox.read("out/journal.jsonl");
    let (first, rest) = journal.split_once('\n').unwrap();
    let mut opening: serde_json::Value = serde_json::from_str(first).unwrap();
    opening["at"] = "2099-01-01T00:00:00.000Z".into();
    sandbox.rewind("out", format!("{opening}\n{rest}"));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let status: serde_json::Value = serde_json::from_slice(&sandbox.run("status out --json").stdout).unwrap();
    let at = |name: &str| status[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(at("started_at") <= at("last_record_at"), "{status}");
}

#[test]
fn a_journal_with_empty_lines_is_read_and_changes_by_an_editor_are_named() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 2);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    let journal = sandbox.read("out/journal.jsonl");
    let refused = |journal: String| {
        sandbox.write("out/journal.jsonl", journal);
        code(&provider.run(&sandbox, "").output().unwrap(), 1)
    };
    let printed = refused(journal.replace('\n', "\r\n"));
    assert!(printed.contains("line 1: it ends with CR LF"), "{printed}");
    let printed = refused(format!("\u{feff}{journal}"));
    assert!(printed.contains("line 1: it begins with a byte order mark"), "{printed}");
    let printed = refused(format!("\u{feff}{}", journal.replace('\n', "\r\n")));
    if cfg!(target_os = "linux") {
        let way_out = &printed[printed.find("sed -i").unwrap()..];
        let way_out = way_out.lines().next().unwrap();
        let done = Command::new("sh").args(["-c", way_out]).current_dir(sandbox.path(".")).status();
        assert!(done.unwrap().success(), "{way_out}");
        assert_eq!(sandbox.read("out/journal.jsonl"), journal);
        code(&provider.run(&sandbox, "").output().unwrap(), 0);
    }
    let printed = refused(journal.replacen('\n', "\n\n", 1));
    assert!(printed.contains("its journal is an outdated copy, or was edited since the last run"), "{printed}");

    sandbox.write("out/journal.jsonl", format!("{journal}\n"));
    assert!(code(&sandbox.run("status out"), 0).contains("finished"));
    sandbox.manifest("catalog.csv", 3);
    code(&provider.run(&sandbox, "").output().unwrap(), 0);
    code(&provider.run(&sandbox, "--no-color-check").output().unwrap(), 0);
    code(&sandbox.run("compact out"), 0);
    assert!(code(&provider.run(&sandbox, "").output().unwrap(), 0).starts_with("nothing to do"));
    assert_eq!((provider.accepted(), sandbox.names("out/results").len()), (3, 3));
}

#[test]
fn a_copied_folder_warns_once_that_its_original_would_pay_for_the_same_jobs() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 4);
    let run = |out: &str, limit: usize| {
        let arguments = format!("run catalog.csv -o {out} --limit {limit} --rate 200/s --burst 20");
        code(&provider.client(&sandbox, &arguments).output().unwrap(), 0)
    };
    run("out", 1);
    let copy = |to: &str| {
        let copied = Command::new("cp").args(["-r", "out", to]).current_dir(sandbox.path(".")).status();
        assert!(copied.unwrap().success());
    };
    ["copy", "second", "third"].iter().for_each(|name| copy(name));
    let told = "continues a copy of";
    assert!(!run("copy", 1).contains(told), "nothing is submitted");
    let printed = run("copy", 2);
    let original = sandbox.path("out").canonicalize().unwrap();
    let warning = format!("copy continues a copy of {}: jobs that both submit are paid for twice", original.display());
    assert!(printed.contains(&warning), "{printed}");
    assert!(!run("copy", 3).contains(told) && !run("out", 2).contains(told), "only once, and only in the copy");

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("out", sandbox.path("link")).unwrap();
        assert!(!run("link", 3).contains(told), "it is the same folder");
    }
    std::fs::rename(sandbox.path("out"), sandbox.path("moved")).unwrap();
    assert!(!run("moved", 4).contains(told) && !run("second", 2).contains(told), "there is no original");
    run("out", 1);
    assert!(!run("third", 2).contains(told), "another run is in the original's place");
}
