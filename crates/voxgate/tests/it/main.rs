//! Tests of the whole: real servers, real clients. One program, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test fails where it stands; its futures need no thrift"
)]

mod activation;
mod admin;
mod answers_batch;
mod answers_credentials;
mod answers_engine;
mod answers_management;
mod answers_mint;
mod answers_realtime;
mod at_rest;
mod backup;
mod canaries;
mod cli;
mod cli_accounts;
mod cli_doctor;
mod cli_remote;
mod cli_shapes;
mod cli_verify;
mod client_refs;
mod command;
mod common;
mod config;
mod dev;
mod disk_full;
mod drain;
mod held_requests;
mod import;
mod isolation;
mod keys_life;
mod kill;
mod kill_usage;
mod leash;
mod logs;
mod mail;
mod master_key;
mod minting;
mod operate;
mod operators;
mod packaging;
mod program;
mod proxies;
mod quotas;
mod reference;
mod regions;
mod restart;
mod revocation;
mod serve;
mod sessions;
mod set_up;
mod shutdown;
mod signing_rotation;
mod telemetry;
mod temporary_keys;
mod tls;
mod upgrade;
mod usage;
mod webhooks;
