//! Who an account's owner is at another provider: linked, unlinked, signed in with. An account is found by what the provider calls
//! its user, never by an e-mail address: whoever registers somebody's address somewhere must not get into their account.

use std::net::IpAddr;

use domain::{Account, AccountId, Identity, PortalSessionState, SignInMethod, TIME_ZONE_DEFAULT};
use storage::{AuditAction, StoreError, StoredAccount};

use crate::factors::ChangeFactorError;
use crate::passkeys::Browser;
use crate::providers::ProviderUser;
use crate::tickets::TicketError;
use crate::{Actor, Begun, Control, SignIn, SignInError};

/// Identities that an account has at once.
pub const IDENTITIES_MAX: u64 = 10;
const KIND: &str = "identity";
const NEW: &str = "identity, new account";

impl Control {
    /// The identities of an account, those that were linked first at the front.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_identities(&self, account_id: AccountId) -> Result<Vec<Identity>, StoreError> {
        self.inner.store.list_identities(account_id).await
    }

    /// Signs in whoever came back from a provider, if an account is linked with them; a second factor is asked for where there
    /// is one. `None` where no account is.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in_with_identity(
        &self,
        user: &ProviderUser,
        browser: Browser<'_>,
    ) -> Result<Option<Begun>, SignInError> {
        let mut change = self.inner.store.change().await?;
        let Some(identity) = change.find_identity(&user.provider, &user.subject).await? else {
            return Ok(None);
        };
        change.note_identity_used(&user.provider, &user.subject, self.now()).await?;
        let factors = change.second_factors(identity.account_id).await?;
        let sign_in = SignIn {
            account_id: identity.account_id,
            method: SignInMethod::Provider,
            password: None,
            state: if factors.is_none() { PortalSessionState::Open } else { PortalSessionState::Pending },
            browser: browser.name,
            from: browser.from,
        };
        let session = self.new_session(&mut change, sign_in).await?;
        self.keep_session(change, session, AuditAction::SignedIn).await.map(Some)
    }

    /// A ticket by which somebody whom no account knows may make one, if they may register here: by an address that the provider
    /// has verified. `None` where they may not.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn offer_account(&self, bound_to: &str, user: &ProviderUser) -> Result<Option<String>, TicketError> {
        let Some(email) = &user.verified_email else { return Ok(None) };
        if self.check_registrable(email).is_err() {
            return Ok(None);
        }
        self.inner.seal_ticket(NEW, bound_to, user).map(Some)
    }

    /// Makes an account for whoever came back from a provider, linked with who they are there. It has no password until its owner
    /// chooses one. An account with this address is never taken over, whoever has confirmed the address there.
    ///
    /// # Errors
    /// See [`ChangeFactorError`]; [`ChangeFactorError::Exists`] where the address or the identity has an account.
    pub async fn register_with_identity(
        &self,
        bound_to: &str,
        ticket: &str,
        from: IpAddr,
    ) -> Result<Account, ChangeFactorError> {
        let user: ProviderUser = self.inner.take_ticket(NEW, bound_to, ticket).await?;
        let email = user.verified_email.ok_or(ChangeFactorError::Wrong)?;
        self.check_registrable(&email).map_err(|_| ChangeFactorError::Wrong)?;
        let now = self.now();
        let account = Account {
            id: AccountId::generate(now, &*self.inner.rng),
            email,
            created_at: now,
            disabled_at: None,
            is_operator: false,
            time_zone: TIME_ZONE_DEFAULT.to_owned(),
            email_verified_at: Some(now),
        };
        let identity = Identity {
            provider: user.provider,
            subject: user.subject,
            account_id: account.id,
            label: user.label,
            created_at: now,
            last_used_at: None,
        };
        let mut change = self.inner.store.change().await?;
        let is_known = change.find_account_by_email(&account.email).await?.is_some()
            || change.find_identity(&identity.provider, &identity.subject).await?.is_some();
        if is_known {
            return Err(ChangeFactorError::Exists);
        }
        let stored = StoredAccount { account: account.clone(), password_hash: String::new() };
        change.insert_account(&stored).await?;
        change.insert_identity(&identity).await?;
        self.add_own_workspace(&mut change, &account, self.registration().plan).await?;
        let actor = Actor::account(account.id).from(from);
        let pseudonym = self.inner.pseudonyms.of_account(account.id);
        let mut entry =
            self.inner.pseudonyms.entry(now, &actor, None, AuditAction::AccountRegistered, &pseudonym);
        entry.detail = format!("by {}", identity.provider);
        entry.names.push((pseudonym, account.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(account)
    }

    /// A ticket by which the account that is signed in may take an identity: its owner confirms that it is theirs.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn offer_identity(&self, bound_to: &str, user: &ProviderUser) -> Result<String, TicketError> {
        self.inner.seal_ticket(KIND, bound_to, user)
    }

    /// Links an account with an identity that was offered.
    ///
    /// # Errors
    /// See [`ChangeFactorError`]; [`ChangeFactorError::Exists`] where it is linked already, with whichever account.
    pub async fn link_identity(
        &self,
        actor: &Actor,
        account_id: AccountId,
        bound_to: &str,
        ticket: &str,
    ) -> Result<Identity, ChangeFactorError> {
        let user: ProviderUser = self.inner.take_ticket(KIND, bound_to, ticket).await?;
        let identity = Identity {
            provider: user.provider,
            subject: user.subject,
            account_id,
            label: user.label,
            created_at: self.now(),
            last_used_at: None,
        };
        let mut change = self.inner.store.change().await?;
        if !change.has_account(account_id).await? {
            return Err(ChangeFactorError::AccountNotFound);
        }
        if change.find_identity(&identity.provider, &identity.subject).await?.is_some() {
            return Err(ChangeFactorError::Exists);
        }
        if change.count_identities(account_id).await? >= IDENTITIES_MAX {
            return Err(ChangeFactorError::TooMany { max: IDENTITIES_MAX });
        }
        change.insert_identity(&identity).await?;
        self.log_factor(change, actor, account_id, AuditAction::IdentityLinked, &identity.provider).await?;
        Ok(identity)
    }

    /// Unlinks an identity of an account.
    ///
    /// # Errors
    /// See [`ChangeFactorError`].
    pub async fn unlink_identity(
        &self,
        actor: &Actor,
        account_id: AccountId,
        provider: &str,
        subject: &str,
    ) -> Result<(), ChangeFactorError> {
        let mut change = self.inner.store.change().await?;
        if !change.delete_identity(account_id, provider, subject).await? {
            return Err(ChangeFactorError::NotFound);
        }
        self.keep_way_in(&change, account_id).await?;
        Ok(self.log_factor(change, actor, account_id, AuditAction::IdentityUnlinked, provider).await?)
    }
}
