//! `voxgate users`: accounts, for instances without a portal.

use clap::{Args, Subcommand};
use domain::{Rng as _, Role, SystemRng, WorkspaceId};
use serde_json::Value;
use zeroize::Zeroizing;

use super::args::{Confirmation, InstanceArgs, StandardInput, parse_workspace};
use super::{Failure, input, instance, output};
use crate::operator::{AccountCall, Who};
use crate::serve;

const COLUMNS: [&str; 4] = ["account_id", "email", "state", "created_at"];
/// Random bytes of a password that is made here: 144 bits, written as 24 characters.
const PASSWORD_BYTES: usize = 18;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate users create --email ann@example.org --workspace ws_… --role admin --config voxgate.toml
  voxgate users list --config voxgate.toml
  voxgate users password ann@example.org --password - --config voxgate.toml
  voxgate users disable ann@example.org --config voxgate.toml")]
pub(super) enum UsersCommand {
    /// Make an account; without --password a password is made, and shown once
    #[command(after_help = "\
Examples:
  voxgate users create --email ann@example.org --config voxgate.toml
  voxgate users create --email ann@example.org --workspace ws_… --role admin --password - --config voxgate.toml")]
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
    /// Give an account another password; without --password one is made, and shown once
    #[command(after_help = "\
Examples:
  voxgate users password ann@example.org --config voxgate.toml
  voxgate users password ann@example.org --password - --config voxgate.toml")]
    Password {
        #[command(flatten)]
        user: OneUserArgs,
        /// \"-\" asks for the password at the terminal, or reads it from standard input
        #[arg(long, value_name = "-")]
        password: Option<StandardInput>,
    },
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
    /// "-" asks for the password at the terminal, or reads it from standard input
    #[arg(long, value_name = "-")]
    pub(super) password: Option<StandardInput>,
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
        UsersCommand::Password { user: OneUserArgs { who, instance }, password } => {
            let chosen = Password::get(password, &instance).await?;
            let call = AccountCall::SetPassword { who: who.clone(), password: chosen.text.to_string() };
            let answer = instance::call(&instance, call).await?;
            chosen.show(answer, &instance, &format!("{who} has another password"))
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
    let CreateUserArgs { email, workspace, role, password, instance } = arguments;
    let chosen = Password::get(password, &instance).await?;
    let membership = workspace.map(|workspace| (workspace, role));
    let call = AccountCall::Create { email, password: chosen.text.to_string(), membership };
    let answer = instance::call(&instance, call).await?;
    let said = format!("made the account {}", output::cell(&answer["account_id"]));
    chosen.show(answer, &instance, &said)
}

/// The link alone goes to standard output. Where no server runs, the configuration says where its portal will be.
async fn set_up_link(instance: &InstanceArgs) -> Result<(), Failure> {
    let mut answer = instance::call(instance, AccountCall::SetUpLink).await?;
    if let (true, Some(config)) = (answer["url"].is_null(), &instance.config) {
        let settings = instance::settings(config)?;
        let path = answer["path"].as_str().unwrap_or_default().to_owned();
        answer["url"] = Value::String(serve::portal_address(&settings, &path));
    }
    if instance.json {
        return output::say_json(&answer);
    }
    match answer["url"].as_str() {
        Some(url) => {
            output::remark("open this link to make an operator's account; it works once, for a day:");
            output::say(url);
        }
        None => {
            output::remark(
                "open this path at the portal's address to make an operator's account; it works once, for a day:",
            );
            output::say(answer["path"].as_str().unwrap_or_default());
        }
    }
    Ok(())
}

async fn change(instance: &InstanceArgs, call: AccountCall, said: &str) -> Result<(), Failure> {
    let answer = instance::call(instance, call).await?;
    if instance.json {
        return output::say_json(&answer);
    }
    output::say(&output::harmless(said));
    Ok(())
}

/// A password, and whether it was made here.
struct Password {
    text: Zeroizing<String>,
    is_made: bool,
}

impl Password {
    async fn get(asked: Option<StandardInput>, instance: &InstanceArgs) -> Result<Self, Failure> {
        if asked.is_none() {
            return Ok(Self { text: made(), is_made: true });
        }
        if instance.token.is_some() {
            return Err(Failure(
                "standard input can hold one secret: set VOXGATE_MANAGEMENT_TOKEN, and leave --token out"
                    .to_owned(),
            ));
        }
        Ok(Self { text: input::new_password().await?, is_made: false })
    }

    /// Tells what was done, and a password that was made here: this once.
    fn show(self, mut answer: Value, instance: &InstanceArgs, said: &str) -> Result<(), Failure> {
        if instance.json {
            if self.is_made {
                answer["password"] = Value::String(self.text.to_string());
            }
            return output::say_json(&answer);
        }
        if !self.is_made {
            output::say(&output::harmless(said));
            return Ok(());
        }
        // The password alone goes to standard output, so that a script can take it.
        output::remark(&format!("{}; this is the password, shown this once:", output::harmless(said)));
        output::say(&self.text);
        Ok(())
    }
}

fn made() -> Zeroizing<String> {
    use base64::Engine as _;
    let mut bytes = Zeroizing::new([0; PASSWORD_BYTES]);
    SystemRng.fill(bytes.as_mut_slice());
    Zeroizing::new(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}
