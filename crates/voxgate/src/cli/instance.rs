//! Finding the instance that a command speaks to, and the way to it.

use std::path::Path;

use control::ControlConfig;
use serde_json::Value;
use zeroize::Zeroizing;

use super::args::InstanceArgs;
use super::{Failure, environment, input};
use crate::config::{Loaded, Settings, load};
use crate::operator::{self, Call, CallError, Line, Place};
use crate::remote::{Remote, ServerUrl};
use crate::serve;

/// The management token for `--server`, where it isn't sent on standard input.
const TOKEN_VARIABLE: &str = "VOXGATE_MANAGEMENT_TOKEN";

/// Runs a call on an instance: over the network, over its server's socket, or on its database under the lock.
pub(super) async fn call(instance: &InstanceArgs, call: impl Into<Call>) -> Result<Value, Failure> {
    Way::find(instance)?.call(call).await
}

/// The way to an instance, for calls that are made again and again: a token on standard input is read once.
pub(super) enum Way<'a> {
    /// Over the network.
    Remote(Box<Remote>),
    /// To this machine.
    Local(&'a InstanceArgs),
}

impl<'a> Way<'a> {
    /// Finds it.
    pub(super) fn find(instance: &'a InstanceArgs) -> Result<Self, Failure> {
        match &instance.server {
            Some(server) => Ok(Self::Remote(Box::new(remote(instance, server)?))),
            None => Ok(Self::Local(instance)),
        }
    }

    /// Runs a call.
    pub(super) async fn call(&self, call: impl Into<Call>) -> Result<Value, Failure> {
        let told = |CallError(why)| Failure(why);
        match self {
            Self::Remote(remote) => remote.execute(call.into()).await.map_err(told),
            Self::Local(instance) => {
                let place = place(instance.data_dir.as_deref(), instance.config.as_deref())?;
                operator::run(place, call.into()).await.map_err(told)
            }
        }
    }
}

/// A way to an instance for several calls: over its server's socket, or to its database under the lock.
pub(super) async fn line(instance: &InstanceArgs) -> Result<Line, Failure> {
    if instance.server.is_some() {
        return Err(Failure(
            "this can't be done with --server: run it on the server's machine with --data-dir or --config"
                .to_owned(),
        ));
    }
    let place = place(instance.data_dir.as_deref(), instance.config.as_deref())?;
    Line::open(place).await.map_err(|CallError(why)| Failure(why))
}

fn remote(instance: &InstanceArgs, server: &ServerUrl) -> Result<Remote, Failure> {
    let token = match instance.token {
        Some(_) => Some(input::credential()?),
        None => environment(TOKEN_VARIABLE).filter(|token| !token.is_empty()).map(Zeroizing::new),
    };
    Remote::new(server.clone(), token, instance.ca_file.as_deref()).map_err(|CallError(why)| Failure(why))
}

/// The instance that a data folder or a configuration file names.
pub(super) fn place(data_dir: Option<&Path>, config: Option<&Path>) -> Result<Place, Failure> {
    let control = match (data_dir, config) {
        (Some(path), _) => ControlConfig::in_folder(path),
        (None, Some(path)) => {
            let settings = settings(path)?;
            serve::control_config(&settings, &environment).map_err(|error| Failure::from_error(&error))?
        }
        (None, None) => {
            return Err(Failure(
                "which instance? Give its data folder with --data-dir, or its file with --config".to_owned(),
            ));
        }
    };
    Ok(Place { control })
}

/// Reads a configuration file that must be without mistakes.
pub(super) fn settings(path: &Path) -> Result<Settings, Failure> {
    loaded(path).map(|loaded| loaded.settings)
}

/// The text of a configuration file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{} can't be read: {error}", path.display())))
}

/// Reads a configuration file, or tells everything that is wrong with it.
pub(super) fn loaded(path: &Path) -> Result<Loaded, Failure> {
    load(&read(path)?).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Failure(format!("{} has {} to correct:\n{}", path.display(), count(problems.len()), lines.join("\n")))
    })
}

fn count(problems: usize) -> String {
    if problems == 1 { "one mistake".to_owned() } else { format!("{problems} mistakes") }
}
