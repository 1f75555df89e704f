//! Signed in at the portal: begun, found again, confirmed, ended. What opens a session is a secret that only the browser
//! has; its hash is stored, and it is replaced whenever the person proves anew who they are.

use std::net::IpAddr;

use credentials::PlainSecret;
use domain::{
    Account, AccountId, PortalSession, PortalSessionId, PortalSessionState, SignInMethod, Timestamp,
    WorkspaceId,
};
use storage::{AuditAction, ChangeTx, StoreError};

use crate::factors::with_factor;
use crate::{Actor, Control, VerifiedPassword};

/// How long a browser stays signed in, however often it comes back, in days.
pub const PORTAL_SESSION_DAYS_MAX: i64 = 30;
/// How long a browser stays signed in without coming back, in days.
pub const PORTAL_SESSION_IDLE_DAYS_MAX: i64 = 7;
/// How long a second factor is waited for, in minutes.
pub const PENDING_SIGN_IN_MINUTES_MAX: i64 = 10;
/// What a browser calls itself, in bytes; the rest is cut off.
pub const BROWSER_NAME_BYTES_MAX: usize = 200;
/// When a session was last used is written this often, in seconds.
const SEEN_SECONDS: i64 = 60;
const SECONDS_PER_DAY: i64 = 24 * 3600;

/// A browser that begins to sign in.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// Whose account it is, as it was found when the proof was checked.
    pub account_id: AccountId,
    /// By what.
    pub method: SignInMethod,
    /// The password, where it was one.
    pub password: Option<&'a VerifiedPassword>,
    /// Whether a second factor is still to come.
    pub state: PortalSessionState,
    /// What the browser calls itself.
    pub browser: &'a str,
    /// The network address that it comes from.
    pub from: Option<IpAddr>,
}

/// A session with what opens it.
#[derive(Debug)]
pub struct Begun {
    /// The session.
    pub session: PortalSession,
    /// What opens it: for the browser alone.
    pub secret: PlainSecret,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The account is gone or disabled.
    #[error("this account can't sign in")]
    NotAllowed,
    /// The session that was to be completed or confirmed is over, or the password isn't the account's any more.
    #[error("this sign-in is over: begin again")]
    Over,
    /// The store failed.
    #[error("the sign-in could not be stored")]
    Store(#[from] StoreError),
}

fn cut(text: &str) -> String {
    let printable = text.chars().filter(|character| !character.is_control());
    let mut cut = String::new();
    for character in printable {
        if cut.len() + character.len_utf8() > BROWSER_NAME_BYTES_MAX {
            break;
        }
        cut.push(character);
    }
    cut
}

impl Control {
    /// Signs a browser in, or takes the first of two steps of it. The account is looked at once more: whoever was disabled
    /// meanwhile stays outside, and so does whoever knows the password before the present one.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn begin_portal_session(&self, sign_in: SignIn<'_>) -> Result<Begun, SignInError> {
        let mut change = self.inner.store.change().await?;
        let session = self.new_session(&mut change, sign_in).await?;
        self.keep_session(change, session, AuditAction::SignedIn).await
    }

