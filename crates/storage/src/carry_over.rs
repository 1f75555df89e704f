//! A restore never revives what ended after the backup was made: where the former database can still be read, whatever ended
//! or was narrowed there is so in the restored one too.

use std::cmp::Ordering;

use domain::Timestamp;
use domain::link::{Change, Revision};
use sql::{Cell, Dump, Table};

use crate::StoreError;
use crate::backup::{Restore, tables};
use crate::rows::revision_column;

/// What a table's rows take from the rows of the same key in the former database, and what becomes of those which that one
/// doesn't have any more.
struct Rule {
    table: &'static str,
    /// Columns that are taken.
    taken: &'static [&'static str],
    gone: Gone,
    /// Whether rows that only the former database has are added.
    adds: bool,
}

/// What becomes of a row that the former database doesn't have any more.
enum Gone {
    /// It goes here too.
    Deleted,
    /// Its time ends now.
    Ended { at: &'static str, revision: Option<&'static str> },
}

const RULES: [Rule; 13] = [
    Rule {
        table: "api_keys",
        taken: &["revoked_at", "expires_at", "areas", "products", "networks", "client_ref"],
        gone: Gone::Ended { at: "revoked_at", revision: None },
        adds: false,
    },
    Rule {
        table: "management_tokens",
        taken: &["revoked_at", "permissions"],
        gone: Gone::Ended { at: "revoked_at", revision: None },
        adds: false,
    },
    Rule {
        table: "accounts",
        taken: &["email", "email_key", "email_verified_at", "password_hash", "disabled_at", "is_operator"],
        gone: Gone::Deleted,
        adds: false,
    },
    Rule { table: "memberships", taken: &["role"], gone: Gone::Deleted, adds: false },
    // A factor that was added since stays asked for. One that was removed, or a code that was used, opens nothing again.
    Rule {
        table: "totp",
        taken: &["created_at", "sealed_secret", "last_step", "failures", "guesses_due"],
        gone: Gone::Deleted,
        adds: true,
    },
    Rule { table: "recovery_codes", taken: &["used_at"], gone: Gone::Deleted, adds: true },
    Rule { table: "passkeys", taken: &["credential", "uses"], gone: Gone::Deleted, adds: true },
    Rule { table: "identities", taken: &["account_id"], gone: Gone::Deleted, adds: false },
    Rule {
        table: "projects",
        taken: &["deleted_at", "deleted_revision"],
        gone: Gone::Ended { at: "deleted_at", revision: Some("deleted_revision") },
        adds: false,
    },
    Rule {
        table: "workspaces",
        taken: &["closed_at", "closed_revision", "plan", "limits", "own_limits"],
        gone: Gone::Ended { at: "closed_at", revision: Some("closed_revision") },
        adds: false,
    },
    Rule { table: "webhooks", taken: &["url", "events"], gone: Gone::Deleted, adds: false },
    Rule {
        table: "quotas",
        taken: &["audio_seconds_per_month_max", "set_at"],
        gone: Gone::Deleted,
        adds: true,
    },
    Rule {
        table: "client_refs",
        taken: &["revoked_at", "revoked_revision", "readmitted_at", "forget_at"],
        gone: Gone::Deleted,
        adds: true,
    },
];

/// What is sealed: taken with another thing alone, made at another time. That of the same one may only have been sealed anew, under a
/// master key that isn't the restored instance's.
const SEALED: &str = "sealed_secret";
/// No two rows hold the same here.
const UNIQUE: &str = "email_key";

/// How many rows were changed because of what the former database says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CarriedOver {
    /// API keys.
    pub api_keys: u64,
    /// Management tokens.
    pub management_tokens: u64,
    /// Everything else.
    pub others: u64,
}

impl CarriedOver {
    fn count(&mut self, table: &str, rows: u64) {
        match table {
            "api_keys" => self.api_keys += rows,
            "management_tokens" => self.management_tokens += rows,
            _ => self.others += rows,
        }
    }
}

impl std::ops::AddAssign for CarriedOver {
    fn add_assign(&mut self, other: Self) {
        self.api_keys += other.api_keys;
        self.management_tokens += other.management_tokens;
        self.others += other.others;
    }
}

/// The moment of a restore.
#[derive(Debug, Clone, Copy)]
struct Now {
    at: Timestamp,
    revision: Revision,
}

