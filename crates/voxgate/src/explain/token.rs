//! A signed token in words. What it says is only said: believing it needs its signature.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde_json::Value;

use super::relative;

/// A part of a token, if it is base64url of JSON.
pub(crate) fn decoded_part(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// What a token says of itself.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) header: Value,
    pub(super) claims: Value,
}

impl Said {
    pub(super) fn read(token: &str) -> Self {
        let mut parts = token.split('.').map(|part| decoded_part(part).unwrap_or(Value::Null));
        Self { header: parts.next().unwrap_or(Value::Null), claims: parts.next().unwrap_or(Value::Null) }
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims[claim].as_str()
    }

    fn time(&self, claim: &str) -> Option<Timestamp> {
        self.claims[claim].as_i64().map(Timestamp::from_seconds)
    }

    /// When it says that it expires.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.time("exp")
    }

    /// From when on it says that it is good.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        self.time("nbf").or_else(|| self.time("iat"))
    }

    /// Header and claims in words, a line each.
    pub(super) fn words(&self, now: Timestamp) -> Vec<String> {
        let mut lines = Vec::new();
        let header = |member: &str| self.header[member].as_str().unwrap_or("nothing").to_owned();
        lines.push(format!("signed with {} by the key {}", header("alg"), header("kid")));
        let mut add = |words: &str, value: Option<String>| {
            if let Some(value) = value {
                lines.push(format!("{words} {value}"));
            }
        };
        let at = |claim: &str| {
            self.time(claim).map(|time| format!("{}, {}", time.to_rfc3339(), relative(time, now)))
        };
        let owned = |claim: &str| self.text(claim).map(str::to_owned);
        add("made by the instance", owned("iss"));
        add("minted at", at("iat"));
        add("good from", at("nbf").filter(|_| self.claims["nbf"] != self.claims["iat"]));
        add("expires at", at("exp"));
        add("for the product", owned("product"));
        add("in the areas", list(&self.claims["aud"]));
        add("of the project", owned("project_id"));
        add("in the workspace", owned("workspace_id"));
        add("minted from the API key", owned("apikey_id"));
        add("its own id, for revoking it alone, is", owned("jti"));
        add("isolated to the client_ref", owned("client_ref"));
        lines.extend(self.leash());
        lines
    }

    fn leash(&self) -> Vec<String> {
        let leash = &self.claims["leash"];
        let mut lines = Vec::new();
        for (field, before, after) in [
            ("max_sessions", "at most", "sessions at once"),
            ("uses", "at most", "starts in all"),
            ("max_session_seconds", "at most", "seconds a session"),
            ("max_audio_seconds", "at most", "seconds of audio in all"),
        ] {
            if let Some(number) = leash[field].as_u64() {
                lines.push(format!("{before} {number} {after}"));
            }
        }
        if leash["end_at_expiry"] == Value::Bool(true) {
            lines.push("sessions end when it expires".to_owned());
        }
        for (field, words) in [("origins", "only from pages of"), ("networks", "only from the networks")] {
            if let Some(list) = list(&leash[field]) {
                lines.push(format!("{words} {list}"));
            }
        }
        if leash["lock"].is_object() {
            lines.push(format!("StartRecognition must contain {}", leash["lock"]));
        }
        lines
    }
}

/// A list of texts with commas between them, if it is one.
fn list(value: &Value) -> Option<String> {
    let texts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
    texts.map(|texts| texts.join(", "))
}
