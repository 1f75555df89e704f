//! The audit log: what was done, when, to what; by whom only as a pseudonym, with names in a table of their own.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use domain::{Timestamp, WorkspaceId, named_enum};
use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr};
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
        /// Somebody registered an address, which is still to be confirmed.
        AccountRegistered = "account_registered",
        /// An address was found to be its account's own.
        EmailConfirmed = "email_confirmed",
        /// A link was sent by which an account moves to another address.
        EmailChangeAsked = "email_change_asked",
        /// An account moved to another address.
        EmailChanged = "email_changed",
        /// A link was sent by which an account's owner chooses another password.
        PasswordResetAsked = "password_reset_asked",
        /// An account's owner chose another password by such a link.
        PasswordReset = "password_reset",
        /// An account reads times in another zone.
        TimeZoneChanged = "time_zone_changed",
        /// A link was made that makes an operator's account.
        SetUpLinkMade = "set_up_link_made",
        /// An account got another password.
        PasswordChanged = "password_changed",
        /// A workspace was made.
        WorkspaceCreated = "workspace_created",
        /// An account can't sign in any more.
        AccountDisabled = "account_disabled",
        /// An account can sign in again.
        AccountEnabled = "account_enabled",
        /// An account signed in, or took the first of two steps of it.
        SignedIn = "signed_in",
        /// Whoever is signed in proved again who they are.
        SignInConfirmed = "sign_in_confirmed",
        /// An account was signed out, here or everywhere.
        SignedOut = "signed_out",
        /// Somebody who was signing in showed a wrong second factor.
        FactorRefused = "factor_refused",
        /// An account got an authenticator app.
        TotpAdded = "totp_added",
        /// An account's authenticator app was removed.
        TotpRemoved = "totp_removed",
        /// An account got new recovery codes.
        RecoveryCodesMade = "recovery_codes_made",
        /// An account got a passkey.
        PasskeyAdded = "passkey_added",
        /// A passkey got another name.
        PasskeyRenamed = "passkey_renamed",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// An account was linked with somebody at another provider.
        IdentityLinked = "identity_linked",
        /// An account is no longer linked with somebody at another provider.
        IdentityUnlinked = "identity_unlinked",
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
        /// Somebody was invited into a workspace.
        InvitationCreated = "invitation_created",
        /// Somebody was sent another link for an invitation.
        InvitationResent = "invitation_resent",
        /// An invitation was withdrawn.
        InvitationWithdrawn = "invitation_withdrawn",
        /// An invitation was accepted by the account that it was sent to.
        InvitationAccepted = "invitation_accepted",
        /// A project was made.
        ProjectCreated = "project_created",
        /// A project was renamed.
        ProjectRenamed = "project_renamed",
        /// A project got another name and description.
        ProjectChanged = "project_changed",
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
        /// A webhook was made.
        WebhookCreated = "webhook_created",
        /// A webhook got another secret.
        WebhookRotated = "webhook_rotated",
        /// A webhook was removed.
        WebhookRemoved = "webhook_removed",
        /// A message for a webhook was sent again.
        WebhookMessageResent = "webhook_message_resent",
        /// A quota on audio was set.
        QuotaSet = "quota_set",
        /// A quota on audio was taken away.
        QuotaRemoved = "quota_removed",
        /// An open session was ended by whoever owns it.
        SessionEnded = "session_ended",
        /// All open sessions of an API key were ended by whoever owns it.
        SessionsEnded = "sessions_ended",
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
    /// The network address that it was done from, if it came over the network.
    pub from: Option<IpAddr>,
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
    /// The network address that it was done from, if it came over the network and wasn't forgotten.
    pub from: Option<IpAddr>,
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
    /// Or to this: somebody who was invited has two pseudonyms.
    pub or_subject: Option<String>,
    /// Only what was done at this moment or later.
    pub since: Option<Timestamp>,
    /// Only what was done before this moment.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    fn subjects(&self) -> Option<SimpleExpr> {
        let mut subjects = self.subject.iter().chain(&self.or_subject).map(String::as_str).peekable();
        subjects.peek().is_some().then(|| audit_event::Column::Subject.is_in(subjects))
    }

    fn condition(&self) -> Condition {
        use audit_event::Column;
        Condition::all()
            .add_option(self.workspace_id.map(|id| Column::WorkspaceId.eq(id.to_string())))
            .add_option(self.action.map(|action| Column::Action.eq(action.as_str())))
            .add_option(self.actor.as_deref().map(|actor| Column::Actor.eq(actor)))
            .add_option(self.subjects())
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
        peer: entry.from.map(|address| address.to_string()),
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
        self.with_names(rows).await
    }

    /// The events that a filter lets through, before a number or from the end, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_newest_audit_events(
        &self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let earlier = before.map(|number| audit_event::Column::Sequence.lt(number.cast_signed()));
        let rows = audit_event::Entity::find()
            .filter(filter.condition().add_option(earlier))
            .order_by_desc(audit_event::Column::Sequence)
            .limit(limit)
            .all(self.db.read())
            .await?;
        self.with_names(rows).await
    }

    async fn with_names(&self, rows: Vec<audit_event::Model>) -> Result<Vec<AuditEvent>, StoreError> {
        let named: HashSet<&str> =
            rows.iter().flat_map(|row| [row.actor.as_str(), row.subject.as_str()]).collect();
        let names = audit_name::Entity::find()
            .filter(audit_name::Column::Pseudonym.is_in(named))
            .all(self.db.read())
            .await?;
        let names: HashMap<_, _> = names.into_iter().map(|name| (name.pseudonym, name.name)).collect();
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

    /// Forgets the name behind a pseudonym and where it came from; the events stay. Says whether there was a name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audit_name(&self, pseudonym: &str) -> Result<bool, StoreError> {
        let tx = self.db.write().await?;
        let was_there = forget_name(&tx, pseudonym).await?;
        tx.commit().await?;
        Ok(was_there)
    }
}

impl ChangeTx {
    /// Forgets the name behind a pseudonym and where it came from, with the change that is the reason for it; the events
    /// stay. Says whether there was a name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audit_name(&mut self, pseudonym: &str) -> Result<bool, StoreError> {
        forget_name(&self.tx, pseudonym).await
    }
}

async fn forget_name(connection: &impl ConnectionTrait, pseudonym: &str) -> Result<bool, StoreError> {
    audit_event::Entity::update_many()
        .col_expr(audit_event::Column::Peer, Expr::value(None::<String>))
        .filter(audit_event::Column::Actor.eq(pseudonym))
        .exec(connection)
        .await?;
    let deleted = audit_name::Entity::delete_by_id(pseudonym).exec(connection).await?;
    Ok(deleted.rows_affected == 1)
}

fn from_row(row: audit_event::Model, names: &HashMap<String, String>) -> Result<AuditEvent, StoreError> {
    let at = At { table: "audit_events", row: &row.sequence };
    let name_of = |pseudonym: &str| names.get(pseudonym).cloned();
    Ok(AuditEvent {
        sequence: row.sequence.cast_unsigned(),
        at: time(row.at),
        workspace_id: at.maybe("workspace_id", row.workspace_id.as_deref(), WorkspaceId::parse)?,
        action: at.need("action", AuditAction::from_name(&row.action))?,
        actor_name: name_of(&row.actor),
        from: at.maybe("peer", row.peer.as_deref(), |text| text.parse().ok())?,
        subject_name: name_of(&row.subject),
        actor: row.actor,
        subject: row.subject,
        detail: row.detail,
    })
}
