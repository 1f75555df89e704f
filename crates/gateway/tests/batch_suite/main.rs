//! The Jobs API through a real gateway on real listeners, with a real ledger and an engine that records what it is asked.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests fail as tests do")]

mod access;
mod bridging;
mod creating;
mod engine;
mod framing;
mod headers;
mod lists;
mod ownership;
mod streaming;
mod upkeep;
mod world;
