//! `/v1/temporary-keys`: revoking temporary keys, by themselves or all of an end user's, and letting an end user in again.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use control::{Actor, ClientRefError, RevokeTemporaryKeyError};
use credentials::{Shape, classify};
use domain::link::Revision;
use domain::{ClientRef, Permission, ProjectId, Reason, Refusal, TemporaryKeyId, WorkspaceId};
use http::{Method, StatusCode};
use verify::{Manager, Need, Principal, Surface};

use crate::auth;
use crate::context::Context;
use crate::document::field::{INTEGER_MAX, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, OkAnswer};
use crate::routes::members::sentence;

const JTI: Field =
    Field::required("jti", Form::TemporaryKeyId, "Its id: the header `Temporary-Key-Id` told it at minting.");
const KEY_VALUE: Field = Field::required("key_value", Form::TemporaryKey, "The temporary key itself.");
const CLIENT_REF: Field = Field::required("client_ref", Form::ClientRef, "The end user.");
const PROJECT_ID: Field = Field::new(
    "project_id",
    Form::Integer { min: 1, max: INTEGER_MAX },
    "The project that the client_ref belongs to; every project of the workspace if left out, and an API key's own.",
);

/// Every field of a revocation.
const REVOKE: &[Field] = &[JTI, KEY_VALUE, CLIENT_REF, PROJECT_ID];
/// The fields of a readmission.
const READMIT: &[Field] = &[CLIENT_REF, PROJECT_ID];
/// Of these, exactly one says what is revoked.
const ONE_OF: [&str; 3] = ["jti", "key_value", "client_ref"];

/// The operations of these paths.
pub(crate) fn operations(api: Api) -> Api {
    let revoke = operation("/v1/temporary-keys/revoke", "revoke_temporary_keys", "Revoke temporary keys")
        .says("One temporary key by its `jti` or its `key_value`; or every one of a `client_ref`, for which none is minted \
               any more until it is readmitted. Open sessions end. An API key may revoke what it minted, and any \
               client_ref of its project.")
        .callers(Callers::ManagersAndKeys(Permission::DeleteApiKeys))
        .body("TemporaryKeyRevocation", &[JTI], Extra::Refused)
        .or(&[&[KEY_VALUE], READMIT])
        .answers::<OkAnswer>(200, "Revoked, now or before.")
        .enforced();
    let readmit = operation("/v1/temporary-keys/readmit", "readmit_client_ref", "Let an end user in again")
        .says("Temporary keys can be minted for the client_ref again; those from before stay dead.")
        .callers(Callers::ManagersAndKeys(Permission::CreateApiKeys))
        .body("ClientRefReadmission", READMIT, Extra::Refused)
        .answers::<OkAnswer>(200, "It is let in again.")
        .enforced();
    api.add(revoke, post_revoke).add(readmit, post_readmit)
}

fn operation(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, id, Tag::TemporaryKeys, summary).refuses(&[
        Reason::CredentialExpired,
        Reason::TokenInvalid,
        Reason::NetworkDenied,
        Reason::NotFound,
    ])
}

/// What is revoked.
enum Revoked {
    /// One temporary key; `None` where this instance signed none like it.
    Key(Option<TemporaryKeyId>),
    ClientRef(EndUser),
}

/// An end user of one project, or of every project of a workspace.
struct EndUser {
    client_ref: ClientRef,
    project_id: Option<ProjectId>,
}

/// Whoever calls, and for which workspace.
struct Caller {
    actor: Actor,
    workspace_id: WorkspaceId,
    /// The API key, if it is one: it reaches only what is its own.
    key: Option<Box<Principal>>,
}

/// Who calls, before the values were looked at.
enum Presented {
    Manager(Manager),
    /// Whoever presented something else: an API key, or why it may not be used here.
    Key(Result<Box<Principal>, Refusal>),
}

/// Revokes temporary keys.
async fn post_revoke(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let presented = presented(&context, &head)?;
    let revoked = read_revoked(&context, &request::fields(body).await?)?;
    request::check_wait(&query)?;
    let caller = caller(&context, presented, &query, Permission::DeleteApiKeys).await?;
    let revision = match revoked {
        Revoked::Key(id) => revoke_key(&context, &caller, id).await?,
        Revoked::ClientRef(end_user) => {
            let EndUser { client_ref, project_id } = caller.own(end_user)?;
            let control = &context.control;
            let revoked =
                control.revoke_client_ref_in(&caller.actor, caller.workspace_id, project_id, &client_ref);
            revoked.await.map_err(refuse_client_ref)?
        }
    };
    answer(&context, &query, revision).await
}

/// Lets an end user in again.
async fn post_readmit(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let presented = presented(&context, &head)?;
    let fields = request::fields(body).await?;
    only(READMIT, &fields)?;
    let end_user = read_end_user(&fields)?;
    request::check_wait(&query)?;
    let caller = caller(&context, presented, &query, Permission::CreateApiKeys).await?;
    let EndUser { client_ref, project_id } = caller.own(end_user)?;
    let control = &context.control;
    let readmitted =
        control.readmit_client_ref_in(&caller.actor, caller.workspace_id, project_id, &client_ref);
    let revision = readmitted.await.map_err(refuse_client_ref)?;
    answer(&context, &query, revision).await
}

async fn answer(
    context: &Context,
    query: &[(String, String)],
    revision: Revision,
) -> Result<Response, Problem> {
    let enforced = request::wait(context, query, revision).await?;
    Ok(answers::changed(StatusCode::OK, OkAnswer::OK, revision, enforced))
}

