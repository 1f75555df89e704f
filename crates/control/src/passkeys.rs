//! Passkeys (WebAuthn): added, asked for, and signed in with, alone or as a second factor. Each is made for the portal's host
//! alone; answers count from the portal's origin alone, for a challenge of at most five minutes that is used once, and only
//! with the person verified by their device (a finger, a face, a PIN): a passkey is two factors by itself.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::PlainSecret;
use domain::{Account, AccountId, Passkey, PasskeyId, PortalSessionState, SignInMethod};
use storage::{AuditAction, ChangeTx, StoreError, StoredPasskey};
use url::Url;
use webauthn_rs::prelude::{
    AuthenticationResult, Credential, DiscoverableAuthentication, DiscoverableKey, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::factors::{AddedFactor, ChangeFactorError, FactorError};
use crate::names::is_name;
use crate::tickets::{TICKET_SECONDS_MAX, TicketError};
use crate::{Actor, Begun, Control, SignIn};

/// Passkeys that an account has at once.
pub const PASSKEYS_MAX: u64 = 20;
/// What a browser answers for a passkey, in bytes of JSON.
pub const PASSKEY_ANSWER_BYTES_MAX: usize = 32 * 1024;
const ADD: &str = "passkey added";
const SIGN_IN: &str = "passkey sign-in";
const FACTOR: &str = "passkey factor";

/// What passkeys of this portal are bound to.
#[derive(Debug, Clone)]
pub struct PasskeyOrigin {
    webauthn: Webauthn,
}

/// What a browser is asked, and what comes back with its answer.
#[derive(Debug)]
pub struct PasskeyQuestion {
    /// The options of `navigator.credentials`, as JSON.
    pub options: String,
    /// What the page gives back with the answer.
    pub ticket: String,
}

/// Where a browser comes from that signs in.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// What it calls itself.
    pub name: &'a str,
    /// Its network address.
    pub from: Option<IpAddr>,
}

impl PasskeyOrigin {
    /// Of a portal at this origin. `None` where there can be no passkeys: its host is an address rather than a name, or it
    /// isn't reached over TLS, save on this machine.
    pub fn new(origin: &str) -> Option<Self> {
        let url = Url::parse(origin).ok()?;
        let host = url.domain()?.to_owned();
        if url.scheme() != "https" && host != "localhost" && !host.ends_with(".localhost") {
            return None;
        }
        let timeout = std::time::Duration::from_secs(TICKET_SECONDS_MAX.unsigned_abs());
        let builder = WebauthnBuilder::new(&host, &url).ok()?.rp_name("Voxgate").timeout(timeout);
        Some(Self { webauthn: builder.build().ok()? })
    }
}

