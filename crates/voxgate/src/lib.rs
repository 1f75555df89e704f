//! Voxgate: the authentication plane for a speech API, as one program.
//!
//! This crate joins the others: `config` reads the file, `wire` joins control and gateway (it alone knows both), `dev`
//! and `serve` start an instance, `operator` lets its owner speak to it, `cli` is the command line. Start with
//! [`dev::start`], or with `cli` for the commands.

pub mod admin;
pub mod backup;
pub mod cli;
pub mod config;
pub mod databases;
pub mod dev;
pub mod doctor;
pub mod explain;
pub mod folder;
pub mod log;
pub mod mail;
pub mod operator;
pub mod process;
pub mod remote;
pub mod serve;
pub mod signal;
pub mod systemd;
pub mod telemetry;
pub mod wire;
