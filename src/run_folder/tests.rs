use super::*;
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
fn a_second_process_is_told_who_holds_the_folder() {
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
fn who_looks_at_a_run_does_not_stand_in_its_way() {
    let (_temporary, folder) = folder();
    drop(Lock::take(&folder).unwrap());
    let looking = std::fs::File::open(folder.lock_file()).unwrap();
    looking.lock_shared().unwrap();
    let begun = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            begun.wait();
            Lock::take(&folder).map(drop)
        });
        begun.wait();
        // One that does not wait has ended by the end of this.
        (0..1000).take_while(|_| !run.is_finished()).for_each(|_| std::thread::yield_now());
        looking.unlock().unwrap();
        run.join().unwrap().unwrap();
    });
}

#[test]
fn a_torn_line_is_cut_before_anything_is_appended() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    let whole = Record::Edit(key(), Step::Intent { attempt: 1, reserved_cents: Cents(7), reroll: None })
        .to_line(jiff::Timestamp::UNIX_EPOCH);
    let torn = &Record::Run(RunEvent::Ended { reason: None }).to_line(jiff::Timestamp::UNIX_EPOCH)[..20];
    std::fs::write(folder.journal(), [&whole[..], torn].concat()).unwrap();
    assert_eq!(JournalFile::open(&folder).unwrap().torn, 20);
    assert_eq!(std::fs::read(folder.journal()).unwrap(), whole);
}

#[test]
fn a_journal_that_is_broken_in_its_middle_is_not_touched() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    let good = Record::Run(RunEvent::Ended { reason: None }).to_line(jiff::Timestamp::UNIX_EPOCH);
    let bytes = [&good[..], b"{oops}\n", &good[..]].concat();
    std::fs::write(folder.journal(), &bytes).unwrap();
    let error = JournalFile::open(&folder).unwrap_err();
    assert!(error.to_string().contains("journal.jsonl: line 2: "), "{error}");
    assert_eq!(std::fs::read(folder.journal()).unwrap(), bytes);
}

#[test]
fn a_plan_reads_back_as_it_was_written() {
    let (_temporary, folder) = folder();
    let _lock = Lock::take(&folder).unwrap();
    let request = EditRequest {
        model: "m".into(),
        prompt: "line one\nline two".into(),
        images: vec![ImageSource::File("a.png".into()), ImageSource::Url("https://x/y".into())],
        size: Some(Size::Small),
        seed: crate::job::Seed::new(0),
        switches: Switches { enable_sync_mode: Some(false), ..Switches::default() },
    };
    let columns = vec![("sku".to_owned(), "1".to_owned())];
    let job = Job { id: JobId::new("a").unwrap(), request, color: Some("#1E90FF".into()), columns, line: 2 };
    let jobs = vec![PlannedJob { fingerprint: key().fingerprint, job }];
    let mut draft = PlanDraft::begin(&folder).unwrap();
    jobs.iter().try_for_each(|job| draft.push(job)).unwrap();
    draft.publish(&folder).unwrap();
    assert_eq!(plan_lines(&folder).unwrap().next().unwrap().unwrap().key().unwrap(), jobs[0].key());
    let read: Vec<_> = read_plan(&folder).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, jobs);
}
