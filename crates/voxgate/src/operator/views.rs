//! What calls answer: everything but secrets and hashes, as JSON with stable names.

use control::{AudioQuotas, AuditEvent, GatewayHealth, QuotaStanding, Refusals, SigningKeyInfo};
use domain::link::SessionInfo;
use domain::usage::{UsageCounts, UsageKey};
use domain::{
    Account, ApiKey, ManagementToken, PlanLimits, Project, Region, Role, Webhook, WebhookEvent,
    WebhookMessage, Workspace,
};
use serde_json::{Value, json};

pub(crate) fn workspace(workspace: &Workspace) -> Value {
    json!({
        "workspace_id": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan,
        "home_area": workspace.home_area,
        "created_at": workspace.created_at.to_rfc3339(),
    })
}

/// A workspace with the limits that hold for it, and those that it was granted itself.
pub(crate) fn workspace_with_limits(workspace: &Workspace, limits: PlanLimits) -> Value {
    let mut view = self::workspace(workspace);
    view["limits"] = json!(limits);
    view["own_limits"] = json!(workspace.own_limits);
    view
}

pub(crate) fn account(account: &Account) -> Value {
    json!({
        "account_id": account.id,
        "email": account.email,
        "state": if account.disabled_at.is_some() { "disabled" } else { "active" },
        "is_operator": account.is_operator,
        "created_at": account.created_at.to_rfc3339(),
        "disabled_at": account.disabled_at.map(domain::Timestamp::to_rfc3339),
    })
}

pub(crate) fn member(account: &Account, role: Role) -> Value {
    json!({
        "account_id": account.id,
        "email": account.email,
        "role": role,
    })
}

pub(crate) fn audit_event(event: &AuditEvent) -> Value {
    json!({
        "sequence": event.sequence,
        "at": event.at.to_rfc3339(),
        "workspace_id": event.workspace_id,
        "actor": event.actor,
        "actor_name": event.actor_name,
        "from": event.from,
        "action": event.action,
        "subject": event.subject,
        "subject_name": event.subject_name,
        "detail": event.detail,
    })
}

pub(crate) fn gateway(health: &GatewayHealth, sessions: Option<u64>) -> Value {
    let region = |(region, engine_answers): &(Region, bool)| json!({"region": region, "engine_answers": engine_answers});
    json!({
        "name": health.name,
        // Every gateway runs in this process, so it is of this version.
        "version": env!("CARGO_PKG_VERSION"),
        "regions": health.engines.iter().map(region).collect::<Vec<_>>(),
        "enforced_revision": health.enforced,
        "newest_revision": health.newest,
        "lag": health.newest.0.saturating_sub(health.enforced.0),
        "heard_at": health.heard_at.map(domain::Timestamp::to_rfc3339),
        "sessions": sessions,
    })
}

pub(crate) fn session(session: &SessionInfo) -> Value {
    json!({
        "session_id": session.session_id,
        "apikey_id": session.api_key_id,
        "jti": session.temporary_key_id,
        "project_id": session.project_id,
        "client_ref": session.client_ref,
        "region": session.region,
        "product": session.product,
        "started_at": session.started_at.to_rfc3339(),
        "audio_seconds": session.audio_seconds,
        "peer": session.peer,
    })
}

/// What was used; of what it can be told apart by, what it is.
pub(crate) fn usage(key: &UsageKey, counts: &UsageCounts, refusals: Option<&Refusals>) -> Value {
    let mut view = json!({});
    let mut told = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            view[name] = value;
        }
    };
    told("day", key.day.map(|day| json!(day.to_string())));
    told("project_id", key.project_id.map(|id| json!(id)));
    told("apikey_id", key.api_key_id.map(|id| json!(id)));
    told("client_ref", key.client_ref.as_ref().map(|client_ref| json!(client_ref)));
    told("region", key.region.map(|region| json!(region)));
    told("mode", key.mode.map(|mode| json!(mode)));
    view["audio_seconds"] = json!(counts.audio_seconds());
    view["sessions"] = json!(counts.sessions);
    view["requests"] = json!(counts.requests);
    view["received_bytes"] = json!(counts.received_bytes);
    view["refusals"] = json!(counts.refusals);
    view["refusals_by_reason"] = refusals.map_or_else(|| json!({}), |refusals| json!(refusals));
    view
}

