//! Audit events: who does something is written as a pseudonym.

use credentials::keyed_hash;
use domain::{AccountId, ApiKeyId, ClientRef, ManagementTokenId, ProjectId, Timestamp, WorkspaceId};
use storage::{AuditAction, AuditEntry, AuditEvent, AuditFilter, StoreError};
use zeroize::Zeroizing;

use crate::instance_keys::InstanceKeys;
use crate::{Actor, Control, Who};

/// Makes pseudonyms: the same for the same person, and nobody else can tell whose.
pub(crate) struct Pseudonyms {
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    pub(crate) fn new(keys: &InstanceKeys) -> Self {
        Self { key: keys.pseudonyms.clone() }
    }

    pub(crate) fn of_account(&self, id: AccountId) -> String {
        self.hash("account", &id.to_string())
    }

    /// Of whoever was invited by e-mail and may have no account.
    pub(crate) fn of_invited(&self, email: &str) -> String {
        self.hash("invited", &storage::email_key(email))
    }

    pub(crate) fn of_client_ref(&self, project_id: ProjectId, client_ref: &ClientRef) -> String {
        self.hash("client_ref", &format!("{project_id} {client_ref}"))
    }

    /// Of a client_ref that is forgotten: another one than those that stood for it before.
    pub(crate) fn of_forgotten(&self, workspace_id: WorkspaceId, client_ref: &ClientRef) -> String {
        self.hash("forgotten client_ref", &format!("{workspace_id} {client_ref}"))
    }

    fn hash(&self, kind: &str, id: &str) -> String {
        let hash = keyed_hash(&self.key, &[kind.as_bytes(), id.as_bytes()]);
        let mut text = String::from("who_");
        for byte in &hash[..16] {
            use std::fmt::Write as _;
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The pseudonym of an actor, and the name behind it where that is no person's.
    fn of(&self, who: Who) -> (String, Option<String>) {
        match who {
            Who::Operator => (String::from("operator"), None),
            Who::System => (String::from("system"), None),
            // A person's name was written when the account was made, and may have been forgotten since.
            Who::Account(id) => (self.of_account(id), None),
            Who::ManagementToken(id) => {
                (self.hash("management token", &id.to_string()), Some(id.to_string()))
            }
            Who::ApiKey(id) => (self.hash("api key", &id.to_string()), Some(id.to_string())),
        }
    }

    /// An event by this actor.
    pub(crate) fn entry(
        &self,
        at: Timestamp,
        actor: &Actor,
        workspace_id: Option<WorkspaceId>,
        action: AuditAction,
        subject: impl ToString,
    ) -> AuditEntry {
        let (pseudonym, name) = self.of(actor.who);
        let names = name.map(|name| (pseudonym.clone(), name)).into_iter().collect();
        let subject = subject.to_string();
        AuditEntry {
            at,
            workspace_id,
            actor: pseudonym,
            from: actor.from,
            action,
            subject,
            detail: String::new(),
            names,
        }
    }
}

impl Control {
    /// The audit events of a workspace after a number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_audit_events(
        &self,
        workspace_id: WorkspaceId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        self.inner.store.list_audit_events(workspace_id, after, limit).await
    }

    /// The audit events that a filter lets through, after a number, oldest first, at most `limit`. A filter without a
    /// workspace reads the whole instance's: for its operators alone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_audit_events(
        &self,
        filter: &AuditFilter,
        after: u64,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        self.inner.store.find_audit_events(filter, after, limit).await
    }

    /// The audit events that a filter lets through, before a number or from the end, newest first, at most `limit`. A filter
    /// without a workspace reads the whole instance's: for its operators alone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_newest_audit_events(
        &self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        self.inner.store.find_newest_audit_events(filter, before, limit).await
    }

    /// The pseudonyms of whoever has an e-mail address: of the account, if there is one, and of the one that was invited.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_pseudonyms_of(&self, email: &str) -> Result<(Option<String>, String), StoreError> {
        let pseudonyms = &self.inner.pseudonyms;
        let account = self.find_account(email).await?.map(|account| pseudonyms.of_account(account.id));
        Ok((account, pseudonyms.of_invited(email)))
    }

    /// The pseudonym behind which the log hides this actor or subject: an account's, a management token's or an API
    /// key's id, as it was given; anything else stands in the log as it is.
    pub fn audit_pseudonym(&self, text: &str) -> String {
        let pseudonyms = &self.inner.pseudonyms;
        if let Some(id) = AccountId::parse(text) {
            return pseudonyms.of_account(id);
        }
        if let Some(id) = ManagementTokenId::parse(text) {
            return pseudonyms.of(Who::ManagementToken(id)).0;
        }
        if let Some(id) = ApiKeyId::parse(text) {
            return pseudonyms.of(Who::ApiKey(id)).0;
        }
        text.to_owned()
    }
}
