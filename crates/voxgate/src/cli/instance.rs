//! Finding the instance that a command speaks to.

use std::path::Path;

use control::ControlConfig;
use serde_json::Value;

use super::args::InstanceArgs;
use super::{Failure, environment};
use crate::config::{Loaded, Settings, load};
use crate::operator::{self, Call, Place};
use crate::serve;

/// Runs a call on an instance.
pub(super) async fn call(instance: &InstanceArgs, call: impl Into<Call>) -> Result<Value, Failure> {
    let place = place(instance.data_dir.as_deref(), instance.config.as_deref())?;
    operator::run(place, call.into()).await.map_err(|error| Failure(error.0))
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

/// Reads a configuration file, or tells everything that is wrong with it.
pub(super) fn loaded(path: &Path) -> Result<Loaded, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{} can't be read: {error}", path.display())))?;
    load(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Failure(format!("{} has {} to correct:\n{}", path.display(), count(problems.len()), lines.join("\n")))
    })
}

fn count(problems: usize) -> String {
    if problems == 1 { "one mistake".to_owned() } else { format!("{problems} mistakes") }
}
