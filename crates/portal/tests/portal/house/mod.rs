//! Workspaces, the audit log and the operators' room of the portal, as browsers see them.

mod callers;
mod instance;
mod invitations;
mod log;
mod markup;
mod members;
mod projects;
mod workspaces;
