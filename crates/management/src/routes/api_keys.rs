//! `/v1/api-keys`: minting, making, listing.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use control::{CreateKeyError, ListKeysError, MintRequest, NewKey};
use credentials::{Shape, classify};
use domain::{Area, Permission, Product, Reason, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;
use verify::{Manager, Principal};

use crate::auth;
use crate::context::Context;
use crate::document::field::INTEGER_MAX;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::mint_form::{PermanentKeyForm, TemporaryKeyForm};
use crate::paging::{self, Paging};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, ApiKeyAnswer, ApiKeysPage, CreatedKeyAnswer};

/// Tells the jti of a temporary key, for revoking it.
const TEMPORARY_KEY_ID: HeaderName = HeaderName::from_static("temporary-key-id");

/// What a key is called that nobody named.
const UNNAMED: &str = "API key";

/// The fields of a body that mints a temporary key.
const TEMPORARY: &[Field] = &[
    Field::required(
        "ttl",
        Form::Integer { min: 60, max: 86_400 },
        "How long the temporary key lives, in seconds; for batch at most 3600, unless configured otherwise.",
    ),
    Field::new(
        "region",
        Form::Choice(area_names),
        "Narrows it to this area. The area au offers no realtime.",
    ),
    Field::new("client_ref", Form::ClientRef, "Your own reference for one end user: at most 256 bytes."),
    Field::new("max_sessions", Form::Integer { min: 1, max: U32_MAX }, "Its sessions that are open at once."),
    Field::new(
        "uses",
        Form::Integer { min: 1, max: U32_MAX },
        "How often a session may be started with it, in all. For rt and flow only.",
    ),
    Field::new(
        "max_session_seconds",
        Form::Integer { min: 1, max: U32_MAX },
        "The longest that one of its sessions lasts.",
    ),
    Field::new(
        "max_audio_seconds",
        Form::Integer { min: 1, max: U32_MAX },
        "Seconds of audio over all its sessions. For rt and flow only.",
    ),
    Field::new("end_at_expiry", Form::Boolean, "Whether its sessions end when it expires."),
    Field::new("origins", Form::Origins, "The pages that it may be used from."),
    Field::new("networks", Form::SomeNetworks, "The networks that it may be used from."),
    Field::new(
        "lock",
        Form::Lock,
        "What StartRecognition must contain, with equal values; at most 512 bytes as compact JSON. For rt and flow only.",
    ),
];

/// The fields of a body that makes a permanent key.
const PERMANENT: &[Field] = &[
    Field::required(
        "project_id",
        Form::Integer { min: 1, max: INTEGER_MAX },
        "The project that it belongs to.",
    ),
    Field::new("name", Form::OptionalName, "What it is called."),
    Field::new("client_ref", Form::ClientRef, "Isolates it to one end user: at most 256 bytes."),
    Field::new("areas", Form::Choices(area_names), "Its areas; the workspace's home area if left out."),
    Field::new(
        "products",
        Form::Choices(product_names),
        "What it may be used for; batch and rt if left out.",
    ),
    Field::new("networks", Form::Networks, "The networks that it may be used from."),
    Field::new("expires_at", Form::Moment, "When it expires."),
];

const U32_MAX: u64 = u32::MAX as u64;

pub(crate) fn area_names() -> Vec<&'static str> {
    Area::ALL.iter().map(|area| area.as_str()).collect()
}

pub(crate) fn product_names() -> Vec<&'static str> {
    Product::ALL.iter().map(|product| product.as_str()).collect()
}

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let project = serde_json::json!({"type": "integer", "minimum": 1, "maximum": INTEGER_MAX});
    let list = Operation::new(Method::GET, "/v1/api-keys", "list_api_keys", Tag::Keys, "List API keys")
        .says("The API keys of the workspace, or of one project; revoked ones are gone. All of them, unless a page is asked for.")
        .callers(Callers::Managers(Permission::ViewApiKeys))
        .query("project_id", project, "Only this project's.")
        .lists::<ApiKeyAnswer, ApiKeysPage>("The API keys.");
    let product = serde_json::json!({"type": "string", "enum": product_names()});
    let make = Operation::new(Method::POST, "/v1/api-keys", "create_api_key", Tag::Keys, "Mint or make a key")
        .says("With an API key: mints a temporary key, whose id is in the header `Temporary-Key-Id`. With a management token \
               and a `project_id`: makes a permanent API key.")
        .callers(Callers::ManagersAndKeys(Permission::CreateApiKeys))
        .query("type", product, "The product; batch if left out.")
        .body("NewApiKey", TEMPORARY, Extra::Ignored)
        .or(&[PERMANENT])
        .refuses(&[
            Reason::CredentialExpired,
            Reason::TokenInvalid,
            Reason::CannotMint,
            Reason::ClientRefRevoked,
            Reason::WrongProduct,
            Reason::WrongArea,
            Reason::PlanRequired,
            Reason::NetworkDenied,
            Reason::QuotaReached,
        ])
        .answers::<CreatedKeyAnswer>(201, "The key. It is shown once.")
        .enforced();
    api.add(list, get).add(make, post)
}

/// The body of a minted key. The order of the fields is part of the wire: clients cut the token out by position.
#[derive(Serialize)]
struct MintedAnswer<'a> {
    apikey_id: Option<&'a str>,
    key_value: &'a str,
}

