//! What is used of what is limited by counting: starts and audio of temporary keys, and audio of quotas, which is reserved before
//! it is heard.
//!
//! A row is made when something is first used, and forgotten when no session can need it any more. Whatever was answered
//! survives a crash. Audio is reserved in parts: a crash loses what was reserved and not heard, never the reverse.

use domain::{Month, QuotaSubject, TemporaryKeyId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::entity::leash::{ActiveModel, Column, Entity};
use crate::{Ledger, LedgerError};

/// A temporary key, and until when what it has used is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeashKey {
    /// The temporary key.
    pub id: TemporaryKeyId,
    /// When nothing can use it any more: the row is forgotten some time later.
    pub forget_at: Timestamp,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CounterId {
    /// What one temporary key uses.
    TemporaryKey(TemporaryKeyId),
    /// The audio of a quota's subject in one month.
    Quota(Month, QuotaSubject),
}

impl std::fmt::Display for CounterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TemporaryKey(id) => id.fmt(f),
            Self::Quota(month, subject) => write!(f, "{month}/{subject}"),
        }
    }
}

/// What is counted, and until when it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterKey {
    /// What.
    pub id: CounterId,
    /// When nothing can use it any more: the row is forgotten some time later.
    pub forget_at: Timestamp,
}

impl From<LeashKey> for CounterKey {
    fn from(key: LeashKey) -> Self {
        Self { id: CounterId::TemporaryKey(key.id), forget_at: key.forget_at }
    }
}

impl Ledger {
    /// Counts a start of a temporary key, unless it has had `uses_max` of them. Returns whether it may start.
    ///
    /// # Errors
    /// When the database fails: then nothing may be started.
    pub async fn count_start(
        &self,
        key: LeashKey,
        uses_max: u32,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let tx = self.db.write().await?;
        enter(&tx, &key.into(), now).await?;
        let counted = Entity::update_many()
            .col_expr(Column::Starts, Expr::col(Column::Starts).add(1))
            .filter(Column::Id.eq(key.id.to_string()))
            .filter(Column::Starts.lt(i64::from(uses_max)))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(counted.rows_affected == 1)
    }

    /// Whether [`Ledger::count_start`] would count one more start. Counts none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_start(&self, id: TemporaryKeyId, uses_max: u32) -> Result<bool, LedgerError> {
        let row = Entity::find_by_id(id.to_string()).one(self.db.read()).await?;
        Ok(row.map_or(0, |row| row.starts) < i64::from(uses_max))
    }

    /// Takes back a start that came to nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn uncount_start(&self, id: TemporaryKeyId) -> Result<(), LedgerError> {
        let tx = self.db.write().await?;
        Entity::update_many()
            .col_expr(Column::Starts, Expr::col(Column::Starts).sub(1))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::Starts.gt(0))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Reserves audio, in microseconds: as much as is asked for, or what is left of `max_micros`. Returns
    /// how much that is, and how much is reserved altogether.
    ///
    /// # Errors
    /// When the database fails: then nothing is reserved.
    pub async fn reserve_audio(
        &self,
        key: impl Into<CounterKey>,
        asked_micros: u64,
        max_micros: u64,
        now: Timestamp,
    ) -> Result<Reserved, LedgerError> {
        let key = key.into();
        let tx = self.db.write().await?;
        // Locks the row where others write too, so that what is read next is the last word.
        enter(&tx, &key, now).await?;
        let before = audio(&tx, &key.id).await?;
        let micros = std::cmp::min(asked_micros, max_micros.saturating_sub(before));
        let all_micros = before + micros;
        if micros > 0 {
            set_audio(&tx, &key.id, all_micros).await?;
        }
        tx.commit().await?;
        Ok(Reserved { micros, all_micros })
    }

    /// Gives back audio that was reserved and not heard, in microseconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn return_audio(
        &self,
        key: impl Into<CounterKey>,
        micros: u64,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let key = key.into();
        let tx = self.db.write().await?;
        enter(&tx, &key, now).await?;
        let before = audio(&tx, &key.id).await?;
        set_audio(&tx, &key.id, before.saturating_sub(micros)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How much audio is reserved or used, in microseconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audio_used(&self, id: &CounterId) -> Result<u64, LedgerError> {
        audio(self.db.read(), id).await
    }

    /// Forgets the keys that nothing can use any more. Returns how many that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_leashes(&self, now: Timestamp) -> Result<u64, LedgerError> {
        let tx = self.db.write().await?;
        let forgotten = forget(&tx, now).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// What a reservation came to, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// What was reserved now; less than was asked for where no more was left.
    pub micros: u64,
    /// All that is reserved or used.
    pub all_micros: u64,
}

/// Makes the row if it is missing, and keeps other writers off it. Clears away what is over on the way.
pub(crate) async fn enter(
    tx: &impl ConnectionTrait,
    key: &CounterKey,
    now: Timestamp,
) -> Result<(), LedgerError> {
    forget(tx, now).await?;
    let row = ActiveModel {
        id: Set(key.id.to_string()),
        starts: Set(0),
        audio_micros: Set(0),
        forget_at: Set(key.forget_at.as_micros()),
    };
    // Written also where it is there already, which locks it.
    let again = OnConflict::column(Column::Id).update_column(Column::ForgetAt).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

pub(crate) async fn audio(tx: &impl ConnectionTrait, id: &CounterId) -> Result<u64, LedgerError> {
    let row = Entity::find_by_id(id.to_string()).one(tx).await?;
    Ok(row.map_or(0, |row| u64::try_from(row.audio_micros).unwrap_or(0)))
}

pub(crate) async fn set_audio(
    tx: &impl ConnectionTrait,
    id: &CounterId,
    micros: u64,
) -> Result<(), LedgerError> {
    let micros = i64::try_from(micros).unwrap_or(i64::MAX);
    Entity::update_many()
        .col_expr(Column::AudioMicros, Expr::value(micros))
        .filter(Column::Id.eq(id.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

async fn forget(tx: &impl ConnectionTrait, now: Timestamp) -> Result<u64, LedgerError> {
    let over = Entity::delete_many().filter(Column::ForgetAt.lt(now.as_micros())).exec(tx).await?;
    Ok(over.rows_affected)
}
