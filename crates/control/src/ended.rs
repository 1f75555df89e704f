//! The record of what ended: each revocation, deletion and closing, and when API keys expire, in a file of the data folder, beside
//! the database and not in it. A restore reads it, so that it revives nothing that ended after the backup was made, even where the
//! database itself is lost.
//!
//! Each line is JSON. A line `{"after":N}` says that the lines below it hold everything that ended after revision N, up to the
//! next such line. An entry is on the disk before its change is answered; what a crash kept from being written is taken from
//! the feed at the next start.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::link::{Change, KeyRecord, Revision};
use serde::{Deserialize, Serialize};
use storage::Store;

use crate::ControlError;

/// The present record.
const FILE: &str = "ended.jsonl";
/// The one before, once the present one has grown large.
const FORMER_FILE: &str = "ended.former.jsonl";
/// How large a record grows before the next one is begun: some hundred thousand revocations.
const RECORD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The longest line, in bytes: a line holds what one change ended.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Feed entries read at a time.
const FEED_PAGE_MAX: u64 = 1_000;

/// One line of a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// Everything that ended after this revision stands below.
    After { after: Revision },
    /// What a change ended.
    Ended { revision: Revision, ended: Vec<Change> },
}

/// The record of an instance that runs.
#[derive(Debug)]
pub(crate) struct EndedRecord {
    folder: PathBuf,
    writing: Arc<Mutex<Writing>>,
}

#[derive(Debug)]
struct Writing {
    file: File,
    bytes: u64,
    /// The newest revision that is known to be in it.
    newest: Revision,
    /// It may miss something, or end in half a line: what is written next begins a new line, with what the feed says.
    is_behind: bool,
}

/// Whether a change ends something, or says anew when something ends.
fn ends(change: &Change) -> bool {
    match change {
        // Also without an expiry: it may have had one.
        Change::Key(_) => true,
        Change::ManagementToken(record) => record.revoked_at.is_some(),
        Change::WorkspaceClosed { .. }
        | Change::ProjectDeleted { .. }
        | Change::ClientRefRevoked { .. }
        | Change::ClientRefReadmitted { .. } => true,
        // All temporary keys die at a restore, with the signing keys.
        _ => false,
    }
}

impl EndedRecord {
    /// Opens the record of a data folder, and brings it up to what the feed says.
    pub(crate) async fn open(folder: &Path, store: &Store) -> Result<Self, ControlError> {
        let path = folder.join(FILE);
        let at = |source| ControlError::EndedRecord { path: path.clone(), source };
        let newest = newest_in(&path).map_err(at)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(at)?;
        let mut bytes = file.metadata().map_err(at)?.len();
        if bytes > 0 {
            // A crash may have left half a line: what follows must stand on a line of its own.
            file.write_all(b"\n").map_err(at)?;
            bytes += 1;
        }
        let writing =
            Writing { file, bytes, newest: newest.unwrap_or_default(), is_behind: newest.is_none() };
        let record = Self { folder: folder.to_owned(), writing: Arc::new(Mutex::new(writing)) };
        record.catch_up(store).await?;
        Ok(record)
    }

    /// Adds what a change ended, on the disk when this returns. A failure is logged: the change has happened, and the record
    /// gets it from the feed once it can be written again.
    pub(crate) async fn note(&self, revision: Revision, changes: &[Change], store: &Store) {
        // After what is missing: a line that stands beyond a hole would hide it.
        if !self.bring_up(store).await {
            return;
        }
        let ended: Vec<Change> = changes.iter().filter(|change| ends(change)).cloned().collect();
        if ended.is_empty() || self.newest() >= revision {
            return;
        }
        if let Err(error) = self.append(vec![Line::Ended { revision, ended }], revision).await {
            complain(&error);
        }
    }

    /// Remembers that something may have ended that was not noted here.
    pub(crate) fn mark_behind(&self) {
        self.lock().is_behind = true;
    }

    /// Adds what it misses, if it may miss anything. Says whether it misses nothing now; a failure is logged.
    pub(crate) async fn bring_up(&self, store: &Store) -> bool {
        if !self.is_behind() {
            return true;
        }
        let caught_up = self.catch_up(store).await;
        if let Err(error) = &caught_up {
            complain(error);
        }
        caught_up.is_ok()
    }

