//! `voxgate gateways`.

use clap::Args;
use serde_json::{Value, json};

use super::args::InstanceArgs;
use super::{Failure, instance, output};
use crate::operator::Call;

const COLUMNS: [&str; 6] = ["name", "enforced_revision", "lag", "sessions", "heard_at", "engines"];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate gateways --config voxgate.toml
  voxgate gateways --json --server https://mp.example.org")]
pub(super) struct GatewaysArgs {
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

pub(super) async fn run(arguments: GatewaysArgs) -> Result<(), Failure> {
    let answer = instance::call(&arguments.instance, Call::Gateways).await?;
    if arguments.instance.json {
        return output::say_json(&answer);
    }
    let rows: Value = answer.as_array().into_iter().flatten().map(row).collect();
    output::say_table(&rows, &COLUMNS);
    Ok(())
}

/// A gateway as a row; its engines as `eu1 up, us1 down`.
fn row(gateway: &Value) -> Value {
    let engine = |region: &Value| {
        let word = if region["engine_answers"] == json!(true) { "up" } else { "down" };
        format!("{} {word}", output::cell(&region["region"]))
    };
    let engines: Vec<String> = gateway["regions"].as_array().into_iter().flatten().map(engine).collect();
    let mut row = gateway.clone();
    row["engines"] = json!(engines.join(", "));
    row
}
