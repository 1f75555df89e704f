//! A small speech engine that speaks the Jobs API and the realtime protocol, without any authentication.
//!
//! It is what Voxgate's gateway stands in front of when no real engine is at hand: `voxgate dev` and the tests use it. It finds speech by
//! its energy and times words to it. The words are placeholders that say so, or come from a command ([`SandboxConfig::recognizer`]).
//! Everything it answers names it a sandbox.

mod audio;
mod config;
mod engine;
mod http;
mod jobs;
mod limits;
mod realtime;
mod speech;
mod version;

pub use config::{SandboxConfig, SandboxError};
pub use engine::Sandbox;
pub use speech::recognizer::CommandLineError;
