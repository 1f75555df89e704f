//! Recognising people by their passwords, as slowly as guessing deserves.
//!
//! Attempts are counted before anything is hashed, so that whoever is over a limit costs nothing. There are four counters.
//! One of a network (an IPv4 address, an IPv6 /64), whatever the account. One of an account as seen from one network: a
//! single attacker uses up his own and no more. One of an account as seen from everywhere, for attackers with many
//! networks. And one of a browser that the account has signed in with before, which is counted by nothing else but its
//! network: its owner gets in while strangers guess. Whoever is shut out all the same gets in by a link to their mailbox,
//! which makes their browser a known one. An account's counters are keyed by what its address is looked up by, so no other
//! spelling of it has a counter of its own, and an address that nobody has counts like one that somebody has.

use std::net::IpAddr;

use credentials::keyed_hash;
use domain::{Account, AccountId, Timestamp};
use storage::{StoreError, StoredAccount, email_key};

use crate::Control;
use crate::accounts::is_email;
use crate::buckets::{Buckets, SlowRate};
use crate::known_devices::KnownDevice;
use crate::password_rules::PASSWORD_BYTES_MAX;
use crate::passwords::PasswordError;

/// How often passwords may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInLimits {
    /// From one network, whatever the account.
    pub network: SlowRate,
    /// At one account from one network.
    pub account_and_network: SlowRate,
    /// At one account from all networks that it isn't known at.
    pub account: SlowRate,
    /// From one browser that is known to the account; also by whoever is signed in and confirms it.
    pub device: SlowRate,
    /// Mails that are asked for by one network.
    pub mails_of_network: SlowRate,
    /// Mails that are asked for to one address.
    pub mails_to_address: SlowRate,
}

impl Default for SignInLimits {
    fn default() -> Self {
        Self {
            network: SlowRate { burst_max: 30, every_seconds: 6 },
            account_and_network: SlowRate { burst_max: 10, every_seconds: 60 },
            // NIST SP 800-63B-4 allows 100 failures in a row.
            account: SlowRate { burst_max: 100, every_seconds: 600 },
            device: SlowRate { burst_max: 10, every_seconds: 60 },
            mails_of_network: SlowRate { burst_max: 20, every_seconds: 30 },
            mails_to_address: SlowRate { burst_max: 4, every_seconds: 900 },
        }
    }
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Attempts {
    networks: Buckets<Network>,
    accounts_and_networks: Buckets<([u8; 32], Network)>,
    accounts: Buckets<[u8; 32]>,
    devices: Buckets<KnownDevice>,
    confirmations: Buckets<AccountId>,
    mailing_networks: Buckets<Network>,
    mailed: Buckets<[u8; 32]>,
}

impl Attempts {
    pub(crate) fn new(limits: SignInLimits) -> Self {
        Self {
            networks: Buckets::new(limits.network),
            accounts_and_networks: Buckets::new(limits.account_and_network),
            accounts: Buckets::new(limits.account),
            devices: Buckets::new(limits.device),
            confirmations: Buckets::new(limits.device),
            mailing_networks: Buckets::new(limits.mails_of_network),
            mailed: Buckets::new(limits.mails_to_address),
        }
    }
}

/// What one subscriber has: an IPv4 address, or an IPv6 /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(u128);

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u128::from(u32::from(address))),
            // The lower half is the subscriber's own to choose.
            IpAddr::V6(address) => Self(u128::from(address) >> 64 << 64),
        }
    }
}

/// Somebody who says that an account is theirs.
#[derive(Clone, Copy)]
pub struct PasswordAttempt<'a> {
    /// The account's address, in whatever spelling.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// Where it is said from.
    pub from: IpAddr,
    /// The mark of the browser, if it has one.
    pub device: Option<&'a str>,
}

impl std::fmt::Debug for PasswordAttempt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordAttempt").field("from", &self.from).finish_non_exhaustive()
    }
}

/// A password that was right when it was looked at. Whoever acts on it looks once more, within the change that it leads to,
/// whether the account still has it: another one may have been chosen while it was hashed.
#[derive(Clone)]
pub struct VerifiedPassword {
    hash: String,
}

impl std::fmt::Debug for VerifiedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifiedPassword")
    }
}

impl VerifiedPassword {
    /// Whether it is the account's still.
    pub(crate) fn is_of(&self, stored: &StoredAccount) -> bool {
        self.hash == stored.password_hash
    }
}

/// Somebody who was recognised.
#[derive(Debug, Clone)]
pub struct Known {
    /// Their account.
    pub account: Account,
    /// What they were recognised by.
    pub password: VerifiedPassword,
}

/// Why somebody was not recognised.
#[derive(Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// Address or password is wrong, the account is disabled, or its address was never confirmed. Nobody learns which.
    #[error("the e-mail address or the password is wrong, or the address was not confirmed yet")]
    Wrong,
    /// Too many attempts.
    #[error("too many attempts: wait {retry_seconds} seconds, or choose a new password by e-mail")]
    TooMany {
        /// When the next one is allowed.
        retry_seconds: u64,
    },
    /// Too many passwords are being checked.
    #[error("too many people are signing in: try again in a few seconds")]
    Busy,
    /// The store failed.
    #[error("the account could not be read")]
    Store(#[from] StoreError),
}

