//! Tests of the whole: real servers, real clients. One program, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test fails where it stands; its futures need no thrift"
)]

mod admin;
mod answers_batch;
mod answers_credentials;
mod answers_management;
mod answers_mint;
mod answers_realtime;
mod canaries;
mod cli;
mod cli_accounts;
mod cli_doctor;
mod cli_remote;
mod cli_shapes;
mod cli_verify;
mod command;
mod common;
mod config;
mod dev;
mod drain;
mod isolation;
mod kill;
mod logs;
mod minting;
mod operate;
mod program;
mod reference;
mod regions;
mod restart;
mod revocation;
mod serve;
mod shutdown;
