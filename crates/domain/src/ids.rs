//! Typed ids. Those that people see are prefixed and time-ordered: 48 bits of milliseconds, then
//! 80 random bits, in 26 characters of Crockford's base 32.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Rng, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
pub(crate) const DIGITS: usize = 26;

pub(crate) fn encode(mut value: u128) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(value & 31) as usize];
        value >>= 5;
    }
    digits
}

pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    let mut value: u128 = 0;
    for (index, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)? as u128;
        if index == 0 && digit > 7 {
            return None;
        }
        value = value << 5 | digit;
    }
    Some(value)
}

pub(crate) fn generate(now: Timestamp, rng: &dyn Rng) -> u128 {
    let millis = u128::try_from(now.as_micros().max(0) / 1000).unwrap_or(0);
    millis << 80 | rng.next_u128() & ((1 << 80) - 1)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What the text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, ordered by time.
            pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
                Self(generate(now, rng))
            }

            /// From its number.
            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }

            /// Its number.
            pub const fn as_u128(self) -> u128 {
                self.0
            }

            /// Its text form, without the detour of formatting: some are written for every request.
            pub fn to_text(self) -> String {
                let mut text = String::with_capacity($prefix.len() + DIGITS);
                text.push_str($prefix);
                text.push_str(std::str::from_utf8(&encode(self.0)).unwrap_or_default());
                text
            }

            /// Reads the text form exactly; anything else is no id of this kind.
            pub fn parse(text: &str) -> Option<Self> {
                decode(text.strip_prefix($prefix)?).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = encode(self.0);
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text)
                    .ok_or_else(|| serde::de::Error::custom(concat!("expected an id that starts with ", $prefix)))
            }
        }
    };
}

id!(
    /// An account.
    AccountId,
    "acc_"
);
id!(
    /// A workspace.
    WorkspaceId,
    "ws_"
);
id!(
    /// An API key.
    ApiKeyId,
    "key_"
);
id!(
    /// A management token.
    ManagementTokenId,
    "mgt_"
);
id!(
    /// An open realtime session.
    SessionId,
    "ses_"
);
id!(
    /// A browser that is signed in at the portal.
    PortalSessionId,
    "psn_"
);
id!(
    /// A passkey.
    PasskeyId,
    "psk_"
);
id!(
    /// This instance: the `iss` of its temporary keys. Made at first start and kept.
    InstanceId,
    "vox_"
);
id!(
    /// An invitation into a workspace.
    InvitationId,
    "inv_"
);

id!(
    /// One showing of a form that makes something: however often the form is sent, it makes one thing.
    FormId,
    "form_"
);

id!(
    /// An address that is told of events.
    WebhookId,
    "whk_"
);
id!(
    /// One event on its way to one webhook; the same at every try.
    WebhookMessageId,
    "msg_"
);

/// A project: an integer, because clients expect one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(i64);

impl ProjectId {
    /// From its number.
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// Its number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The `jti` of a temporary key: its parent's id, a dot, 128 random bits in 26 base-32 characters.
/// The parent in it lets a revocation find its owner though nothing is stored per mint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemporaryKeyId {
    parent: ApiKeyId,
    random: u128,
}

impl TemporaryKeyId {
    /// A new id under `parent`.
    pub fn generate(parent: ApiKeyId, rng: &dyn Rng) -> Self {
        Self { parent, random: rng.next_u128() }
    }

    /// The API key that minted it.
    pub const fn parent(self) -> ApiKeyId {
        self.parent
    }

    /// Reads the text form exactly.
    pub fn parse(text: &str) -> Option<Self> {
        let (parent, random) = text.split_once('.')?;
        Some(Self { parent: ApiKeyId::parse(parent)?, random: decode(random)? })
    }
}

impl fmt::Display for TemporaryKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = encode(self.random);
        write!(f, "{}.{}", self.parent, std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for TemporaryKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TemporaryKeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TemporaryKeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected the id of a temporary key"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SystemRng;

    proptest! {
        /// Every id survives its text form, and no other kind of id reads it.
        #[test]
        fn text_round_trip(value: u128, random: u128) {
            let id = ApiKeyId::from_u128(value);
            prop_assert_eq!(ApiKeyId::parse(&id.to_string()), Some(id));
            prop_assert_eq!(id.to_text(), id.to_string());
            prop_assert_eq!(WorkspaceId::parse(&id.to_string()), None);
            let jti = TemporaryKeyId { parent: id, random };
            prop_assert_eq!(TemporaryKeyId::parse(&jti.to_string()), Some(jti));
        }

        /// Only one text stands for an id: nothing but the canonical form is read.
        #[test]
        fn only_the_canonical_text_is_read(text in "key_[0-9a-zA-Z]{24,28}") {
            if let Some(id) = ApiKeyId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    /// Ids made later sort later, so that lists by id are lists by time.
    #[test]
    fn ids_are_time_ordered() {
        let early = ApiKeyId::generate(Timestamp::from_seconds(1_700_000_000), &SystemRng);
        let late = ApiKeyId::generate(Timestamp::from_seconds(1_700_000_001), &SystemRng);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }
}
