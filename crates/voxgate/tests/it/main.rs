//! Tests of the whole: real servers, real clients. One program, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test fails where it stands; its futures need no thrift"
)]

mod answers_batch;
mod answers_credentials;
mod answers_management;
mod answers_mint;
mod answers_realtime;
mod canaries;
mod cli;
mod common;
mod config;
mod dev;
mod isolation;
mod kill;
mod minting;
mod regions;
mod restart;
mod revocation;
mod serve;
mod shutdown;
