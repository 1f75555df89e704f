//! `voxgate doctor`.

use std::path::PathBuf;

use clap::Args;
use domain::SystemClock;

use super::style::{Painter, Tone};
use super::{Failure, environment, instance, output};
use crate::doctor::{Deployment, Finding, Level, Report, examine};
use crate::remote::ServerUrl;

#[derive(Debug, Args)]
#[command(after_help = "\
It only looks: the database is opened for reading alone, also beside a running server. Exit code 1 means that something
failed, 0 that nothing did; warnings are told and don't count.

Examples:
  voxgate doctor --config voxgate.toml
  voxgate doctor --config voxgate.toml --server https://mp.example.org
  voxgate doctor --data-dir ./try --json")]
pub(super) struct DoctorArgs {
    /// The instance's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config", required_unless_present = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// The instance's configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where clients reach the management API, to look from outside too
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<ServerUrl>,
    /// Certificate authorities to trust for --server, beside the machine's (PEM)
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(super) ca_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(arguments: DoctorArgs) -> Result<(), Failure> {
    let settings = match &arguments.config {
        Some(path) => Some(instance::settings(path)?),
        None => None,
    };
    let place = instance::place(arguments.data_dir.as_deref(), arguments.config.as_deref())?;
    let deployment = Deployment {
        control: place.control,
        settings,
        config_file: arguments.config,
        server: arguments.server,
        ca_file: arguments.ca_file,
    };
    let examined = examine(&deployment, &SystemClock, &environment).await;
    let report = examined.map_err(|error| Failure::from_error(&error))?;
    if arguments.json {
        output::say_json(&report.to_json())?;
    } else {
        say_for_people(&report);
    }
    match report.count(Level::Failed) {
        0 => Ok(()),
        1 => Err(Failure("one check failed: see above what to do".to_owned())),
        many => Err(Failure(format!("{many} checks failed: see above what to do"))),
    }
}

fn say_for_people(report: &Report) {
    let painter = Painter::for_stdout();
    for Finding { about, level, says, remedy } in report.findings() {
        let tone = match level {
            Level::Ok => Tone::Good,
            Level::Warning => Tone::Doubtful,
            Level::Failed => Tone::Bad,
        };
        let word = painter.paint(&format!("{:7}", level.as_str()), tone);
        output::say(&format!("{word}  {about}: {}", output::harmless(says)));
        if let Some(remedy) = remedy {
            output::say(&format!("         → {}", output::harmless(remedy)));
        }
    }
    output::say(&format!(
        "{} ok, {} to look at, {} failed",
        report.count(Level::Ok),
        report.count(Level::Warning),
        report.count(Level::Failed)
    ));
}
