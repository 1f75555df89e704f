//! `voxgate backup` and `voxgate restore`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use control::{ControlConfig, MasterKeySource};
use credentials::MasterKey;
use domain::{Clock as _, Region, SystemClock, SystemRng};
use serde_json::json;

use super::progress::Progress;
use super::{Failure, environment, input, instance, output};
use crate::backup::{Backup, Former, Header, Sources, Target, Watch, make, restore};
use crate::databases::LedgerPlaces;
use crate::folder::{DataFolder, LOCK_FILE};
use crate::serve;

#[derive(Debug, Args)]
#[command(after_help = "\
The server may run meanwhile. The file holds everything but the master key: keep that elsewhere, and both safe.

Examples:
  voxgate backup /backups --config voxgate.toml
  voxgate backup monday.backup --data-dir ./try")]
pub(super) struct BackupArgs {
    /// The file to write, or a folder that gets a file named after the time
    #[arg(value_name = "FILE|DIR")]
    file: PathBuf,
    #[command(flatten)]
    place: LocalArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An instance on this machine.
#[derive(Debug, Args)]
struct LocalArgs {
    /// The instance's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config", required_unless_present = "config")]
    data_dir: Option<PathBuf>,
    /// The instance's configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A restore makes the instance anew, in an empty data folder or database. It revives nothing that was revoked after the backup
was made: that is read from the former data folder, which should be moved aside and named with --former. Where nothing is
left of it, --former-lost says what becomes of the keys: revoke-all revokes every API key and management token of the backup,
keep-all lets all of them work again. In every case temporary keys that were minted before are dead.

Examples:
  mv /var/lib/voxgate /var/lib/voxgate.former
  voxgate restore monday.backup --config voxgate.toml --former /var/lib/voxgate.former --master-key-file master.key
  voxgate restore monday.backup --data-dir ./new --former-lost revoke-all --master-key-file - < master.key")]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: LocalArgs,
    /// The file of the master key that the instance had; - reads it from standard input. Without this, it is where the
    /// configuration says, or asked for
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// The data folder of the instance before the restore
    #[arg(long, value_name = "DIR", conflicts_with = "former_lost")]
    former: Option<PathBuf>,
    /// The configuration file of the instance before the restore, where its database isn't in its data folder
    #[arg(long, value_name = "FILE", requires = "former")]
    former_config: Option<PathBuf>,
    /// Nothing is left of the instance: what becomes of the keys
    #[arg(long, value_name = "WHAT")]
    former_lost: Option<FormerLost>,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What becomes of API keys and management tokens where nobody knows which of them were revoked since.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormerLost {
    /// All are revoked
    RevokeAll,
    /// All work again
    KeepAll,
}

/// An instance on this machine: where everything of it is.
struct Local {
    control: ControlConfig,
    ledgers: LedgerPlaces,
}

fn local(data_dir: Option<&Path>, config: Option<&Path>) -> Result<Local, Failure> {
    if let (None, Some(config)) = (data_dir, config) {
        let settings = instance::settings(config)?;
        let failed = |error| Failure::from_error(&error);
        return Ok(Local {
            control: serve::control_config(&settings, &environment).map_err(failed)?,
            ledgers: serve::ledger_places(&settings, &environment).map_err(failed)?,
        });
    }
    let control = instance::place(data_dir, config)?.control;
    Ok(Local { control, ledgers: LedgerPlaces::default() })
}

pub(super) async fn backup(arguments: BackupArgs) -> Result<(), Failure> {
    let Local { control, ledgers } =
        local(arguments.place.data_dir.as_deref(), arguments.place.config.as_deref())?;
    let now = SystemClock.now();
    let path = if arguments.file.is_dir() {
        let time = now.to_string().replace([':', '.'], "-");
        arguments.file.join(format!("voxgate-{time}.backup"))
    } else {
        arguments.file
    };
    let place = |region: &Region| (*region, ledgers.of(*region, &control.data_dir));
    let sources =
        Sources { control: control.database_place(), ledgers: Region::ALL.iter().map(place).collect() };
    let progress = Progress::start("backing up", Some(0));
    let watch = Watch { total: &|rows| progress.set_total(rows), advance: &|rows| progress.advance(rows) };
    let made = make(&sources, &path, now, &watch).await;
    progress.finish();
    let made = made.map_err(|error| Failure::from_error(&error))?;
    if arguments.json {
        return output::say_json(&json!({
            "file": made.path, "bytes": made.bytes, "rows": made.header.rows(),
            "api_keys": made.header.rows_of("api_keys"), "made_at": made.header.made_at.to_string(),
            "instance": made.header.instance, "revision": made.header.revision,
        }));
    }
    output::say(&format!(
        "{}: {} rows, {} API keys among them. The master key isn't in it: keep a copy of it elsewhere.",
        made.path.display(),
        made.header.rows(),
        made.header.rows_of("api_keys"),
    ));
    Ok(())
}

pub(super) async fn restore_backup(arguments: RestoreArgs) -> Result<(), Failure> {
    let failed = |error: crate::backup::BackupError| Failure::from_error(&error);
    let Local { control, ledgers } =
        local(arguments.place.data_dir.as_deref(), arguments.place.config.as_deref())?;
    refuse_filled(&control.data_dir)?;
    let backup = Backup::open(&arguments.file).map_err(failed)?;
    let former = former(&arguments)?;
    let master_key = master_key(arguments.master_key_file.as_deref(), &control).await?;
    if !backup.is_master_key(&master_key) {
        return Err(Failure(
            "this is not the master key of the backup's instance: give the one that it had when the backup was made; \
             another one opens none of its signing keys"
                .to_owned(),
        ));
    }
    confirm(&arguments, backup.header(), &former, &control.data_dir)?;
    // Held until the end: no server starts meanwhile.
    let _folder = DataFolder::open(&control.data_dir).map_err(|error| Failure::from_error(&error))?;
    let target = Target {
        data_dir: control.data_dir.clone(),
        control: control.database_place(),
        ledgers,
        keeps_master_key: matches!(control.master_key, MasterKeySource::Folder),
        algorithm: control.algorithm,
    };
    let progress = Progress::start("restoring", Some(0));
    let watch = Watch { total: &|rows| progress.set_total(rows), advance: &|rows| progress.advance(rows) };
    let moment = (SystemClock.now(), &SystemRng as &dyn domain::Rng);
    let restored = restore(backup, &target, &former, &master_key, moment, &watch).await;
    progress.finish();
    let restored = restored.map_err(failed)?;
    let carried = restored.carried_over;
    if arguments.json {
        return output::say_json(&json!({
            "data_dir": control.data_dir, "rows": restored.header.rows(),
            "made_at": restored.header.made_at.to_string(),
            "carried_over": {"api_keys": carried.api_keys, "management_tokens": carried.management_tokens,
                "others": carried.others},
        }));
    }
    output::say(&format!(
        "Restored as of {}. Ended or changed since, and so here: {} API keys, {} management tokens, {} other rows. \
         Temporary keys that were minted before are dead.",
        restored.header.made_at, carried.api_keys, carried.management_tokens, carried.others
    ));
    Ok(())
}

/// A restore overwrites nothing.
fn refuse_filled(data_dir: &Path) -> Result<(), Failure> {
    // A restore that was refused leaves its lock.
    let mut entries = std::fs::read_dir(data_dir).into_iter().flatten().flatten();
    let is_filled = entries.any(|entry| entry.file_name() != LOCK_FILE);
    if is_filled {
        return Err(Failure::from_error(&crate::backup::BackupError::NotEmpty(data_dir.to_owned())));
    }
    Ok(())
}

fn former(arguments: &RestoreArgs) -> Result<Former, Failure> {
    match (&arguments.former, arguments.former_lost) {
        (Some(data_dir), _) => {
            let control = match &arguments.former_config {
                Some(config) => local(None, Some(config))?.control.database_place(),
                None => ControlConfig::in_folder(data_dir).database_place(),
            };
            Ok(Former::At { data_dir: data_dir.clone(), control })
        }
        (None, Some(FormerLost::RevokeAll)) => Ok(Former::LostRevokeAll),
        (None, Some(FormerLost::KeepAll)) => Ok(Former::LostKeepAll),
        (None, None) => Err(Failure(
            "what was revoked after the backup was made must stay revoked: give the former data folder with --former. \
             Where nothing is left of it, say --former-lost revoke-all (every API key and management token is revoked, and \
             new ones have to be made) or --former-lost keep-all (all of them work again, also those that were revoked since)"
                .to_owned(),
        )),
    }
}

async fn master_key(file: Option<&Path>, control: &ControlConfig) -> Result<MasterKey, Failure> {
    let source = match file {
        Some(path) if path == Path::new("-") => MasterKeySource::Text(input::credential()?),
        Some(path) => MasterKeySource::File(path.to_owned()),
        None => match &control.master_key {
            MasterKeySource::Folder if io::stdin().is_terminal() => {
                MasterKeySource::Text(input::secret("Master key of the instance: ").await?)
            }
            MasterKeySource::Folder => {
                return Err(Failure(
                    "a backup doesn't hold the master key: give its file with --master-key-file, or send it on standard \
                     input with --master-key-file -"
                        .to_owned(),
                ));
            }
            configured => configured.clone(),
        },
    };
    control::read_master_key(&source, &control.data_dir).await.map_err(|error| Failure::from_error(&error))
}

fn confirm(
    arguments: &RestoreArgs,
    header: &Header,
    former: &Former,
    data_dir: &Path,
) -> Result<(), Failure> {
    if arguments.yes {
        return Ok(());
    }
    let since = match former {
        Former::At { data_dir, .. } => {
            format!("What was revoked, deleted or narrowed since is taken from {}.", data_dir.display())
        }
        Former::LostRevokeAll => "Every API key and management token in it will be revoked.".to_owned(),
        Former::LostKeepAll => {
            "EVERY KEY IN IT WILL WORK AGAIN, ALSO THOSE THAT WERE REVOKED SINCE.".to_owned()
        }
    };
    output::remark(&format!(
        "{} was made at {} by version {}: {} rows, {} API keys.\nIt will be restored into {}. {since}\nTemporary keys that \
         were minted before will be dead.",
        arguments.file.display(),
        header.made_at,
        header.version,
        header.rows(),
        header.rows_of("api_keys"),
        data_dir.display(),
    ));
    if !io::stdin().is_terminal() {
        return Err(Failure(
            "nobody is there to say yes: look at the lines above, and give --yes".to_owned(),
        ));
    }
    match input::answer("Go on? Type yes: ")?.trim() {
        "yes" => Ok(()),
        _ => Err(Failure("nothing was done".to_owned())),
    }
}
