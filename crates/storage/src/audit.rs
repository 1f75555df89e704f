//! The audit log: what was done, when, to what; by whom only as a pseudonym, with names in a table of their own.

use domain::{Timestamp, WorkspaceId, named_enum};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entities::{audit_event, audit_name};
use crate::rows::{At, time};
use crate::{Store, StoreError};

named_enum! {
    /// What was done.
    AuditAction {
        /// The instance was made.
        InstanceCreated = "instance_created",
        /// A signing key was made.
        SigningKeyCreated = "signing_key_created",
        /// A signing key moved on in its life.
        SigningKeyMoved = "signing_key_moved",
        /// An account was made.
        AccountCreated = "account_created",
        /// An account got another password.
        PasswordChanged = "password_changed",
        /// A workspace was made.
        WorkspaceCreated = "workspace_created",
        /// A workspace's limits changed with the configuration.
        WorkspaceLimitsChanged = "workspace_limits_changed",
        /// A workspace was closed.
        WorkspaceClosed = "workspace_closed",
        /// An account was taken into a workspace.
        MemberAdded = "member_added",
        /// A project was made.
        ProjectCreated = "project_created",
        /// A project was renamed.
        ProjectRenamed = "project_renamed",
        /// A project was deleted.
        ProjectDeleted = "project_deleted",
        /// An API key was made.
        ApiKeyCreated = "api_key_created",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key_revoked",
        /// A management token was made.
        ManagementTokenCreated = "management_token_created",
        /// A management token was revoked.
        ManagementTokenRevoked = "management_token_revoked",
        /// A temporary key was revoked.
        TemporaryKeyRevoked = "temporary_key_revoked",
        /// A client_ref was shut out.
        ClientRefRevoked = "client_ref_revoked",
        /// A client_ref was let in again.
        ClientRefReadmitted = "client_ref_readmitted",
    }
}

/// An event to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// In which workspace, if in one.
    pub workspace_id: Option<WorkspaceId>,
    /// The pseudonym of who did it.
    pub actor: String,
    /// What was done.
    pub action: AuditAction,
    /// To what: an id, or a pseudonym where that would name a person.
    pub subject: String,
    /// More about it, as one line; names nobody.
    pub detail: String,
    /// Names behind pseudonyms, kept apart so that they can be forgotten.
    pub names: Vec<(String, String)>,
}

/// An event that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its number; later events have larger ones.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// In which workspace, if in one.
    pub workspace_id: Option<WorkspaceId>,
    /// The pseudonym of who did it.
    pub actor: String,
    /// The name behind it, unless it was forgotten.
    pub actor_name: Option<String>,
    /// What was done.
    pub action: AuditAction,
    /// To what: an id, or a pseudonym where that would name a person.
    pub subject: String,
    /// The name behind the subject, if it is a pseudonym and the name was not forgotten.
    pub subject_name: Option<String>,
    /// More about it, as one line.
    pub detail: String,
}

pub(crate) async fn append(
    connection: &impl ConnectionTrait,
    sequence: i64,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let row = audit_event::Model {
        sequence,
        at: entry.at.as_micros(),
        workspace_id: entry.workspace_id.map(|id| id.to_string()),
        actor: entry.actor.clone(),
        action: entry.action.as_str().to_owned(),
        subject: entry.subject.clone(),
        detail: entry.detail.clone(),
    };
    audit_event::Entity::insert(row.into_active_model()).exec_without_returning(connection).await?;
    for (pseudonym, name) in &entry.names {
        let named = audit_name::Model { pseudonym: pseudonym.clone(), name: name.clone() };
        let mut renamed = OnConflict::column(audit_name::Column::Pseudonym);
        renamed.update_column(audit_name::Column::Name);
        audit_name::Entity::insert(named.into_active_model())
            .on_conflict(renamed)
            .exec_without_returning(connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// The events of a workspace after a number, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_audit_events(
        &self,
        workspace_id: WorkspaceId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let rows = audit_event::Entity::find()
            .filter(audit_event::Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(audit_event::Column::Sequence.gt(after.cast_signed()))
            .order_by_asc(audit_event::Column::Sequence)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let named = rows.iter().flat_map(|row| [row.actor.as_str(), row.subject.as_str()]);
        let names = audit_name::Entity::find()
            .filter(audit_name::Column::Pseudonym.is_in(named))
            .all(self.db.read())
            .await?;
        rows.into_iter().map(|row| from_row(row, &names)).collect()
    }

    /// Forgets the name behind a pseudonym; the events stay. Says whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audit_name(&self, pseudonym: &str) -> Result<bool, StoreError> {
        let tx = self.db.write().await?;
        let deleted = audit_name::Entity::delete_by_id(pseudonym).exec(&tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected == 1)
    }
}

fn from_row(row: audit_event::Model, names: &[audit_name::Model]) -> Result<AuditEvent, StoreError> {
    let at = At { table: "audit_events", row: &row.sequence };
    let name_of =
        |pseudonym: &str| names.iter().find(|name| name.pseudonym == pseudonym).map(|name| name.name.clone());
    Ok(AuditEvent {
        sequence: row.sequence.cast_unsigned(),
        at: time(row.at),
        workspace_id: at.maybe("workspace_id", row.workspace_id.as_deref(), WorkspaceId::parse)?,
        action: at.need("action", AuditAction::from_name(&row.action))?,
        actor_name: name_of(&row.actor),
        subject_name: name_of(&row.subject),
        actor: row.actor,
        subject: row.subject,
        detail: row.detail,
    })
}
