//! `voxgate tokens`.

use domain::PermissionSet;

use super::args::{PermissionArg, TokensCommand};
use super::{Failure, instance, output};
use crate::operator::Call;

const COLUMNS: [&str; 7] =
    ["token_id", "name", "hint", "permissions", "created_at", "last_used_at", "revoked_at"];

pub(super) async fn run(command: TokensCommand) -> Result<(), Failure> {
    match command {
        TokensCommand::Create { name, permissions, place } => {
            let permissions =
                permissions.into_iter().fold(PermissionSet::EMPTY, |set, permission| match permission {
                    PermissionArg::One(permission) => set.with(permission),
                    PermissionArg::All => PermissionSet::all(),
                });
            let call = Call::CreateToken { workspace: place.workspace, name, permissions };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            // The secret alone goes to standard output, so that a script can take it.
            output::remark(&format!(
                "made {}; this is its secret, shown this once:",
                output::cell(&answer["token_id"])
            ));
            output::say(&output::cell(&answer["token_value"]));
        }
        TokensCommand::List { place } => {
            let call = Call::ListTokens { workspace: place.workspace };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
        }
        TokensCommand::Revoke { id, place } => {
            let call = Call::RevokeToken { workspace: place.workspace, id };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("revoked {id}"));
        }
    }
    Ok(())
}
