//! Test harness: real servers, real clients, callers as values.
//!
//! [`Server`] is a whole instance in this process, [`Process`] the built program as a child that can be killed. Both tell
//! where they are in a `DevReport`. [`Caller`] is who asks, [`Answer`] what came back, [`Socket`] a realtime WebSocket.

mod answer;
mod api;
mod authority;
mod caller;
mod clock;
mod database;
mod mint;
mod process;
mod raw;
mod server;
mod socket;
mod wait;

pub use answer::Answer;
pub use api::{Api, JOB_CONFIG, speech_wav};
pub use authority::Authority;
pub use caller::Caller;
pub use clock::TestClock;
pub use database::{instance_database, is_on_postgres, place_of};
pub use mint::Mint;
pub use process::Process;
pub use raw::raw_request;
pub use server::Server;
pub use socket::{Event, Refused, Socket};
pub use testdb::TestDatabase;
pub use voxgate::dev::DevReport;
pub use wait::{eventually, within};
