//! What a browser carries from one page to the next of a sign-in: sealed under the master key, bound to that browser, short-lived,
//! and used once. Nothing is stored for somebody who only looks at a page; what was used is remembered until it would have
//! expired, by every node that shares the database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::hash_secret;
use domain::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::StoreError;
use zeroize::Zeroizing;

use crate::control::Inner;

/// How long a ticket is good, in seconds.
pub const TICKET_SECONDS_MAX: i64 = 300;
/// A ticket, in bytes of text.
pub const TICKET_BYTES_MAX: usize = 16 * 1024;

/// Why a ticket opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// It is too old, was used, or was given to another browser or for something else.
    #[error("this page is too old, or was used already: begin again")]
    Over,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    until: i64,
    of: T,
}

/// A ticket that was opened and not yet used.
pub(crate) struct Opened<T> {
    pub(crate) content: T,
    hash: domain::SecretHash,
    until: Timestamp,
}

/// Whom a ticket is for is part of what it is sealed with: to anybody else it is noise.
fn context(kind: &str, bound_to: &str) -> String {
    format!("ticket/{kind}/{}", hash_secret(bound_to).to_hex())
}

impl Inner {
    /// Makes a ticket of one kind for one browser.
    pub(crate) fn seal_ticket<T: Serialize>(
        &self,
        kind: &str,
        bound_to: &str,
        content: &T,
    ) -> Result<String, TicketError> {
        let until = self.now().plus_seconds(TICKET_SECONDS_MAX).as_micros();
        let plain = serde_json::to_vec(&Sealed { until, of: content }).map_err(|_| TicketError::Over)?;
        let plain = Zeroizing::new(plain);
        let sealed = self.signing.master_key().seal(&context(kind, bound_to), &plain, &*self.rng);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a ticket without using it up.
    pub(crate) fn open_ticket<T: DeserializeOwned>(
        &self,
        kind: &str,
        bound_to: &str,
        text: &str,
    ) -> Result<Opened<T>, TicketError> {
        if text.len() > TICKET_BYTES_MAX {
            return Err(TicketError::Over);
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| TicketError::Over)?;
        let plain = self.signing.master_key().open(&context(kind, bound_to), &sealed);
        let plain = plain.map_err(|_| TicketError::Over)?;
        let Sealed { until, of } = serde_json::from_slice(&plain).map_err(|_| TicketError::Over)?;
        let until = Timestamp::from_micros(until);
        if until <= self.now() {
            return Err(TicketError::Over);
        }
        Ok(Opened { content: of, hash: hash_secret(text), until })
    }

    /// Uses an opened ticket up.
    pub(crate) async fn use_ticket<T>(&self, opened: Opened<T>) -> Result<T, TicketError> {
        if !self.store.use_ticket(&opened.hash, opened.until).await? {
            return Err(TicketError::Over);
        }
        Ok(opened.content)
    }

    /// Opens a ticket and uses it up.
    pub(crate) async fn take_ticket<T: DeserializeOwned>(
        &self,
        kind: &str,
        bound_to: &str,
        text: &str,
    ) -> Result<T, TicketError> {
        self.use_ticket(self.open_ticket(kind, bound_to, text)?).await
    }
}
