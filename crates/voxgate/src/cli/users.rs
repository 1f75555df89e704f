//! `voxgate users`: accounts, for instances without a portal.

use clap::{Args, Subcommand};
use domain::{Role, WorkspaceId};
use serde_json::Value;

use super::args::{Confirmation, InstanceArgs, parse_workspace};
use super::{Failure, instance, output};
use crate::operator::{AccountCall, Who};
use crate::serve;

const COLUMNS: [&str; 4] = ["account_id", "email", "state", "created_at"];

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate users create --email ann@example.org --workspace ws_… --role admin --config voxgate.toml
  voxgate users list --config voxgate.toml
  voxgate users password-link ann@example.org --config voxgate.toml
  voxgate users disable ann@example.org --config voxgate.toml")]
pub(super) enum UsersCommand {
    /// Make an account, and a one-time link by which its owner chooses a password
    #[command(after_help = "\
Examples:
  voxgate users create --email ann@example.org --config voxgate.toml
  voxgate users create --email ann@example.org --workspace ws_… --role admin --config voxgate.toml")]
    Create(CreateUserArgs),
    /// List the accounts
    #[command(after_help = "\
Examples:
  voxgate users list --config voxgate.toml
  voxgate users list --json --server https://mp.example.org")]
    List {
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// Let an account sign in no more; its keys go on, since they belong to projects
    #[command(after_help = "\
Examples:
  voxgate users disable ann@example.org --config voxgate.toml")]
    Disable(OneUserArgs),
    /// Let an account sign in again
    #[command(after_help = "\
Examples:
  voxgate users enable ann@example.org --config voxgate.toml")]
    Enable(OneUserArgs),
    /// Let an account operate the instance: see and change every workspace and account; or no more
    #[command(after_help = "\
Examples:
  voxgate users operator ann@example.org --config voxgate.toml
  voxgate users operator ann@example.org --remove --config voxgate.toml")]
    Operator {
        #[command(flatten)]
        user: OneUserArgs,
        /// It may operate the instance no more
        #[arg(long)]
        remove: bool,
    },
    /// Make a one-time link by which an account's owner chooses another password
    #[command(after_help = "\
Examples:
  voxgate users password-link ann@example.org --config voxgate.toml
  voxgate users password-link ann@example.org --json --server https://mp.example.org")]
    PasswordLink(OneUserArgs),
    /// Make a one-time link to the portal that makes an operator's account
    #[command(after_help = "\
Examples:
  voxgate users set-up-link --config voxgate.toml")]
    SetUpLink {
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// Delete an account, its memberships, and its name in the audit log
    #[command(after_help = "\
Examples:
  voxgate users delete ann@example.org --yes --config voxgate.toml")]
    Delete {
        #[command(flatten)]
        user: OneUserArgs,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateUserArgs {
    /// Its e-mail address
    #[arg(long)]
    pub(super) email: String,
    /// The workspace that it belongs to from the beginning
    #[arg(long, value_name = "WS", value_parser = parse_workspace)]
    pub(super) workspace: Option<WorkspaceId>,
    /// What it may do there: admin or member
    #[arg(long, default_value_t = Role::Member, requires = "workspace")]
    pub(super) role: Role,
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

#[derive(Debug, Args)]
pub(super) struct OneUserArgs {
    /// The account's e-mail address or id
    #[arg(value_name = "USER")]
    pub(super) who: Who,
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

pub(super) async fn run(command: UsersCommand) -> Result<(), Failure> {
    match command {
        UsersCommand::Create(arguments) => create(arguments).await,
        UsersCommand::List { instance } => {
            let answer = instance::call(&instance, AccountCall::List).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
            Ok(())
        }
        UsersCommand::Disable(OneUserArgs { who, instance }) => {
            let said = format!("{who} can't sign in any more");
            change(&instance, AccountCall::Disable { who }, &said).await
        }
        UsersCommand::Enable(OneUserArgs { who, instance }) => {
            let said = format!("{who} can sign in again");
            change(&instance, AccountCall::Enable { who }, &said).await
        }
        UsersCommand::Operator { user: OneUserArgs { who, instance }, remove } => {
            let said = if remove { "may operate the instance no more" } else { "may operate the instance" };
            let said = format!("{who} {said}");
            change(&instance, AccountCall::SetOperator { who, is_operator: !remove }, &said).await
        }
        UsersCommand::PasswordLink(OneUserArgs { who, instance }) => {
            let mut link = instance::call(&instance, AccountCall::PasswordLink { who: who.clone() }).await?;
            address(&mut link, &instance)?;
            if instance.json {
                return output::say_json(&link);
            }
            say_link(&link, &format!("lets {who} choose another password"));
            Ok(())
        }
        UsersCommand::SetUpLink { instance } => set_up_link(&instance).await,
        UsersCommand::Delete { user: OneUserArgs { who, instance }, confirmation } => {
            confirmation.needed(&format!("deleting {who} can't be undone"))?;
            let said = format!("deleted {who}");
            change(&instance, AccountCall::Delete { who }, &said).await
        }
    }
}

async fn create(arguments: CreateUserArgs) -> Result<(), Failure> {
    let CreateUserArgs { email, workspace, role, instance } = arguments;
    let membership = workspace.map(|workspace| (workspace, role));
    let mut answer = instance::call(&instance, AccountCall::Create { email, membership }).await?;
    address(&mut answer["password_link"], &instance)?;
    if instance.json {
        return output::say_json(&answer);
    }
    output::remark(&format!("made the account {}", output::cell(&answer["account_id"])));
    say_link(&answer["password_link"], "lets its owner choose a password");
    Ok(())
}

async fn set_up_link(instance: &InstanceArgs) -> Result<(), Failure> {
    let mut link = instance::call(instance, AccountCall::SetUpLink).await?;
    address(&mut link, instance)?;
    if instance.json {
        return output::say_json(&link);
    }
    say_link(&link, "makes an operator's account");
    Ok(())
}

/// Where no server runs, the configuration says where its portal will be.
fn address(link: &mut Value, instance: &InstanceArgs) -> Result<(), Failure> {
    if let (true, Some(config)) = (link["url"].is_null(), &instance.config) {
        let settings = instance::settings(config)?;
        let path = link["path"].as_str().unwrap_or_default();
        link["url"] = Value::String(serve::portal_address(&settings, path));
    }
    Ok(())
}

/// The link alone goes to standard output, so that a script can take it.
fn say_link(link: &Value, what: &str) {
    let what = output::harmless(what);
    match link["url"].as_str() {
        Some(url) => {
            output::remark(&format!("this link {what}; it works once, for a day:"));
            output::say(url);
        }
        None => {
            output::remark(&format!("this path at the portal's address {what}; it works once, for a day:"));
            output::say(link["path"].as_str().unwrap_or_default());
        }
    }
}

async fn change(instance: &InstanceArgs, call: AccountCall, said: &str) -> Result<(), Failure> {
    let answer = instance::call(instance, call).await?;
    if instance.json {
        return output::say_json(&answer);
    }
    output::say(&output::harmless(said));
    Ok(())
}
