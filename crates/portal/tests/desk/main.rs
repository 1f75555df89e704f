//! API keys, management tokens and live sessions in the portal, as browsers see them.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod callers;
mod keys;
mod leaks;
mod lists;
mod live;
mod rooms;
mod tokens;
mod world;
