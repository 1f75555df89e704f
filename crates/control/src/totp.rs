//! Authenticator apps: codes of six digits that change every 30 seconds (RFC 6238). The secret is sealed under the master key.
//! A code is good once, also on two nodes at the same time, and in the interval before and after its own.

use credentials::{MasterKey, PlainSecret};
use domain::{Account, AccountId, PortalSession, Rng, rate};
use storage::{AuditAction, ChangeTx, StoredTotp};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use crate::factors::{AddedFactor, ChangeFactorError, FactorError};
use crate::tickets::TicketError;
use crate::{Actor, Begun, Control};

/// How often a wrong code may be entered, in seconds, once the first few are used.
pub const TOTP_GUESS_SECONDS: u32 = 60;
/// Wrong codes that may be entered at once.
pub const TOTP_GUESSES_KEPT_MAX: u32 = 5;
/// Wrong codes in a row, after which none is looked at until another factor was shown (NIST SP 800-63B, 3.2.2).
pub const TOTP_FAILURES_MAX: u64 = 100;
const KIND: &str = "totp";
const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_SECONDS: u64 = 30;
const SKEW_STEPS: u16 = 1;

/// A new authenticator app's secret, until a code of it was entered.
#[derive(Debug)]
pub struct TotpOffer {
    /// What the page gives back with the code.
    pub ticket: String,
    /// The secret, for whoever can't take a picture of it.
    pub secret: PlainSecret,
    /// The address that the picture shows.
    pub url: PlainSecret,
}

fn context(id: AccountId) -> String {
    format!("totp/{id}")
}

/// Seals a stored secret under another master key; none where it can't be opened: such a one is of no use, and must not keep
/// the others from being sealed anew.
pub(crate) fn reseal(
    stored: &StoredTotp,
    from: &MasterKey,
    to: &MasterKey,
    rng: &dyn Rng,
) -> Option<Vec<u8>> {
    let context = context(stored.account_id);
    let secret = from.open(&context, &stored.sealed_secret).ok()?;
    Some(to.seal(&context, &secret, rng))
}

fn build(secret: &[u8], account_name: &str, issuer: &str) -> Option<Totp> {
    // A colon would end the name in the address.
    let without_colon = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_skew(SKEW_STEPS)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret.to_vec())
        .with_account_name(without_colon(account_name))
        .with_issuer(Some(without_colon(issuer)))
        .build()
        .ok()
}

