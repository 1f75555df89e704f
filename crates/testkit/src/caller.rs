//! Who asks.

use reqwest::RequestBuilder;

/// Who asks: a value, so that the same call can be made as each.
#[derive(Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody.
    Anon,
    /// Whoever holds this credential, sent as a Bearer token.
    Bearer(String),
    /// Whoever sends exactly these values of `Authorization`, one header each.
    Headers(Vec<String>),
}

impl Caller {
    /// Nobody.
    pub const fn anon() -> Self {
        Self::Anon
    }

    /// The holder of an API key.
    pub fn api_key(key: &str) -> Self {
        Self::Bearer(key.to_owned())
    }

    /// The holder of a temporary key.
    pub fn temporary_key(token: &str) -> Self {
        Self::Bearer(token.to_owned())
    }

    /// The holder of a management token.
    pub fn management_token(token: &str) -> Self {
        Self::Bearer(token.to_owned())
    }

    /// The values of `Authorization` that this caller sends.
    pub fn header_values(&self) -> Vec<String> {
        match self {
            Self::Anon => Vec::new(),
            Self::Bearer(credential) => vec![format!("Bearer {credential}")],
            Self::Headers(values) => values.clone(),
        }
    }

    /// Adds the credential to a request.
    pub(crate) fn sign(&self, mut request: RequestBuilder) -> RequestBuilder {
        for value in self.header_values() {
            request = request.header("authorization", value);
        }
        request
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anon => "Anon",
            Self::Bearer(_) => "Bearer(…)",
            Self::Headers(_) => "Headers(…)",
        })
    }
}
