//! What webhooks are told of a change, written with it.

use domain::link::{Change, KeyRecord, SessionEvent};
use domain::{Timestamp, WebhookEvent};
use serde_json::{Value, json};
use storage::{AuditAction, AuditEntry, ExpiredKey, NewMessage};

/// How the log begins to tell of a key that others have got hold of.
const LEAKED: &str = "leaked";

/// The body of a message: its type, when it happened, and what is told.
pub(crate) fn body(event: WebhookEvent, at: Timestamp, data: &Value) -> String {
    json!({"type": event, "timestamp": at.to_rfc3339(), "data": data}).to_string()
}

/// What is told of a change, if anything.
pub(crate) fn of_change(audit: &AuditEntry, changes: &[Change]) -> Option<NewMessage> {
    let event = match audit.action {
        AuditAction::ApiKeyCreated => WebhookEvent::ApiKeyCreated,
        AuditAction::ApiKeyRotated => WebhookEvent::ApiKeyRotated,
        AuditAction::ApiKeyRevoked if audit.detail.starts_with(LEAKED) => WebhookEvent::ApiKeyLeaked,
        AuditAction::ApiKeyRevoked => WebhookEvent::ApiKeyRevoked,
        _ => return None,
    };
    let keys = || {
        changes.iter().filter_map(|change| match change {
            Change::Key(record) => Some(record),
            _ => None,
        })
    };
    let about = keys().find(|record| record.id.to_string() == audit.subject);
    let mut data = about.map_or_else(|| json!({"apikey_id": audit.subject}), key);
    let is_other = |record: &&KeyRecord| record.id.to_string() != audit.subject;
    if let Some(other) = keys().find(is_other).filter(|_| event == WebhookEvent::ApiKeyRotated) {
        data["successor"] = key(other);
    }
    Some(NewMessage {
        workspace_id: audit.workspace_id?,
        event,
        body: body(event, audit.at, &data),
        at: audit.at,
    })
}

/// What is told of an API key whose time is over.
pub(crate) fn of_expiry(expired: &ExpiredKey, now: Timestamp) -> NewMessage {
    let event = WebhookEvent::ApiKeyExpired;
    let data = json!({
        "apikey_id": expired.id,
        "project_id": expired.project_id,
        "expires_at": expired.expired_at.to_rfc3339(),
    });
    NewMessage {
        workspace_id: expired.workspace_id,
        event,
        body: body(event, expired.expired_at, &data),
        at: now,
    }
}

/// What is told of a session.
pub(crate) fn of_session(event: &SessionEvent) -> NewMessage {
    let kind = if event.end.is_some() { WebhookEvent::SessionEnded } else { WebhookEvent::SessionStarted };
    let mut data = json!({
        "session_id": event.session_id,
        "project_id": event.project_id,
        "apikey_id": event.api_key_id,
        "jti": event.temporary_key_id,
        "client_ref": event.client_ref,
        "region": event.region,
        "product": event.product,
    });
    if let Some(end) = &event.end {
        data["ended"] = json!(end.kind);
        data["close_code"] = json!(end.close_code);
        data["reason"] = json!(end.reason);
        data["seconds"] = json!(end.seconds);
        data["audio_seconds"] = json!(end.audio_millis.map(|millis| millis as f64 / 1000.0));
    }
    NewMessage {
        workspace_id: event.workspace_id,
        event: kind,
        body: body(kind, event.at, &data),
        at: event.at,
    }
}

fn key(record: &KeyRecord) -> Value {
    json!({
        "apikey_id": record.id,
        "project_id": record.project_id,
        "areas": record.areas,
        "products": record.products,
        "expires_at": record.expires_at.map(Timestamp::to_rfc3339),
        "revoked_at": record.revoked_at.map(Timestamp::to_rfc3339),
    })
}