/// The credential. A good one without the right is told only after the values were checked, as everywhere.
fn presented(context: &Context, head: &http::request::Parts) -> Result<Presented, Refusal> {
    let presented = auth::presented(&head.headers)?;
    let now = context.control.now();
    let tables = context.control.tables();
    if classify(presented) == Shape::ManagementToken {
        let manager = tables.verify_management(presented, now)?;
        auth::note(context, &manager)?;
        return Ok(Presented::Manager(manager));
    }
    let need = Need {
        surface: Surface::Management,
        product: None,
        region: None,
        peer: request::peer(&head.extensions),
        origin: None,
        usage: false,
    };
    match tables.verify(presented, &need, now) {
        Ok(principal) => {
            context.rates.api_key(principal.api_key_id(), now)?;
            context.control.note_key_used(principal.api_key_id());
            Ok(Presented::Key(Ok(Box::new(principal))))
        }
        Err(refusal) if refusal.reason.http_status() == 403 => Ok(Presented::Key(Err(refusal))),
        Err(refusal) => Err(refusal),
    }
}

/// Whoever may: a management token with the permission, or an API key in its own workspace.
async fn caller(
    context: &Context,
    presented: Presented,
    query: &[(String, String)],
    permission: Permission,
) -> Result<Caller, Problem> {
    match presented {
        Presented::Manager(manager) => {
            manager.needs(permission)?;
            let workspace_id = auth::workspace(context, &manager, query).await?;
            Ok(Caller { actor: context.manager(&manager), workspace_id, key: None })
        }
        Presented::Key(principal) => {
            let key = principal?;
            let own = key.workspace_id();
            if request::one(query, "workspace_id")?.is_some_and(|id| WorkspaceId::parse(id) != Some(own)) {
                return Err(auth::unknown_workspace());
            }
            Ok(Caller { actor: context.api_key(&key), workspace_id: own, key: Some(key) })
        }
    }
}

impl Caller {
    /// The end user, if the caller reaches them: an API key those of its project, and one that is isolated to an end user
    /// only that one.
    fn own(&self, end_user: EndUser) -> Result<EndUser, Problem> {
        let Some(key) = &self.key else { return Ok(end_user) };
        if end_user.project_id.is_some_and(|id| id != key.project_id()) {
            return Err(unknown_project());
        }
        if key.client_ref().is_some_and(|own| *own != end_user.client_ref) {
            return Err(Problem::not_found(
                "This API key is isolated to another client_ref, and reaches no other. Use an API key of the whole project.",
            ));
        }
        Ok(EndUser { project_id: Some(key.project_id()), ..end_user })
    }
}

async fn revoke_key(
    context: &Context,
    caller: &Caller,
    id: Option<TemporaryKeyId>,
) -> Result<Revision, Problem> {
    let id = id.ok_or_else(unknown_key)?;
    if caller.key.as_ref().is_some_and(|key| key.api_key_id() != id.parent()) {
        return Err(unknown_key());
    }
    let revoked = context.control.revoke_temporary_key(&caller.actor, caller.workspace_id, id).await;
    revoked.map_err(|error| match error {
        RevokeTemporaryKeyError::NotFound => unknown_key(),
        RevokeTemporaryKeyError::TooMany => Problem::new(Reason::QuotaReached, sentence(&error)),
        RevokeTemporaryKeyError::Store(error) => error.into(),
    })
}

fn read_revoked(context: &Context, fields: &Fields) -> Result<Revoked, Invalid> {
    let says = "Say what is revoked by one of jti, key_value and client_ref.";
    let given: Vec<&str> = ONE_OF.into_iter().filter(|field| fields.has(field)).collect();
    match given.as_slice() {
        [] => {
            only(REVOKE, fields)?;
            Err(Invalid::required("jti", "body").with_detail(says))
        }
        ["jti"] => {
            only(&[JTI], fields)?;
            let id = fields.text("jti")?.and_then(TemporaryKeyId::parse);
            let id = id.ok_or_else(|| {
                Invalid::pattern("jti in body should be the id of a temporary key").with_detail(
                    "The id of an API key, a dot and 26 characters, as the header Temporary-Key-Id told it.",
                )
            })?;
            Ok(Revoked::Key(Some(id)))
        }
        ["key_value"] => {
            only(&[KEY_VALUE], fields)?;
            let text = fields.text("key_value")?.unwrap_or_default();
            if classify(text) != Shape::Token {
                return Err(Invalid::pattern("key_value in body should be a temporary key")
                    .with_detail("A temporary key has three parts with dots between them."));
            }
            Ok(Revoked::Key(context.control.temporary_key_id(text)))
        }
        [_] => {
            only(READMIT, fields)?;
            read_end_user(fields).map(Revoked::ClientRef)
        }
        _ => {
            Err(Invalid::pattern("jti, key_value and client_ref in body exclude each other")
                .with_detail(says))
        }
    }
}

fn read_end_user(fields: &Fields) -> Result<EndUser, Invalid> {
    let client_ref = fields.client_ref()?.ok_or_else(|| Invalid::required("client_ref", "body"))?;
    let project_id = fields.integer("project_id")?.map(ProjectId::new);
    Ok(EndUser { client_ref, project_id })
}

fn unknown_key() -> Problem {
    Problem::not_found("There is no such temporary key among those that this caller may revoke.")
}

fn unknown_project() -> Problem {
    Problem::not_found("There is no such project in this workspace. GET /v1/projects lists them.")
}

fn refuse_client_ref(error: ClientRefError) -> Problem {
    match error {
        ClientRefError::ProjectNotFound => unknown_project(),
        ClientRefError::NotRevoked => {
            Problem::not_found("This client_ref is not shut out, so there is nothing to readmit.")
        }
        ClientRefError::TooMany => Problem::new(Reason::QuotaReached, sentence(&error)),
        ClientRefError::Store(error) => error.into(),
    }
}
