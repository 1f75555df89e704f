//! Which passwords may be chosen: long enough, not endless, and none that is guessed first. No rule asks for kinds of
//! characters, and none has a password changed that isn't known to others (NIST SP 800-63B-4, ASVS 5.0 V6.2).

use zxcvbn::Score;

/// A password, in characters, at least: what NIST SP 800-63B-4 asks of one that may stand alone.
pub const PASSWORD_CHARACTERS_MIN: usize = 15;
/// A password, in bytes, at most: longer ones are refused before anything is computed.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Characters of a password that are looked at for how easily it is guessed: enough to tell, and a bound on the work.
const LOOKED_AT_CHARACTERS_MAX: usize = 100;
/// What people name this program when asked for a password of it.
const OUR_WORDS: [&str; 2] = ["voxgate", "speechmatics"];

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too short.
    #[error("a password should be at least {PASSWORD_CHARACTERS_MIN} characters long: a few words do")]
    TooShort,
    /// Too long.
    #[error("a password should be at most {PASSWORD_BYTES_MAX} bytes long")]
    TooLong,
    /// It is among the first that anybody tries.
    #[error(
        "this password is among the first that others would try: take a few words that have nothing to do with each other"
    )]
    Guessed,
}

/// Whether a password may be chosen for the account with this address.
///
/// # Errors
/// Why it may not.
pub(crate) fn check_new_password(password: &str, email: &str) -> Result<(), PasswordProblem> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordProblem::TooLong);
    }
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordProblem::TooShort);
    }
    if is_guessed_first(password, email) { Err(PasswordProblem::Guessed) } else { Ok(()) }
}

/// Whether a million guesses find it: the 30,000 most common passwords and the commonest words, also repeated, reversed,
/// decorated, or in the order of the keyboard; and the person's own address.
fn is_guessed_first(password: &str, email: &str) -> bool {
    let looked_at: String = password.chars().take(LOOKED_AT_CHARACTERS_MAX).collect();
    let (name, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let mut own = vec![email, name, domain];
    own.extend(name.split(['.', '-', '_', '+']));
    own.extend(domain.split('.'));
    own.extend(OUR_WORDS);
    own.retain(|word| word.len() > 2);
    zxcvbn::zxcvbn(&looked_at, &own).score() < Score::Two
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "ada.lovelace@example.org";

    /// The limits of length hold on both sides, and count characters below and bytes above.
    #[test]
    fn lengths() {
        let rare: String = ('a'..='z').map(|letter| char::from(letter as u8 ^ 7)).collect();
        let words = format!("fjord quilt {rare}");
        let of = |length: usize| words.repeat(60).chars().take(length).collect::<String>();
        assert_eq!(
            check_new_password(&of(PASSWORD_CHARACTERS_MIN - 1), EMAIL),
            Err(PasswordProblem::TooShort)
        );
        for length in [PASSWORD_CHARACTERS_MIN, 64, 128, PASSWORD_BYTES_MAX] {
            assert_eq!(check_new_password(&of(length), EMAIL), Ok(()), "{length}");
        }
        assert_eq!(check_new_password(&of(PASSWORD_BYTES_MAX + 1), EMAIL), Err(PasswordProblem::TooLong));
        assert_eq!(check_new_password(&"äöü".repeat(4), EMAIL), Err(PasswordProblem::TooShort));
    }

    /// What everybody tries first is refused however it is dressed up; a few words are taken without digits or signs, and
    /// so is what a password manager makes.
    #[test]
    fn what_is_guessed_first_is_refused() {
        for password in [
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "aaaaaaaaaaaaaaaa",
            "iloveyouiloveyou",
            "Passw0rd!Passw0rd!",
            "letmeinletmein1",
            "abcdefghijklmnop",
            "ada.lovelace@example.org",
            "voxgatevoxgatevoxgate",
        ] {
            assert_eq!(check_new_password(password, EMAIL), Err(PasswordProblem::Guessed), "{password}");
        }
        for password in [
            "correct horse battery staple",
            "a-long-enough-password",
            "jkfw93kd02lmxqpz",
            "Testpassword123!",
            "über sieben brücken",
            "   leading and trailing   ",
        ] {
            assert_eq!(check_new_password(password, EMAIL), Ok(()), "{password}");
        }
    }
}
