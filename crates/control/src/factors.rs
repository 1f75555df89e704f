//! What an account signs in with beside its password: which factors it has, and the second step of a sign-in.

use std::net::IpAddr;

use credentials::PlainSecret;
use domain::{AccountId, PortalSession, PortalSessionState, SecondFactors, SignInMethod};
use storage::{AuditAction, ChangeTx, StoreError};

use crate::recovery_codes::RecoveryCodes;
use crate::tickets::TicketError;
use crate::{Actor, Begun, Control, ControlError, SignInError};

/// Why a factor let nobody in.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// It is the wrong code, the wrong passkey, or one that was used before.
    #[error("this was not right, or was used before")]
    Wrong,
    /// Too many guesses.
    #[error("too many attempts: wait {retry_after_seconds} seconds, or use a passkey or a recovery code")]
    TooMany {
        /// After how many seconds another one is looked at.
        retry_after_seconds: u64,
    },
    /// So many guesses went wrong that no further code is looked at.
    #[error(
        "too many wrong codes in a row: codes are refused until you sign in with a passkey or a recovery code"
    )]
    Locked,
    /// The sign-in is over.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The page is too old.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Why a factor was not added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeFactorError {
    /// The account is gone.
    #[error("no such account")]
    AccountNotFound,
    /// There is no such factor.
    #[error("there is no such factor")]
    NotFound,
    /// There is one already.
    #[error("there is one already: remove it first")]
    Exists,
    /// The code or the passkey doesn't fit.
    #[error("this was not right: try again")]
    Wrong,
    /// There are too many.
    #[error("there are {max} already, which is as many as there can be")]
    TooMany {
        /// How many there can be.
        max: u64,
    },
    /// Nobody could sign in any more.
    #[error("this is the only way to sign in: set a password or add a passkey first")]
    LastWayIn,
    /// The account would have no second factor, and this instance demands one.
    #[error(
        "this is your only second factor, and this instance demands one of everybody: add another one first"
    )]
    LastFactor,
    /// The name is empty, too long or unprintable.
    #[error("expected a name of 1 to {} printable characters", domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// The page is too old.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// Nothing can be sealed here now.
    #[error(transparent)]
    Key(#[from] ControlError),
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// A factor that was added.
#[derive(Debug)]
pub struct AddedFactor {
    /// New recovery codes, where the account had none: shown once.
    pub recovery_codes: Option<RecoveryCodes>,
}

/// How a session was opened once a second factor was shown.
pub(crate) const fn with_factor(method: SignInMethod) -> SignInMethod {
    match method {
        SignInMethod::Password | SignInMethod::PasswordAndFactor | SignInMethod::Link => {
            SignInMethod::PasswordAndFactor
        }
        SignInMethod::Provider | SignInMethod::ProviderAndFactor => SignInMethod::ProviderAndFactor,
        SignInMethod::Passkey => SignInMethod::Passkey,
    }
}

impl Control {
    /// Whether somebody could still sign in as things are in this change: by a password, a passkey, or a provider.
    pub(crate) async fn keep_way_in(
        &self,
        change: &ChangeTx,
        account_id: AccountId,
    ) -> Result<(), ChangeFactorError> {
        let has_way_in = change.has_password(account_id).await?
            || change.second_factors(account_id).await?.passkeys > 0
            || change.count_identities(account_id).await? > 0;
        if has_way_in { Ok(()) } else { Err(ChangeFactorError::LastWayIn) }
    }

    /// What an account has set up to show who it is, beside its password.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn second_factors(&self, account_id: AccountId) -> Result<SecondFactors, StoreError> {
        self.inner.store.second_factors(account_id).await
    }

    /// Counts an attempt, before anything is written for it: whoever is over the limit of their network costs nothing.
    pub(crate) fn count_attempt_from(&self, from: Option<IpAddr>) -> Result<(), FactorError> {
        let Some(from) = from else { return Ok(()) };
        let counted = self.count_factor(from);
        counted.map_err(|retry_after_seconds| FactorError::TooMany { retry_after_seconds })
    }

    /// Counts an attempt at completing a sign-in, by the network that began it.
    pub(crate) async fn count_attempt_of(&self, secret: &PlainSecret) -> Result<(), FactorError> {
        let found = self.inner.store.find_portal_session(&secret.hash(), self.now()).await?;
        self.count_attempt_from(found.ok_or(SignInError::Over)?.from)
    }

    /// The sign-in that waits for its second step, as of this change.
    pub(crate) async fn pending(
        &self,
        change: &mut ChangeTx,
        secret: &PlainSecret,
    ) -> Result<PortalSession, SignInError> {
        let found = change.find_portal_session(&secret.hash(), self.now()).await?;
        let pending = found.filter(|session| session.state == PortalSessionState::Pending);
        pending.ok_or(SignInError::Over)
    }

    /// Keeps the use of a factor, and with it the open session that it leads to.
    pub(crate) async fn complete_in(
        &self,
        mut change: ChangeTx,
        pending: PortalSession,
    ) -> Result<Begun, SignInError> {
        change.delete_portal_session(pending.account_id, pending.id).await?;
        let sign_in = crate::SignIn {
            account_id: pending.account_id,
            method: with_factor(pending.method),
            password: None,
            state: PortalSessionState::Open,
            browser: &pending.browser,
            from: pending.from,
        };
        let session = self.new_session(&mut change, sign_in).await?;
        self.keep_session(change, session, AuditAction::SignedIn).await
    }

    /// Writes down that somebody who is perhaps not the account's owner showed a wrong factor.
    pub(crate) async fn log_refused(
        &self,
        change: ChangeTx,
        account_id: AccountId,
        from: Option<IpAddr>,
        factor: &str,
    ) -> Result<(), StoreError> {
        let actor = Actor { from, ..Actor::SYSTEM };
        self.log_factor(change, &actor, account_id, AuditAction::FactorRefused, factor).await
    }

    /// Keeps a change of an account's factors.
    pub(crate) async fn log_factor(
        &self,
        change: ChangeTx,
        actor: &Actor,
        account_id: AccountId,
        action: AuditAction,
        detail: &str,
    ) -> Result<(), StoreError> {
        let pseudonym = self.inner.pseudonyms.of_account(account_id);
        let mut entry = self.inner.pseudonyms.entry(self.now(), actor, None, action, pseudonym);
        entry.detail = detail.to_owned();
        self.inner.publish(change, entry).await?;
        Ok(())
    }

    /// Gives recovery codes to an account that gets its first factor.
    pub(crate) async fn first_codes(
        &self,
        change: &mut ChangeTx,
        account_id: AccountId,
    ) -> Result<Option<RecoveryCodes>, StoreError> {
        if change.second_factors(account_id).await?.recovery_codes > 0 {
            return Ok(None);
        }
        let codes = RecoveryCodes::generate(&*self.inner.rng);
        change.replace_recovery_codes(account_id, &codes.hashes(), self.now()).await?;
        Ok(Some(codes))
    }

    /// Takes the recovery codes from an account that has lost its last factor: they stand in for nothing.
    pub(crate) async fn drop_codes_without_factor(
        &self,
        change: &mut ChangeTx,
        account_id: AccountId,
    ) -> Result<(), StoreError> {
        if change.second_factors(account_id).await?.is_none() {
            change.replace_recovery_codes(account_id, &[], self.now()).await?;
        }
        Ok(())
    }
}
