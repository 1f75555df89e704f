//! `voxgate mint`.

use clap::Args;
use domain::{Area, ClientRef, Leash, Product};
use zeroize::Zeroizing;

use super::args::{InstanceArgs, StandardInput, parse_client_ref};
use super::leash::LeashArgs;
use super::{Failure, environment, input, instance, output};
use crate::dev;
use crate::operator::Call;

/// The API key that mints, where nothing else says it.
const API_KEY_VARIABLE: &str = "VOXGATE_API_KEY";

#[derive(Debug, Args)]
#[command(after_help = "\
The API key comes from the environment variable VOXGATE_API_KEY or, with --api-key -, from standard input: on a command
line other users of the machine could read it. A data folder of voxgate dev knows its own.

Examples:
  voxgate mint --type rt --ttl 60 --data-dir ./try
  voxgate mint --type rt --ttl 60 --uses 1 --max-audio-seconds 300 --end-at-expiry --data-dir ./try
  VOXGATE_API_KEY=vgk_… voxgate mint --type batch --ttl 600 --client-ref USER123 --config voxgate.toml")]
pub(super) struct MintArgs {
    /// The product: batch, rt, tts or flow
    #[arg(long = "type", value_name = "PRODUCT", default_value_t = Product::Batch)]
    pub(super) product: Product,
    /// How long it lives, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) ttl: u32,
    /// Narrows it to one area: eu, usa or au
    #[arg(long, value_name = "AREA")]
    pub(super) region: Option<Area>,
    /// The end user that it is for
    #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
    pub(super) client_ref: Option<ClientRef>,
    /// "-" reads the API key from standard input
    #[arg(long, value_name = "-")]
    pub(super) api_key: Option<StandardInput>,
    #[command(flatten)]
    pub(super) leash: LeashArgs,
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

pub(super) async fn run(arguments: MintArgs) -> Result<(), Failure> {
    let api_key = match (arguments.api_key, environment(API_KEY_VARIABLE).filter(|key| !key.is_empty())) {
        (Some(_), _) => input::credential()?,
        (None, Some(key)) => Zeroizing::new(key),
        (None, None) => arguments.instance.data_dir.as_deref().and_then(dev::kept_api_key).map(Zeroizing::new).ok_or_else(|| {
            Failure(format!("which API key mints? Set {API_KEY_VARIABLE}, or send it on standard input with --api-key -"))
        })?,
    };
    let leash = Leash::from(arguments.leash);
    if let Some(limit) = leash.misplaced(arguments.product) {
        return Err(Failure(format!(
            "{limit} limits realtime sessions, and a {} key opens none: mint with --type rt",
            arguments.product
        )));
    }
    let call = Call::Mint {
        api_key: api_key.to_string(),
        product: arguments.product,
        ttl_seconds: arguments.ttl,
        area: arguments.region,
        client_ref: arguments.client_ref,
        leash,
    };
    let answer = instance::call(&arguments.instance, call).await?;
    if arguments.instance.json {
        return output::say_json(&answer);
    }
    output::remark(&format!(
        "minted {}, good until {}:",
        output::cell(&answer["temporary_key_id"]),
        output::cell(&answer["expires_at"])
    ));
    output::say(&output::cell(&answer["key_value"]));
    Ok(())
}
