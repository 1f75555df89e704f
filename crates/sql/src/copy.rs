//! Copying whole tables out of a database and into an empty one, of either kind.

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Order, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, Iden as _,
    Iterable as _, PrimaryKeyToColumn as _, QueryResult, Statement, Value,
};
use serde::{Deserialize, Serialize};

use crate::migrate::{Schema, has_column, has_table, up};
use crate::{Db, DbPlace, SqlError, WriteTx, postgres};

/// Rows that are read at a time.
const ROWS_PER_PAGE_MAX: u64 = 5_000;
/// Values in one insert: both databases take about twice as many.
const VALUES_PER_INSERT_MAX: usize = 4_000;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of 32 bits.
    Small,
    /// A whole number of 64 bits.
    Integer,
    /// Yes or no.
    Boolean,
    /// Bytes.
    Bytes,
    /// A number with a fraction.
    Double,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A table: its columns, and those of them that make its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The names of its key's columns.
    pub key: Vec<String>,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// None.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A number with a fraction.
    Double(f64),
}

impl Table {
    /// The table of an entity.
    ///
    /// # Errors
    /// When a column is of a type that isn't copied.
    pub fn of<E: EntityTrait>() -> Result<Self, SqlError> {
        let columns = E::Column::iter().map(|column| {
            let name = column.unquoted().to_owned();
            let kind = kind(&column)
                .ok_or_else(|| DbErr::Type(format!("the column {name} is of a type that isn't copied")))?;
            Ok(Column { name, kind })
        });
        let columns = columns.collect::<Result<_, DbErr>>()?;
        let key = E::PrimaryKey::iter().map(|key| key.into_column().unquoted().to_owned()).collect();
        Ok(Self { name: E::default().table_name().to_owned(), columns, key })
    }

    fn columns_named(&self) -> impl Iterator<Item = Alias> {
        self.columns.iter().map(|column| Alias::new(column.name.as_str()))
    }

    /// Where a column is among the columns.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Where the key's columns are among the columns.
    pub fn key_places(&self) -> Vec<usize> {
        self.key.iter().filter_map(|key| self.place_of(key)).collect()
    }

    /// The key's columns, as one thing to compare.
    fn key_of_rows(&self) -> SimpleExpr {
        Expr::tuple(self.key.iter().map(|key| Expr::col(Alias::new(key.as_str()))))
    }

    /// The key of one row, as one thing to compare with.
    fn key_of(&self, row: &[Cell]) -> SimpleExpr {
        let values = self.key_places().into_iter().map(|place| (&row[place], self.columns[place].kind));
        Expr::tuple(values.map(|(cell, kind)| Expr::val(value(cell, kind))))
    }
}

fn kind(column: &impl ColumnTrait) -> Option<Kind> {
    use sea_orm::ColumnType as Type;
    match column.def().get_column_type() {
        Type::Text | Type::String(_) | Type::Char(_) => Some(Kind::Text),
        Type::Integer => Some(Kind::Small),
        Type::BigInteger => Some(Kind::Integer),
        Type::Boolean => Some(Kind::Boolean),
        Type::Blob | Type::Binary(_) | Type::VarBinary(_) => Some(Kind::Bytes),
        Type::Double => Some(Kind::Double),
        _ => None,
    }
}

/// Tables as of one moment.
#[derive(Debug)]
pub struct Dump {
    tx: DatabaseTransaction,
    migrations: Vec<String>,
}

impl Db {
    /// Begins to read whole tables, all as of this moment; writers go on meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dump(&self) -> Result<Dump, SqlError> {
        let migrations = self.migrations().await?;
        let tx = self.read_tx().await?;
        if tx.get_database_backend() == DbBackend::Postgres {
            postgres::lift_statement_limit(&tx).await?;
        }
        Ok(Dump { tx, migrations })
    }
}

impl Dump {
    /// The migrations that made the tables, oldest first.
    pub fn migrations(&self) -> &[String] {
        &self.migrations
    }

    /// A table as this database has it: where its schema is an older one, without the columns that came later. None where the table
    /// came later itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known(&self, table: &Table) -> Result<Option<Table>, SqlError> {
        if !has_table(&self.tx, &table.name).await? {
            return Ok(None);
        }
        let mut known = Table { columns: Vec::new(), ..table.clone() };
        for column in &table.columns {
            if has_column(&self.tx, &table.name, &column.name).await? {
                known.columns.push(column.clone());
            }
        }
        Ok(Some(known))
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, table: &Table) -> Result<u64, SqlError> {
        let count = Query::select()
            .expr(Expr::col(Alias::new(table.key[0].as_str())).count())
            .from(Alias::new(table.name.as_str()))
            .to_owned();
        let row = self.tx.query_one(&count).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(count.cast_unsigned())
    }

    /// The rows after one, in the order of their keys, some thousand at a time; the first ones without one. Empty at the
    /// end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows_after(&self, table: &Table, last: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>, SqlError> {
        Ok(page(&self.tx, table, last).await?)
    }
}

