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
    }
}

bit_set! {
    /// What a management token may do.
    PermissionSet of Permission in u16
}