impl Restore {
    /// Ends and narrows what the former database has ended or narrowed since.
    ///
    /// # Errors
    /// When a database fails.
    pub async fn carry_over(&self, former: &Dump, at: Timestamp) -> Result<CarriedOver, StoreError> {
        let now = Now { at, revision: Revision(0) };
        let mut carried = CarriedOver::default();
        let tables = tables()?;
        for rule in RULES {
            let Some(table) = tables.iter().find(|table| table.name == rule.table) else { continue };
            // What came later than the former database's schema can't have changed there.
            let Some(former_table) = former.known(table).await? else { continue };
            let merge = Merge { restore: self, former, table, former_table: &former_table, rule: &rule, now };
            let rows = merge.run().await?;
            carried.count(rule.table, rows);
        }
        Ok(carried)
    }

    /// Revokes every API key and every management token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_all_credentials(&self, at: Timestamp) -> Result<CarriedOver, StoreError> {
        let mut carried = CarriedOver::default();
        for table in tables()? {
            let is_credential = table.name == "api_keys" || table.name == "management_tokens";
            if let (true, Some(place)) = (is_credential, table.place_of("revoked_at")) {
                let rows = self.restoring.set_missing(&table, place, &Cell::Integer(at.as_micros())).await?;
                carried.count(&table.name, rows);
            }
        }
        Ok(carried)
    }

    /// Ends what a change says has ended, if it is in the restored database, or has it end when the change says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end(&self, change: &Change, at: Timestamp) -> Result<CarriedOver, StoreError> {
        let mut carried = CarriedOver::default();
        let Some((name, key, changes)) = ending(change, at) else { return Ok(carried) };
        let tables = tables()?;
        let Some(table) = tables.iter().find(|table| table.name == name) else { return Ok(carried) };
        let mut row = vec![Cell::Null; table.columns.len()];
        for (place, cell) in table.key_places().into_iter().zip(key) {
            row[place] = cell;
        }
        let changes: Vec<(usize, Cell)> =
            changes.into_iter().filter_map(|(column, cell)| Some((table.place_of(column)?, cell))).collect();
        if name == "client_refs" {
            // It may have been shut out for the first time after the backup was made.
            self.restoring.delete(table, &row).await?;
            for (place, cell) in changes {
                row[place] = cell;
            }
            self.restoring.insert(table, &[row]).await?;
            carried.count(name, 1);
        } else {
            // What ended before, or ends earlier, keeps its time.
            let rows = self.restoring.set_where_later(table, &row, &changes).await?;
            carried.count(name, rows);
        }
        Ok(carried)
    }
}

/// The table, the key and the columns of what a change ends.
type Ending = (&'static str, Vec<Cell>, Vec<(&'static str, Cell)>);

fn ending(change: &Change, at: Timestamp) -> Option<Ending> {
    let moment = || Cell::Integer(at.as_micros());
    let ended_at = |time: &Option<Timestamp>| time.map(|time| Cell::Integer(time.as_micros()));
    Some(match change {
        Change::Key(record) => {
            let revoked = ended_at(&record.revoked_at).map(|at| ("revoked_at", at));
            let ends = revoked.or_else(|| Some(("expires_at", ended_at(&record.expires_at)?)))?;
            ("api_keys", vec![Cell::Text(record.id.to_string())], vec![ends])
        }
        Change::ManagementToken(record) => (
            "management_tokens",
            vec![Cell::Text(record.id.to_string())],
            vec![("revoked_at", ended_at(&record.revoked_at)?)],
        ),
        Change::ProjectDeleted { id } => (
            "projects",
            vec![Cell::Integer(id.get())],
            vec![("deleted_at", moment()), ("deleted_revision", Cell::Integer(0))],
        ),
        Change::WorkspaceClosed { id } => (
            "workspaces",
            vec![Cell::Text(id.to_string())],
            vec![("closed_at", moment()), ("closed_revision", Cell::Integer(0))],
        ),
        Change::ClientRefRevoked { project_id, client_ref } => (
            "client_refs",
            vec![Cell::Integer(project_id.get()), Cell::Text(client_ref.as_str().to_owned())],
            vec![
                ("revoked_at", moment()),
                ("revoked_revision", Cell::Integer(0)),
                ("revision", Cell::Integer(0)),
            ],
        ),
        Change::ClientRefReadmitted { project_id, client_ref, revoked_at, forget_at } => (
            "client_refs",
            vec![Cell::Integer(project_id.get()), Cell::Text(client_ref.as_str().to_owned())],
            vec![
                ("revoked_at", moment()),
                ("revoked_revision", Cell::Integer(revision_column(*revoked_at))),
                ("readmitted_at", moment()),
                ("forget_at", forget_at.map_or(Cell::Null, |at| Cell::Integer(at.as_micros()))),
                ("revision", Cell::Integer(0)),
            ],
        ),
        _ => return None,
    })
}

