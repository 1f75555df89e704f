//! Realtime from a client's and an engine's point of view: real sockets, a real WebSocket client (tokio-tungstenite), and a
//! real engine whose side each test plays itself.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod audio_quota;
#[expect(unreachable_pub, reason = "it is testkit's own")]
#[path = "../../../testkit/src/authority.rs"]
mod authority;
mod clocks;
mod credentials;
mod engines;
mod frames;
mod leash_counts;
mod leash_lock;
mod quota;
mod refusals;
mod relay;
mod revocation;
mod tls;
mod world;
