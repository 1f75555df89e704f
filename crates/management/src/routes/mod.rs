//! One file per path; each says its operations.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod answers;
pub(crate) mod api_key;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod gateways;
pub(crate) mod jwks;
pub(crate) mod management_tokens;
pub(crate) mod members;
pub(crate) mod password_link;
pub(crate) mod project;
pub(crate) mod projects;
pub(crate) mod quotas;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod temporary_keys;
pub(crate) mod usage;
pub(crate) mod webhooks;
pub(crate) mod workspace;
pub(crate) mod workspaces;

use crate::document::Api;

/// Every operation, in the order of the document.
pub(crate) fn operations(api: Api) -> Api {
    let all = [
        api_keys::operations,
        api_key::operations,
        temporary_keys::operations,
        projects::operations,
        project::operations,
        workspaces::operations,
        workspace::operations,
        members::operations,
        accounts::operations,
        account::operations,
        password_link::operations,
        management_tokens::operations,
        sessions::operations,
        usage::operations,
        quotas::operations,
        webhooks::operations,
        audit::operations,
        gateways::operations,
        signing_keys::operations,
        jwks::operations,
    ];
    all.into_iter().fold(api, |api, add| add(api))
}
