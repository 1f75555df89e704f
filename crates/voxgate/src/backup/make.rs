//! Making a backup, while the server runs or not.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::link::Revision;
use domain::{Region, Timestamp};
use sql::{Cell, DbPlace, Dump, Table};
use storage::Store;

use super::format::{Header, Part, PartTable, Writer};
use super::{BackupError, Watch};

/// The control plane's part.
pub(super) const CONTROL: &str = "control";
/// How the ledgers' parts begin; the region follows.
pub(super) const LEDGER: &str = "ledger/";

/// The databases of an instance.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The control plane's.
    pub control: DbPlace,
    /// The ledgers; one whose file isn't there holds nothing.
    pub ledgers: Vec<(Region, DbPlace)>,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// What is in it.
    pub header: Header,
}

/// A database that is being read.
struct Open {
    dump: Dump,
    part: Part,
}

/// Writes a backup. The databases are read as of one moment each, the control plane's last: so it knows every project and every
/// key that a ledger speaks of.
///
/// # Errors
/// When a database can't be read, or the file can't be written or is there already.
pub async fn make(
    sources: &Sources,
    path: &Path,
    now: Timestamp,
    watch: &Watch<'_>,
) -> Result<Made, BackupError> {
    if sources.control.file().is_some_and(|file| !file.exists()) {
        return Err(BackupError::NoDatabase(sources.control.clone()));
    }
    let mut opened = Vec::new();
    for (region, place) in &sources.ledgers {
        if place.file().is_none_or(Path::exists) {
            let dump = ledger::dump(place).await.map_err(BackupError::ledger(*region))?;
            let tables = ledger::tables().map_err(BackupError::ledger(*region))?;
            opened.push(open(dump, format!("{LEDGER}{region}"), tables).await?);
        }
    }
    let store = Store::open_read_only(&sources.control).await?;
    opened.push(open(store.dump().await?, CONTROL.to_owned(), storage::tables()?).await?);
    // Whoever restores needs the control plane first.
    opened.reverse();
    let header = header(&opened, now).await?;
    (watch.total)(header.rows());
    let mut writer = Writer::create(path, &header)?;
    for open in &opened {
        for table in &open.part.tables {
            copy(&open.dump, table, &mut writer, watch).await?;
        }
    }
    let bytes = writer.finish()?;
    Ok(Made { path: path.to_owned(), bytes, header })
}

async fn open(dump: Dump, name: String, tables: Vec<Table>) -> Result<Open, BackupError> {
    let mut counted = Vec::new();
    for table in tables {
        counted.push(PartTable { rows: dump.count(&table).await?, table });
    }
    let part = Part { name, migrations: dump.migrations().to_vec(), tables: counted };
    Ok(Open { dump, part })
}

async fn header(opened: &[Open], now: Timestamp) -> Result<Header, BackupError> {
    let mut header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now,
        instance: String::new(),
        revision: Revision(0),
        sentinel: String::new(),
        parts: opened.iter().map(|open| open.part.clone()).collect(),
    };
    for Open { dump, part } in opened.iter().filter(|open| open.part.name == CONTROL) {
        for PartTable { table, .. } in &part.tables {
            let is_wanted = table.name == "instance" || table.name == "counters";
            let rows = if is_wanted { dump.rows_after(table, None).await? } else { Vec::new() };
            for (column, cell) in rows.iter().flat_map(|row| table.columns.iter().zip(row)) {
                match (table.name.as_str(), column.name.as_str(), cell) {
                    ("instance", "id", Cell::Text(id)) => header.instance.clone_from(id),
                    ("instance", "sentinel", Cell::Bytes(bytes)) => {
                        header.sentinel = BASE64_STANDARD.encode(bytes);
                    }
                    ("counters", "revision", Cell::Integer(number)) => {
                        header.revision = Revision(number.cast_unsigned());
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(header)
}

async fn copy(
    dump: &Dump,
    table: &PartTable,
    writer: &mut Writer,
    watch: &Watch<'_>,
) -> Result<(), BackupError> {
    let mut last: Option<Vec<Cell>> = None;
    loop {
        let mut rows = dump.rows_after(&table.table, last.as_deref()).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            writer.row(row)?;
        }
        (watch.advance)(rows.len() as u64);
        last = rows.pop();
    }
}