    /// Adds what the feed has and the record hasn't.
    async fn catch_up(&self, store: &Store) -> Result<(), ControlError> {
        let mut newest = self.newest();
        let mut is_gapless = !self.is_behind() || newest > Revision(0);
        loop {
            let feed = store.feed_after(newest, FEED_PAGE_MAX).await?;
            let Some((last, _)) = feed.last() else { break };
            let (first, last) = (feed[0].0, *last);
            let mut lines = Vec::new();
            // The feed may have been pruned, or not reach back that far: then the record says from where on it is whole.
            if !is_gapless || first.0 > newest.0 + 1 {
                lines.push(Line::After { after: Revision(first.0 - 1) });
                is_gapless = true;
            }
            lines.extend(feed.into_iter().filter_map(|(revision, changes)| {
                let ended: Vec<Change> = changes.into_iter().filter(ends).collect();
                (!ended.is_empty()).then_some(Line::Ended { revision, ended })
            }));
            self.append(lines, last).await?;
            newest = last;
        }
        if !is_gapless {
            // Nothing has happened yet, or the feed is empty: the record begins here.
            let now = store.revision().await?;
            self.append(vec![Line::After { after: now }], now).await?;
        }
        self.lock().is_behind = false;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newest(&self) -> Revision {
        self.lock().newest
    }

    fn is_behind(&self) -> bool {
        self.lock().is_behind
    }

    async fn append(&self, lines: Vec<Line>, newest: Revision) -> Result<(), ControlError> {
        let (folder, writing) = (self.folder.clone(), Arc::clone(&self.writing));
        let path = folder.join(FILE);
        let written = tokio::task::spawn_blocking(move || {
            let mut writing = writing.lock().unwrap_or_else(PoisonError::into_inner);
            let outcome = writing.append(&folder, &lines, newest);
            writing.is_behind |= outcome.is_err();
            outcome
        });
        let outcome = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        outcome.map_err(|source| ControlError::EndedRecord { path, source })
    }
}

impl Writing {
    fn append(&mut self, folder: &Path, lines: &[Line], newest: Revision) -> std::io::Result<()> {
        if self.bytes > RECORD_BYTES_MAX {
            self.begin_anew(folder)?;
        }
        let mut text = Vec::new();
        if self.is_behind {
            text.push(b'\n');
        }
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        if !text.is_empty() {
            self.file.write_all(&text)?;
            self.file.sync_data()?;
        }
        self.bytes += text.len() as u64;
        self.newest = self.newest.max(newest);
        Ok(())
    }

    fn begin_anew(&mut self, folder: &Path) -> std::io::Result<()> {
        let path = folder.join(FILE);
        // It is aside already where the new one could not be opened the last time.
        if path.try_exists()? {
            fs::rename(&path, folder.join(FORMER_FILE))?;
        }
        self.file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let mut first = serde_json::to_vec(&Line::After { after: self.newest })?;
        first.push(b'\n');
        // Counted before it is written: a new one that could not be written must not take the place of the one aside.
        self.bytes = first.len() as u64;
        self.file.write_all(&first)
    }
}

fn complain(error: &ControlError) {
    let error: &dyn std::error::Error = error;
    tracing::error!(error, "the record of what ended could not be written; it is brought up to date later");
}

/// The newest revision in a record; `None` where there is none.
fn newest_in(path: &Path) -> std::io::Result<Option<Revision>> {
    let mut newest = None;
    for line in lines(path)? {
        let revision = match line {
            Line::After { after } => after,
            Line::Ended { revision, .. } => revision,
        };
        newest = newest.max(Some(revision));
    }
    Ok(newest)
}

/// The lines of a record. One that can't be read is the end of a crash, and is passed over.
fn lines(path: &Path) -> std::io::Result<Vec<Line>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut found = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut reader, LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(found);
        }
        found.extend(serde_json::from_slice::<Line>(&line));
    }
}

