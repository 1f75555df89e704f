//! `voxgate sessions`.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use domain::link::SessionFilter;
use domain::{ApiKeyId, ClientRef, ProjectId, Region, SessionId};
use serde_json::{Value, json};

use super::args::{WorkspaceArgs, parse_client_ref, parse_project};
use super::keys::parse_key;
use super::{Failure, instance, output};
use crate::operator::SessionCall;

const COLUMNS: [&str; 6] = ["session_id", "started_at", "region", "audio_seconds", "client_ref", "peer"];
/// How often what is open is asked for while watching.
const WATCH_SECONDS: u64 = 1;
/// The longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = domain::limits::NAME_CHARACTERS_MAX;
/// What the client is told where nobody says why.
const UNTOLD: &str = "An operator ended the session.";

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate sessions list --config voxgate.toml
  voxgate sessions end ses_… --reason 'maintenance at noon' --config voxgate.toml
  voxgate sessions watch --client-ref USER123 --config voxgate.toml")]
pub(super) enum SessionsCommand {
    /// List the realtime sessions that are open now; the server must run
    #[command(after_help = "\
Examples:
  voxgate sessions list --config voxgate.toml
  voxgate sessions list --client-ref USER123 --json --server https://mp.example.org")]
    List {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// End a session; its client is told why
    #[command(after_help = "\
Examples:
  voxgate sessions end ses_… --reason 'maintenance at noon' --config voxgate.toml")]
    End {
        /// The session's id, as voxgate sessions list shows it
        #[arg(value_parser = parse_session)]
        id: SessionId,
        /// Why: its client is told
        #[arg(long, value_name = "TEXT", default_value = UNTOLD, value_parser = parse_reason)]
        reason: String,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Show what is open, and what opens and closes from now on, until it is interrupted; with --json one event a line
    #[command(after_help = "\
Examples:
  voxgate sessions watch --config voxgate.toml
  voxgate sessions watch --region eu1 --json --server https://mp.example.org")]
    Watch {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only this project's
    #[arg(long, value_name = "ID", value_parser = parse_project)]
    project: Option<ProjectId>,
    /// Only those of this API key, and of what it minted
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    key: Option<ApiKeyId>,
    /// Only this end user's
    #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
    client_ref: Option<ClientRef>,
    /// Only those in this region: eu1, us1, au1, eu2 or us2
    #[arg(long)]
    region: Option<Region>,
}

impl FilterArgs {
    /// The same as a filter.
    pub(super) fn filter(self) -> SessionFilter {
        SessionFilter {
            workspace_id: None,
            session_id: None,
            project_id: self.project,
            api_key_id: self.key,
            client_ref: self.client_ref,
            region: self.region,
        }
    }
}

pub(super) async fn run(command: SessionsCommand) -> Result<(), Failure> {
    match command {
        SessionsCommand::List { filter, place } => {
            let call = SessionCall::List { workspace: place.workspace, filter: filter.filter() };
            let answer = instance::call(&place.instance, call).await?;
            say_missing(&answer);
            if place.instance.json {
                return output::say_json(&answer["sessions"]);
            }
            output::say_table(&answer["sessions"], &COLUMNS);
            Ok(())
        }
        SessionsCommand::End { id, reason, place } => {
            let call = SessionCall::End { workspace: place.workspace, id, reason };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("ended {id}"));
            Ok(())
        }
        SessionsCommand::Watch { filter, place } => watch(filter.filter(), &place).await,
    }
}

fn say_missing(answer: &Value) {
    if answer["pending"].as_array().is_some_and(|pending| !pending.is_empty()) {
        output::remark(&format!(
            "these gateways didn't answer, so their sessions are missing: {}",
            output::cell(&answer["pending"])
        ));
    }
}

/// Asks again and again; ends when it is interrupted, or when the instance can't be asked any more.
async fn watch(filter: SessionFilter, place: &WorkspaceArgs) -> Result<(), Failure> {
    let way = instance::Way::find(&place.instance)?;
    let mut open: BTreeMap<String, Value> = BTreeMap::new();
    loop {
        let call = SessionCall::List { workspace: place.workspace, filter: filter.clone() };
        let answer = way.call(call).await?;
        let now = by_id(&answer["sessions"]);
        for (id, session) in &now {
            if !open.contains_key(id) {
                say_event("opened", session, place.instance.json);
            }
        }
        // A gateway that didn't answer says nothing about its sessions.
        let is_whole = answer["pending"].as_array().is_none_or(Vec::is_empty);
        if is_whole {
            for (id, session) in &open {
                if !now.contains_key(id) {
                    say_event("closed", session, place.instance.json);
                }
            }
            open.clear();
        }
        open.extend(now);
        tokio::time::sleep(Duration::from_secs(WATCH_SECONDS)).await;
    }
}

fn by_id(sessions: &Value) -> BTreeMap<String, Value> {
    let sessions = sessions.as_array().into_iter().flatten();
    sessions.map(|session| (output::cell(&session["session_id"]), session.clone())).collect()
}

/// One event a line; of a closed session what was last known of it.
fn say_event(event: &str, session: &Value, is_json: bool) {
    if is_json {
        return output::say(&json!({"event": event, "session": session}).to_string());
    }
    let cells: Vec<String> = COLUMNS.iter().map(|column| output::shown(column, &session[*column])).collect();
    output::say(&format!("{event}  {}", cells.join("  ")));
}

fn parse_session(text: &str) -> Result<SessionId, String> {
    SessionId::parse(text).ok_or_else(|| {
        "expected a session's id (ses_ and 26 characters): voxgate sessions list shows it".to_owned()
    })
}

fn parse_reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("expected a line of text: the client is shown it".to_owned());
    }
    if text.chars().count() > REASON_CHARACTERS_MAX {
        return Err(format!("too long: at most {REASON_CHARACTERS_MAX} characters"));
    }
    Ok(text.to_owned())
}
