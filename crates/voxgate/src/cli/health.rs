//! `voxgate health`: for probes in images that hold nothing but this program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::{Failure, instance, output};
use crate::admin::ask_ready;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate health --config /etc/voxgate/voxgate.toml
  voxgate health --admin 127.0.0.1:9180

Exit codes: 0 ready, 1 not ready or no answer.")]
pub(super) struct HealthArgs {
    /// The configuration file of the server, whose [admin] address is asked
    #[arg(long, value_name = "FILE", conflicts_with = "admin", required_unless_present = "admin")]
    pub(super) config: Option<PathBuf>,
    /// The address of its administration listener
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
}

pub(super) async fn run(arguments: HealthArgs) -> Result<(), Failure> {
    let address = match (arguments.admin, arguments.config) {
        (Some(address), _) => address,
        (None, Some(file)) => configured(instance::settings(&file)?.admin.address)?,
        (None, None) => return Err(Failure("which server? Give --config or --admin".to_owned())),
    };
    let (is_ready, said) = ask_ready(address).await.map_err(|error| Failure::from_error(&error))?;
    if !is_ready {
        return Err(Failure(format!("the server is not ready: {said}")));
    }
    output::say(&said);
    Ok(())
}

/// Where to ask a server that listens at this address.
fn configured(address: Option<SocketAddr>) -> Result<SocketAddr, Failure> {
    let none =
        "this server has no administration listener: give it an address in [admin] of its configuration";
    let address = address.ok_or_else(|| Failure(none.to_owned()))?;
    let here = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(SocketAddr::new(here, address.port()))
}
