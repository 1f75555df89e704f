//! `voxgate keys` and `voxgate mint`.

use std::io::Read as _;

use domain::{AreaSet, Networks, ProductSet};

use super::args::{CreateKeyArgs, KeysCommand, MintArgs};
use super::{Failure, environment, instance, output};
use crate::dev;
use crate::operator::Call;

const COLUMNS: [&str; 9] = [
    "apikey_id",
    "name",
    "hint",
    "project_id",
    "areas",
    "products",
    "expires_at",
    "last_used_at",
    "revoked_at",
];

/// The API key that mints, where nothing else says it.
const API_KEY_VARIABLE: &str = "VOXGATE_API_KEY";
/// A credential on standard input, in bytes.
const INPUT_BYTES_MAX: u64 = 8192;

pub(super) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(arguments) => create(arguments).await,
        KeysCommand::List { project, place } => {
            let call = Call::ListKeys { workspace: place.workspace, project };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
            Ok(())
        }
        KeysCommand::Revoke { id, place } => {
            let call = Call::RevokeKey { workspace: place.workspace, id };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("revoked {id}, and everything born of it"));
            Ok(())
        }
    }
}

async fn create(arguments: CreateKeyArgs) -> Result<(), Failure> {
    let CreateKeyArgs { name, project, areas, products, expires_at, networks, client_ref, place } = arguments;
    let call = Call::CreateKey {
        workspace: place.workspace,
        project,
        name,
        areas: (!areas.is_empty()).then(|| AreaSet::from_iter(areas)),
        products: (!products.is_empty()).then(|| ProductSet::from_iter(products)),
        expires_at,
        networks: Networks(networks),
        client_ref,
    };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    // The secret alone goes to standard output, so that a script can take it.
    output::remark(&format!(
        "made {} in project {}; this is its secret, shown this once:",
        output::cell(&answer["apikey_id"]),
        output::cell(&answer["project_id"])
    ));
    output::say(&output::cell(&answer["key_value"]));
    Ok(())
}

pub(super) async fn mint(arguments: MintArgs) -> Result<(), Failure> {
    let api_key = match (arguments.api_key, environment(API_KEY_VARIABLE).filter(|key| !key.is_empty())) {
        (Some(_), _) => from_standard_input()?,
        (None, Some(key)) => key,
        (None, None) => arguments.instance.data_dir.as_deref().and_then(dev::kept_api_key).ok_or_else(|| {
            Failure(format!("which API key mints? Set {API_KEY_VARIABLE}, or send it on standard input with --api-key -"))
        })?,
    };
    let call = Call::Mint {
        api_key,
        product: arguments.product,
        ttl_seconds: arguments.ttl,
        area: arguments.region,
        client_ref: arguments.client_ref,
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

/// A credential from standard input, without white space around it.
pub(super) fn from_standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure(format!("standard input can't be read: {error}")))?;
    Ok(text.trim().to_owned())
}
