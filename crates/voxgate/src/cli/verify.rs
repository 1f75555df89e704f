//! `voxgate verify`: what a credential is, offline or by an instance.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::Args;
use credentials::{Shape, classify};
use domain::{Product, Region};
use serde_json::{Map, Value, json};

use super::{Failure, input, instance, output};
use crate::operator::{self, Call};

#[derive(Debug, Args)]
#[command(after_help = "\
Without an instance this tells what can be seen offline: what it is, whether it was mistyped, what a token says.
With one it tells whether the instance would let it in, and why not.

Examples:
  voxgate verify vgk_…
  voxgate verify --data-dir ./try --type rt --region eu1 - < key.txt")]
pub(super) struct VerifyArgs {
    /// The key or token; "-" reads it from standard input
    #[arg(value_name = "KEY_OR_TOKEN")]
    pub(super) credential: String,
    /// For this product: batch, rt, tts or flow
    #[arg(long = "type", value_name = "PRODUCT")]
    pub(super) product: Option<Product>,
    /// In this region: eu1, us1, au1, eu2 or us2
    #[arg(long)]
    pub(super) region: Option<Region>,
    /// The instance's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// The instance's configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(arguments: VerifyArgs) -> Result<(), Failure> {
    let credential =
        if arguments.credential == "-" { input::credential()? } else { arguments.credential.clone() };
    let shape = classify(&credential);
    let mut answer = json!({ "is": what(shape) });
    if shape == Shape::Token {
        answer["says"] = unverified_claims(&credential);
    }
    if arguments.data_dir.is_some() || arguments.config.is_some() {
        let place = instance::place(arguments.data_dir.as_deref(), arguments.config.as_deref())?;
        let call = Call::Verify { credential, product: arguments.product, region: arguments.region };
        answer["instance"] = operator::run(place, call).await.map_err(|error| Failure(error.0))?;
    }
    if arguments.json {
        output::say_json(&answer)?;
    } else {
        say_for_people(&answer);
    }
    let is_refused = shape == Shape::Mistyped || answer["instance"]["accepted"] == json!(false);
    if is_refused { Err(Failure("this credential would be refused".to_owned())) } else { Ok(()) }
}

const fn what(shape: Shape) -> &'static str {
    match shape {
        Shape::ApiKey => "an API key of Voxgate's form; its checksum is right",
        Shape::ManagementToken => "a management token of Voxgate's form; its checksum is right",
        Shape::Enrolment => "a gateway's enrolment credential; its checksum is right",
        Shape::Token => "a signed token; what it says is not verified by looking at it",
        Shape::Other => "not of Voxgate's form; it could be an imported key",
        Shape::Mistyped => "mistyped or cut short: its checksum, length or alphabet is wrong. Copy it again",
    }
}

/// What a token says of itself.
fn unverified_claims(token: &str) -> Value {
    let mut parts = token.split('.').map(|part| decode(part).unwrap_or(Value::Null));
    let mut says = Map::new();
    says.insert("header".to_owned(), parts.next().unwrap_or(Value::Null));
    says.insert("claims".to_owned(), parts.next().unwrap_or(Value::Null));
    Value::Object(says)
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn say_for_people(answer: &Value) {
    output::say(&format!("This is {}.", output::cell(&answer["is"])));
    for part in ["header", "claims"] {
        for (name, value) in answer["says"][part].as_object().into_iter().flatten() {
            output::say(&format!("  {part} {name}: {}", output::cell(value)));
        }
    }
    for (name, value) in answer["instance"].as_object().into_iter().flatten() {
        output::say(&format!("  {}: {}", name.replace('_', " "), output::cell(value)));
    }
}
