//! One file per path.

pub(crate) mod answers;
pub(crate) mod api_key;
pub(crate) mod api_keys;
pub(crate) mod jwks;
pub(crate) mod project;
pub(crate) mod projects;
