//! Browsers that an account has signed in with before. Each holds a mark that says so and counts its guesses by itself, so
//! that strangers who guess an account's password don't shut its owner out. The mark opens nothing.

use credentials::{PlainSecret, keyed_hash};
use domain::{AccountId, SecretHash, Timestamp};

use crate::Control;

/// How long a browser is remembered, in days.
pub const KNOWN_DEVICE_DAYS_MAX: i64 = 180;
const SECONDS_PER_DAY: i64 = 24 * 3600;
/// Hexadecimal digits of a mark's parts: until when it counts, what makes it another than all others, and the proof.
const NUMBER_DIGITS: usize = 16;
const PROOF_DIGITS: usize = 32;

/// A browser that is known to an account: what its guesses are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KnownDevice(pub(crate) [u8; 32]);

impl Control {
    /// A mark for a browser that has just proved to be this account's, in hexadecimal digits. It is no secret of the account:
    /// whoever steals it may guess as often as one device may.
    pub fn mark_device(&self, account_id: AccountId) -> PlainSecret {
        let until = self.now().plus_seconds(KNOWN_DEVICE_DAYS_MAX * SECONDS_PER_DAY).as_seconds();
        // The lower half of 128 random bits.
        let random = self.inner.rng.next_u128() & u128::from(u64::MAX);
        let unsigned = format!("{until:016x}{random:016x}");
        PlainSecret::new(format!("{unsigned}{}", self.prove_mark(account_id, &unsigned)))
    }

    /// Whether an account knows a browser with this mark.
    pub fn knows_device(&self, mark: &str, account_id: AccountId) -> bool {
        self.known_device(mark, account_id, self.now()).is_some()
    }

    /// Whether a browser's mark is one of this account's and not over.
    pub(crate) fn known_device(
        &self,
        mark: &str,
        account_id: AccountId,
        now: Timestamp,
    ) -> Option<KnownDevice> {
        let (unsigned, proof) = mark.split_at_checked(2 * NUMBER_DIGITS)?;
        if !credentials::is_same(self.prove_mark(account_id, unsigned).as_bytes(), proof.as_bytes()) {
            return None;
        }
        let until = u64::from_str_radix(unsigned.get(..NUMBER_DIGITS)?, 16).ok()?;
        let is_valid = now < Timestamp::from_seconds(i64::try_from(until).ok()?);
        is_valid.then(|| KnownDevice(keyed_hash(&self.inner.keys.pseudonyms, &[b"device", mark.as_bytes()])))
    }

    fn prove_mark(&self, account_id: AccountId, unsigned: &str) -> String {
        let account_id = account_id.to_string();
        let parts = ["known device", &account_id, unsigned].map(str::as_bytes);
        let mut proof = SecretHash::from_bytes(keyed_hash(&self.inner.keys.pseudonyms, &parts)).to_hex();
        proof.truncate(PROOF_DIGITS);
        proof
    }
}
