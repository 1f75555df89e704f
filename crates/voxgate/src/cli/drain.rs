//! `voxgate drain`.

use clap::Args;

use super::args::InstanceArgs;
use super::{Failure, instance, output};
use crate::operator::Call;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate drain --config voxgate.toml            before a machine is taken down
  voxgate drain --data-dir ./try

The server takes no new connections, finishes requests, ends sessions with 1001 after drain_seconds_max, and ends.")]
pub(super) struct DrainArgs {
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

pub(super) async fn run(arguments: DrainArgs) -> Result<(), Failure> {
    let answer = instance::call(&arguments.instance, Call::Drain).await?;
    if arguments.instance.json {
        return output::say_json(&answer);
    }
    output::say(&format!("the server ends; open sessions: {}", answer["sessions"]));
    Ok(())
}
