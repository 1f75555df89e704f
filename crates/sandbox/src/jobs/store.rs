//! Where jobs are kept: a folder each, an index in memory.
//!
//! `jobs/<id>/` holds `job.json`, `data`, `transcript.json` and `log.txt`. A job comes to be by a rename of its whole folder out of
//! `incoming/`, after everything in it is on disk; from then on `job.json` is only replaced whole.

use super::files;
use super::job::{Job, JobError, JobId, JobRecord, Status};
use crate::config::SandboxError;
use domain::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often and how long an earlier sandbox is waited for that is about to let go of the folder.
const LOCK_TRIES_MAX: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// All jobs of a sandbox.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    index: Mutex<Index>,
    /// Held as long as the store lives.
    _lock: File,
}

#[derive(Debug, Default)]
struct Index {
    jobs: HashMap<JobId, Entry>,
    /// Creation times are unique.
    by_time: BTreeMap<Timestamp, JobId>,
}

#[derive(Debug, Clone)]
struct Entry {
    job: Job,
    /// One change of a job at a time.
    gate: Arc<Mutex<()>>,
    /// Stops the work on the job.
    cancel: CancellationToken,
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) created_before_ms: Option<i64>,
    pub(crate) created_after_ms: Option<i64>,
    pub(crate) include_deleted: bool,
    pub(crate) limit: Option<usize>,
}

/// Why a job isn't deleted.
#[derive(Debug)]
pub(crate) enum DeleteError {
    Unknown,
    Running,
    Io(io::Error),
}

/// How the work on a job ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) duration: Option<u64>,
    pub(crate) errors: Vec<JobError>,
    /// Missing where the job is rejected.
    pub(crate) transcript: Option<Value>,
}

/// A job that is being received; gone again unless it is committed.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) id: JobId,
    folder: PathBuf,
}

impl Incoming {
    pub(crate) fn data_path(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.folder.join("log.txt")
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After a commit there is nothing left here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Store {
    /// Opens a folder; also says which jobs are unfinished, oldest first.
    pub(crate) fn open(root: &Path) -> Result<(Store, Vec<JobId>), SandboxError> {
        let broken = |source| SandboxError::Folder { path: root.to_owned(), source };
        fs::create_dir_all(root.join("jobs")).map_err(broken)?;
        let lock = lock(root)?;
        for leftovers in ["incoming", "temporary"] {
            let folder = root.join(leftovers);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(broken)?;
            }
            fs::create_dir(&folder).map_err(broken)?;
        }
        files::sync_folder(root).map_err(broken)?;
        let mut index = Index::default();
        for entry in fs::read_dir(root.join("jobs")).map_err(broken)? {
            index.load(&entry.map_err(broken)?.path());
        }
        let running = |id: &&JobId| index.jobs[*id].job.status == Status::Running;
        let unfinished = index.by_time.values().filter(running).cloned().collect();
        Ok((Store { root: root.to_owned(), index: Mutex::new(index), _lock: lock }, unfinished))
    }

    /// Starts to receive a job.
    pub(crate) fn begin(&self, id: JobId) -> io::Result<Incoming> {
        let folder = self.root.join("incoming").join(id.as_str());
        fs::create_dir(&folder)?;
        Ok(Incoming { id, folder })
    }

    /// Makes a received job one, durably. Its time is now, or just after the newest job's.
    pub(crate) fn commit(
        &self,
        incoming: &Incoming,
        data_name: String,
        config: Value,
        now: Timestamp,
    ) -> io::Result<()> {
        let job = Job {
            id: incoming.id.clone(),
            created_at: self.reserve_time(&incoming.id, now),
            data_name,
            status: Status::Running,
            duration: None,
            errors: Vec::new(),
        };
        let record = JobRecord { job: job.clone(), config };
        self.move_in(incoming, &record).inspect_err(|_| {
            self.index().by_time.remove(&job.created_at);
        })?;
        self.index().insert(job);
        Ok(())
    }

    fn move_in(&self, incoming: &Incoming, record: &JobRecord) -> io::Result<()> {
        let path = self.folder(&incoming.id);
        if path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the job id is taken"));
        }
        files::replace(&incoming.folder.join("job.json"), &serde_json::to_vec(record)?)?;
        fs::rename(&incoming.folder, &path)?;
        files::sync_folder(&self.root.join("jobs"))
    }

    /// Milliseconds, because cursors have no more, and no two jobs share one.
    fn reserve_time(&self, id: &JobId, now: Timestamp) -> Timestamp {
        let mut index = self.index();
        let newest_ms = index.by_time.last_key_value().map_or(i64::MIN, |(time, _)| time.as_micros() / 1000);
        let time = Timestamp::from_micros((now.as_micros() / 1000).max(newest_ms.saturating_add(1)) * 1000);
        index.by_time.insert(time, id.clone());
        time
    }

    /// A job, unless it is unknown or deleted.
    pub(crate) fn job(&self, id: &JobId) -> Option<Job> {
        let index = self.index();
        index.jobs.get(id).map(|entry| entry.job.clone()).filter(|job| job.status != Status::Deleted)
    }

    /// A job with its config.
    pub(crate) fn record(&self, id: &JobId) -> io::Result<JobRecord> {
        Ok(serde_json::from_slice(&fs::read(self.folder(id).join("job.json"))?)?)
    }

