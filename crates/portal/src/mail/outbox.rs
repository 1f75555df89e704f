//! Mails that leave nowhere: those of `voxgate dev`, shown on a page.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Clock, Timestamp};

use super::{Mail, Mailer, NotMailed, Sending};

/// Mails that are kept; older ones are forgotten.
pub const OUTBOX_MAILS_MAX: usize = 100;

/// The mails of a dev instance, the newest first.
#[derive(Debug)]
pub struct Outbox {
    clock: Arc<dyn Clock>,
    mails: Mutex<VecDeque<(Timestamp, Mail)>>,
}

impl Outbox {
    /// An empty one.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, mails: Mutex::default() }
    }

    /// What was sent, the newest first.
    pub fn mails(&self) -> Vec<(Timestamp, Mail)> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Mailer for Outbox {
    fn send(&self, mail: Mail) -> Result<(), NotMailed> {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push_front((self.clock.now(), mail));
        mails.truncate(OUTBOX_MAILS_MAX);
        Ok(())
    }

    fn send_now(&self, mail: Mail) -> Sending<'_> {
        Box::pin(std::future::ready(self.send(mail)))
    }
}