async fn page(
    connection: &impl ConnectionTrait,
    table: &Table,
    last: Option<&[Cell]>,
) -> Result<Vec<Vec<Cell>>, DbErr> {
    let mut page = Query::select();
    page.columns(table.columns_named()).from(Alias::new(table.name.as_str())).limit(ROWS_PER_PAGE_MAX);
    for key in &table.key {
        page.order_by(Alias::new(key.as_str()), Order::Asc);
    }
    if let Some(last) = last {
        page.and_where(table.key_of_rows().gt(table.key_of(last)));
    }
    let rows = connection.query_all(&page).await?;
    rows.iter().map(|row| cells(row, table)).collect()
}

fn cells(row: &QueryResult, table: &Table) -> Result<Vec<Cell>, DbErr> {
    table.columns.iter().enumerate().map(|(index, column)| cell(row, index, column.kind)).collect()
}

fn cell(row: &QueryResult, index: usize, kind: Kind) -> Result<Cell, DbErr> {
    Ok(match kind {
        Kind::Text => row.try_get_by_index::<Option<String>>(index)?.map(Cell::Text),
        Kind::Small => {
            row.try_get_by_index::<Option<i32>>(index)?.map(|small| Cell::Integer(i64::from(small)))
        }
        Kind::Integer => row.try_get_by_index::<Option<i64>>(index)?.map(Cell::Integer),
        Kind::Boolean => row.try_get_by_index::<Option<bool>>(index)?.map(Cell::Boolean),
        Kind::Bytes => row.try_get_by_index::<Option<Vec<u8>>>(index)?.map(Cell::Bytes),
        Kind::Double => row.try_get_by_index::<Option<f64>>(index)?.map(Cell::Double),
    }
    .unwrap_or(Cell::Null))
}

/// A value as the driver takes it; one of another kind becomes none, which a column that needs one refuses.
fn value(cell: &Cell, kind: Kind) -> Value {
    match (kind, cell) {
        (Kind::Text, Cell::Text(text)) => text.as_str().into(),
        (Kind::Small, Cell::Integer(number)) => i32::try_from(*number).ok().into(),
        (Kind::Integer, Cell::Integer(number)) => (*number).into(),
        (Kind::Boolean, Cell::Boolean(is)) => (*is).into(),
        (Kind::Bytes, Cell::Bytes(bytes)) => bytes.as_slice().into(),
        (Kind::Double, Cell::Double(number)) => (*number).into(),
        (Kind::Double, Cell::Integer(number)) => (*number as f64).into(),
        (Kind::Text, _) => Value::String(None),
        (Kind::Small, _) => Value::Int(None),
        (Kind::Integer, _) => Value::BigInt(None),
        (Kind::Boolean, _) => Value::Bool(None),
        (Kind::Bytes, _) => Value::Bytes(None),
        (Kind::Double, _) => Value::Double(None),
    }
}

/// An empty database that is being filled: kept as a whole, or not at all.
#[derive(Debug)]
pub struct Restoring {
    tx: WriteTx,
}

impl Db {
    /// Makes the schema that these migrations made in an empty database, to be filled.
    ///
    /// # Errors
    /// When the database isn't empty, or this build doesn't know the migrations.
    pub async fn restore<S: Schema>(
        &self,
        place: &DbPlace,
        migrations: &[String],
    ) -> Result<Restoring, SqlError> {
        if has_table(self.read(), "seaql_migrations").await? {
            return Err(SqlError::NotEmpty { place: place.to_string() });
        }
        let known = S::migrations();
        let is_known = migrations.len() <= known.len()
            && migrations.iter().zip(&known).all(|(name, known)| name == known.name());
        if !is_known {
            return Err(SqlError::Newer { place: place.to_string() });
        }
        let mut tx = self.write().await?;
        up::<S>(&mut tx, Some(migrations.len())).await.map_err(SqlError::Migrate)?;
        Ok(Restoring { tx })
    }
}