    /// The second step: a pending session becomes an open one, with another secret and another id.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn complete_portal_session(
        &self,
        pending: &PlainSecret,
        method: SignInMethod,
    ) -> Result<Begun, SignInError> {
        let mut change = self.inner.store.change().await?;
        let begun = change.find_portal_session(&pending.hash(), self.now()).await?;
        let begun = begun.filter(|session| session.state == PortalSessionState::Pending);
        let begun = begun.ok_or(SignInError::Over)?;
        change.delete_portal_session(begun.account_id, begun.id).await?;
        let sign_in = SignIn {
            account_id: begun.account_id,
            method,
            password: None,
            state: PortalSessionState::Open,
            browser: &begun.browser,
            from: begun.from,
        };
        let session = self.new_session(&mut change, sign_in).await?;
        self.keep_session(change, session, AuditAction::SignedIn).await
    }

    /// The person behind an open session has told the password again: it goes on under another secret, if that is the password still.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn confirm_portal_session(
        &self,
        actor: &Actor,
        secret: &PlainSecret,
        password: &VerifiedPassword,
    ) -> Result<Begun, SignInError> {
        let mut change = self.inner.store.change().await?;
        let mut session = self.take_open(&mut change, actor, secret).await?;
        let stored = change.find_stored_account(session.account_id).await?;
        if stored.is_none_or(|stored| !password.is_of(&stored)) {
            return Err(SignInError::Over);
        }
        session.confirmed_at = self.now();
        self.keep_session(change, session, AuditAction::SignInConfirmed).await
    }

    /// A second factor was set up in an open session, which takes showing it: the session goes on as one that has shown it,
    /// under another secret. Whoever knew the one from before the factor stays outside.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn note_factor_shown(&self, actor: &Actor, secret: &PlainSecret) -> Result<Begun, SignInError> {
        let mut change = self.inner.store.change().await?;
        let mut session = self.take_open(&mut change, actor, secret).await?;
        session.method = with_factor(session.method);
        self.keep_session(change, session, AuditAction::SignInConfirmed).await
    }

    /// Takes out an open session of whoever acts, to be kept again under another secret.
    async fn take_open(
        &self,
        change: &mut ChangeTx,
        actor: &Actor,
        secret: &PlainSecret,
    ) -> Result<PortalSession, SignInError> {
        let found = change.find_portal_session(&secret.hash(), self.now()).await?;
        let found = found.filter(|session| {
            session.state == PortalSessionState::Open && actor.account_id() == Some(session.account_id)
        });
        let mut session = found.ok_or(SignInError::Over)?;
        change.delete_portal_session(session.account_id, session.id).await?;
        session.from = actor.from.or(session.from);
        Ok(session)
    }

    pub(crate) async fn new_session(
        &self,
        change: &mut ChangeTx,
        sign_in: SignIn<'_>,
    ) -> Result<PortalSession, SignInError> {
        let stored = change.find_stored_account(sign_in.account_id).await?;
        let stored = stored.filter(|stored| stored.account.disabled_at.is_none());
        let stored = stored.ok_or(SignInError::NotAllowed)?;
        if sign_in.password.is_some_and(|password| !password.is_of(&stored)) {
            return Err(SignInError::Over);
        }
        let now = self.now();
        let seconds = match sign_in.state {
            PortalSessionState::Open => PORTAL_SESSION_DAYS_MAX * SECONDS_PER_DAY,
            PortalSessionState::Pending => PENDING_SIGN_IN_MINUTES_MAX * 60,
        };
        Ok(PortalSession {
            id: PortalSessionId::generate(now, &*self.inner.rng),
            account_id: sign_in.account_id,
            state: sign_in.state,
            method: sign_in.method,
            workspace_id: None,
            created_at: now,
            seen_at: now,
            confirmed_at: now,
            expires_at: now.plus_seconds(seconds),
            from: sign_in.from,
            browser: cut(sign_in.browser),
        })
    }

    pub(crate) async fn keep_session(
        &self,
        mut change: ChangeTx,
        session: PortalSession,
        action: AuditAction,
    ) -> Result<Begun, SignInError> {
        let secret = PlainSecret::random(&*self.inner.rng);
        change.insert_portal_session(&session, &secret.hash()).await?;
        let actor = Actor { from: session.from, ..Actor::account(session.account_id) };
        let mut entry = self.inner.pseudonyms.entry(self.now(), &actor, None, action, session.id);
        entry.detail = format!("{}, {}", session.state, session.method);
        self.inner.publish(change, entry).await?;
        Ok(Begun { session, secret })
    }

    /// The session that a browser's secret opens, and its account; nothing where it has ended, was not used for too long,
    /// or its account is disabled. Remembers that it was used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_portal_session(
        &self,
        secret: &PlainSecret,
    ) -> Result<Option<(PortalSession, Account)>, StoreError> {
        let now = self.now();
        let Some(session) = self.inner.store.find_portal_session(&secret.hash(), now).await? else {
            return Ok(None);
        };
        if is_idle(&session, now) {
            return Ok(None);
        }
        let account = self.find_account_by_id(session.account_id).await?;
        let Some(account) = account.filter(|account| account.disabled_at.is_none()) else { return Ok(None) };
        self.note_seen(&session, now).await;
        Ok(Some((session, account)))
    }

    /// A browser is served also while the database can't be written to.
    async fn note_seen(&self, session: &PortalSession, now: Timestamp) {
        if session.seen_at.plus_seconds(SEEN_SECONDS) > now {
            return;
        }
        if let Err(error) = self.inner.store.note_portal_session(session.id, now).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "when a browser was last here could not be written");
        }
    }

    /// The browsers that an account is signed in with, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_portal_sessions(&self, id: AccountId) -> Result<Vec<PortalSession>, StoreError> {
        let now = self.now();
        let mut sessions = self.inner.store.list_portal_sessions(id, now).await?;
        sessions.retain(|session| !is_idle(session, now));
        Ok(sessions)
    }

    /// Has a session look at a workspace. That its account belongs there is checked at every request.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_portal_session_workspace(
        &self,
        id: PortalSessionId,
        workspace_id: WorkspaceId,
    ) -> Result<(), StoreError> {
        self.inner.store.set_portal_session_workspace(id, workspace_id).await
    }

    /// Signs one browser of an account out. Says whether it was signed in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(
        &self,
        actor: &Actor,
        account_id: AccountId,
        id: PortalSessionId,
    ) -> Result<bool, StoreError> {
        let mut change = self.inner.store.change().await?;
        if !change.delete_portal_session(account_id, id).await? {
            return Ok(false);
        }
        let entry = self.inner.pseudonyms.entry(self.now(), actor, None, AuditAction::SignedOut, id);
        self.inner.publish(change, entry).await?;
        Ok(true)
    }

    /// Signs an account out everywhere, but for one session if one is to stay. Tells how many ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out_everywhere(
        &self,
        actor: &Actor,
        account_id: AccountId,
        kept: Option<PortalSessionId>,
    ) -> Result<u64, StoreError> {
        let mut change = self.inner.store.change().await?;
        let ended = change.delete_portal_sessions(account_id, kept).await?;
        let subject = self.inner.pseudonyms.of_account(account_id);
        let mut entry = self.inner.pseudonyms.entry(self.now(), actor, None, AuditAction::SignedOut, subject);
        entry.detail = format!("everywhere, {ended} sessions");
        self.inner.publish(change, entry).await?;
        Ok(ended)
    }
}

/// Whether a browser was away for so long that it is signed out.
fn is_idle(session: &PortalSession, now: Timestamp) -> bool {
    session.seen_at.plus_seconds(PORTAL_SESSION_IDLE_DAYS_MAX * SECONDS_PER_DAY) <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A browser that calls itself something endless or unprintable fills no database and no log.
    #[test]
    fn what_a_browser_calls_itself_is_cut() {
        assert_eq!(cut("Mozilla/5.0\r\n\u{0}x"), "Mozilla/5.0x");
        assert!(cut(&"ü".repeat(1000)).len() <= BROWSER_NAME_BYTES_MAX);
    }
}
