//! The shapes of answers. Their documentation comments are the OpenAPI document's.

use axum::response::{IntoResponse, Response};
use control::{AuditEvent, Enforced, WorkspaceLimits};
use domain::link::Revision;
use domain::{Account, ApiKey, ManagementToken, OwnLimits, PlanLimits, Project, Role, Timestamp};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// Tells the revision that a change came with.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("voxgate-revision");

/// An answer to a change: the documented body, the revision, and who enforces it where that was asked.
pub(crate) fn changed(
    status: StatusCode,
    body: impl Serialize,
    revision: Revision,
    enforced: Option<Enforced>,
) -> Response {
    let body = Changed {
        body,
        enforced: enforced
            .map(|enforced| EnforcedBy { enforced: enforced.enforced, pending: enforced.pending }),
    };
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(REVISION, HeaderValue::from(revision.0));
    response
}

/// An answer to a change without a body of its own: 204, or what waiting found out.
pub(crate) fn gone(revision: Revision, enforced: Option<Enforced>) -> Response {
    if enforced.is_some() {
        return changed(StatusCode::OK, Nothing {}, revision, enforced);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(REVISION, HeaderValue::from(revision.0));
    response
}

#[derive(Serialize)]
struct Changed<B> {
    #[serde(flatten)]
    body: B,
    #[serde(flatten)]
    enforced: Option<EnforcedBy>,
}

#[derive(Serialize)]
struct EnforcedBy {
    enforced: Vec<String>,
    pending: Vec<String>,
}

/// Nothing but what waiting found out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Nothing)]
pub(crate) struct Nothing {}

/// It was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ok)]
pub(crate) struct OkAnswer {
    /// Always `OK`.
    pub(crate) status: &'static str,
}

impl OkAnswer {
    pub(crate) const OK: Self = Self { status: "OK" };
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct CreatedKeyAnswer {
    /// The key itself; of a temporary key its JWT. Never shown again.
    pub(crate) key_value: String,
    /// The id of a permanent key; null for a temporary one.
    #[schema(required = true)]
    pub(crate) apikey_id: Option<String>,
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyAnswer {
    /// Its id.
    apikey_id: String,
    /// Its name.
    name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// The end user that it is isolated to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ref: Option<String>,
    /// The project that it belongs to.
    project_id: i64,
    /// Prefix and last four characters of the secret.
    hint: String,
    /// The areas that it is linked to.
    #[schema(value_type = Vec<String>)]
    areas: domain::AreaSet,
    /// What it may be used for.
    #[schema(value_type = Vec<String>)]
    products: domain::ProductSet,
    /// The networks that it may be used from; none means from anywhere.
    #[schema(value_type = Vec<String>)]
    networks: domain::Networks,
    /// From when on it is refused.
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
    /// When it, or a temporary key of it, was last used.
    #[schema(required = true, format = DateTime)]
    last_used_at: Option<String>,
    /// When a temporary key of it was last used.
    #[schema(required = true, format = DateTime)]
    temporary_keys_last_used_at: Option<String>,
    /// When it was imported, if it was made elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    imported_at: Option<String>,
    /// The API key that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated_from: Option<String>,
}

impl From<ApiKey> for ApiKeyAnswer {
    fn from(key: ApiKey) -> Self {
        Self {
            apikey_id: key.id.to_string(),
            name: key.name,
            created_at: key.created_at.to_rfc3339(),
            client_ref: key.client_ref.map(String::from),
            project_id: key.project_id.get(),
            hint: key.hint,
            areas: key.areas,
            products: key.products,
            networks: key.networks,
            expires_at: key.expires_at.map(Timestamp::to_rfc3339),
            last_used_at: key.last_used_at.map(Timestamp::to_rfc3339),
            temporary_keys_last_used_at: key.temporary_keys_last_used_at.map(Timestamp::to_rfc3339),
            imported_at: key.imported_at.map(Timestamp::to_rfc3339),
            rotated_from: key.rotated_from.map(|id| id.to_string()),
        }
    }
}

/// A page of API keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKeyPage)]
pub(crate) struct ApiKeysPage {
    /// The keys, oldest first.
    pub(crate) api_keys: Vec<ApiKeyAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectAnswer {
    /// Its id.
    project_id: i64,
    /// Whether it is the workspace's undeletable one.
    is_default: bool,
    /// Whether it is in use.
    is_active: bool,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    deleted_at: Option<String>,
}

impl From<Project> for ProjectAnswer {
    fn from(project: Project) -> Self {
        Self {
            project_id: project.id.get(),
            is_default: project.is_default,
            is_active: project.deleted_at.is_none(),
            name: project.name,
            description: project.description,
            created_at: project.created_at.to_rfc3339(),
            deleted_at: project.deleted_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A page of projects.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectPage)]
pub(crate) struct ProjectsPage {
    /// The projects, oldest first.
    pub(crate) projects: Vec<ProjectAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}

/// What a workspace may; all per project unless said otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsAnswer {
    /// Realtime sessions open at once.
    concurrent_sessions_max: u32,
    /// Batch jobs created, and realtime sessions started, per second.
    creates_per_second_max: u32,
    /// Batch reads per second.
    reads_per_second_max: u32,
    /// Temporary keys minted per second, per API key.
    mints_per_second_max: u32,
    /// Projects of the workspace.
    projects_max: u32,
    /// API keys that are neither revoked nor expired.
    api_keys_per_project_max: u32,
    /// Audio of the workspace in a UTC month, batch and realtime together, in seconds; null doesn't limit.
    #[schema(required = true)]
    audio_seconds_per_month_max: Option<u32>,
    /// Whether the failover regions may be used, and a key may be linked to several areas.
    enterprise: bool,
}

impl From<PlanLimits> for LimitsAnswer {
    fn from(limits: PlanLimits) -> Self {
        Self {
            concurrent_sessions_max: limits.concurrent_sessions_max,
            creates_per_second_max: limits.creates_per_second_max,
            reads_per_second_max: limits.reads_per_second_max,
            mints_per_second_max: limits.mints_per_second_max,
            projects_max: limits.projects_max,
            api_keys_per_project_max: limits.api_keys_per_project_max,
            audio_seconds_per_month_max: limits.audio_seconds_per_month_max,
            enterprise: limits.enterprise,
        }
    }
}

/// The limits that a workspace was granted in place of its plan's; null keeps the plan's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnLimits)]
pub(crate) struct OwnLimitsAnswer {
    /// Realtime sessions open at once.
    #[schema(required = true)]
    concurrent_sessions_max: Option<u32>,
    /// Batch jobs created, and realtime sessions started, per second.
    #[schema(required = true)]
    creates_per_second_max: Option<u32>,
    /// Batch reads per second.
    #[schema(required = true)]
    reads_per_second_max: Option<u32>,
    /// Temporary keys minted per second, per API key.
    #[schema(required = true)]
    mints_per_second_max: Option<u32>,
    /// Audio of the workspace in a UTC month, in seconds.
    #[schema(required = true)]
    audio_seconds_per_month_max: Option<u32>,
    /// Whether the failover regions may be used, and a key may be linked to several areas.
    #[schema(required = true)]
    enterprise: Option<bool>,
}

impl From<OwnLimits> for OwnLimitsAnswer {
    fn from(own: OwnLimits) -> Self {
        Self {
            concurrent_sessions_max: own.concurrent_sessions_max,
            creates_per_second_max: own.creates_per_second_max,
            reads_per_second_max: own.reads_per_second_max,
            mints_per_second_max: own.mints_per_second_max,
            audio_seconds_per_month_max: own.audio_seconds_per_month_max,
            enterprise: own.enterprise,
        }
    }
}

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(crate) struct WorkspaceAnswer {
    /// Its id.
    workspace_id: String,
    /// Its name.
    name: String,
    /// Its plan.
    plan: String,
    /// The area that its keys are linked to unless told otherwise.
    home_area: String,
    /// What it may.
    #[schema(inline)]
    limits: LimitsAnswer,
    /// Where that differs from its plan.
    #[schema(inline)]
    own_limits: OwnLimitsAnswer,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<WorkspaceLimits> for WorkspaceAnswer {
    fn from((workspace, limits): WorkspaceLimits) -> Self {
        Self {
            workspace_id: workspace.id.to_string(),
            name: workspace.name,
            plan: workspace.plan.to_string(),
            home_area: workspace.home_area.to_string(),
            limits: limits.into(),
            own_limits: workspace.own_limits.into(),
            created_at: workspace.created_at.to_rfc3339(),
        }
    }
}

/// A workspace that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedWorkspace)]
pub(crate) struct CreatedWorkspaceAnswer {
    #[serde(flatten)]
    pub(crate) workspace: WorkspaceAnswer,
    /// Its undeletable project.
    pub(crate) default_project_id: i64,
}

/// A page of workspaces.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspacePage)]
pub(crate) struct WorkspacesPage {
    /// The workspaces, oldest first.
    pub(crate) workspaces: Vec<WorkspaceAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountAnswer {
    /// Its id.
    account_id: String,
    /// Its e-mail address.
    email: String,
    /// Whether it can't sign in.
    disabled: bool,
    /// Since when it can't.
    #[schema(required = true, format = DateTime)]
    disabled_at: Option<String>,
    /// Whether it may operate the instance.
    is_operator: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Account> for AccountAnswer {
    fn from(account: Account) -> Self {
        Self {
            account_id: account.id.to_string(),
            email: account.email,
            disabled: account.disabled_at.is_some(),
            disabled_at: account.disabled_at.map(Timestamp::to_rfc3339),
            is_operator: account.is_operator,
            created_at: account.created_at.to_rfc3339(),
        }
    }
}

/// An account and where it belongs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountWithWorkspaces)]
pub(crate) struct OneAccountAnswer {
    #[serde(flatten)]
    pub(crate) account: AccountAnswer,
    /// The workspaces that it belongs to.
    pub(crate) workspaces: Vec<MembershipAnswer>,
}

/// One workspace of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Membership)]
pub(crate) struct MembershipAnswer {
    /// The workspace.
    pub(crate) workspace_id: String,
    /// What it is there.
    pub(crate) role: String,
}

/// An account that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedAccount)]
pub(crate) struct CreatedAccountAnswer {
    #[serde(flatten)]
    pub(crate) account: AccountAnswer,
    /// The link by which its owner chooses a password. Never shown again.
    pub(crate) password_link: PasswordLinkAnswer,
}

/// A link to hand over, by which an account's owner chooses a password, once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasswordLink)]
pub(crate) struct PasswordLinkAnswer {
    /// Where to open it in a browser.
    pub(crate) url: String,
    /// The same without the portal's address.
    pub(crate) path: String,
    /// From when on it works no more.
    pub(crate) expires_at: String,
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountPage)]
pub(crate) struct AccountsPage {
    /// The accounts, oldest first.
    pub(crate) accounts: Vec<AccountAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}

/// One member of a workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberAnswer {
    /// The account.
    pub(crate) account_id: String,
    /// Its e-mail address.
    pub(crate) email: String,
    /// What it is in the workspace.
    pub(crate) role: String,
}

impl From<(Account, Role)> for MemberAnswer {
    fn from((account, role): (Account, Role)) -> Self {
        Self { account_id: account.id.to_string(), email: account.email, role: role.to_string() }
    }
}

/// The members of a workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Members)]
pub(crate) struct MembersAnswer {
    /// The members, those who joined first at the front.
    pub(crate) members: Vec<MemberAnswer>,
}

/// A management token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManagementToken)]
pub(crate) struct TokenAnswer {
    /// Its id.
    token_id: String,
    /// The workspace that it belongs to.
    workspace_id: String,
    /// Its name.
    name: String,
    /// Prefix and last four characters of the secret.
    hint: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    permissions: domain::PermissionSet,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used.
    #[schema(required = true, format = DateTime)]
    last_used_at: Option<String>,
}

impl From<ManagementToken> for TokenAnswer {
    fn from(token: ManagementToken) -> Self {
        Self {
            token_id: token.id.to_string(),
            workspace_id: token.workspace_id.to_string(),
            name: token.name,
            hint: token.hint,
            permissions: token.permissions,
            created_at: token.created_at.to_rfc3339(),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A management token that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedManagementToken)]
pub(crate) struct CreatedTokenAnswer {
    #[serde(flatten)]
    pub(crate) token: TokenAnswer,
    /// The token itself. Never shown again.
    pub(crate) token_value: String,
}

/// A page of management tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManagementTokenPage)]
pub(crate) struct TokensPage {
    /// The tokens, oldest first; revoked ones are gone.
    pub(crate) management_tokens: Vec<TokenAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub(crate) struct AuditAnswer {
    /// Its number; later events have larger ones.
    sequence: u64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// In which workspace, if in one.
    #[schema(required = true)]
    workspace_id: Option<String>,
    /// The pseudonym of who did it.
    actor: String,
    /// The name behind it, unless it was forgotten.
    #[schema(required = true)]
    actor_name: Option<String>,
    /// The network address that it was done from, if it came over the network and wasn't forgotten.
    #[schema(required = true)]
    from: Option<String>,
    /// What was done.
    action: String,
    /// To what: an id, or a pseudonym where that would name a person.
    subject: String,
    /// The name behind the subject, if there is one that was not forgotten.
    #[schema(required = true)]
    subject_name: Option<String>,
    /// More about it.
    detail: String,
}

impl From<AuditEvent> for AuditAnswer {
    fn from(event: AuditEvent) -> Self {
        Self {
            sequence: event.sequence,
            at: event.at.to_rfc3339(),
            workspace_id: event.workspace_id.map(|id| id.to_string()),
            actor: event.actor,
            actor_name: event.actor_name,
            from: event.from.map(|address| address.to_string()),
            action: event.action.to_string(),
            subject: event.subject,
            subject_name: event.subject_name,
            detail: event.detail,
        }
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct AuditPage {
    /// The events, oldest first.
    pub(crate) events: Vec<AuditAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    pub(crate) next: Option<String>,
}
