//! Uploads that are under way. Who loses the right to one has it cut: nothing more of it reaches the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Timestamp;
use domain::link::Change;
use verify::{Principal, Tables};

use crate::concerned::Concerned;
use crate::upstream::Progress;

/// The uploads of one gateway that are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uploads(Arc<Running>);

#[derive(Debug, Default)]
struct Running {
    /// Under numbers of our own: a request's id may be a client's, who could give one to many.
    by_number: papaya::HashMap<u64, Upload>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Upload {
    principal: Principal,
    progress: Arc<Progress>,
}

impl Uploads {
    /// Enters an upload until the guard is dropped. A change that was applied before this has not found it, so it is looked at
    /// once more.
    pub(crate) fn enter(
        &self,
        principal: &Principal,
        progress: &Arc<Progress>,
        tables: &Tables,
        now: Timestamp,
    ) -> RunningUpload {
        let upload = Upload { principal: principal.clone(), progress: progress.clone() };
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.by_number.pin().insert(number, upload);
        if let Err(refusal) = tables.still_good(principal, now) {
            progress.cut(refusal);
        }
        RunningUpload { uploads: self.clone(), number }
    }

    /// Cuts the uploads that these changes concern and whose principal isn't good any more. When it returns, no further piece of
    /// theirs is forwarded. The tables must have the changes already.
    pub(crate) fn on_change(&self, changes: &[Change], tables: &Tables, now: Timestamp) {
        let concerned = Concerned::by(changes);
        if !concerned.is_empty() {
            self.check(tables, now, |principal| concerned.contains(principal));
        }
    }

    /// The same for every upload, after a snapshot.
    pub(crate) fn enforce(&self, tables: &Tables, now: Timestamp) {
        self.check(tables, now, |_| true);
    }

    fn check(&self, tables: &Tables, now: Timestamp, concerns: impl Fn(&Principal) -> bool) {
        for (_, upload) in &self.0.by_number.pin() {
            if concerns(&upload.principal)
                && let Err(refusal) = tables.still_good(&upload.principal, now)
            {
                upload.progress.cut(refusal);
            }
        }
    }
}

/// An upload in the hands of its request.
#[derive(Debug)]
pub(crate) struct RunningUpload {
    uploads: Uploads,
    number: u64,
}

impl Drop for RunningUpload {
    fn drop(&mut self) {
        self.uploads.0.by_number.pin().remove(&self.number);
    }
}