/// Walks through a table here and there at the same time, in the order of the keys.
struct Merge<'a> {
    restore: &'a Restore,
    former: &'a Dump,
    table: &'a Table,
    /// The same table as the former database has it.
    former_table: &'a Table,
    rule: &'a Rule,
    now: Now,
}

/// Rows that were read and not yet compared.
#[derive(Default)]
struct Ahead {
    rows: std::collections::VecDeque<Vec<Cell>>,
    last: Option<Vec<Cell>>,
    is_over: bool,
}

impl Ahead {
    fn take(&mut self, rows: Vec<Vec<Cell>>) {
        self.is_over = rows.is_empty();
        self.last = rows.last().cloned().or(self.last.take());
        self.rows.extend(rows);
    }

    fn is_wanting(&self) -> bool {
        self.rows.is_empty() && !self.is_over
    }
}

impl Merge<'_> {
    async fn run(&self) -> Result<u64, StoreError> {
        let (mut here, mut there) = (Ahead::default(), Ahead::default());
        let mut changed = 0;
        loop {
            if here.is_wanting() {
                here.take(self.restore.restoring.rows_after(self.table, here.last.as_deref()).await?);
            }
            if there.is_wanting() {
                there.take(self.former.rows_after(self.former_table, there.last.as_deref()).await?);
            }
            let order = match (here.rows.front(), there.rows.front()) {
                (None, None) => return Ok(changed),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => self.compare(one, other),
            };
            let row = if order.is_le() { here.rows.pop_front() } else { None };
            let former = if order.is_ge() { there.rows.pop_front() } else { None };
            changed += u64::from(self.settle(row, former).await?);
        }
    }

    /// By the key. Both databases order texts by their bytes.
    fn compare(&self, one: &[Cell], other: &[Cell]) -> Ordering {
        let mut order = Ordering::Equal;
        for (place, former_place) in self.table.key_places().into_iter().zip(self.former_table.key_places()) {
            order = order.then_with(|| match (&one[place], &other[former_place]) {
                (Cell::Integer(one), Cell::Integer(other)) => one.cmp(other),
                (Cell::Text(one), Cell::Text(other)) => one.cmp(other),
                _ => Ordering::Equal,
            });
        }
        order
    }

    /// What a row takes from the same one in the former database.
    fn changes(&self, row: &[Cell], former: &[Cell]) -> Vec<(usize, Cell)> {
        let different = |name: &str| {
            let (place, there) = (self.table.place_of(name)?, self.former_table.place_of(name)?);
            (row[place] != former[there]).then(|| (place, former[there].clone()))
        };
        let is_same = different("created_at").is_none();
        let taken = self.rule.taken.iter().filter(|name| !(is_same && **name == SEALED));
        taken.filter_map(|name| different(name)).collect()
    }

    /// Makes a row what the rule says; tells whether that changed anything.
    async fn settle(&self, row: Option<Vec<Cell>>, former: Option<Vec<Cell>>) -> Result<bool, StoreError> {
        let restoring = &self.restore.restoring;
        match (row, former) {
            (Some(row), Some(former)) => {
                let changes = self.changes(&row, &former);
                if changes.is_empty() {
                    return Ok(false);
                }
                for (place, cell) in &changes {
                    if self.table.columns[*place].name == UNIQUE {
                        // Two may have swapped theirs. Whoever holds it still gets its own in its turn, or goes.
                        restoring.give_up(self.table, *place, cell).await?;
                    }
                }
                restoring.set(self.table, &row, &changes).await?;
            }
            (Some(row), None) => match self.rule.gone {
                Gone::Deleted => restoring.delete(self.table, &row).await?,
                Gone::Ended { at, revision } => {
                    let at =
                        self.table.place_of(at).map(|place| (place, Cell::Integer(self.now.at.as_micros())));
                    if at.as_ref().is_some_and(|(place, _)| row[*place] != Cell::Null) {
                        return Ok(false);
                    }
                    let revision = revision
                        .and_then(|name| self.table.place_of(name))
                        .map(|place| (place, Cell::Integer(revision_column(self.now.revision))));
                    let changes: Vec<(usize, Cell)> = at.into_iter().chain(revision).collect();
                    restoring.set(self.table, &row, &changes).await?;
                }
            },
            (None, Some(former)) if self.rule.adds => restoring.insert(self.former_table, &[former]).await?,
            (None, _) => return Ok(false),
        }
        Ok(true)
    }
}