    /// Jobs, newest first.
    pub(crate) fn list(&self, selection: &Selection) -> Vec<Job> {
        let index = self.index();
        let before = selection.created_before_ms.map_or(i64::MAX, |ms| ms.saturating_mul(1000));
        let after = selection.created_after_ms.map_or(i64::MIN, |ms| ms.saturating_mul(1000));
        let times = index.by_time.range(..Timestamp::from_micros(before)).rev();
        times
            .take_while(|(time, _)| time.as_micros() > after)
            .filter_map(|(_, id)| index.jobs.get(id))
            .filter(|entry| selection.include_deleted || entry.job.status != Status::Deleted)
            .take(selection.limit.unwrap_or(usize::MAX))
            .map(|entry| entry.job.clone())
            .collect()
    }

    /// The token that stops the work on a job.
    pub(crate) fn cancel_token(&self, id: &JobId) -> Option<CancellationToken> {
        self.index().jobs.get(id).map(|entry| entry.cancel.clone())
    }

    /// Writes down how the work ended. A job that was deleted meanwhile stays deleted.
    pub(crate) fn finish(&self, id: &JobId, outcome: Outcome) -> io::Result<()> {
        let Some(entry) = self.entry(id) else { return Ok(()) };
        let _one_change = entry.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = self.record(id)?;
        if record.job.status != Status::Running {
            return Ok(());
        }
        if let Some(transcript) = &outcome.transcript {
            files::replace(&self.folder(id).join("transcript.json"), &serde_json::to_vec(transcript)?)?;
        }
        record.job.status = if outcome.transcript.is_some() { Status::Done } else { Status::Rejected };
        record.job.duration = outcome.duration;
        record.job.errors = outcome.errors;
        self.write(&record)
    }

    /// Deletes a job: a tombstone stays for lists, everything else goes.
    pub(crate) fn delete(&self, id: &JobId, force: bool) -> Result<JobRecord, DeleteError> {
        let entry = self.entry(id).ok_or(DeleteError::Unknown)?;
        let _one_change = entry.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = self.record(id).map_err(DeleteError::Io)?;
        match record.job.status {
            Status::Deleted => return Err(DeleteError::Unknown),
            Status::Running if !force => return Err(DeleteError::Running),
            _ => record.job.status = Status::Deleted,
        }
        self.write(&record).map_err(DeleteError::Io)?;
        entry.cancel.cancel();
        remove_contents(&self.folder(id));
        Ok(record)
    }

    /// Adds a line to a job's log. What is only a log may be lost in a crash, and never fails a job.
    pub(crate) fn log(&self, id: &JobId, now: Timestamp, line: &str) {
        append_log(&self.folder(id).join("log.txt"), now, line);
    }

    pub(crate) fn data_path(&self, id: &JobId) -> PathBuf {
        self.folder(id).join("data")
    }

    pub(crate) fn transcript_path(&self, id: &JobId) -> PathBuf {
        self.folder(id).join("transcript.json")
    }

    pub(crate) fn log_path(&self, id: &JobId) -> PathBuf {
        self.folder(id).join("log.txt")
    }

    /// A path for a file that isn't kept; `name` is made of our own ids.
    pub(crate) fn temporary_path(&self, name: &str) -> PathBuf {
        self.root.join("temporary").join(name)
    }

    fn write(&self, record: &JobRecord) -> io::Result<()> {
        files::replace(&self.folder(&record.job.id).join("job.json"), &serde_json::to_vec(record)?)?;
        if let Some(entry) = self.index().jobs.get_mut(&record.job.id) {
            entry.job = record.job.clone();
        }
        Ok(())
    }

    fn entry(&self, id: &JobId) -> Option<Entry> {
        self.index().jobs.get(id).cloned()
    }

    fn folder(&self, id: &JobId) -> PathBuf {
        self.root.join("jobs").join(id.as_str())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    /// Takes in a job's folder; one that can't be read is left alone and reported.
    fn load(&mut self, folder: &Path) {
        let record = fs::read(folder.join("job.json"))
            .map_err(|error| error.to_string())
            .and_then(|bytes| serde_json::from_slice::<JobRecord>(&bytes).map_err(|error| error.to_string()));
        match record {
            Ok(record) if folder.file_name().is_some_and(|name| name == record.job.id.as_str()) => {
                if record.job.status == Status::Deleted {
                    remove_contents(folder);
                }
                self.by_time.insert(record.job.created_at, record.job.id.clone());
                self.insert(record.job);
            }
            Ok(record) => {
                tracing::warn!(?folder, id = %record.job.id, "a job is in the wrong folder and is left out")
            }
            Err(error) => tracing::warn!(?folder, error, "a job can't be read and is left out"),
        }
    }

    fn insert(&mut self, job: Job) {
        let entry = Entry { job, gate: Arc::default(), cancel: CancellationToken::new() };
        self.jobs.insert(entry.job.id.clone(), entry);
    }
}

/// Removes what a deleted job had. The job is deleted already, so a file that stays is tried again at the next start.
fn remove_contents(folder: &Path) {
    for name in ["data", "transcript.json", "log.txt"] {
        if let Err(error) = files::remove(&folder.join(name)) {
            tracing::warn!(?folder, name, %error, "a deleted job's file can't be removed");
        }
    }
}

/// Adds a line to a log file.
pub(crate) fn append_log(path: &Path, now: Timestamp, line: &str) {
    // Callers put text from outside into lines; one call stays one line.
    let line = line.replace(|character: char| character.is_control(), " ");
    let line = format!("{now} INFO sandbox {line}\n");
    let file = File::options().create(true).append(true).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
        tracing::warn!(?path, %error, "a job's log can't be written");
    }
}

fn lock(root: &Path) -> Result<File, SandboxError> {
    let path = root.join("lock");
    let broken = |source| SandboxError::Folder { path: path.clone(), source };
    let file = File::options().create(true).append(true).open(&path).map_err(broken)?;
    for _ in 0..LOCK_TRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(broken(error)),
        }
    }
    Err(SandboxError::InUse(root.to_owned()))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
