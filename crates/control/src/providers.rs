//! Sign-in with other providers: GitHub (OAuth 2) and whoever speaks OpenID Connect, such as Google. The browser goes there with a
//! sealed `state` that holds the nonce and the PKCE verifier, opens in that browser alone, and is used once; what comes back is
//! believed as far as the provider's keys sign it (OpenID Connect Core 3.1.3.7, RFC 9700).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::PlainSecret;
use domain::{AccountId, Timestamp, named_enum};
use openidconnect::core::{
    CoreClientAuthMethod, CoreGenderClaim, CoreJsonWebKey, CoreJsonWebKeyType,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AdditionalClaims, ClientId, IdToken, IdTokenVerifier, IssuerUrl, JsonWebKey as _, JsonWebKeySet, Nonce,
    PkceCodeChallenge, PkceCodeVerifier,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Control;
use crate::provider_answer::{Tokens, ask_github, ask_tokens};
use crate::provider_http::{ProviderHttp, ProviderHttpError, is_safe};
use crate::tickets::TicketError;

/// How long what a provider says of itself is believed, in seconds.
const METADATA_SECONDS: i64 = 3600;
/// How long after its last look-up a provider is asked again because of a key that isn't known, or after a failure, in seconds.
const LOOK_UP_SECONDS: i64 = 30;
/// How far clocks may be apart, in seconds.
const LEEWAY_SECONDS: i64 = 60;
/// The shortest RSA key that a provider's tokens may be signed with, in bytes of its modulus.
const RSA_BYTES_MIN: usize = 256;
const KIND: &str = "provider";

named_enum! {
    /// What a provider speaks.
    ProviderKind {
        /// OAuth 2 as GitHub speaks it, which has no ID tokens.
        GitHub = "github",
        /// OpenID Connect, with Google's claim for the organisation.
        Google = "google",
        /// OpenID Connect.
        Oidc = "oidc",
    }
}

/// A provider, as it is configured.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its id, in addresses and in the database: it stays the same.
    pub id: String,
    /// What people know it by.
    pub name: String,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Its issuer; of GitHub, the address of the server.
    pub issuer: String,
    /// Who this instance is there.
    pub client_id: String,
    /// What proves that; without one, PKCE alone.
    pub client_secret: Option<PlainSecret>,
    /// The domains whose people are let in; empty for everybody's.
    pub allowed_domains: Vec<String>,
}

impl PartialEq for ProviderConfig {
    fn eq(&self, other: &Self) -> bool {
        let plain = |config: &Self| {
            (
                config.id.clone(),
                config.name.clone(),
                config.kind,
                config.issuer.clone(),
                config.client_id.clone(),
            )
        };
        let secret = |config: &Self| config.client_secret.as_ref().map(PlainSecret::hash);
        plain(self) == plain(other)
            && secret(self) == secret(other)
            && self.allowed_domains == other.allowed_domains
    }
}

impl Eq for ProviderConfig {}

/// Where people come back to, and the providers that they can go to.
#[derive(Debug)]
pub struct Providers {
    origin: String,
    providers: Vec<Provider>,
    http: ProviderHttp,
}

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: ProviderConfig,
    metadata: ArcSwapOption<Known>,
    asked_at: AtomicI64,
}

/// What a provider says of itself.
#[derive(Debug)]
struct Known {
    metadata: CoreProviderMetadata,
    at: Timestamp,
}

/// What somebody is on the way for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderPurpose {
    /// To sign in, and go on to this page.
    SignIn {
        /// A path of the portal.
        next: Option<String>,
    },
    /// To link who they are there with the account that is signed in here.
    Link {
        /// The account.
        account_id: AccountId,
    },
}

#[derive(Serialize, Deserialize)]
struct Trip {
    provider: String,
    nonce: String,
    verifier: String,
    purpose: ProviderPurpose,
}

/// Who came back from a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderUser {
    /// The provider's id.
    pub provider: String,
    /// Who it is there.
    pub subject: String,
    /// What they know themselves by.
    pub label: String,
    /// Their e-mail address, only where the provider says that it has verified it.
    pub verified_email: Option<String>,
    /// Google's name of their organisation.
    pub organisation: Option<String>,
}

