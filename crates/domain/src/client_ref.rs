//! The caller's own reference for one end user.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::CLIENT_REF_BYTES_MAX;

/// A client_ref: 1 to 256 bytes of UTF-8 without control characters. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientRef(Arc<str>);

impl ClientRef {
    /// Checks and takes a client_ref.
    ///
    /// # Errors
    /// When it is empty, too long or holds control characters.
    pub fn new(text: &str) -> Result<Self, InvalidClientRef> {
        if text.is_empty() {
            return Err(InvalidClientRef::Empty);
        }
        if text.len() > CLIENT_REF_BYTES_MAX {
            return Err(InvalidClientRef::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidClientRef::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientRef {
    type Error = InvalidClientRef;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<ClientRef> for String {
    fn from(client_ref: ClientRef) -> Self {
        client_ref.0.as_ref().to_owned()
    }
}

impl fmt::Debug for ClientRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientRef({:?})", &self.0)
    }
}

impl fmt::Display for ClientRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no client_ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientRef {
    /// Nothing in it.
    #[error("client_ref in body should be at least 1 byte long")]
    Empty,
    /// More than [`CLIENT_REF_BYTES_MAX`] bytes.
    #[error("client_ref in body should be at most {CLIENT_REF_BYTES_MAX} bytes long")]
    TooLong,
    /// A control character in it.
    #[error("client_ref in body should not contain control characters")]
    ControlCharacter,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit holds on both sides, and control characters never get in.
    #[test]
    fn limits() {
        assert!(ClientRef::new(&"x".repeat(CLIENT_REF_BYTES_MAX)).is_ok());
        assert_eq!(ClientRef::new(&"x".repeat(CLIENT_REF_BYTES_MAX + 1)), Err(InvalidClientRef::TooLong));
        assert_eq!(ClientRef::new(""), Err(InvalidClientRef::Empty));
        assert_eq!(ClientRef::new("a\r\nb"), Err(InvalidClientRef::ControlCharacter));
        assert!(ClientRef::new("ünï/çödé").is_ok());
    }
}
