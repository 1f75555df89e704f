//! Reading what the management API answers.

use serde_json::Value;

use super::HttpAnswer;
use crate::operator::CallError;

/// The body of a success, or the refusal as a sentence.
pub(super) fn read(answer: &HttpAnswer) -> Result<Value, CallError> {
    if answer.status.is_success() {
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        return serde_json::from_slice(&answer.body).map_err(|_| not_voxgate(answer));
    }
    Err(refusal(answer))
}

fn refusal(answer: &HttpAnswer) -> CallError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let (Some(detail), Some(reason)) = (body["detail"].as_str(), body["reason"].as_str()) else {
        return not_voxgate(answer);
    };
    let sentence = detail.trim_end_matches('.');
    match answer.status.as_u16() {
        401 => CallError(format!("the server refuses the management token: {sentence} ({reason})")),
        403 => CallError(format!("the server doesn't allow this: {sentence} ({reason})")),
        _ => CallError(format!("{sentence} ({reason})")),
    }
}

fn not_voxgate(answer: &HttpAnswer) -> CallError {
    CallError(format!(
        "the server answered {} and nothing that Voxgate's management API says: check the URL, and that it speaks this \
         version",
        answer.status
    ))
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, StatusCode};
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        let status = StatusCode::from_u16(status).unwrap();
        HttpAnswer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    /// A refusal is told in the server's own words with its stable code; what isn't Voxgate's is told as that.
    #[test]
    fn answers_become_sentences() {
        assert_eq!(read(&answer(200, r#"{"a":1}"#)).unwrap(), json!({"a": 1}));
        assert_eq!(read(&answer(204, "")).unwrap(), Value::Null);
        let refused = r#"{"code":404,"error":"Not Found","message":"m","detail":"There is none.","reason":"not_found"}"#;
        assert_eq!(read(&answer(404, refused)).unwrap_err().0, "There is none (not_found)");
        let said = read(&answer(401, &refused.replace("not_found", "credential_revoked"))).unwrap_err().0;
        assert!(said.starts_with("the server refuses the management token"), "{said}");
        for (status, body) in [(502, "<html>"), (404, "{}"), (200, "<html>"), (301, "")] {
            let said = read(&answer(status, body)).unwrap_err().0;
            assert!(said.contains("check the URL"), "{status} {body}: {said}");
        }
    }
}
