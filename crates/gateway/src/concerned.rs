//! Whom a set of changes concerns: their open sessions and running uploads are looked at again.

use std::collections::HashSet;

use domain::link::Change;
use domain::{ApiKeyId, ClientRef, Kid, ProjectId, TemporaryKeyId, WorkspaceId};
use verify::Principal;

/// What a set of changes may have taken rights from.
#[derive(Debug, Default)]
pub(crate) struct Concerned {
    everything: bool,
    keys: HashSet<ApiKeyId>,
    temporary_keys: HashSet<TemporaryKeyId>,
    client_refs: HashSet<(ProjectId, ClientRef)>,
    projects: HashSet<ProjectId>,
    workspaces: HashSet<WorkspaceId>,
    signing_keys: Vec<Kid>,
}

impl Concerned {
    pub(crate) fn by(changes: &[Change]) -> Self {
        let mut concerned = Self::default();
        for change in changes {
            concerned.add(change);
        }
        concerned
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::Instance { .. } => self.everything = true,
            Change::Workspace { id, .. } | Change::WorkspaceClosed { id } => {
                self.workspaces.insert(*id);
            }
            Change::Project { id, .. } | Change::ProjectDeleted { id } => {
                self.projects.insert(*id);
            }
            Change::Key(record) => {
                self.keys.insert(record.id);
            }
            Change::TemporaryKeyRevoked { id, .. } => {
                self.temporary_keys.insert(*id);
            }
            Change::ClientRefRevoked { project_id, client_ref }
            | Change::ClientRefReadmitted { project_id, client_ref, .. } => {
                self.client_refs.insert((*project_id, client_ref.clone()));
            }
            Change::SigningKeyRevoked { kid } => self.signing_keys.push(kid.clone()),
            // Management tokens open no sessions, a signing key's end in time doesn't reach back, and quotas end sessions where
            // they are drawn from.
            Change::Quota { .. }
            | Change::ManagementToken(_)
            | Change::SigningKey(_)
            | Change::SigningKeyRemoved { .. } => {}
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.everything
            && self.keys.is_empty()
            && self.temporary_keys.is_empty()
            && self.client_refs.is_empty()
            && self.projects.is_empty()
            && self.workspaces.is_empty()
            && self.signing_keys.is_empty()
    }

    pub(crate) fn contains(&self, principal: &Principal) -> bool {
        self.everything
            || self.keys.contains(&principal.api_key_id())
            || self.projects.contains(&principal.project_id())
            || self.workspaces.contains(&principal.workspace_id())
            || principal.temporary_key_id().is_some_and(|id| self.temporary_keys.contains(&id))
            || self.signing_keys.iter().any(|kid| principal.is_signed_by(kid))
            || !self.client_refs.is_empty()
                && principal.client_ref().is_some_and(|client_ref| {
                    self.client_refs.contains(&(principal.project_id(), client_ref.clone()))
                })
    }
}

#[cfg(test)]
#[path = "concerned_tests.rs"]
mod tests;
