//! Jobs: what they are, where they are kept, how they are worked on.

pub(crate) mod config;
pub(crate) mod fetch;
pub(crate) mod files;
pub(crate) mod job;
pub(crate) mod listen;
pub(crate) mod queue;
pub(crate) mod store;
pub(crate) mod transcript;
pub(crate) mod work;
