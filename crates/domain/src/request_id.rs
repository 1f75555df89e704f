//! The id of one request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Rng, Timestamp, ids};

/// One request, told in `Request-Id`. One that a trusted proxy gave is kept as it was written, so that the proxy's log and
/// this one's tell the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    value: u128,
    form: Form,
}

/// How an id is written. Whatever has another form is not kept: nothing that strangers compose gets into logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// `req_` and 26 characters.
    Own,
    /// 32 hexadecimal digits, as nginx makes them.
    Hex,
    /// A UUID, as Envoy makes them.
    Uuid,
}

const PREFIX: &str = "req_";
const HEX_DIGITS: usize = 32;
/// Where a UUID has its hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const UUID_CHARACTERS: usize = HEX_DIGITS + HYPHENS.len();

impl RequestId {
    /// A new id, ordered by time.
    pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
        Self::from_u128(ids::generate(now, rng))
    }

    /// From its number.
    pub const fn from_u128(value: u128) -> Self {
        Self { value, form: Form::Own }
    }

    /// Its text.
    pub fn to_text(self) -> String {
        match self.form {
            Form::Own => {
                let mut text = String::with_capacity(PREFIX.len() + ids::DIGITS);
                text.push_str(PREFIX);
                text.push_str(std::str::from_utf8(&ids::encode(self.value)).unwrap_or_default());
                text
            }
            Form::Hex => format!("{:032x}", self.value),
            Form::Uuid => {
                let mut text = format!("{:032x}", self.value);
                HYPHENS.iter().for_each(|place| text.insert(*place, '-'));
                text
            }
        }
    }

    /// Reads one of the three forms exactly, in lower case; anything else is no id.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix(PREFIX) {
            return Some(Self { value: ids::decode(digits)?, form: Form::Own });
        }
        match text.len() {
            HEX_DIGITS => Some(Self { value: hex(text)?, form: Form::Hex }),
            UUID_CHARACTERS => {
                let bytes = text.as_bytes();
                if !HYPHENS.iter().all(|place| bytes[*place] == b'-') {
                    return None;
                }
                let digits: String = text.split('-').collect();
                (digits.len() == HEX_DIGITS).then_some(())?;
                Some(Self { value: hex(&digits)?, form: Form::Uuid })
            }
            _ => None,
        }
    }
}

fn hex(digits: &str) -> Option<u128> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    plain.then(|| u128::from_str_radix(digits, 16).ok())?
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected the id of a request"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is read is written the same way, and nothing else is read: a log holds no text that a client composed.
        #[test]
        fn ids_stay_as_they_were_written(text in "(req_)?[0-9a-zA-F-]{26,40}") {
            if let Some(id) = RequestId::parse(&text) {
                prop_assert_eq!(id.to_text(), text);
            }
        }

        /// Each form survives.
        #[test]
        fn the_three_forms(value: u128) {
            let own = RequestId::from_u128(value);
            prop_assert_eq!(RequestId::parse(&own.to_text()), Some(own));
            for form in [Form::Hex, Form::Uuid] {
                let id = RequestId { value, form };
                prop_assert_eq!(RequestId::parse(&id.to_text()), Some(id));
            }
        }
    }

    /// The forms of the usual proxies are read, others are not.
    #[test]
    fn usual_proxies() {
        for good in ["67e55044-10b1-426f-9247-bb680e5fe0c8", "7b0e1d2c3f4a5b6c7d8e9fa0b1c2d3e4"] {
            assert_eq!(RequestId::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "1",
            "67E55044-10b1-426f-9247-bb680e5fe0c8",
            "67e5504410b1-426f-9247-bb680e5fe0c8-----",
            "é".repeat(16).as_str(),
            "é".repeat(18).as_str(),
        ] {
            assert_eq!(RequestId::parse(bad), None, "{bad}");
        }
    }
}
