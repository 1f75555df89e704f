//! Recovery codes: for whoever has lost the other factors. Ten of 120 random bits each, so that a plain hash of them may be
//! stored (OWASP ASVS 6.5.2); shown once, good for one use.

use base32::Alphabet;
use credentials::{PlainSecret, hash_secret};
use domain::{AccountId, Rng, SecretHash};
use storage::AuditAction;
use zeroize::Zeroizing;

use crate::factors::{ChangeFactorError, FactorError};
use crate::{Actor, Begun, Control};

/// Recovery codes that an account has at once.
pub const RECOVERY_CODES_MAX: usize = 10;
/// Random bytes of a recovery code.
const CODE_BYTES: usize = 15;
/// Characters of a recovery code, hyphens not counted: five bits each.
const CODE_CHARACTERS: usize = CODE_BYTES * 8 / 5;
/// Characters of a recovery code that stand together.
const GROUP_CHARACTERS: usize = 6;
/// A recovery code as it is entered, in bytes.
const ENTERED_BYTES_MAX: usize = 64;

/// New recovery codes, to be shown once.
#[derive(Debug)]
pub struct RecoveryCodes(Vec<PlainSecret>);

/// One text for a code, however it is entered: letter case, blanks and hyphens don't count, and what looks alike is alike.
fn canonical(entered: &str) -> Option<Zeroizing<String>> {
    if entered.len() > ENTERED_BYTES_MAX {
        return None;
    }
    let is_said = |character: &char| !character.is_whitespace() && *character != '-';
    let bare: Zeroizing<String> = Zeroizing::new(entered.chars().filter(is_said).collect());
    // The decoder takes digits too many that hold nothing.
    if bare.chars().count() != CODE_CHARACTERS {
        return None;
    }
    let bytes = Zeroizing::new(base32::decode(Alphabet::Crockford, &bare)?);
    Some(Zeroizing::new(base32::encode(Alphabet::Crockford, &bytes)))
}

fn hash(entered: &str) -> Option<SecretHash> {
    canonical(entered).map(|code| hash_secret(&code))
}

impl RecoveryCodes {
    pub(crate) fn generate(rng: &dyn Rng) -> Self {
        let code = || {
            let mut random = Zeroizing::new([0; CODE_BYTES]);
            rng.fill(random.as_mut_slice());
            let text = Zeroizing::new(base32::encode(Alphabet::Crockford, random.as_slice()));
            let mut shown = String::new();
            for (index, character) in text.chars().enumerate() {
                if index > 0 && index % GROUP_CHARACTERS == 0 {
                    shown.push('-');
                }
                shown.push(character.to_ascii_lowercase());
            }
            PlainSecret::new(shown)
        };
        Self((0..RECOVERY_CODES_MAX).map(|_| code()).collect())
    }

    /// What is stored of them.
    pub(crate) fn hashes(&self) -> Vec<SecretHash> {
        self.0.iter().filter_map(|code| hash(code.expose())).collect()
    }

    /// The codes, as they are shown.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(PlainSecret::expose)
    }
}

impl Control {
    /// Gives an account new recovery codes; those before are good no more.
    ///
    /// # Errors
    /// [`ChangeFactorError::NotFound`] where there is no factor that they could stand in for.
    pub async fn make_recovery_codes(
        &self,
        actor: &Actor,
        account_id: AccountId,
    ) -> Result<RecoveryCodes, ChangeFactorError> {
        let mut change = self.inner.store.change().await?;
        if change.second_factors(account_id).await?.is_none() {
            return Err(ChangeFactorError::NotFound);
        }
        let codes = RecoveryCodes::generate(&*self.inner.rng);
        change.replace_recovery_codes(account_id, &codes.hashes(), self.now()).await?;
        self.log_factor(change, actor, account_id, AuditAction::RecoveryCodesMade, "").await?;
        Ok(codes)
    }

    /// Completes a sign-in with a recovery code, which is used up. The guesses at codes of an authenticator app begin anew.
    /// Wrong ones are limited by network alone: nobody guesses 120 bits.
    ///
    /// # Errors
    /// See [`FactorError`].
    pub async fn complete_with_recovery_code(
        &self,
        pending: &PlainSecret,
        entered: &str,
    ) -> Result<Begun, FactorError> {
        self.count_attempt_of(pending).await?;
        let mut change = self.inner.store.change().await?;
        let pending = self.pending(&mut change, pending).await?;
        let is_right = match hash(entered) {
            Some(hash) => change.use_recovery_code(pending.account_id, &hash, self.now()).await?,
            None => false,
        };
        if !is_right {
            self.log_refused(change, pending.account_id, pending.from, "recovery code").await?;
            return Err(FactorError::Wrong);
        }
        change.note_totp_guesses(pending.account_id, 0, 0).await?;
        Ok(self.complete_in(change, pending).await?)
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;

    use super::*;

    /// A code is found again as it was shown, in capitals, without hyphens, and with letters for the digits that look
    /// like them; nothing else is.
    #[test]
    fn codes_are_read_as_people_write_them() {
        let codes = RecoveryCodes::generate(&SystemRng);
        assert_eq!(codes.iter().collect::<std::collections::HashSet<_>>().len(), RECOVERY_CODES_MAX);
        assert_eq!(codes.hashes().len(), RECOVERY_CODES_MAX);
        for (shown, hashed) in codes.iter().zip(codes.hashes()) {
            assert_eq!(shown.len(), 27, "{shown}");
            let bare: String = shown.chars().filter(|character| *character != '-').collect();
            for written in [
                shown.to_owned(),
                shown.to_uppercase(),
                format!(" {bare} "),
                bare.replace('0', "o").replace('1', "L"),
            ] {
                assert_eq!(hash(&written), Some(hashed), "{written}");
            }
            assert_eq!(hash(&bare[1..]), None);
            assert_eq!(hash(&format!("{bare}0")), None);
        }
        for wrong in ["", "-", "u", "\u{0}", &"0".repeat(100_000), "äöü"] {
            assert_eq!(hash(wrong), None);
        }
    }
}
