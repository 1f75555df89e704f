//! Where the databases of an instance are.

use std::collections::BTreeMap;
use std::path::Path;

use domain::Region;
use sql::DbPlace;

/// The folder of ledgers in the data folder.
pub(crate) const LEDGER_FOLDER: &str = "ledger";

/// The ledgers that are not where they are unless told otherwise: in files of the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerPlaces(pub BTreeMap<Region, DbPlace>);

impl LedgerPlaces {
    /// Where a region's ledger is.
    pub fn of(&self, region: Region, data_dir: &Path) -> DbPlace {
        let in_folder = || DbPlace::File(data_dir.join(LEDGER_FOLDER).join(format!("{region}.db")));
        self.0.get(&region).cloned().unwrap_or_else(in_folder)
    }
}
