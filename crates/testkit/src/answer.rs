//! What came back.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await.expect("the body must arrive whole").to_vec();
        Self { status, headers, body }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}: no JSON", self.status, self.text()))
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Says that this must be a success.
    ///
    /// # Panics
    /// When it has another status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Says that this must be a refusal of the answers table, with everything that every refusal carries.
    ///
    /// # Panics
    /// When it isn't.
    #[track_caller]
    pub fn expect_refusal(self, status: u16, reason: &str) -> Self {
        assert_eq!(self.status, status, "expected {reason}: {}", self.text());
        let body = self.json();
        assert_eq!(body["reason"], reason, "{body}");
        let fields = body.as_object().expect("a refusal is an object");
        assert!(fields.values().all(|value| value.is_string() || value.is_number()), "not flat: {body}");
        for field in ["error", "message", "detail"] {
            assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field} is missing: {body}");
        }
        let code = body["code"].as_u64().expect("code is a number");
        assert!(code == u64::from(status) || (status == 422 && (601..=700).contains(&code)), "{body}");
        assert!(self.header("request-id").starts_with("req_"), "no Request-Id: {:?}", self.headers);
        assert!(self.header("content-type").starts_with("application/json"), "{:?}", self.headers);
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401, "{:?}", self.headers);
        if status == 429 {
            assert!(self.header("retry-after").parse::<u32>().is_ok(), "no Retry-After: {:?}", self.headers);
        }
        self
    }
}
