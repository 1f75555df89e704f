//! Which database the instances of tests use: files of SQLite, or a PostgreSQL when the run is one for PostgreSQL.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use sql::DbPlace;
use testdb::TestDatabase;

/// The variable that says on which database instances run, where a test doesn't say it itself: `sqlite` or `postgres`.
const ENGINE_VARIABLE: &str = "VOXGATE_TEST_ENGINE";
/// The schemas of an instance: one for each region's ledger, beside the usual one.
const SCHEMAS: [&str; 5] = ["ledger_eu1", "ledger_us1", "ledger_au1", "ledger_eu2", "ledger_us2"];

/// Databases by the data folder of their instance, which finds its own again at the next start.
static DATABASES: LazyLock<Mutex<HashMap<PathBuf, TestDatabase>>> = LazyLock::new(Mutex::default);

/// A database for a whole instance.
///
/// # Panics
/// When there is no server.
pub fn instance_database() -> TestDatabase {
    TestDatabase::with_schemas(&SCHEMAS)
}

/// The place of a test's database.
///
/// # Panics
/// Never: these URLs are fine.
pub fn place_of(database: &TestDatabase) -> DbPlace {
    DbPlace::parse(&database.url()).expect("a test's URL is fine")
}

/// The URL of the database of the instance in this data folder, if this run is one for PostgreSQL.
pub(crate) fn url_for(data_dir: &Path) -> Option<String> {
    if !is_on_postgres() {
        return None;
    }
    let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    Some(databases.entry(data_dir.to_owned()).or_insert_with(instance_database).url())
}

/// Whether this run is one for PostgreSQL.
#[expect(clippy::disallowed_methods, reason = "tests are told by xtask which run this is")]
pub fn is_on_postgres() -> bool {
    std::env::var(ENGINE_VARIABLE).is_ok_and(|engine| engine == "postgres")
}
