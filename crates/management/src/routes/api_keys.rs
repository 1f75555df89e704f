//! `/v1/api-keys`: minting, making, listing.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use control::{Actor, CreateKeyError, ListKeysError, MintRequest, NewKey};
use credentials::{Shape, classify};
use domain::{Permission, Reason, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use serde::Serialize;
use verify::{Manager, Principal};

use crate::auth;
use crate::context::Context;
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::mint_form::{PermanentKeyForm, TemporaryKeyForm};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, ApiKeyAnswer};

/// Tells the jti of a temporary key, for revoking it.
const TEMPORARY_KEY_ID: HeaderName = HeaderName::from_static("temporary-key-id");

/// What a key is called that nobody named.
const UNNAMED: &str = "API key";

/// The body of a minted key. The order of the fields is part of the wire: clients cut the token out by position.
#[derive(Serialize)]
struct MintedAnswer<'a> {
    apikey_id: Option<&'a str>,
    key_value: &'a str,
}

/// The body of a permanent key.
#[derive(Serialize)]
struct CreatedAnswer {
    key_value: String,
    apikey_id: String,
}

/// Lists the API keys of a workspace or a project; revoked ones are gone.
pub(crate) async fn get(
    State(context): State<Context>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Vec<ApiKeyAnswer>>, Problem> {
    let manager = auth::manager(&context, &headers, Permission::ViewApiKeys)?;
    let project_id = request::project_filter(&request::query(&uri))?;
    let keys = match context.control.list_keys(manager.workspace_id(), project_id).await {
        Ok(keys) => keys,
        Err(ListKeysError::ProjectNotFound) => return Err(unknown_project()),
        Err(ListKeysError::Store(error)) => return Err(error.into()),
    };
    Ok(Json(
        keys.into_iter().filter(|key| key.state.revoked_at().is_none()).map(ApiKeyAnswer::from).collect(),
    ))
}

/// Mints a temporary key from an API key, or makes a permanent one for a management token.
///
/// The order of refusals is fixed (design 4): who are you (401), what is it (422), may you (403). So the caller's
/// rights are looked at first, but a 403 waits until the values were checked.
pub(crate) async fn post(
    State(context): State<Context>,
    request: Request<Body>,
) -> Result<Response, Problem> {
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
        context.control.note_token_used(manager.token_id());
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
    let new = NewKey {
        project_id: form.project_id,
        name: if form.name.is_empty() { UNNAMED.to_owned() } else { form.name },
        areas: form.areas,
        products: form.products,
        expires_at: form.expires_at,
        networks: form.networks,
        client_ref: form.client_ref,
    };
    let actor = Actor::ManagementToken(manager.token_id());
    let created =
        context.control.create_key(&actor, manager.workspace_id(), new).await.map_err(refuse_key)?;
    let enforced = request::wait(context, query, created.revision).await?;
    let body = CreatedAnswer {
        key_value: created.secret.expose().to_owned(),
        apikey_id: created.key.id.to_string(),
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