/// The quotas of a workspace, and what is used of them.
pub(crate) fn quotas(quotas: &AudioQuotas) -> Value {
    let rows: Vec<Value> = quotas.quotas.iter().map(quota).collect();
    json!({
        "month": quotas.month.to_string(),
        "next_month_at": quotas.month.next().start().to_rfc3339(),
        "audio_seconds_per_month_max": quotas.workspace_audio_seconds_max,
        "audio_seconds_used": quotas.workspace_audio_seconds_used,
        "quotas": rows,
    })
}

fn quota(standing: &QuotaStanding) -> Value {
    let QuotaStanding { quota, audio_seconds_used } = standing;
    let (scope, name) = quota.scope.parts();
    json!({
        "project_id": quota.project_id,
        "scope": scope,
        "name": Some(name).filter(|name| !name.is_empty()),
        "audio_seconds_per_month_max": quota.audio_seconds_per_month_max,
        "audio_seconds_used": audio_seconds_used,
        "set_at": quota.set_at.to_rfc3339(),
    })
}

pub(crate) fn signing_key(key: &SigningKeyInfo) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": key.created_at.to_rfc3339(),
        "signs_from": key.signs_from.map(domain::Timestamp::to_rfc3339),
        "retired_at": key.retired_at.map(domain::Timestamp::to_rfc3339),
    })
}

pub(crate) fn project(project: &Project) -> Value {
    json!({
        "project_id": project.id,
        "name": project.name,
        "description": project.description,
        "is_default": project.is_default,
        "created_at": project.created_at.to_rfc3339(),
    })
}

pub(crate) fn key(key: &ApiKey) -> Value {
    json!({
        "apikey_id": key.id,
        "name": key.name,
        "hint": key.hint,
        "project_id": key.project_id,
        "areas": key.areas,
        "products": key.products,
        "networks": key.networks,
        "client_ref": key.client_ref,
        "created_at": key.created_at.to_rfc3339(),
        "expires_at": key.expires_at.map(domain::Timestamp::to_rfc3339),
        "last_used_at": key.last_used_at.map(domain::Timestamp::to_rfc3339),
        "temporary_keys_last_used_at": key.temporary_keys_last_used_at.map(domain::Timestamp::to_rfc3339),
        "imported_at": key.imported_at.map(domain::Timestamp::to_rfc3339),
        "rotated_from": key.rotated_from,
        "revoked_at": key.state.revoked_at().map(domain::Timestamp::to_rfc3339),
    })
}

pub(crate) fn token(token: &ManagementToken) -> Value {
    json!({
        "token_id": token.id,
        "name": token.name,
        "hint": token.hint,
        "permissions": token.permissions,
        "created_at": token.created_at.to_rfc3339(),
        "last_used_at": token.last_used_at.map(domain::Timestamp::to_rfc3339),
        "revoked_at": token.state.revoked_at().map(domain::Timestamp::to_rfc3339),
    })
}

/// A webhook without its secret.
pub(crate) fn webhook(webhook: &Webhook) -> Value {
    let events: Vec<&str> = webhook.events.iter().map(WebhookEvent::as_str).collect();
    json!({
        "webhook_id": webhook.id,
        "url": webhook.url,
        "events": events,
        "created_at": webhook.created_at.to_rfc3339(),
        "former_secret_until": webhook.former_secret_until.map(domain::Timestamp::to_rfc3339),
    })
}

/// What was sent to a webhook.
pub(crate) fn webhook_message(message: &WebhookMessage) -> Value {
    json!({
        "message_id": message.id,
        "event": message.event,
        "created_at": message.created_at.to_rfc3339(),
        "state": message.state,
        "attempts": message.attempts,
        "tried_at": message.tried_at.map(domain::Timestamp::to_rfc3339),
        "next_try_at": message.next_try_at.map(domain::Timestamp::to_rfc3339),
        "status": message.status,
        "problem": message.problem,
        "body": message.body,
    })
}