fn credential_text(id: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// The id of an account as authenticators keep it: it says nothing about the person.
fn handle(id: AccountId) -> Uuid {
    Uuid::from_u128(id.as_u128())
}

fn parse<T: serde::de::DeserializeOwned>(answer: &str) -> Option<T> {
    if answer.len() > PASSKEY_ANSWER_BYTES_MAX {
        return None;
    }
    serde_json::from_str(answer).ok()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, TicketError> {
    serde_json::to_string(value).map_err(|_| TicketError::Over)
}

/// What verifies a stored passkey.
fn verifier(stored: &StoredPasskey) -> Result<webauthn_rs::prelude::Passkey, StoreError> {
    serde_json::from_str(&stored.credential).map_err(|_| StoreError::Inconsistent {
        table: "passkeys",
        column: "credential",
        row: stored.passkey.id.to_string(),
    })
}

fn note_refusal(error: &webauthn_rs::prelude::WebauthnError) {
    tracing::info!(%error, "an answer for a passkey was refused");
}

impl Control {
    /// Asks a browser to make a passkey for an account.
    ///
    /// # Errors
    /// See [`ChangeFactorError`].
    pub async fn offer_passkey(
        &self,
        origin: &PasskeyOrigin,
        bound_to: &str,
        account: &Account,
    ) -> Result<PasskeyQuestion, ChangeFactorError> {
        let known = self.inner.store.list_passkeys(account.id).await?;
        let known = known.iter().map(|stored| verifier(stored).map(|passkey| passkey.cred_id().clone()));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        let (email, id) = (&account.email, handle(account.id));
        let started = origin.webauthn.start_passkey_registration(id, email, email, Some(known));
        let (mut question, state) = started.map_err(|_| TicketError::Over)?;
        // Kept on the device, so that it signs in without a name being typed.
        if let Some(selection) = &mut question.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        let ticket = self.inner.seal_ticket(ADD, bound_to, &state)?;
        Ok(PasskeyQuestion { options: json(&question.public_key)?, ticket })
    }

    /// Adds the passkey that a browser has made.
    ///
    /// # Errors
    /// See [`ChangeFactorError`].
    pub async fn add_passkey(
        &self,
        actor: &Actor,
        account_id: AccountId,
        new: NewPasskey<'_>,
    ) -> Result<AddedFactor, ChangeFactorError> {
        if !is_name(new.name) {
            return Err(ChangeFactorError::InvalidName);
        }
        let state: PasskeyRegistration = self.inner.take_ticket(ADD, new.bound_to, new.ticket).await?;
        let answer: RegisterPublicKeyCredential = parse(new.answer).ok_or(ChangeFactorError::Wrong)?;
        let made = new.origin.webauthn.finish_passkey_registration(&answer, &state).map_err(|error| {
            note_refusal(&error);
            ChangeFactorError::Wrong
        })?;
        let now = self.now();
        let passkey = Passkey {
            id: PasskeyId::generate(now, &*self.inner.rng),
            account_id,
            name: new.name.trim().to_owned(),
            created_at: now,
            last_used_at: None,
        };
        let stored = StoredPasskey {
            credential_id: credential_text(made.cred_id()),
            credential: json(&made)?,
            uses: 0,
            passkey,
        };
        let mut change = self.inner.store.change().await?;
        if !change.has_account(account_id).await? {
            return Err(ChangeFactorError::AccountNotFound);
        }
        if change.has_credential(&stored.credential_id).await? {
            return Err(ChangeFactorError::Exists);
        }
        if change.second_factors(account_id).await?.passkeys >= PASSKEYS_MAX {
            return Err(ChangeFactorError::TooMany { max: PASSKEYS_MAX });
        }
        change.insert_passkey(&stored).await?;
        let recovery_codes = self.first_codes(&mut change, account_id).await?;
        let id = stored.passkey.id.to_string();
        self.log_factor(change, actor, account_id, AuditAction::PasskeyAdded, &id).await?;
        Ok(AddedFactor { recovery_codes })
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// See [`ChangeFactorError`].
    pub async fn rename_passkey(
        &self,
        actor: &Actor,
        account_id: AccountId,
        id: PasskeyId,
        name: &str,
    ) -> Result<(), ChangeFactorError> {
        if !is_name(name) {
            return Err(ChangeFactorError::InvalidName);
        }
        let mut change = self.inner.store.change().await?;
        if !change.rename_passkey(account_id, id, name.trim()).await? {
            return Err(ChangeFactorError::NotFound);
        }
        let id = id.to_string();
        Ok(self.log_factor(change, actor, account_id, AuditAction::PasskeyRenamed, &id).await?)
    }

    /// Takes a passkey from an account.
    ///
    /// # Errors
    /// See [`ChangeFactorError`].
    pub async fn remove_passkey(
        &self,
        actor: &Actor,
        account_id: AccountId,
        id: PasskeyId,
    ) -> Result<(), ChangeFactorError> {
        let mut change = self.inner.store.change().await?;
        if !change.delete_passkey(account_id, id).await? {
            return Err(ChangeFactorError::NotFound);
        }
        self.keep_way_in(&change, account_id).await?;
        self.keep_last_factor(&mut change, account_id).await?;
        self.drop_codes_without_factor(&mut change, account_id).await?;
        let id = id.to_string();
        Ok(self.log_factor(change, actor, account_id, AuditAction::PasskeyRemoved, &id).await?)
    }

    /// The passkeys of an account, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_passkeys(&self, account_id: AccountId) -> Result<Vec<Passkey>, StoreError> {
        let stored = self.inner.store.list_passkeys(account_id).await?;
        Ok(stored.into_iter().map(|stored| stored.passkey).collect())
    }

    /// Asks a browser for whatever passkey its owner has here. Says nothing about who has one.
    ///
    /// # Errors
    /// When no question can be made.
    pub fn ask_for_passkey(
        &self,
        origin: &PasskeyOrigin,
        bound_to: &str,
    ) -> Result<PasskeyQuestion, TicketError> {
        let started = origin.webauthn.start_discoverable_authentication();
        let (question, state) = started.map_err(|_| TicketError::Over)?;
        let ticket = self.inner.seal_ticket(SIGN_IN, bound_to, &state)?;
        Ok(PasskeyQuestion { options: json(&question.public_key)?, ticket })
    }

    /// Signs a browser in by a passkey alone.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub async fn sign_in_with_passkey(
        &self,
        origin: &PasskeyOrigin,
        bound_to: &str,
        ticket: &str,
        answer: &str,
        browser: Browser<'_>,
    ) -> Result<Begun, FactorError> {
        self.count_attempt_from(browser.from)?;
        let state: DiscoverableAuthentication = self.inner.take_ticket(SIGN_IN, bound_to, ticket).await?;
        let answer: PublicKeyCredential = parse(answer).ok_or(FactorError::Wrong)?;
        let named = origin.webauthn.identify_discoverable_authentication(&answer);
        let (id, credential_id) = named.map_err(|_| FactorError::Wrong)?;
        let account_id = AccountId::from_u128(id.as_u128());
        let found = self.inner.store.find_passkey(account_id, &credential_text(credential_id)).await?;
        let stored = found.ok_or(FactorError::Wrong)?;
        let key = DiscoverableKey::from(verifier(&stored)?);
        let judged = origin.webauthn.finish_discoverable_authentication_v2(&answer, state, &key);
        let mut change = self.inner.store.change().await?;
        let is_right = match judged {
            Ok(result) => self.use_passkey(&mut change, &stored, &result).await?,
            Err(error) => {
                note_refusal(&error);
                false
            }
        };
        if !is_right {
            self.log_refused(change, account_id, browser.from, "passkey").await?;
            return Err(FactorError::Wrong);
        }
        let sign_in = SignIn {
            account_id,
            method: SignInMethod::Passkey,
            password: None,
            state: PortalSessionState::Open,
            browser: browser.name,
            from: browser.from,
        };
        let session = self.new_session(&mut change, sign_in).await?;
        Ok(self.keep_session(change, session, AuditAction::SignedIn).await?)
    }

    /// Asks a browser for a passkey of the account that is signing in there; `None` where it has none.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub async fn ask_for_passkey_of(
        &self,
        origin: &PasskeyOrigin,
        bound_to: &str,
        account_id: AccountId,
    ) -> Result<Option<PasskeyQuestion>, FactorError> {
        let stored = self.inner.store.list_passkeys(account_id).await?;
        if stored.is_empty() {
            return Ok(None);
        }
        let keys = stored.iter().map(verifier).collect::<Result<Vec<_>, _>>()?;
        let started = origin.webauthn.start_passkey_authentication(&keys);
        let (question, state) = started.map_err(|_| FactorError::Wrong)?;
        let ticket = self.inner.seal_ticket(FACTOR, bound_to, &state)?;
        Ok(Some(PasskeyQuestion { options: json(&question.public_key)?, ticket }))
    }

    /// Completes a sign-in with a passkey.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub async fn complete_with_passkey(
        &self,
        origin: &PasskeyOrigin,
        pending: &PlainSecret,
        bound_to: &str,
        ticket: &str,
        answer: &str,
    ) -> Result<Begun, FactorError> {
        self.count_attempt_of(pending).await?;
        let state: PasskeyAuthentication = self.inner.take_ticket(FACTOR, bound_to, ticket).await?;
        let answer: PublicKeyCredential = parse(answer).ok_or(FactorError::Wrong)?;
        let mut change = self.inner.store.change().await?;
        let pending = self.pending(&mut change, pending).await?;
        let id = credential_text(answer.get_credential_id());
        let stored = change.list_passkeys(pending.account_id).await?;
        // Only this account's are asked: another one's passkey proves nothing about it.
        let stored = stored.into_iter().find(|stored| stored.credential_id == id);
        let judged = origin.webauthn.finish_passkey_authentication(&answer, &state);
        let is_right = match (judged, &stored) {
            (Ok(result), Some(stored)) => self.use_passkey(&mut change, stored, &result).await?,
            (Err(error), _) => {
                note_refusal(&error);
                false
            }
            (Ok(_), None) => false,
        };
        if !is_right {
            self.log_refused(change, pending.account_id, pending.from, "passkey").await?;
            return Err(FactorError::Wrong);
        }
        change.note_totp_guesses(pending.account_id, 0, 0).await?;
        Ok(self.complete_in(change, pending).await?)
    }

    /// Remembers that a passkey was used, and how far its counter is. Says whether it was still there, unused since it was
    /// read, and its counter has not gone back, as that of a copy would.
    async fn use_passkey(
        &self,
        change: &mut ChangeTx,
        stored: &StoredPasskey,
        result: &AuthenticationResult,
    ) -> Result<bool, FactorError> {
        if !result.user_verified() {
            return Ok(false);
        }
        let mut key = verifier(stored)?;
        // Against what is stored now: the question may be older than the last use.
        let counter = Credential::from(key.clone()).counter;
        if (counter > 0 || result.counter() > 0) && result.counter() <= counter {
            return Ok(false);
        }
        key.update_credential(result);
        Ok(change.use_passkey(stored, &json(&key)?, self.now()).await?)
    }
}

/// A passkey that a browser has made.
#[derive(Debug, Clone, Copy)]
pub struct NewPasskey<'a> {
    /// What passkeys here are bound to.
    pub origin: &'a PasskeyOrigin,
    /// The browser that was asked.
    pub bound_to: &'a str,
    /// What its page gives back.
    pub ticket: &'a str,
    /// The browser's answer, as JSON.
    pub answer: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
}
