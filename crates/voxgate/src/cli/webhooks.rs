//! `voxgate webhooks`.

use clap::Subcommand;
use domain::{WebhookEvent, WebhookId, WebhookMessageId};

use super::args::{Confirmation, WorkspaceArgs};
use super::{Failure, instance, output};
use crate::operator::WebhookCall;

const COLUMNS: [&str; 4] = ["webhook_id", "url", "events", "created_at"];
const MESSAGES: [&str; 6] = ["message_id", "event", "state", "attempts", "status", "next_try_at"];

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Messages are signed as Standard Webhooks has it: webhook-id, webhook-timestamp and webhook-signature.

Examples:
  voxgate webhooks create https://example.org/voxgate --config voxgate.toml
  voxgate webhooks list --config voxgate.toml
  voxgate webhooks log whk_… --config voxgate.toml")]
pub(super) enum WebhooksCommand {
    /// Have an address told of what happens; its secret is shown once
    #[command(after_help = "\
Examples:
  voxgate webhooks create https://example.org/voxgate --config voxgate.toml
  voxgate webhooks create https://example.org/voxgate --events api_key.revoked,api_key.leaked --config voxgate.toml")]
    Create {
        /// Where it is: https, on the public internet
        url: String,
        /// What it is told of: api_key.created, .rotated, .revoked, .expired, .leaked, session.started, .ended; all if left out
        #[arg(long, value_name = "EVENT", value_delimiter = ',')]
        events: Vec<WebhookEvent>,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// List the webhooks
    #[command(after_help = "\
Examples:
  voxgate webhooks list --config voxgate.toml")]
    List {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Give a webhook another secret, which is shown once
    #[command(after_help = "\
Examples:
  voxgate webhooks rotate whk_… --config voxgate.toml
  voxgate webhooks rotate whk_… --overlap-seconds 0 --config voxgate.toml")]
    Rotate {
        /// The webhook
        #[arg(value_parser = parse_webhook)]
        id: WebhookId,
        /// How long messages are signed with both secrets
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        overlap_seconds: u32,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Remove a webhook, with what was to be sent to it
    #[command(after_help = "\
Examples:
  voxgate webhooks remove whk_… --yes --config voxgate.toml")]
    Remove {
        /// The webhook
        #[arg(value_parser = parse_webhook)]
        id: WebhookId,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Show what was sent to a webhook, and what became of it
    #[command(after_help = "\
Examples:
  voxgate webhooks log whk_… --config voxgate.toml
  voxgate webhooks log whk_… --limit 100 --json --config voxgate.toml")]
    Log {
        /// The webhook
        #[arg(value_parser = parse_webhook)]
        id: WebhookId,
        /// At most so many messages, newest first
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Send a message again
    #[command(after_help = "\
Examples:
  voxgate webhooks resend whk_… msg_… --config voxgate.toml")]
    Resend {
        /// The webhook
        #[arg(value_parser = parse_webhook)]
        id: WebhookId,
        /// The message, as voxgate webhooks log shows it
        #[arg(value_parser = parse_message)]
        message: WebhookMessageId,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

pub(super) async fn run(command: WebhooksCommand) -> Result<(), Failure> {
    match command {
        WebhooksCommand::Create { url, events, place } => {
            let events = if events.is_empty() { WebhookEvent::ALL.to_vec() } else { events };
            let call = WebhookCall::Create { workspace: place.workspace, url, events };
            with_secret(&place, call, "made").await
        }
        WebhooksCommand::List { place } => {
            let call = WebhookCall::List { workspace: place.workspace };
            table(&place, call, &COLUMNS).await
        }
        WebhooksCommand::Rotate { id, overlap_seconds, place } => {
            let call = WebhookCall::Rotate { workspace: place.workspace, id, overlap_seconds };
            with_secret(&place, call, "rotated").await
        }
        WebhooksCommand::Remove { id, confirmation, place } => {
            confirmation.needed(&format!("removing {id} also drops what was to be sent to it"))?;
            let call = WebhookCall::Remove { workspace: place.workspace, id };
            done(&place, call, &format!("removed {id}")).await
        }
        WebhooksCommand::Log { id, limit, place } => {
            let call = WebhookCall::Messages { workspace: place.workspace, id, limit };
            table(&place, call, &MESSAGES).await
        }
        WebhooksCommand::Resend { id, message, place } => {
            let call = WebhookCall::Resend { workspace: place.workspace, id, message };
            done(&place, call, &format!("sending {message} again")).await
        }
    }
}

async fn with_secret(place: &WorkspaceArgs, call: WebhookCall, what: &str) -> Result<(), Failure> {
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::remark(&format!(
        "{what} {}; its secret, which is shown only now:",
        output::cell(&answer["webhook_id"])
    ));
    output::say(&output::cell(&answer["secret"]));
    Ok(())
}

async fn table(place: &WorkspaceArgs, call: WebhookCall, columns: &[&str]) -> Result<(), Failure> {
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say_table(&answer, columns);
    Ok(())
}

async fn done(place: &WorkspaceArgs, call: WebhookCall, said: &str) -> Result<(), Failure> {
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say(said);
    Ok(())
}

fn parse_webhook(text: &str) -> Result<WebhookId, String> {
    WebhookId::parse(text).ok_or_else(|| {
        "expected a webhook's id (whk_ and 26 characters): voxgate webhooks list shows it".to_owned()
    })
}

fn parse_message(text: &str) -> Result<WebhookMessageId, String> {
    WebhookMessageId::parse(text).ok_or_else(|| {
        "expected a message's id (msg_ and 26 characters): voxgate webhooks log shows it".to_owned()
    })
}