/// What a browser brings back.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProviderCallback<'a> {
    /// What was sent along.
    pub state: Option<&'a str>,
    /// What is exchanged for the answer.
    pub code: Option<&'a str>,
    /// Who answers (RFC 9207), where the provider says so.
    pub iss: Option<&'a str>,
    /// Why there is none.
    pub error: Option<&'a str>,
}

/// Why nobody came back from a provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is no such provider.
    #[error("no such provider")]
    NotFound,
    /// It was begun in another browser, for another provider, too long ago, or was completed before.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// The provider or its user said no.
    #[error("the provider did not sign you in")]
    Declined,
    /// The provider doesn't answer.
    #[error("the provider can't be reached: try again later")]
    Unavailable(#[source] Option<ProviderHttpError>),
    /// Its answer doesn't hold. The reason is in the log.
    #[error("the provider's answer could not be verified")]
    Invalid(String),
    /// Its user isn't of a domain that is let in.
    #[error(
        "this instance lets in only people of certain domains, with an address that the provider has verified"
    )]
    NotAllowed,
}

/// Google's claim for the organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Organisation {
    hd: Option<String>,
}

impl AdditionalClaims for Organisation {}

type SignedIdToken =
    IdToken<Organisation, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// Signatures by a key that only the provider has: no shared secret, and never none.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

impl Providers {
    /// Those that are configured, for a portal at this origin.
    pub fn new(origin: &str, providers: Vec<ProviderConfig>) -> Self {
        let providers = providers.into_iter().map(|config| Provider {
            config,
            metadata: ArcSwapOption::empty(),
            asked_at: AtomicI64::new(i64::MIN),
        });
        let origin = origin.trim_end_matches('/').to_owned();
        Self { origin, providers: providers.collect(), http: ProviderHttp::default() }
    }

    /// The ids and names of the providers, as they are configured.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.providers.iter().map(|provider| (provider.config.id.as_str(), provider.config.name.as_str()))
    }

    /// What people know a provider by.
    pub fn name_of(&self, id: &str) -> Option<&str> {
        self.find(id).ok().map(|provider| provider.config.name.as_str())
    }

    fn find(&self, id: &str) -> Result<&Provider, ProviderError> {
        self.providers.iter().find(|provider| provider.config.id == id).ok_or(ProviderError::NotFound)
    }

    /// Where a provider sends its people back to. Each has an address of its own, so that none answers for another.
    fn redirect_uri(&self, id: &str) -> String {
        format!("{}/sign-in/with/{id}/callback", self.origin)
    }
}

impl Provider {
    /// What the provider says of itself: as it was found within the last hour, or asked anew.
    async fn known(
        &self,
        http: &ProviderHttp,
        now: Timestamp,
        is_stale: bool,
    ) -> Result<Arc<Known>, ProviderError> {
        let known = self.metadata.load_full();
        let asked_at = Timestamp::from_micros(self.asked_at.load(Ordering::Relaxed));
        let asked_lately = asked_at > now.plus_seconds(-LOOK_UP_SECONDS) && asked_at <= now;
        if let Some(known) = known
            && (asked_lately || (!is_stale && known.at.plus_seconds(METADATA_SECONDS) > now))
        {
            return Ok(known);
        }
        if asked_lately {
            return Err(ProviderError::Unavailable(None));
        }
        self.asked_at.store(now.as_micros(), Ordering::Relaxed);
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|error| invalid(&error))?;
        let metadata = http.discover(issuer).await.map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(provider = self.config.id, error, "a provider could not be looked up");
            ProviderError::Unavailable(None)
        })?;
        let keys = metadata.jwks().keys().iter().filter(|key| is_strong(key)).cloned().collect();
        let metadata = metadata.set_jwks(JsonWebKeySet::new(keys));
        let known = Arc::new(Known { metadata, at: now });
        self.metadata.store(Some(Arc::clone(&known)));
        Ok(known)
    }

    /// The address of a GitHub server.
    fn github(&self, path: &str) -> Result<Url, ProviderError> {
        let base = self.config.issuer.trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).map_err(|error| invalid(&error))
    }

    fn lets_in(&self, user: &ProviderUser) -> bool {
        let domains = &self.config.allowed_domains;
        let is_listed = |name: &str| domains.iter().any(|domain| domain.eq_ignore_ascii_case(name));
        let Some(email) = &user.verified_email else { return domains.is_empty() };
        let of_email = email.rsplit_once('@').map(|(_, domain)| domain);
        let is_of_organisation = match self.config.kind {
            // Anybody can have a Google account with another's address; the claim says that the organisation gave it.
            ProviderKind::Google => user.organisation.as_deref().is_some_and(is_listed),
            ProviderKind::GitHub | ProviderKind::Oidc => true,
        };
        domains.is_empty() || (of_email.is_some_and(is_listed) && is_of_organisation)
    }
}

