//! Running calls over the management API.

use std::path::Path;

use ::http::{Method, Request, header};
use bytes::Bytes;
use domain::WorkspaceId;
use http_body_util::Full;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{HttpAnswer, HttpClient, ServerUrl, answer};
use crate::operator::{Call, CallError};

/// Entries of a list that are asked for at once.
const PAGE_ENTRIES_MAX: usize = 100;
/// Pages of one list that are read: a server that never comes to an end is not followed forever.
const PAGES_MAX: usize = 100_000;

/// An instance elsewhere.
pub struct Remote {
    http: HttpClient,
    server: ServerUrl,
    token: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why a call isn't run over the network.
pub(super) fn not_remote(what: &str, why: &str) -> CallError {
    CallError(format!(
        "{what} can't be done with --server: {why}. Run this on the server's machine with --data-dir or --config"
    ))
}

impl Remote {
    /// An instance at an address. Minting needs no management token, everything else does.
    ///
    /// # Errors
    /// When the file of certificate authorities can't be used.
    pub fn new(
        server: ServerUrl,
        token: Option<Zeroizing<String>>,
        ca_file: Option<&Path>,
    ) -> Result<Self, CallError> {
        let http = HttpClient::new(ca_file).map_err(|error| CallError::from_error(&error))?;
        Ok(Self { http, server, token })
    }

    /// Runs a call.
    ///
    /// # Errors
    /// With a sentence for whoever called.
    pub async fn execute(&self, call: Call) -> Result<Value, CallError> {
        match call {
            Call::Workspaces(call) => self.workspaces(call).await,
            Call::Accounts(call) => self.accounts(call).await,
            Call::Audit(call) => self.audit(call).await,
            Call::Gateways => self.gateways().await,
            Call::Projects(call) => self.projects(call).await,
            Call::Keys(call) => self.keys(call).await,
            Call::Tokens(call) => self.tokens(call).await,
            Call::SigningKeys(call) => self.signing_keys(call).await,
            Call::TemporaryKeys(call) => self.temporary_keys(call).await,
            Call::Sessions(call) => self.sessions(call).await,
            Call::Usage(call) => self.usage(call).await,
            Call::Quotas(call) => self.quotas(call).await,
            Call::Webhooks(call) => self.webhooks(call).await,
            Call::Forget(_) => Err(not_remote(
                "forgetting an end user",
                "their jobs are deleted by the server that talks to the engine",
            )),
            Call::Rewrap(_) => Err(not_remote("re-wrapping", "the new master key must not travel")),
            Call::Mint { api_key, product, ttl_seconds, area, client_ref, leash } => {
                let mut body = json!(leash);
                if let Some(lock) = &leash.lock {
                    body["lock"] = serde_json::from_str(lock).unwrap_or_default();
                }
                body["ttl"] = json!(ttl_seconds);
                if let Some(area) = area {
                    body["region"] = json!(area);
                }
                if let Some(client_ref) = client_ref {
                    body["client_ref"] = json!(client_ref);
                }
                self.mint(&api_key, &format!("/v1/api_keys?type={product}"), &body).await
            }
            Call::Drain => Err(not_remote("draining", "it ends the server")),
            Call::AdoptJobs { .. } => {
                Err(not_remote("adopting jobs", "it is done by the server that talks to the engine"))
            }
        }
    }

    /// `GET`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.ask(Method::GET, path, None).await
    }