/// What ended after a revision, as the record of a data folder says.
///
/// `Ok(None)` where there is no record, or it doesn't reach back that far.
///
/// # Errors
/// When a file can't be read.
pub fn ended_after(data_dir: &Path, revision: Revision) -> std::io::Result<Option<Vec<Change>>> {
    let mut all = lines(&data_dir.join(FORMER_FILE))?;
    all.extend(lines(&data_dir.join(FILE))?);
    let mut ended = Vec::new();
    // Of a key the last word counts: its expiry may have been put off.
    let mut keys = BTreeMap::new();
    let mut newest = None;
    // From where on everything is there, without a gap.
    let mut whole_after = None;
    for line in all {
        match line {
            Line::After { after } => {
                if newest.is_none_or(|newest| after > newest) {
                    whole_after = Some(after);
                }
                newest = newest.max(Some(after));
            }
            Line::Ended { revision: at, ended: changes } => {
                newest = newest.max(Some(at));
                if at <= revision {
                    continue;
                }
                for change in changes {
                    match change {
                        Change::Key(record) => drop(keys.insert(record.id, record)),
                        other => ended.push(other),
                    }
                }
            }
        }
    }
    let ends = |record: &KeyRecord| record.revoked_at.is_some() || record.expires_at.is_some();
    ended.extend(keys.into_values().filter(ends).map(Change::Key));
    Ok(whole_after.is_some_and(|after| after <= revision).then_some(ended))
}

#[cfg(test)]
mod tests {
    use domain::{ApiKey, ApiKeyId, Area, Plan, Timestamp, WorkspaceId};
    use storage::AuditAction;

    use super::*;
    use crate::{Actor, Control, KeyChange, NewKey, NewWorkspace};

    /// An instance, and keys that may end.
    struct Home {
        folder: tempfile::TempDir,
        control: Arc<Control>,
        store: Store,
        workspace: WorkspaceId,
        keys: [ApiKey; 3],
        /// The revision of a backup.
        backup: Revision,
    }

    impl Home {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let control = Control::in_folder(folder.path()).await;
            let new = NewWorkspace { name: "w".to_owned(), plan: Plan::Pro, home_area: Area::Eu };
            let made = control.create_workspace(&Actor::OPERATOR, new).await.unwrap();
            let (workspace, project) = (made.workspace.id, made.default_project.id);
            let key = async || {
                let new = NewKey::named(project, "k");
                control.create_key(&Actor::OPERATOR, workspace, new).await.unwrap().key
            };
            let keys = [key().await, key().await, key().await];
            let store = Store::open_file(&folder.path().join("voxgate.db")).await.unwrap();
            let backup = store.revision().await.unwrap();
            Self { folder, control, store, workspace, keys, backup }
        }

        fn record(&self) -> &EndedRecord {
            &self.control.inner.ended
        }

        async fn revoke(&self, key: &ApiKey) {
            self.control.revoke_key(&Actor::OPERATOR, self.workspace, key.id).await.unwrap();
        }

        /// Revokes a key without control learning of it.
        async fn revoke_unseen(&self, key: &ApiKey) -> Revision {
            let (actor, action) = (Actor::OPERATOR, AuditAction::ApiKeyRevoked);
            let now = self.control.now();
            let entry = self.control.inner.pseudonyms.entry(now, &actor, None, action, key.id);
            let mut change = self.store.change().await.unwrap();
            assert!(change.revoke_api_key(self.workspace, key.id, now).await.unwrap());
            change.publish(&entry).await.unwrap().revision
        }

        /// Every write into the record fails.
        fn fill_disk(&self) {
            self.record().lock().file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        }

        /// Writes succeed again, behind what the last one that failed has left.
        fn free_disk(&self, left: &str) {
            let path = self.folder.path().join(FILE);
            let mut file = OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(left.as_bytes()).unwrap();
            self.record().lock().file = file;
        }

        fn ended_after(&self, revision: Revision) -> Option<Vec<ApiKeyId>> {
            let ended = ended_after(self.folder.path(), revision).unwrap()?;
            let key = |change| match change {
                Change::Key(record) => record.id,
                other => panic!("{other:?}"),
            };
            let mut ids: Vec<_> = ended.into_iter().map(key).collect();
            ids.sort();
            Some(ids)
        }