impl Restoring {
    /// Empties a table that a migration has put rows into.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self, table: &Table) -> Result<(), SqlError> {
        let delete = Query::delete().from_table(Alias::new(table.name.as_str())).to_owned();
        self.tx.execute(&delete).await?;
        Ok(())
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When a row doesn't fit the table.
    pub async fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), SqlError> {
        let per_insert = (VALUES_PER_INSERT_MAX / table.columns.len().max(1)).max(1);
        for some in rows.chunks(per_insert) {
            let backend = self.tx.get_database_backend();
            let values = some.iter().flat_map(|row| {
                row.iter().zip(&table.columns).map(|(cell, column)| value(cell, column.kind))
            });
            let sql = insert_text(backend, table, some.len());
            self.tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        Ok(())
    }

    /// Brings the filled tables up to this build's schema.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upgrade<S: Schema>(&mut self) -> Result<(), SqlError> {
        up::<S>(&mut self.tx, None).await.map_err(SqlError::Migrate)
    }

    /// The rows after one, as [`Dump::rows_after`] gives them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows_after(&self, table: &Table, last: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>, SqlError> {
        Ok(page(&self.tx, table, last).await?)
    }

    /// Changes columns of the row with this one's key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set(&self, table: &Table, row: &[Cell], changes: &[(usize, Cell)]) -> Result<(), SqlError> {
        let mut update = Query::update();
        update.table(Alias::new(table.name.as_str())).and_where(table.key_of_rows().eq(table.key_of(row)));
        for (place, cell) in changes {
            let column = &table.columns[*place];
            update.value(Alias::new(column.name.as_str()), value(cell, column.kind));
        }
        self.tx.execute(&update).await?;
        Ok(())
    }

    /// Changes columns of the row with this one's key, if the first of them holds nothing, or a later time than it gets. Tells how
    /// many rows that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_where_later(
        &self,
        table: &Table,
        row: &[Cell],
        changes: &[(usize, Cell)],
    ) -> Result<u64, SqlError> {
        let Some((first, at)) = changes.first() else { return Ok(0) };
        let column = &table.columns[*first];
        let held = Expr::col(Alias::new(column.name.as_str()));
        let is_later = held.clone().is_null().or(held.gt(value(at, column.kind)));
        let mut update = Query::update();
        update
            .table(Alias::new(table.name.as_str()))
            .and_where(table.key_of_rows().eq(table.key_of(row)))
            .and_where(is_later);
        for (place, cell) in changes {
            let column = &table.columns[*place];
            update.value(Alias::new(column.name.as_str()), value(cell, column.kind));
        }
        Ok(self.tx.execute(&update).await?.rows_affected())
    }

    /// Takes a value from whichever row holds it in a column where no two may hold the same, a text: until it gets another, it holds
    /// its key there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up(&self, table: &Table, place: usize, cell: &Cell) -> Result<(), SqlError> {
        let column = &table.columns[place];
        let name = Alias::new(column.name.as_str());
        let mut update = Query::update();
        update
            .table(Alias::new(table.name.as_str()))
            .value(name.clone(), Expr::col(Alias::new(table.key[0].as_str())))
            .and_where(Expr::col(name).eq(value(cell, column.kind)));
        self.tx.execute(&update).await?;
        Ok(())
    }

    /// Puts a value into a column of every row where it holds nothing. Tells how many rows that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_missing(&self, table: &Table, place: usize, cell: &Cell) -> Result<u64, SqlError> {
        let column = &table.columns[place];
        let mut update = Query::update();
        update
            .table(Alias::new(table.name.as_str()))
            .value(Alias::new(column.name.as_str()), value(cell, column.kind))
            .and_where(Expr::col(Alias::new(column.name.as_str())).is_null());
        Ok(self.tx.execute(&update).await?.rows_affected())
    }

    /// Deletes the row with this one's key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, table: &Table, row: &[Cell]) -> Result<(), SqlError> {
        let mut delete = Query::delete();
        delete
            .from_table(Alias::new(table.name.as_str()))
            .and_where(table.key_of_rows().eq(table.key_of(row)));
        self.tx.execute(&delete).await?;
        Ok(())
    }

    /// The open transaction, for what else must be true before it is committed.
    pub fn into_tx(self) -> WriteTx {
        self.tx
    }
}

/// The text of an insert of so many rows. The same for the same table and number, so that the driver prepares it once.
fn insert_text(backend: DbBackend, table: &Table, rows: usize) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let mut sql = format!("INSERT INTO {} ({}) VALUES ", quoted(&table.name), columns.join(", "));
    let mut number = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns.len() {
            number += 1;
            sql.push_str(if column == 0 { "" } else { ", " });
            match backend {
                DbBackend::Postgres => sql.push_str(&format!("${number}")),
                _ => sql.push('?'),
            }
        }
        sql.push(')');
    }
    sql
}