    /// `POST`, `PUT` or `PATCH` with JSON.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, CallError> {
        self.ask(method, path, Some(body)).await
    }

    /// `DELETE` of what gateways don't know.
    pub(super) async fn delete(&self, path: &str) -> Result<(), CallError> {
        answer::read(&self.request(Method::DELETE, path, self.token()?, None).await?).map(drop)
    }

    /// `DELETE` of what gateways enforce, waited for; the answer tells by which of them.
    pub(super) async fn end(&self, path: &str, answer: Value) -> Result<Value, CallError> {
        self.enforce(Method::DELETE, path, None, answer).await
    }

    /// A change that gateways enforce, waited for; the answer tells by which of them.
    pub(super) async fn enforce(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        mut answer: Value,
    ) -> Result<Value, CallError> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}wait=enforced");
        let answered = self.request(method, &path, self.token()?, body).await?;
        let body = answer::read(&answered)?;
        let revision = answered.headers.get("voxgate-revision").and_then(|value| value.to_str().ok());
        answer["revision"] = json!(revision.and_then(|text| text.parse::<u64>().ok()));
        answer["enforced"] = body["enforced"].clone();
        answer["pending"] = body["pending"].clone();
        Ok(answer)
    }

    /// All entries of a list that is told in pages: `{"<name>":[…],"next":…}`.
    pub(super) async fn pages(&self, path: &str, name: &str) -> Result<Vec<Value>, CallError> {
        let mut entries = Vec::new();
        let mut after = String::new();
        for _ in 0..PAGES_MAX {
            let joint = if path.contains('?') { '&' } else { '?' };
            let mut page = self.get(&format!("{path}{joint}limit={PAGE_ENTRIES_MAX}{after}")).await?;
            match page[name].take() {
                Value::Array(mut more) => entries.append(&mut more),
                _ => {
                    return Err(CallError(format!(
                        "the server's answer holds no list of {name}: use the same version"
                    )));
                }
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", query_value(next)),
                None if page["next"].is_u64() => after = format!("&after={}", page["next"]),
                None => return Ok(entries),
            }
        }
        Err(CallError(format!("the server's list of {name} doesn't end")))
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        answer::read(&self.request(method, path, self.token()?, body).await?)
    }

    fn token(&self) -> Result<&str, CallError> {
        self.token.as_ref().map(|token| token.as_str()).ok_or_else(|| {
            CallError(
                "no management token: set VOXGATE_MANAGEMENT_TOKEN, or send it on standard input with --token -".to_owned(),
            )
        })
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        credential: &str,
        body: Option<&Value>,
    ) -> Result<HttpAnswer, CallError> {
        let authorization = Zeroizing::new(format!("Bearer {credential}"));
        let mut value = ::http::HeaderValue::from_str(&authorization).map_err(|_| {
            CallError("the credential holds characters that no credential has: copy it again".to_owned())
        })?;
        value.set_sensitive(true);
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(self.server.join(path))
            .header(header::AUTHORIZATION, value)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(bytes))
            .map_err(|error| CallError::from_error(&error))?;
        self.http.send(request).await.map_err(|error| {
            let CallError(why) = CallError::from_error(&error);
            CallError(format!(
                "{} can't be reached: {why}. Check the URL, and that the server runs",
                self.server
            ))
        })
    }

    async fn mint(&self, api_key: &str, path: &str, body: &Value) -> Result<Value, CallError> {
        let answered = self.request(Method::POST, path, api_key, Some(body)).await?;
        let minted = answer::read(&answered)
            .map_err(|error| CallError(error.0.replace("the management token", "the API key")))?;
        let id = answered.headers.get("temporary-key-id").and_then(|id| id.to_str().ok());
        let expires_at = minted["key_value"].as_str().and_then(expiry);
        Ok(json!({
            "key_value": minted["key_value"],
            "temporary_key_id": id,
            "expires_at": expires_at.map(domain::Timestamp::to_rfc3339),
        }))
    }
}

/// When a token that was just minted says that it expires.
fn expiry(token: &str) -> Option<domain::Timestamp> {
    let claims = crate::explain::decoded_part(token.split('.').nth(1)?)?;
    claims["exp"].as_i64().map(domain::Timestamp::from_seconds)
}

/// The path of a call about one workspace, or about the token's own.
pub(super) fn in_workspace(path: &str, workspace: Option<WorkspaceId>) -> String {
    match workspace {
        None => path.to_owned(),
        Some(id) => format!("{path}?workspace_id={id}"),
    }
}

/// A value in a query.
pub(super) fn query_value(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
