//! The sandbox on real listeners, with real clients.
#![expect(clippy::unwrap_used, reason = "in a test's helpers a panic is a failed test")]

mod fetch;
mod jobs;
mod realtime;
mod support;