pub(crate) fn invalid(error: &dyn std::fmt::Display) -> ProviderError {
    ProviderError::Invalid(error.to_string())
}

impl Control {
    /// The address that a browser is sent to for a provider.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn start_provider(
        &self,
        providers: &Providers,
        id: &str,
        bound_to: &str,
        purpose: ProviderPurpose,
    ) -> Result<String, ProviderError> {
        let provider = providers.find(id)?;
        let config = &provider.config;
        let (mut address, scope) = match config.kind {
            ProviderKind::GitHub => (provider.github("/login/oauth/authorize")?, "read:user user:email"),
            ProviderKind::Google | ProviderKind::Oidc => {
                let known = provider.known(&providers.http, self.now(), false).await?;
                (known.metadata.authorization_endpoint().url().clone(), "openid email profile")
            }
        };
        if !is_safe(&address) {
            return Err(ProviderError::Invalid(format!("{address} is no address to send people to")));
        }
        let [nonce, verifier] = [(); 2].map(|()| PlainSecret::random(&*self.inner.rng));
        let trip = Trip {
            provider: config.id.clone(),
            nonce: nonce.expose().to_owned(),
            verifier: verifier.expose().to_owned(),
            purpose,
        };
        let state = self.inner.seal_ticket(KIND, bound_to, &trip)?;
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(trip.verifier.clone()));
        let mut query = address.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &config.client_id)
            .append_pair("redirect_uri", &providers.redirect_uri(id))
            .append_pair("scope", scope)
            .append_pair("state", &state)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        if config.kind != ProviderKind::GitHub {
            query.append_pair("nonce", &trip.nonce);
        }
        drop(query);
        Ok(address.into())
    }

    /// Finds out who came back from a provider, and what for.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn finish_provider(
        &self,
        providers: &Providers,
        id: &str,
        bound_to: &str,
        callback: ProviderCallback<'_>,
    ) -> Result<(ProviderUser, ProviderPurpose), ProviderError> {
        let provider = providers.find(id)?;
        let state = callback.state.ok_or(TicketError::Over)?;
        let trip: Trip = self.inner.take_ticket(KIND, bound_to, state).await?;
        if trip.provider != id {
            return Err(TicketError::Over.into());
        }
        let config = &provider.config;
        if callback.iss.is_some_and(|iss| config.kind != ProviderKind::GitHub && iss != config.issuer) {
            return Err(ProviderError::Invalid(String::from("the answer names another issuer")));
        }
        if callback.error.is_some() {
            return Err(ProviderError::Declined);
        }
        let code = callback.code.ok_or(ProviderError::Declined)?;
        let redirect_uri = providers.redirect_uri(id);
        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", trip.verifier.as_str()),
        ];
        let user = match config.kind {
            ProviderKind::GitHub => {
                let endpoint = provider.github("/login/oauth/access_token")?;
                let tokens = ask_tokens(&providers.http, config, &endpoint, false, &exchange).await?;
                ask_github(&providers.http, config, &tokens).await?
            }
            ProviderKind::Google | ProviderKind::Oidc => {
                let known = provider.known(&providers.http, self.now(), false).await?;
                let (endpoint, uses_basic) = token_endpoint(&known.metadata)?;
                let tokens = ask_tokens(&providers.http, config, &endpoint, uses_basic, &exchange).await?;
                self.read_id_token(providers, provider, &tokens, &trip.nonce).await?
            }
        };
        if !provider.lets_in(&user) {
            return Err(ProviderError::NotAllowed);
        }
        Ok((user, trip.purpose))
    }

    async fn read_id_token(
        &self,
        providers: &Providers,
        provider: &Provider,
        tokens: &Tokens,
        nonce: &str,
    ) -> Result<ProviderUser, ProviderError> {
        let token = tokens.id_token.as_deref();
        let token = token.ok_or_else(|| ProviderError::Invalid(String::from("there is no ID token")))?;
        let token: SignedIdToken = token.parse().map_err(|error| invalid(&error))?;
        let known = provider.known(&providers.http, self.now(), false).await?;
        match self.verify(&provider.config, &known, &token, nonce) {
            Ok(user) => Ok(user),
            Err(first) => {
                // It may be signed with a key that is newer than what is known of the provider.
                let fresh = provider.known(&providers.http, self.now(), true).await?;
                if Arc::ptr_eq(&fresh, &known) {
                    return Err(first);
                }
                self.verify(&provider.config, &fresh, &token, nonce)
            }
        }
    }

    fn verify(
        &self,
        config: &ProviderConfig,
        known: &Known,
        token: &SignedIdToken,
        nonce: &str,
    ) -> Result<ProviderUser, ProviderError> {
        let client_id = ClientId::new(config.client_id.clone());
        let issuer = known.metadata.issuer().clone();
        let now = self.now().plus_seconds(-LEEWAY_SECONDS).as_micros();
        let verifier: IdTokenVerifier<'_, CoreJsonWebKey> =
            IdTokenVerifier::new_public_client(client_id, issuer, known.metadata.jwks().clone())
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(move || chrono::DateTime::from_timestamp_micros(now).unwrap_or_default());
        let claims =
            token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| invalid(&error))?;
        let email = claims.email().map(|email| email.as_str().to_owned());
        let verified_email = email.clone().filter(|_| claims.email_verified() == Some(true));
        let name = claims.preferred_username().map(|name| name.as_str().to_owned());
        let subject = claims.subject().as_str().to_owned();
        Ok(ProviderUser {
            provider: config.id.clone(),
            label: email.or(name).unwrap_or_else(|| subject.clone()),
            // Of this issuer: if the configuration names another one some day, its users are others.
            subject: format!("{} {subject}", config.issuer),
            verified_email,
            organisation: claims.additional_claims().hd.clone(),
        })
    }
}