impl From<PasswordError> for PasswordRefused {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Hash(_) => Self::Wrong,
        }
    }
}

impl Control {
    /// The account with this address, if the password is right, it may sign in, and nobody guesses too often. An address
    /// that nobody has, a wrong password and an account that can't sign in are answered alike and take equally long.
    ///
    /// # Errors
    /// See [`PasswordRefused`].
    pub async fn recognise(&self, attempt: PasswordAttempt<'_>) -> Result<Known, PasswordRefused> {
        if !is_email(attempt.email) || attempt.password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordRefused::Wrong);
        }
        let (now, network) = (self.now(), Network::of(attempt.from));
        self.take(self.inner.attempts.networks.take(network, now))?;
        let stored = self.inner.store.find_account_by_email(attempt.email).await?;
        let account = stored.as_ref().map(|stored| &stored.account);
        let device = attempt.device.zip(account);
        let device = device.and_then(|(mark, account)| self.known_device(mark, account.id, now));
        let key = self.attempt_key(attempt.email);
        let who = account.map(|account| self.inner.pseudonyms.of_account(account.id));
        self.count_attempt(device, key, network, now).inspect_err(|_| {
            tracing::warn!(from = %attempt.from, account = who.as_deref(), "a sign-in was not looked at: too many");
        })?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
        let is_right = self.inner.passwords.verify(attempt.password, hash).await?;
        let known = stored.filter(|stored| is_right && self.may_sign_in(&stored.account));
        let Some(StoredAccount { account, password_hash: hash }) = known else {
            tracing::warn!(from = %attempt.from, account = who.as_deref(), "a sign-in was refused");
            return Err(PasswordRefused::Wrong);
        };
        self.inner.attempts.accounts_and_networks.refill((key, network));
        Ok(Known { account, password: VerifiedPassword { hash } })
    }

    /// Whether this is the password of somebody who is signed in already.
    ///
    /// # Errors
    /// See [`PasswordRefused`].
    pub async fn confirm_password(
        &self,
        account_id: AccountId,
        password: &str,
        from: IpAddr,
    ) -> Result<VerifiedPassword, PasswordRefused> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordRefused::Wrong);
        }
        let now = self.now();
        self.take(self.inner.attempts.networks.take(Network::of(from), now))?;
        let who = self.inner.pseudonyms.of_account(account_id);
        self.take(self.inner.attempts.confirmations.take(account_id, now)).inspect_err(|_| {
            tracing::warn!(%from, account = who, "a confirmation was not looked at: too many");
        })?;
        let stored = self.inner.store.find_account(account_id).await?;
        let hash = stored.map(|stored| stored.password_hash);
        if self.inner.passwords.verify(password, hash.clone()).await?
            && let Some(hash) = hash
        {
            self.inner.attempts.confirmations.refill(account_id);
            return Ok(VerifiedPassword { hash });
        }
        tracing::warn!(%from, account = who, "a confirmation was refused");
        Err(PasswordRefused::Wrong)
    }

    /// Whether an account may sign in: it isn't disabled, and its address was confirmed where that is asked for.
    pub(crate) fn may_sign_in(&self, account: &Account) -> bool {
        let is_confirmed =
            account.email_verified_at.is_some() || self.inner.config.registration.may_sign_in_unconfirmed;
        account.disabled_at.is_none() && is_confirmed
    }

    /// Counts an attempt at a second factor or a passkey from this network. Says how long to wait where there were too many.
    pub(crate) fn count_factor(&self, from: IpAddr) -> Result<(), u64> {
        self.inner.attempts.networks.take(Network::of(from), self.now())
    }

    /// Counts a mail that this network asks for. Says how long to wait where it asks for too many.
    ///
    /// # Errors
    /// [`PasswordRefused::TooMany`].
    pub fn count_mail_of(&self, from: IpAddr) -> Result<(), PasswordRefused> {
        self.take(self.inner.attempts.mailing_networks.take(Network::of(from), self.now()))
    }

    /// Counts a mail to an address. Says whether it may be sent: nobody's mailbox is filled by others.
    pub(crate) fn may_mail(&self, email: &str) -> bool {
        self.inner.attempts.mailed.take(self.attempt_key(email), self.now()).is_ok()
    }

    fn count_attempt(
        &self,
        device: Option<KnownDevice>,
        key: [u8; 32],
        network: Network,
        now: Timestamp,
    ) -> Result<(), PasswordRefused> {
        let attempts = &self.inner.attempts;
        if let Some(device) = device {
            return self.take(attempts.devices.take(device, now));
        }
        // In this order: whoever has used up his own counter takes nothing from the one that all share.
        self.take(attempts.accounts_and_networks.take((key, network), now))?;
        self.take(attempts.accounts.take(key, now))
    }

    fn take(&self, taken: Result<(), u64>) -> Result<(), PasswordRefused> {
        taken.map_err(|retry_seconds| PasswordRefused::TooMany { retry_seconds })
    }

    /// What attempts at an address are counted by. It is a hash: no address stays in memory for having been tried.
    fn attempt_key(&self, email: &str) -> [u8; 32] {
        keyed_hash(&self.inner.keys.pseudonyms, &[b"attempts", email_key(email).as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One subscriber is one network, whatever address of his he takes; another subscriber is another.
    #[test]
    fn a_subscriber_is_one_network() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
