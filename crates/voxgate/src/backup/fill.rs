//! Filling tables from a backup.

use sql::{Cell, Table};

use super::format::{PartTable, Reader};
use super::{BackupError, Watch};

/// Rows that are read before they are written.
const ROWS_AT_ONCE: usize = 2_000;

/// What is filled: the control plane's database or a ledger.
pub(super) trait Fill {
    /// Empties a table that the migrations have put rows into.
    async fn clear(&self, table: &Table) -> Result<(), BackupError>;
    /// Adds rows.
    async fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), BackupError>;
}

impl Fill for storage::Restore {
    async fn clear(&self, table: &Table) -> Result<(), BackupError> {
        Ok(Self::clear(self, table).await?)
    }

    async fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), BackupError> {
        Ok(Self::insert(self, table, rows).await?)
    }
}

/// A region's ledger, for messages about it.
pub(super) struct LedgerFill<'a> {
    pub(super) region: domain::Region,
    pub(super) restore: &'a ledger::Restore,
}

impl Fill for LedgerFill<'_> {
    async fn clear(&self, table: &Table) -> Result<(), BackupError> {
        self.restore.clear(table).await.map_err(BackupError::ledger(self.region))
    }

    async fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), BackupError> {
        self.restore.insert(table, rows).await.map_err(BackupError::ledger(self.region))
    }
}

/// Fills tables with the rows that come next.
pub(super) async fn fill(
    reader: &mut Reader,
    tables: &[PartTable],
    to: &impl Fill,
    watch: &Watch<'_>,
) -> Result<(), BackupError> {
    for PartTable { table, rows } in tables {
        to.clear(table).await?;
        let mut left = *rows;
        while left > 0 {
            let some = usize::try_from(left).unwrap_or(usize::MAX).min(ROWS_AT_ONCE);
            let rows = (0..some).map(|_| reader.row(table)).collect::<Result<Vec<_>, _>>()?;
            to.insert(table, &rows).await?;
            left -= some as u64;
            (watch.advance)(some as u64);
        }
    }
    Ok(())
}
