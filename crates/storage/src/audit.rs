//! The audit log: what was done, when, to what; by whom only as a pseudonym, with names in a table of their own.

use domain::{Timestamp, WorkspaceId, named_enum};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::entities::{audit_event, audit_name};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

named_enum! {
    /// What was done.
    AuditAction {
        /// The instance was made.
        InstanceCreated = "instance_created",
        /// A backup of the instance was restored.
        InstanceRestored = "instance_restored",
        /// The instance's own keys, derived before, are kept from now on.
        InstanceKeysKept = "instance_keys_kept",
        /// A signing key was made.
        SigningKeyCreated = "signing_key_created",
        /// A signing key moved on in its life.
        SigningKeyMoved = "signing_key_moved",
        /// A signing key was revoked, and everything that it signed with it.
        SigningKeyRevoked = "signing_key_revoked",
        /// The private keys were sealed under another master key.
        MasterKeyRewrapped = "master_key_rewrapped",
        /// An account was made.
        AccountCreated = "account_created",
        /// An account got another password.
        PasswordChanged = "password_changed",
        /// A workspace was made.
        WorkspaceCreated = "workspace_created",
        /// An account can't sign in any more.
        AccountDisabled = "account_disabled",
        /// An account can sign in again.
        AccountEnabled = "account_enabled",
        /// An account was deleted.
        AccountDeleted = "account_deleted",
        /// An account may operate the instance.
        OperatorAdded = "operator_added",
        /// An account may operate the instance no more.
        OperatorRemoved = "operator_removed",
        /// A workspace got another name, plan or limits of its own.
        WorkspaceChanged = "workspace_changed",
        /// A workspace's limits changed with the configuration.
        WorkspaceLimitsChanged = "workspace_limits_changed",
        /// A workspace was closed.
        WorkspaceClosed = "workspace_closed",
        /// An account was taken into a workspace.
        MemberAdded = "member_added",
        /// A member got another role.
        MemberRoleChanged = "member_role_changed",
        /// An account was taken out of a workspace.
        MemberRemoved = "member_removed",
        /// A project was made.
        ProjectCreated = "project_created",
        /// A project was renamed.
        ProjectRenamed = "project_renamed",
        /// A project was deleted.
        ProjectDeleted = "project_deleted",
        /// An API key was made.
        ApiKeyCreated = "api_key_created",
        /// An API key got a successor, and expires when their overlap ends.
        ApiKeyRotated = "api_key_rotated",
        /// An API key got another name, expiry or rights.
        ApiKeyChanged = "api_key_changed",
        /// API keys that were made elsewhere were taken in.
        ApiKeysImported = "api_keys_imported",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key_revoked",
        /// A management token was made.
        ManagementTokenCreated = "management_token_created",
        /// A management token was revoked.
        ManagementTokenRevoked = "management_token_revoked",
        /// A temporary key was minted by a person, in the portal.
        TemporaryKeyMinted = "temporary_key_minted",
        /// A temporary key was revoked.
        TemporaryKeyRevoked = "temporary_key_revoked",
        /// A client_ref was shut out.
        ClientRefRevoked = "client_ref_revoked",
        /// A client_ref was let in again.
        ClientRefReadmitted = "client_ref_readmitted",
        /// What was known of a client_ref was forgotten.
        ClientRefForgotten = "client_ref_forgotten",
        /// An open session was ended by whoever owns it.
        SessionEnded = "session_ended",
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

/// Which events to read; what is left out doesn't narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only this workspace's. Left out, it is the whole instance's log: for its operators alone.
    pub workspace_id: Option<WorkspaceId>,
    /// Only what was done like this.
    pub action: Option<AuditAction>,
    /// Only what was done by this pseudonym.
    pub actor: Option<String>,
    /// Only what was done to this.
    pub subject: Option<String>,
    /// Only what was done at this moment or later.
    pub since: Option<Timestamp>,
    /// Only what was done before this moment.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    fn condition(&self) -> Condition {
        use audit_event::Column;
        Condition::all()
            .add_option(self.workspace_id.map(|id| Column::WorkspaceId.eq(id.to_string())))
            .add_option(self.action.map(|action| Column::Action.eq(action.as_str())))
            .add_option(self.actor.as_deref().map(|actor| Column::Actor.eq(actor)))
            .add_option(self.subject.as_deref().map(|subject| Column::Subject.eq(subject)))
            .add_option(self.since.map(|since| Column::At.gte(since.as_micros())))
            .add_option(self.until.map(|until| Column::At.lt(until.as_micros())))
    }
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
        let filter = AuditFilter { workspace_id: Some(workspace_id), ..AuditFilter::default() };
        self.find_audit_events(&filter, after, limit).await
    }

    /// The events that a filter lets through, after a number, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_audit_events(
        &self,
        filter: &AuditFilter,
        after: u64,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let rows = audit_event::Entity::find()
            .filter(filter.condition())
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

    /// The pseudonyms behind which this name stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_audit_pseudonyms(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let names = audit_name::Entity::find().filter(audit_name::Column::Name.eq(name));
        Ok(names.all(self.db.read()).await?.into_iter().map(|row| row.pseudonym).collect())
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

impl ChangeTx {
    /// Forgets the name behind a pseudonym with the change that is the reason for it; the events stay. Says whether
    /// there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audit_name(&mut self, pseudonym: &str) -> Result<bool, StoreError> {
        let deleted = audit_name::Entity::delete_by_id(pseudonym).exec(&self.tx).await?;
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