        fn ids(&self, count: usize) -> Option<Vec<ApiKeyId>> {
            let mut ids: Vec<_> = self.keys[..count].iter().map(|key| key.id).collect();
            ids.sort();
            Some(ids)
        }
    }

    /// Half a line that a full disk has left takes nothing with it: not what is written next, nor what it was to be.
    #[tokio::test]
    async fn half_a_line_swallows_nothing() {
        let home = Home::new().await;
        home.revoke(&home.keys[0]).await;
        home.fill_disk();
        home.revoke(&home.keys[1]).await;
        assert_eq!(home.ended_after(home.backup), home.ids(1));
        home.free_disk(r#"{"revision":9,"ended":[{"kind":"#);
        home.revoke(&home.keys[2]).await;
        assert_eq!(home.ended_after(home.backup), home.ids(3));
    }

    /// While what is missing can't be read, nothing is written behind the hole: all of it comes once it can.
    #[tokio::test]
    async fn no_hole_is_passed_over() {
        let home = Home::new().await;
        home.fill_disk();
        home.revoke(&home.keys[0]).await;
        home.revoke(&home.keys[1]).await;
        home.free_disk("");
        let feed = home.store.feed_after(home.backup, FEED_PAGE_MAX).await.unwrap();
        let (revision, changes) = feed.last().unwrap();
        let away = Store::open_file(&home.folder.path().join("away.db")).await.unwrap();
        away.clone().close().await.unwrap();
        home.record().note(*revision, changes, &away).await;
        assert_eq!(home.ended_after(home.backup), Some(Vec::new()));
        home.record().note(*revision, changes, &home.store).await;
        assert_eq!(home.ended_after(home.backup), home.ids(2));
    }

    /// What the tables take over as a whole reaches the record too; where the feed doesn't tell all of it any more, the record says
    /// that it doesn't know what ended before.
    #[tokio::test]
    async fn what_comes_as_a_whole_is_noted() {
        let home = Home::new().await;
        home.revoke_unseen(&home.keys[0]).await;
        home.control.inner.catch_up().await;
        assert_eq!(home.ended_after(home.backup), home.ids(1));

        let unknown = home.revoke_unseen(&home.keys[1]).await;
        home.revoke_unseen(&home.keys[2]).await;
        while home.store.forget_feed(Timestamp::from_micros(i64::MAX)).await.unwrap() > 0 {}
        home.control.inner.follow().await.unwrap();
        assert_eq!(home.ended_after(home.backup), None);
        assert_eq!(home.ended_after(unknown), Some(vec![home.keys[2].id]));
    }

    /// The record says when a key expires that was rotated, or given another end, and of each key the last word.
    #[tokio::test]
    async fn expiries_are_in_the_record() {
        let home = Home::new().await;
        let (control, actor, workspace) = (&home.control, Actor::OPERATOR, home.workspace);
        let expiry = |id: ApiKeyId| {
            let ended = ended_after(home.folder.path(), home.backup).unwrap().unwrap();
            let of_key = ended.into_iter().filter_map(|change| match change {
                Change::Key(record) if record.id == id => Some(record.expires_at),
                _ => None,
            });
            of_key.collect::<Vec<_>>()
        };
        let id = home.keys[0].id;
        assert!(expiry(id).is_empty());
        let rotated = control.rotate_key(&actor, workspace, id, 60).await.unwrap();
        assert_eq!(expiry(id), [Some(rotated.old_expires_at)]);
        assert!(expiry(rotated.key.id).is_empty(), "its successor never expires");
        let later = rotated.old_expires_at.plus_seconds(60);
        let change = KeyChange { expires_at: Some(Some(later)), ..KeyChange::default() };
        control.change_key(&actor, workspace, id, change).await.unwrap();
        assert_eq!(expiry(id), [Some(later)]);
        let change = KeyChange { expires_at: Some(None), ..KeyChange::default() };
        control.change_key(&actor, workspace, id, change).await.unwrap();
        assert!(expiry(id).is_empty(), "it ends no more");
    }

    /// A record that can't be begun anew takes nothing from the one before, and is begun once it can be.
    #[tokio::test]
    async fn a_record_is_begun_anew_once() {
        let home = Home::new().await;
        home.revoke(&home.keys[0]).await;
        // As where the former one was put aside, and the new one could not be opened.
        std::fs::rename(home.folder.path().join(FILE), home.folder.path().join(FORMER_FILE)).unwrap();
        home.record().lock().bytes = RECORD_BYTES_MAX + 1;
        home.revoke(&home.keys[1]).await;
        assert_eq!(home.ended_after(home.backup), home.ids(2));
    }
}
