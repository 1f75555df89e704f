//! Uploads that are under way. Who loses the right to one has it cut: nothing more of it reaches the engine.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::link::Change;
use domain::{Clock, Timestamp};
use tokio::sync::Notify;
use verify::{Principal, Tables};

use crate::concerned::Concerned;
use crate::timer::instant_of;
use crate::upstream::Progress;

/// The uploads of one gateway that are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uploads(Arc<Running>);

#[derive(Debug, Default)]
struct Running {
    /// Under numbers of our own: a request's id may be a client's, who could give one to many.
    by_number: papaya::HashMap<u64, Arc<Upload>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Upload {
    principal: Principal,
    progress: Arc<Progress>,
    /// Told when its key was changed, which may move its expiry.
    changed: Notify,
}

impl Upload {
    /// Cuts it unless its principal is still good. Returns whether it is.
    fn check(&self, tables: &Tables, now: Timestamp) -> bool {
        let judged = tables.still_good(&self.principal, now);
        judged.map_err(|refusal| self.progress.cut(refusal)).is_ok()
    }

    /// Ends when it was cut because its API key has expired, be that decided while it is under way. A temporary key's own expiry
    /// ends nothing that has begun.
    async fn cut_at_expiry(&self, tables: &Tables, clock: &dyn Clock) {
        while self.check(tables, clock.now()) {
            match tables.api_key_expires_at(&self.principal) {
                None => self.changed.notified().await,
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(instant_of(at, clock.now())) => {}
                    () = self.changed.notified() => {}
                },
            }
        }
    }
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
        let upload = Arc::new(Upload {
            principal: principal.clone(),
            progress: progress.clone(),
            changed: Notify::new(),
        });
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.by_number.pin().insert(number, upload.clone());
        upload.check(tables, now);
        RunningUpload { uploads: self.clone(), number, upload }
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
            if concerns(&upload.principal) {
                upload.check(tables, now);
                upload.changed.notify_one();
            }
        }
    }
}

/// An upload in the hands of its request.
#[derive(Debug)]
pub(crate) struct RunningUpload {
    uploads: Uploads,
    number: u64,
    upload: Arc<Upload>,
}

impl RunningUpload {
    /// Waits for what sends the upload, which ends soon after the upload was cut, and cuts it when its key expires meanwhile.
    pub(crate) async fn during<T>(
        self,
        sending: impl Future<Output = T>,
        tables: &Tables,
        clock: &dyn Clock,
    ) -> T {
        let mut sending = pin!(sending);
        tokio::select! {
            output = &mut sending => output,
            () = self.upload.cut_at_expiry(tables, clock) => sending.await,
        }
    }
}

impl Drop for RunningUpload {
    fn drop(&mut self) {
        self.uploads.0.by_number.pin().remove(&self.number);
    }
}
