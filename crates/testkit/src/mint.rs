//! Temporary keys to be minted.

use serde_json::{Map, Value, json};

use crate::{Answer, Api, Caller};

/// A request for a temporary key.
#[derive(Debug, Clone)]
pub struct Mint {
    product: String,
    body: Map<String, Value>,
}

impl Mint {
    /// For a product, for a minute.
    pub fn of(product: &str) -> Self {
        Self { product: product.to_owned(), body: Map::new() }.with("ttl", json!(60))
    }

    /// With another field in the body.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.body.insert(field.to_owned(), value);
        self
    }

    /// For one end user.
    #[must_use]
    pub fn client_ref(self, client_ref: &str) -> Self {
        self.with("client_ref", json!(client_ref))
    }

    /// Asks for it.
    pub async fn ask(&self, api: &Api, caller: &Caller) -> Answer {
        api.post(&format!("/v1/api_keys?type={}", self.product), caller, &Value::Object(self.body.clone()))
            .await
    }

    /// Mints it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn key(&self, api: &Api, caller: &Caller) -> String {
        let answer = self.ask(api, caller).await.expect(201).json();
        answer["key_value"].as_str().expect("a minted key has a value").to_owned()
    }
}
