//! Tests of the verification path: every refusal on every surface, the order of checks, the feed, and attacks.
#![expect(clippy::unwrap_used, reason = "in a test a failed step is a failed test")]

mod answers;
mod attacks;
mod feed;
mod offline;
mod order;
mod quotas;
mod sessions;
mod times;
mod world;
