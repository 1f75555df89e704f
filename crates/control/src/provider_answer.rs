//! What providers answer: the tokens for a code (RFC 6749 4.1.3), and GitHub's word on who its user is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, Request, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use crate::provider_http::ProviderHttp;
use crate::providers::{ProviderConfig, ProviderError, ProviderUser, invalid};

/// What a code was exchanged for.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    access_token: Option<Zeroizing<String>>,
    pub(crate) id_token: Option<Zeroizing<String>>,
    error: Option<String>,
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Exchanges a code.
pub(crate) async fn ask_tokens(
    http: &ProviderHttp,
    config: &ProviderConfig,
    endpoint: &Url,
    uses_basic: bool,
    exchange: &[(&str, &str)],
) -> Result<Tokens, ProviderError> {
    let tokens: Tokens = read(http, token_request(config, endpoint, uses_basic, exchange)?).await?;
    match &tokens.error {
        Some(error) => Err(ProviderError::Invalid(format!("the code was not exchanged: {error}"))),
        None => Ok(tokens),
    }
}

fn token_request(
    config: &ProviderConfig,
    endpoint: &Url,
    uses_basic: bool,
    exchange: &[(&str, &str)],
) -> Result<Request<Vec<u8>>, ProviderError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(exchange);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    match &config.client_secret {
        Some(secret) if uses_basic => {
            let pair = Zeroizing::new(format!("{}:{}", encoded(&config.client_id), encoded(secret.expose())));
            let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            let mut value = value.map_err(|error| invalid(&error))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        Some(secret) => {
            form.append_pair("client_id", &config.client_id).append_pair("client_secret", secret.expose());
        }
        None => {
            form.append_pair("client_id", &config.client_id);
        }
    }
    request.body(form.finish().into_bytes()).map_err(|error| invalid(&error))
}

async fn read<T: DeserializeOwned>(
    http: &ProviderHttp,
    request: Request<Vec<u8>>,
) -> Result<T, ProviderError> {
    let answer = http.send(request).await.map_err(|error| ProviderError::Unavailable(Some(error)))?;
    if answer.status().is_server_error() {
        return Err(ProviderError::Unavailable(None));
    }
    if !answer.status().is_success() && !answer.status().is_client_error() {
        return Err(ProviderError::Invalid(format!("it answered {}", answer.status())));
    }
    serde_json::from_slice(answer.body()).map_err(|_| {
        // The body may hold a token: what is wrong with it is told nobody.
        ProviderError::Invalid(format!(
            "it answered {} with something else than was asked for",
            answer.status()
        ))
    })
}

#[derive(Deserialize)]
struct GitHubUser {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct GitHubEmail {
    email: String,
    primary: bool,
    verified: bool,
}

/// Who the owner of GitHub's token is. The number is theirs for good; a login may become another's.
pub(crate) async fn ask_github(
    http: &ProviderHttp,
    config: &ProviderConfig,
    tokens: &Tokens,
) -> Result<ProviderUser, ProviderError> {
    let token = tokens.access_token.as_ref();
    let token = token.ok_or_else(|| ProviderError::Invalid(String::from("there is no access token")))?;
    let base = config.issuer.trim_end_matches('/');
    let api = match base {
        "https://github.com" => String::from("https://api.github.com"),
        other => format!("{other}/api/v3"),
    };
    let ask = |path: &str| {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.as_str()))?;
        bearer.set_sensitive(true);
        let request = Request::builder()
            .uri(format!("{api}{path}"))
            .header(header::ACCEPT, "application/vnd.github+json")
            .header(header::USER_AGENT, "voxgate")
            .header(header::AUTHORIZATION, bearer);
        request.body(Vec::new())
    };
    let user: GitHubUser = read(http, ask("/user").map_err(|error| invalid(&error))?).await?;
    let emails: Vec<GitHubEmail> = read(http, ask("/user/emails").map_err(|error| invalid(&error))?).await?;
    let primary = emails.into_iter().find(|email| email.primary && email.verified);
    Ok(ProviderUser {
        provider: config.id.clone(),
        subject: format!("{base} {}", user.id),
        label: user.login,
        verified_email: primary.map(|email| email.email),
        organisation: None,
    })
}
