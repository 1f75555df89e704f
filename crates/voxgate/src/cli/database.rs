//! An instance's database, only read: its server may run meanwhile.

use control::ControlConfig;
use storage::Store;

use super::Failure;

/// Opens the database of an instance for reading alone.
pub(super) async fn open_read_only(config: &ControlConfig) -> Result<Store, Failure> {
    let place = config.database_place();
    if place.file().is_some_and(|file| !file.exists()) {
        return Err(Failure(format!(
            "there is no database {place}: give the data folder of the instance with --data-dir, or its file with --config"
        )));
    }
    Store::open_read_only(&place).await.map_err(|error| Failure::from_error(&error))
}
