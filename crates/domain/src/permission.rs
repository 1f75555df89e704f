//! Permissions of management tokens.

use crate::{bit_set, named_enum};

named_enum! {
    /// One thing that a management token may do.
    Permission {
        /// List and read projects.
        ViewProjects = "view_projects",
        /// Create, rename and delete projects.
        ManageProjects = "manage_projects",
        /// List API keys.
        ViewApiKeys = "view_api_keys",
        /// Revoke API keys.
        DeleteApiKeys = "delete_api_keys",
        /// Create API keys.
        CreateApiKeys = "create_api_keys",
        /// List open sessions.
        ViewSessions = "view_sessions",
        /// End open sessions.
        EndSessions = "end_sessions",
        /// Read usage.
        ViewUsage = "view_usage",
        /// Read the audit log.
        ViewAudit = "view_audit",
        /// Act on every workspace, and on what belongs to none: workspaces, accounts, management tokens, signing keys,
        /// gateways. Granted only by whoever runs the instance, or by a token that has it.
        OperateInstance = "operate_instance",
    }
}

bit_set! {
    /// What a management token may do.
    PermissionSet of Permission in u16
}

impl PermissionSet {
    /// Everything that a token may do in its own workspace, and nothing beyond it.
    pub fn of_a_workspace() -> Self {
        Permission::ALL
            .iter()
            .copied()
            .filter(|permission| *permission != Permission::OperateInstance)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "All of a workspace" never includes power over other workspaces.
    #[test]
    fn a_workspace_is_not_the_instance() {
        let all = PermissionSet::of_a_workspace();
        assert!(!all.contains(Permission::OperateInstance));
        assert_eq!(all.with(Permission::OperateInstance), PermissionSet::all());
    }
}