/// Lists the API keys of a workspace or a project; revoked ones are gone.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewApiKeys).await?;
    let project_id = request::project_filter(&query)?;
    let Some(paging) = Paging::asked(&query)? else {
        let keys = context.control.list_keys(managing.workspace_id, project_id).await.map_err(refuse_list)?;
        let living = keys.into_iter().filter(|key| key.state.revoked_at().is_none());
        return Ok(Json(living.map(ApiKeyAnswer::from).collect::<Vec<_>>()).into_response());
    };
    let page = context.control.page_keys(managing.workspace_id, project_id, &paging.by_age()?).await;
    let page = page.map_err(refuse_list)?.map(ApiKeyAnswer::from);
    Ok(Json(ApiKeysPage { api_keys: page.items, next: paging::next(page.next) }).into_response())
}

fn refuse_list(error: ListKeysError) -> Problem {
    match error {
        ListKeysError::ProjectNotFound => unknown_project(),
        ListKeysError::Store(error) => error.into(),
    }
}

/// Mints a temporary key from an API key, or makes a permanent one for a management token.
///
/// The order of refusals is fixed (design 4): who are you (401), what is it (422), may you (403). So the caller's
/// rights are looked at first, but a 403 waits until the values were checked.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let caller = caller(&context, &head)?;
    let fields = request::fields(body).await?;
    match caller {
        Caller::Manager(manager) if !fields.has("ttl") => create(&context, &manager, &query, &fields).await,
        Caller::Manager(_) => {
            TemporaryKeyForm::read(&query, &fields, context.control.ttl_seconds())?;
            Err(Refusal::new(
                Reason::CannotMint,
                "A management token can't mint temporary keys. Use an API key, or leave out ttl and pass project_id \
                 for a permanent key.",
            )
            .into())
        }
        Caller::Key(rights) => mint(&context, rights, &query, &fields),
    }
}

enum Caller {
    Manager(Manager),
    /// Whoever presented something else: the right to mint, or why not.
    Key(Result<Box<Principal>, Refusal>),
}

fn caller(context: &Context, head: &http::request::Parts) -> Result<Caller, Refusal> {
    let presented = auth::presented(&head.headers)?;
    let now = context.control.now();
    let tables = context.control.tables();
    if classify(presented) == Shape::ManagementToken {
        let manager = tables.verify_management(presented, now)?;
        auth::note(context, &manager)?;
        return Ok(Caller::Manager(manager));
    }
    match tables.mint_rights(presented, request::peer(&head.extensions), now) {
        Ok(principal) => Ok(Caller::Key(Ok(Box::new(principal)))),
        Err(refusal) if refusal.reason.http_status() == 403 => Ok(Caller::Key(Err(refusal))),
        Err(refusal) => Err(refusal),
    }
}

fn mint(
    context: &Context,
    rights: Result<Box<Principal>, Refusal>,
    query: &[(String, String)],
    fields: &Fields,
) -> Result<Response, Problem> {
    let form = TemporaryKeyForm::read(query, fields, context.control.ttl_seconds())?;
    let request = MintRequest {
        product: form.product,
        ttl_seconds: form.ttl_seconds,
        area: form.area,
        client_ref: form.client_ref,
        leash: form.leash,
    };
    let minted = context.control.mint(&*rights?, &request)?;
    let body = Json(MintedAnswer { apikey_id: None, key_value: &minted.key_value });
    let mut response = (StatusCode::CREATED, body).into_response();
    if let Ok(id) = HeaderValue::from_str(&minted.id.to_string()) {
        response.headers_mut().insert(TEMPORARY_KEY_ID, id);
    }
    Ok(response)
}

async fn create(
    context: &Context,
    manager: &Manager,
    query: &[(String, String)],
    fields: &Fields,
) -> Result<Response, Problem> {
    let form = PermanentKeyForm::read(query, fields, context.control.now())?;
    request::check_wait(query)?;
    manager.needs(Permission::CreateApiKeys)?;
    let workspace_id = auth::workspace(context, manager, query).await?;
    let new = NewKey {
        project_id: form.project_id,
        name: if form.name.is_empty() { UNNAMED.to_owned() } else { form.name },
        areas: form.areas,
        products: form.products,
        expires_at: form.expires_at,
        networks: form.networks,
        client_ref: form.client_ref,
    };
    let actor = context.manager(manager);
    let created = context.control.create_key(&actor, workspace_id, new).await.map_err(refuse_key)?;
    let enforced = request::wait(context, query, created.revision).await?;
    let body = CreatedKeyAnswer {
        key_value: created.secret.expose().to_owned(),
        apikey_id: Some(created.key.id.to_string()),
    };
    Ok(answers::changed(StatusCode::CREATED, body, created.revision, enforced))
}

fn unknown_project() -> Problem {
    Problem::not_found("There is no such project in this workspace. GET /v1/projects lists them.")
}

fn refuse_key(error: CreateKeyError) -> Problem {
    let sentence = error.to_string();
    match error {
        CreateKeyError::ProjectNotFound => unknown_project(),
        CreateKeyError::ProjectFull => Problem::new(Reason::QuotaReached, sentence),
        CreateKeyError::SeveralAreas => Problem::new(Reason::PlanRequired, sentence),
        CreateKeyError::InvalidName
        | CreateKeyError::NoAreas
        | CreateKeyError::NoProducts
        | CreateKeyError::TooManyNetworks
        | CreateKeyError::ExpiresInPast => Invalid::pattern(sentence).into(),
        CreateKeyError::Store(error) => error.into(),
    }
}