/// What people type: blanks between the digits don't count.
fn digits(entered: &str) -> Option<String> {
    let digits: String = entered.chars().filter(|character| !character.is_whitespace()).take(9).collect();
    (digits.len() == usize::from(DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(digits)
}

enum Verdict {
    Right,
    Wrong,
    TooMany { retry_after_seconds: u64 },
    Locked,
}

/// The secret of an authenticator app that somebody has shown to hold.
struct ReadTotp {
    secret: Zeroizing<Vec<u8>>,
    last_step: u64,
}

impl Control {
    /// Offers an authenticator app to an account. Nothing is stored until a code of it was entered.
    ///
    /// # Errors
    /// When there can be no address of it.
    pub fn offer_totp(
        &self,
        bound_to: &str,
        account: &Account,
        issuer: &str,
    ) -> Result<TotpOffer, TicketError> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        self.inner.rng.fill(secret.as_mut_slice());
        self.show_totp(bound_to, account, issuer, secret.as_slice())
    }

    /// The same offer again, for whoever has mistyped the code.
    ///
    /// # Errors
    /// When the page is too old.
    pub fn offer_totp_again(
        &self,
        bound_to: &str,
        account: &Account,
        issuer: &str,
        ticket: &str,
    ) -> Result<TotpOffer, TicketError> {
        let opened = self.inner.open_ticket::<Zeroizing<Vec<u8>>>(KIND, bound_to, ticket)?;
        let offer = self.show_totp(bound_to, account, issuer, &opened.content)?;
        Ok(TotpOffer { ticket: ticket.to_owned(), ..offer })
    }

    fn show_totp(
        &self,
        bound_to: &str,
        account: &Account,
        issuer: &str,
        secret: &[u8],
    ) -> Result<TotpOffer, TicketError> {
        let totp = build(secret, &account.email, issuer).ok_or(TicketError::Over)?;
        let url = totp.to_url().map_err(|_| TicketError::Over)?;
        let ticket = self.inner.seal_ticket(KIND, bound_to, &secret)?;
        let secret = PlainSecret::new(totp.secret().to_base32());
        Ok(TotpOffer { ticket, secret, url: PlainSecret::new(url) })
    }

    /// Adds an authenticator app to an account, once a code shows that it knows the secret.
    ///
    /// # Errors
    /// See [`ChangeFactorError`]; after a wrong code the same offer is good still.
    pub async fn add_totp(
        &self,
        actor: &Actor,
        account_id: AccountId,
        bound_to: &str,
        ticket: &str,
        entered: &str,
    ) -> Result<AddedFactor, ChangeFactorError> {
        let read = self.read_totp(bound_to, ticket, entered).await?;
        let change = self.inner.store.change().await?;
        if change.find_totp(account_id).await?.is_some() {
            return Err(ChangeFactorError::Exists);
        }
        self.keep_totp(change, actor, account_id, read, "").await
    }

    /// Puts an authenticator app in the place of the one that an account has: whoever has lost the device can't take the old one
    /// away first where a factor is demanded.
    ///
    /// # Errors
    /// See [`ChangeFactorError`]; after a wrong code the same offer is good still.
    pub async fn replace_totp(
        &self,
        actor: &Actor,
        account_id: AccountId,
        bound_to: &str,
        ticket: &str,
        entered: &str,
    ) -> Result<AddedFactor, ChangeFactorError> {
        let read = self.read_totp(bound_to, ticket, entered).await?;
        let mut change = self.inner.store.change().await?;
        if !change.delete_totp(account_id).await? {
            return Err(ChangeFactorError::NotFound);
        }
        self.keep_totp(change, actor, account_id, read, "in the place of another one").await
    }

    /// The authenticator app that was offered, once a code shows that it knows the secret.
    async fn read_totp(
        &self,
        bound_to: &str,
        ticket: &str,
        entered: &str,
    ) -> Result<ReadTotp, ChangeFactorError> {
        let inner = &self.inner;
        let opened = inner.open_ticket::<Zeroizing<Vec<u8>>>(KIND, bound_to, ticket)?;
        let last_step = self.step_of(&opened.content, entered).ok_or(ChangeFactorError::Wrong)?;
        Ok(ReadTotp { secret: inner.use_ticket(opened).await?, last_step })
    }

    async fn keep_totp(
        &self,
        mut change: ChangeTx,
        actor: &Actor,
        account_id: AccountId,
        ReadTotp { secret, last_step }: ReadTotp,
        detail: &str,
    ) -> Result<AddedFactor, ChangeFactorError> {
        if !change.has_account(account_id).await? {
            return Err(ChangeFactorError::AccountNotFound);
        }
        let master_key = self.inner.sealing_key(&change).await?;
        let sealed_secret = master_key.seal(&context(account_id), &secret, &*self.inner.rng);
        let (created_at, failures, guesses_due_micros) = (self.now(), 0, 0);
        let totp =
            StoredTotp { account_id, sealed_secret, created_at, last_step, failures, guesses_due_micros };
        change.insert_totp(&totp).await?;
        let recovery_codes = self.first_codes(&mut change, account_id).await?;
        self.log_factor(change, actor, account_id, AuditAction::TotpAdded, detail).await?;
        Ok(AddedFactor { recovery_codes })
    }

    /// Takes the authenticator app from an account.
    ///
    /// # Errors
    /// See [`ChangeFactorError`].
    pub async fn remove_totp(&self, actor: &Actor, account_id: AccountId) -> Result<(), ChangeFactorError> {
        let mut change = self.inner.store.change().await?;
        if !change.delete_totp(account_id).await? {
            return Err(ChangeFactorError::NotFound);
        }
        self.keep_last_factor(&mut change, account_id).await?;
        self.drop_codes_without_factor(&mut change, account_id).await?;
        self.log_factor(change, actor, account_id, AuditAction::TotpRemoved, "").await?;
        Ok(())
    }

    /// Completes a sign-in with a code of an authenticator app.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub async fn complete_with_totp(
        &self,
        pending: &PlainSecret,
        entered: &str,
    ) -> Result<Begun, FactorError> {
        self.count_attempt_of(pending).await?;
        // The change is the only one at a time, on all nodes: whoever comes second sees the code used.
        let mut change = self.inner.store.change().await?;
        let pending = self.pending(&mut change, pending).await?;
        match self.judge_totp(&mut change, pending.account_id, entered).await? {
            Verdict::Right => Ok(self.complete_in(change, pending).await?),
            Verdict::Wrong => self.refuse_totp(change, &pending, FactorError::Wrong).await,
            Verdict::TooMany { retry_after_seconds } => {
                self.refuse_totp(change, &pending, FactorError::TooMany { retry_after_seconds }).await
            }
            Verdict::Locked => self.refuse_totp(change, &pending, FactorError::Locked).await,
        }
    }

    async fn refuse_totp(
        &self,
        change: ChangeTx,
        pending: &PortalSession,
        why: FactorError,
    ) -> Result<Begun, FactorError> {
        self.log_refused(change, pending.account_id, pending.from, "authenticator app").await?;
        Err(why)
    }

    /// Looks at a code and uses it up, or the guess that it was.
    async fn judge_totp(
        &self,
        change: &mut ChangeTx,
        id: AccountId,
        entered: &str,
    ) -> Result<Verdict, FactorError> {
        let Some(stored) = change.find_totp(id).await? else { return Ok(Verdict::Wrong) };
        if stored.failures >= TOTP_FAILURES_MAX {
            return Ok(Verdict::Locked);
        }
        let due = stored.guesses_due_micros;
        let due = match rate::take_one_slowly(due, TOTP_GUESS_SECONDS, TOTP_GUESSES_KEPT_MAX, self.now()) {
            Ok(due) => due,
            Err(micros) => {
                let retry_after_seconds = u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000);
                return Ok(Verdict::TooMany { retry_after_seconds });
            }
        };
        let secret = self.inner.signing.master_key().open(&context(id), &stored.sealed_secret);
        let Ok(secret) = secret else {
            tracing::error!(account = %id, "the secret of an authenticator app can't be opened: its codes are refused");
            return Ok(Verdict::Wrong);
        };
        if let Some(step) = self.step_of(&secret, entered)
            && change.use_totp_step(id, step).await?
        {
            change.note_totp_guesses(id, 0, 0).await?;
            return Ok(Verdict::Right);
        }
        change.note_totp_guesses(id, stored.failures + 1, due).await?;
        Ok(Verdict::Wrong)
    }

    /// The number of the interval that a code belongs to, if it is right now.
    fn step_of(&self, secret: &[u8], entered: &str) -> Option<u64> {
        let now_seconds = u64::try_from(self.now().as_micros() / 1_000_000).ok()?;
        build(secret, "account", "Voxgate")?.check(&digits(entered)?, now_seconds)
    }
}
