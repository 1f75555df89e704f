//! Voxgate's benchmarks: what one verification costs, what a proxied request costs beside nginx, what an idle
//! WebSocket holds, how long a large instance takes to start, to back up and to restore, what a page of the portal costs. Numbers are printed, never asserted.

mod data;
mod idle;
mod load;
mod micro;
mod nginx;
mod portal;
mod process;
mod revoke;

use std::error::Error;
use std::future::Future;

use clap::Parser;

/// Voxgate's benchmarks.
#[derive(Debug, Parser)]
enum Bench {
    /// One verification: keys among a million, tokens cold and cached, minting.
    Micro(micro::MicroOptions),
    /// CPU time per proxied request, nginx bare beside it.
    Load(load::LoadOptions),
    /// Memory of idle open WebSockets.
    Idle(idle::IdleOptions),
    /// Revoking a key that holds half of all open sessions.
    Revoke(revoke::RevokeOptions),
    /// Backup, restore and cold start of a large instance.
    Data(data::DataOptions),
    /// Server time of each page of the portal, and whether time tells who has an account.
    Portal(portal::PortalOptions),
}

fn main() -> Result<(), Box<dyn Error>> {
    match Bench::parse() {
        Bench::Micro(options) => micro::run(&options),
        Bench::Load(options) => load::run(&options),
        Bench::Idle(options) => idle::run(&options),
        Bench::Revoke(options) => revoke::run(&options),
        Bench::Data(options) => data::run(&options),
        Bench::Portal(options) => portal::run(&options),
    }
}

/// Runs one future to its end on a runtime of its own.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(future)
}
