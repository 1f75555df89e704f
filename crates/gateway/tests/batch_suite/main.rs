//! The Jobs API through a real gateway on real listeners, with a real ledger and an engine that records what it is asked.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests fail as tests do")]

mod access;
mod audio_quota;
#[path = "../../../testkit/src/authority.rs"]
mod authority;
mod bridging;
mod browsers;
mod creating;
mod cutting;
mod engine;
mod engine_wire;
mod framing;
mod headers;
mod http2;
mod lists;
mod ownership;
mod proxies;
mod raw_http2;
mod stalls;
mod streaming;
mod tls;
mod upkeep;
mod waits;
mod world;
