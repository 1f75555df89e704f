//! A large instance: how long a backup, a restore and a cold start take.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use domain::{
    ApiKey, ApiKeyId, Area, AreaSet, Clock as _, KeyState, Networks, ProductSet, Rng as _, SecretHash,
    SystemClock, SystemRng,
};
use storage::{AuditAction, AuditEntry, DbPlace, Store};
use testdb::TestDatabase;

use crate::block_on;
use crate::process::Voxgate;

/// Keys in one change, as an import writes them.
const KEYS_PER_CHANGE: usize = 10_000;
/// The variable in which the program finds its database.
const DATABASE_VARIABLE: &str = "VOXGATE_BENCH_DATABASE_URL";
/// The schemas of an instance, one for each region's ledger.
const REGIONS: [&str; 5] = ["eu1", "us1", "au1", "eu2", "us2"];

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct DataOptions {
    /// API keys.
    #[arg(long, default_value_t = 1_000_000)]
    keys: usize,
    /// On PostgreSQL in place of SQLite: run it under cargo xtask postgres.
    #[arg(long)]
    postgres: bool,
    /// The program.
    #[arg(long, default_value = "target/dist/voxgate")]
    program: PathBuf,
}

/// One instance.
struct Home {
    folder: tempfile::TempDir,
    database: Option<TestDatabase>,
}

impl Home {
    fn make(postgres: bool) -> Result<Self, Box<dyn Error>> {
        let schemas = REGIONS.map(|region| format!("ledger_{region}"));
        let schemas = schemas.each_ref().map(String::as_str);
        let database = postgres.then(|| TestDatabase::with_schemas(&schemas));
        Ok(Self { folder: tempfile::tempdir()?, database })
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("voxgate")
    }

    fn place(&self) -> Result<DbPlace, Box<dyn Error>> {
        Ok(match &self.database {
            Some(database) => DbPlace::parse(&database.url())?,
            None => DbPlace::File(self.data_dir().join("voxgate.db")),
        })
    }

    fn config(&self) -> Result<PathBuf, Box<dyn Error>> {
        let mut text = format!("data_dir = \"{}\"\n", self.data_dir().display());
        if let Some(database) = &self.database {
            text.push_str(&format!("[database]\nurl = \"{}\"\n", database.url()));
            for region in REGIONS {
                let url = database.schema_url(&format!("ledger_{region}"));
                text.push_str(&format!("[regions.{region}]\nledger_url = \"{url}\"\n"));
            }
        }
        let path = self.folder.path().join("voxgate.toml");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Starts the program, waits until it is ready, and ends it; tells how long the start took, in seconds.
    fn start(&self, program: &Path) -> Result<f64, Box<dyn Error>> {
        let begun = Instant::now();
        let running = match &self.database {
            None => Voxgate::start(program, self.folder.path(), &[])?,
            Some(database) => Voxgate::start_with(
                program,
                self.folder.path(),
                &["--database-env", DATABASE_VARIABLE],
                &[(DATABASE_VARIABLE, &database.url())],
            )?,
        };
        let seconds = begun.elapsed().as_secs_f64();
        drop(running);
        Ok(seconds)
    }
}

/// Fills an instance, and measures.
pub(crate) fn run(options: &DataOptions) -> Result<(), Box<dyn Error>> {
    let home = Home::make(options.postgres)?;
    let engine = if options.postgres { "PostgreSQL" } else { "SQLite" };
    println!("{engine}, {} API keys", options.keys);
    println!("first start, empty       {:7.1} s", home.start(&options.program)?);
    let begun = Instant::now();
    block_on(fill(&home.place()?, options.keys))?;
    println!("filled                   {:7.1} s", begun.elapsed().as_secs_f64());
    println!("cold start               {:7.1} s", home.start(&options.program)?);

    let file = home.folder.path().join("day.backup");
    let config = home.config()?;
    let backup = ["backup".as_ref(), file.as_os_str(), "--config".as_ref(), config.as_os_str()];
    println!("backup                   {:7.1} s", timed(Command::new(&options.program).args(backup))?);
    println!("its size                 {:7.1} MB", std::fs::metadata(&file)?.len() as f64 / 1e6);

    let to = Home::make(options.postgres)?;
    let to_config = to.config()?;
    let mut restore = Command::new(&options.program);
    restore.arg("restore").arg(&file).args(["--yes", "--config"]).arg(&to_config);
    restore.arg("--former").arg(home.data_dir()).arg("--former-config").arg(&config);
    restore.arg("--master-key-file").arg(home.data_dir().join("master.key"));
    println!("restore                  {:7.1} s", timed(&mut restore)?);
    println!("cold start of it         {:7.1} s", to.start(&options.program)?);
    Ok(())
}

fn timed(command: &mut Command) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Adds keys that nobody has to the first project.
pub(crate) async fn fill(place: &DbPlace, keys: usize) -> Result<(), Box<dyn Error>> {
    let store = Store::open(place).await?;
    let workspace = store.list_workspaces().await?.into_iter().next().ok_or("dev makes a workspace")?;
    let project = store.list_projects(workspace.id).await?.into_iter().next().ok_or("and a project")?;
    let now = SystemClock.now();
    let mut left = keys;
    while left > 0 {
        let some = left.min(KEYS_PER_CHANGE);
        let made: Vec<ApiKey> = (0..some)
            .map(|_| {
                let mut hash = [0; 32];
                SystemRng.fill(&mut hash);
                ApiKey {
                    id: ApiKeyId::generate(now, &SystemRng),
                    hash: SecretHash::from_bytes(hash),
                    project_id: project.id,
                    workspace_id: workspace.id,
                    name: String::from("a key of the benchmark"),
                    hint: String::from("vgk_…abcd"),
                    created_by: None,
                    created_at: now,
                    expires_at: None,
                    last_used_at: None,
                    temporary_keys_last_used_at: None,
                    imported_at: Some(now),
                    areas: AreaSet::EMPTY.with(Area::Eu),
                    products: ProductSet::default_for_keys(),
                    networks: Networks::default(),
                    client_ref: None,
                    rotated_from: None,
                    state: KeyState::Active,
                }
            })
            .collect();
        let mut change = store.change().await?;
        change.insert_api_keys(&made).await?;
        let entry = AuditEntry {
            at: now,
            workspace_id: Some(workspace.id),
            actor: String::from("operator"),
            from: None,
            action: AuditAction::ApiKeyCreated,
            subject: workspace.id.to_string(),
            detail: String::new(),
            names: Vec::new(),
        };
        drop(change.publish(&entry).await?);
        left -= some;
    }
    store.close().await?;
    Ok(())
}
