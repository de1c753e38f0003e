use jiff::Timestamp;

use super::*;
use crate::color::Hex;
use crate::files::is_draft;
use crate::job::{Cents, EditRequest, ImageSource, Job, JobId, Size, Switches};
use crate::journal::{EditKey, Record, RunEvent, Step};
use crate::plan::PlannedJob;

fn folder() -> (tempfile::TempDir, RunFolder) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(temporary.path().join("runs/spring"));
    (temporary, folder)
}

fn key() -> EditKey {
    EditKey { job: JobId::new("a").unwrap(), fingerprint: "000102030405060708090a0b0c0d0e0f".parse().unwrap() }
}

#[test]
fn a_locked_folder_is_reported_with_its_holder() {
    let (_temporary, folder) = folder();
    let lock = Lock::take(&folder).unwrap();
    let error = Lock::take(&folder).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    assert!(Lock::holder(&folder).is_some());
    drop(lock);
    assert_eq!(Lock::holder(&folder), None, "what a dead process leaves behind holds nobody up");
    Lock::take(&folder).unwrap();
}

#[test]
fn reading_the_status_does_not_block_a_run() {
    let (_temporary, folder) = folder();
    drop(Lock::take(&folder).unwrap());
    let looking = std::fs::File::open(folder.lock_file()).unwrap();
    looking.lock_shared().unwrap();
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            barrier.wait();
            Lock::take(&folder).map(drop)
        });
        barrier.wait();
        // A run that does not wait has ended after this loop.
        (0..1000).take_while(|_| !run.is_finished()).for_each(|_| std::thread::yield_now());
        looking.unlock().unwrap();
        run.join().unwrap().unwrap();
    });
}

#[test]
fn a_torn_line_is_truncated_before_anything_is_appended() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    let whole = Record::Edit(key(), Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None })
        .to_line(Timestamp::UNIX_EPOCH)
        .unwrap();
    let torn = &Record::Run(RunEvent::Ended { reason: None, stop: None }).to_line(Timestamp::UNIX_EPOCH).unwrap()[..20];
    std::fs::write(folder.journal(), [&whole[..], torn].concat()).unwrap();
    assert_eq!(JournalFile::open(&folder).unwrap().torn, 20);
    assert_eq!(std::fs::read(folder.journal()).unwrap(), whole);
}

#[test]
fn a_journal_that_is_broken_in_its_middle_is_not_touched() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    let good = Record::Run(RunEvent::Ended { reason: None, stop: None }).to_line(Timestamp::UNIX_EPOCH).unwrap();
    let bytes = [&good[..], b"{oops}\n", &good[..]].concat();
    std::fs::write(folder.journal(), &bytes).unwrap();
    let error = JournalFile::open(&folder).unwrap_err();
    assert!(error.to_string().contains("journal.jsonl: line 2: "), "{error}");
    assert_eq!(std::fs::read(folder.journal()).unwrap(), bytes);
}

fn planned(id: &str) -> PlannedJob {
    let request = EditRequest {
        model: "m".into(),
        prompt: "line one\nline two".into(),
        images: vec![ImageSource::File("a.png".into()), ImageSource::Url("https://x/y".into())],
        size: Some(Size::Small),
        seed: crate::job::Seed::new(0),
        switches: Switches { enable_sync_mode: Some(false), ..Switches::default() },
    };
    let columns = vec![("sku".to_owned(), "1".to_owned())];
    let job = Job { id: JobId::new(id).unwrap(), request, color: Some(Hex([0x1E, 0x90, 0xFF])), columns, line: 2 };
    PlannedJob { fingerprint: key().fingerprint, job }
}

/// Plans jobs with these ids. An empty id stands for a job in another share.
fn plan(folder: &RunFolder, ids: &[&str]) -> crate::job::ContentHash {
    let mut draft = PlanDraft::begin(folder).unwrap();
    for id in ids {
        if id.is_empty() { draft.skip() } else { draft.push(&planned(id)).unwrap() }
    }
    draft.publish().unwrap()
}

#[test]
fn a_plan_round_trips_through_its_file() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    plan(&folder, &["a", "größe"]);
    let lines = || plan_blocks(&folder).unwrap().map(Result::unwrap);
    let keys: Vec<_> =
        lines().flat_map(|block| block.lines().map(|line| line.key().unwrap()).collect::<Vec<_>>()).collect();
    assert_eq!(keys, [planned("a").key(), planned("größe").key()]);
    let colors = lines().map(|block| block.lines().next().unwrap().colors().unwrap()).next().unwrap();
    assert_eq!(colors, [Hex([0x1E, 0x90, 0xFF])]);
    let read: Vec<_> = read_plan(&folder).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [planned("a"), planned("größe")]);
}

#[test]
fn the_plan_of_a_share_has_the_positions_of_its_jobs() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    plan(&folder, &["a", "", "", "b"]);
    let positions: Vec<_> = plan_lines(&folder).unwrap().map(|line| line.unwrap().position().unwrap()).collect();
    assert_eq!(positions, [0, 3]);
    let keys: Vec<_> = plan_lines(&folder).unwrap().map(|line| line.unwrap().key().unwrap().job.to_string()).collect();
    assert_eq!(keys, ["a", "b"]);
}

#[test]
fn only_a_different_plan_replaces_the_existing_one() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    let numbers: Vec<String> = (0..2_000).map(|number| format!("job-{number}")).collect();
    let ids: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let first = plan(&folder, &ids);
    let modified = || folder.plan().metadata().unwrap().modified().unwrap();
    let before = modified();
    assert_eq!((plan(&folder, &ids), modified()), (first, before));
    let changed: Vec<&str> = ids.iter().map(|id| if *id == "job-1500" { "other" } else { id }).collect();
    for others in [&ids[..1_000], &changed, &ids, &ids[..0], &[&ids[..], &["one-more"]].concat()] {
        let hash = plan(&folder, others);
        let read: Vec<_> = read_plan(&folder).unwrap().map(|job| job.unwrap().job.id.to_string()).collect();
        assert_eq!(read, others);
        assert_eq!(hash, crate::job::ContentHash::of(&std::fs::read(folder.plan()).unwrap()));
    }
    let leftovers =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert!(!leftovers.iter().any(|name| is_draft(name)), "{leftovers:?}");
}

#[test]
fn a_plan_that_was_replaced_by_another_run_is_written_again() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    plan(&folder, &["a", "b"]);
    let mut draft = PlanDraft::begin(&folder).unwrap();
    ["a", "b"].iter().for_each(|id| draft.push(&planned(id)).unwrap());
    plan(&folder, &["c"]);
    draft.publish().unwrap();
    assert_eq!(read_plan(&folder).unwrap().count(), 2);
}
