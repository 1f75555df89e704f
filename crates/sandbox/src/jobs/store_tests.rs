use super::*;
use domain::SystemRng;
use serde_json::json;

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn create(store: &Store, seconds: i64) -> JobId {
    let incoming = store.begin(JobId::new(&SystemRng)).unwrap();
    fs::write(incoming.data_path(), b"audio").unwrap();
    store.commit(&incoming, "a.wav".to_owned(), json!({"type": "transcription"}), now(seconds)).unwrap();
    incoming.id.clone()
}

fn done() -> Outcome {
    Outcome { duration: Some(2), errors: Vec::new(), transcript: Some(json!({"format": "2.9"})) }
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id.clone()).collect()
}

/// Jobs, their state and their files are there after the folder is opened again, and the unfinished ones are named, oldest first.
#[test]
fn jobs_survive_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let (store, unfinished) = Store::open(folder.path()).unwrap();
    assert_eq!(unfinished, []);
    let (finished, second, first) = (create(&store, 30), create(&store, 40), create(&store, 50));
    store.finish(&finished, done()).unwrap();
    let before = store.record(&finished).unwrap();
    drop(store);

    let (store, unfinished) = Store::open(folder.path()).unwrap();
    assert_eq!(unfinished, [second, first.clone()]);
    assert_eq!(store.record(&finished).unwrap(), before);
    assert_eq!(store.job(&finished).unwrap().status, Status::Done);
    assert_eq!(fs::read(store.data_path(&first)).unwrap(), b"audio");
    assert_eq!(fs::read(store.transcript_path(&finished)).unwrap(), br#"{"format":"2.9"}"#);
}

/// What was never committed leaves nothing behind, whether it is dropped or the process dies.
#[test]
fn uncommitted_jobs_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let dropped = store.begin(JobId::new(&SystemRng)).unwrap();
    fs::write(dropped.data_path(), b"audio").unwrap();
    drop(dropped);
    let killed = store.begin(JobId::new(&SystemRng)).unwrap();
    fs::write(killed.data_path(), b"audio").unwrap();
    std::mem::forget(killed);
    drop(store);

    let (store, _) = Store::open(folder.path()).unwrap();
    assert_eq!(store.list(&Selection::default()), []);
    assert_eq!(fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
}

/// Two sandboxes never share a folder; once the first lets go, the second may.
#[test]
fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(SandboxError::InUse(_))));
    drop(first);
    assert!(Store::open(folder.path()).is_ok());
}

/// Damaged folders are left out and do no harm to the others.
#[test]
fn damaged_jobs_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let (good, bad) = (create(&store, 1), create(&store, 2));
    drop(store);
    fs::write(folder.path().join("jobs").join(bad.as_str()).join("job.json"), b"{\"id\":").unwrap();
    fs::create_dir(folder.path().join("jobs/empty")).unwrap();
    let copy = folder.path().join("jobs/copyofajob");
    fs::create_dir(&copy).unwrap();
    fs::copy(folder.path().join("jobs").join(good.as_str()).join("job.json"), copy.join("job.json")).unwrap();

    let (store, unfinished) = Store::open(folder.path()).unwrap();
    assert_eq!(ids(&store.list(&Selection::default())), unfinished);
    assert_eq!(unfinished, [good]);
}

/// Lists are newest first, exact in their bounds, and a page's last time is the next page's cursor.
#[test]
fn lists_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    // The same moment five times, and once an earlier one: times still differ and keep the order of creation.
    let made: Vec<JobId> = [9, 9, 9, 9, 9, 3].iter().map(|&seconds| create(&store, seconds)).collect();
    let newest_first: Vec<JobId> = made.iter().rev().cloned().collect();
    let all = store.list(&Selection::default());
    assert_eq!(ids(&all), newest_first);

    let mut paged = Vec::new();
    let mut selection = Selection { limit: Some(2), ..Selection::default() };
    loop {
        let page = store.list(&selection);
        let Some(last) = page.last() else { break };
        selection.created_before_ms = Some(last.created_at.as_micros() / 1000);
        paged.extend(ids(&page));
    }
    assert_eq!(paged, newest_first);

    let after =
        Selection { created_after_ms: Some(all[2].created_at.as_micros() / 1000), ..Selection::default() };
    assert_eq!(ids(&store.list(&after)), newest_first[..2]);
}

/// A running job is deleted only by force; a deleted one is gone but for the list that asks for it, also after reopening.
#[test]
fn deletion_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path()).unwrap();
    let (running, finished) = (create(&store, 1), create(&store, 2));
    store.finish(&finished, done()).unwrap();

    assert!(matches!(store.delete(&running, false), Err(DeleteError::Running)));
    let cancel = store.cancel_token(&running).unwrap();
    assert!(!cancel.is_cancelled());
    assert_eq!(store.delete(&running, true).unwrap().job.status, Status::Deleted);
    assert!(cancel.is_cancelled());
    store.finish(&running, done()).unwrap();
    assert!(store.delete(&finished, false).is_ok());
    assert!(matches!(store.delete(&finished, true), Err(DeleteError::Unknown)));
    assert!(matches!(store.delete(&JobId::parse("aaaaaaaaaa").unwrap(), true), Err(DeleteError::Unknown)));
    drop(store);

    let (store, unfinished) = Store::open(folder.path()).unwrap();
    assert_eq!(unfinished, []);
    assert_eq!(store.job(&running), None);
    assert_eq!(store.list(&Selection::default()), []);
    let everything = Selection { include_deleted: true, ..Selection::default() };
    assert_eq!(ids(&store.list(&everything)), [finished.clone(), running.clone()]);
    for id in [running, finished] {
        assert!(!store.data_path(&id).exists() && !store.transcript_path(&id).exists());
    }
}

/// Text from outside can't forge lines of a log.
#[test]
fn log_lines_stay_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.txt");
    append_log(&path, now(0), "one\ntwo\r\u{1b}[31m");
    append_log(&path, now(1), "three");
    let log = fs::read_to_string(path).unwrap();
    assert_eq!(log.lines().count(), 2);
    assert!(log.starts_with("1970-01-01T00:00:00.000000Z INFO sandbox one two  [31m\n"));
}