/// Whether a provider's key is one that is believed: of RSA, whose keys have any length, those that nobody can factor (ASVS 11.2.3).
fn is_strong(key: &CoreJsonWebKey) -> bool {
    if *key.key_type() != CoreJsonWebKeyType::RSA {
        return true;
    }
    #[derive(Deserialize)]
    struct Rsa {
        n: String,
    }
    let modulus = serde_json::to_value(key).and_then(serde_json::from_value::<Rsa>);
    let modulus = modulus.ok().and_then(|rsa| URL_SAFE_NO_PAD.decode(rsa.n).ok()).unwrap_or_default();
    let first = modulus.iter().position(|byte| *byte != 0).unwrap_or(modulus.len());
    modulus.len() - first >= RSA_BYTES_MIN
}

/// Where a code is exchanged, and whether the client proves itself in a header there (the standard's way) or in the body.
fn token_endpoint(metadata: &CoreProviderMetadata) -> Result<(Url, bool), ProviderError> {
    let endpoint = metadata.token_endpoint().map(|endpoint| endpoint.url().clone());
    let endpoint =
        endpoint.ok_or_else(|| ProviderError::Invalid(String::from("it has no token endpoint")))?;
    let methods = metadata.token_endpoint_auth_methods_supported();
    let uses_basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    Ok((endpoint, uses_basic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(modulus: &[u8]) -> CoreJsonWebKey {
        let n = URL_SAFE_NO_PAD.encode(modulus);
        serde_json::from_value(serde_json::json!({"kty": "RSA", "use": "sig", "n": n, "e": "AQAB"})).unwrap()
    }

    /// An RSA key that can be factored signs nobody in, though it is written with zeros before it; one of 2,048 bits does, and so
    /// do curves.
    #[test]
    fn short_keys_are_not_believed() {
        for (bytes, is_believed) in [(64, false), (128, false), (255, false), (256, true), (512, true)] {
            assert_eq!(is_strong(&rsa(&vec![0xc1; bytes])), is_believed, "{bytes} bytes");
        }
        let padded = [vec![0; 128], vec![0xc1; 128]].concat();
        assert!(!is_strong(&rsa(&padded)) && !is_strong(&rsa(&[])));
        let curve = serde_json::json!({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"});
        assert!(is_strong(&serde_json::from_value(curve).unwrap()));
    }
}
