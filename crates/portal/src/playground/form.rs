//! The form that makes a temporary key.

use control::MintRequest;
use domain::{ApiKeyId, ClientRef, Leash, Product};
use serde::Deserialize;

/// How long a key of the playground may live, in seconds, and how that is said; the first unless told otherwise.
pub(crate) const LIVES: [(u32, &str); 3] = [(600, "10 minutes"), (60, "1 minute"), (3_600, "1 hour")];

/// The form as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    /// The id of the API key to mint from.
    pub(crate) api_key_id: String,
    /// How long it shall live.
    pub(crate) ttl_seconds: u32,
    /// The end user that it is for; empty for nobody in particular.
    #[serde(default)]
    pub(crate) client_ref: String,
}

/// What is wrong with it, beside which field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    /// About the API key.
    pub(crate) api_key_id: Option<String>,
    /// About the life.
    pub(crate) ttl_seconds: Option<String>,
    /// About the client_ref.
    pub(crate) client_ref: Option<String>,
}

impl Form {
    /// Reads it.
    pub(crate) fn read(&self) -> Result<(ApiKeyId, MintRequest), Errors> {
        let mut errors = Errors::default();
        let api_key_id = ApiKeyId::parse(&self.api_key_id);
        if api_key_id.is_none() {
            errors.api_key_id = Some(String::from("Choose one of the keys."));
        }
        if !LIVES.iter().any(|(seconds, _)| *seconds == self.ttl_seconds) {
            errors.ttl_seconds = Some(String::from("Choose one of the times."));
        }
        let text = self.client_ref.trim();
        let client_ref = if text.is_empty() { Ok(None) } else { ClientRef::new(text).map(Some) };
        match (api_key_id, client_ref) {
            (Some(api_key_id), Ok(client_ref)) if errors == Errors::default() => {
                Ok((api_key_id, self.request(client_ref)))
            }
            (_, client_ref) => {
                errors.client_ref = client_ref.err().map(|error| format!("This is no client_ref: {error}."));
                Err(errors)
            }
        }
    }

    /// One session at a time, and none that outlives the key: it is for a look, in a page.
    fn request(&self, client_ref: Option<ClientRef>) -> MintRequest {
        MintRequest {
            product: Product::Rt,
            ttl_seconds: self.ttl_seconds,
            area: None,
            client_ref,
            leash: Leash { max_sessions: Some(1), end_at_expiry: true, ..Leash::default() },
        }
    }
}

/// The form that revokes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocation {
    /// The jti.
    pub(crate) temporary_key_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong is said beside its field; a right form asks for a key on a short leash.
    #[test]
    fn forms_are_read_exactly() {
        let id = ApiKeyId::from_u128(1);
        let right = Form { api_key_id: id.to_string(), ttl_seconds: 60, client_ref: " alice ".to_owned() };
        let (read, request) = right.read().unwrap();
        assert_eq!((read, request.product, request.ttl_seconds), (id, Product::Rt, 60));
        assert_eq!(request.client_ref, ClientRef::new("alice").ok());
        assert_eq!((request.leash.max_sessions, request.leash.end_at_expiry), (Some(1), true));
        let nobody = Form { client_ref: String::new(), ..right.clone() };
        assert_eq!(nobody.read().unwrap().1.client_ref, None);

        let wrong = Form { api_key_id: "x".to_owned(), ttl_seconds: 61, client_ref: "a\u{7}b".to_owned() };
        let errors = wrong.read().unwrap_err();
        assert!(errors.api_key_id.is_some() && errors.ttl_seconds.is_some() && errors.client_ref.is_some());
        let errors = Form { ttl_seconds: 86_400, ..right }.read().unwrap_err();
        assert!(errors.api_key_id.is_none() && errors.ttl_seconds.is_some() && errors.client_ref.is_none());
    }
}
