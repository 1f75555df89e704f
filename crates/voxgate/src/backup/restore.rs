//! Restoring a backup: into an empty place, as an instance that goes on and revives nothing that ended meanwhile.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::RestoreEnd;
use credentials::MasterKey;
use domain::link::{Change, Revision};
use domain::{Algorithm, InstanceId, Region, Rng, Timestamp};
use sql::DbPlace;
use storage::{CarriedOver, Instance, Store};

use super::fill::{LedgerFill, fill};
use super::format::{Header, Reader};
use super::make::{CONTROL, LEDGER};
use super::{BackupError, Watch};
use crate::databases::{LEDGER_FOLDER, LedgerPlaces};
use crate::folder::make_private;

/// A backup that was found whole.
pub struct Backup {
    reader: Reader,
    header: Header,
}

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("instance", &self.header.instance).finish_non_exhaustive()
    }
}

impl Backup {
    /// Opens a backup and checks that it is whole.
    ///
    /// # Errors
    /// When it can't be read, is no backup, or is damaged.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let (reader, header) = Reader::open(path)?;
        Ok(Self { reader, header })
    }

    /// What is in it.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Whether this is the master key that its signing keys are sealed under.
    pub fn is_master_key(&self, master_key: &MasterKey) -> bool {
        let id = InstanceId::parse(&self.header.instance);
        let sentinel = BASE64_STANDARD.decode(&self.header.sentinel);
        let (Some(id), Ok(sentinel)) = (id, sentinel) else { return false };
        let instance = Instance { id, created_at: self.header.made_at, sentinel, sealed_keys: None };
        control::is_master_key_of(&instance, master_key)
    }
}

/// Where the instance shall be.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its data folder, which must be empty or missing.
    pub data_dir: PathBuf,
    /// The control plane's database, which must be empty.
    pub control: DbPlace,
    /// The ledgers that aren't in the data folder; they must be empty.
    pub ledgers: LedgerPlaces,
    /// Whether the master key is kept in the data folder.
    pub keeps_master_key: bool,
    /// The algorithm of the new signing key.
    pub algorithm: Algorithm,
}

/// What is left of the instance as it was before the restore: from there comes what ended since the backup was made.
#[derive(Debug, Clone)]
pub enum Former {
    /// Its data folder, and its database if that can still be read.
    At {
        /// The data folder, with the record of what ended.
        data_dir: PathBuf,
        /// The control plane's database.
        control: DbPlace,
    },
    /// Nothing. All API keys and management tokens of the backup are revoked: those that were revoked since can't be told from
    /// the others.
    LostRevokeAll,
    /// Nothing. All of them work again, also those that were revoked since: the operator has decided so.
    LostKeepAll,
}

/// A restored instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup held.
    pub header: Header,
    /// What was ended or narrowed because it had been since.
    pub carried_over: CarriedOver,
}

/// Where what ended since is taken from.
struct Since {
    former: Option<Store>,
    ended: Vec<Change>,
    newest: Revision,
}

/// Restores a backup. The caller has checked the master key and taken the lock of the data folder.
///
/// # Errors
/// When something is there already, what ended since can't be found out, or a database fails. What was written by then stays,
/// and no server starts from it.
pub async fn restore(
    backup: Backup,
    target: &Target,
    former: &Former,
    master_key: &MasterKey,
    (now, rng): (Timestamp, &dyn Rng),
    watch: &Watch<'_>,
) -> Result<Restored, BackupError> {
    let Backup { mut reader, header } = backup;
    let since = since(former, &header).await?;
    make_private(&target.data_dir.join(LEDGER_FOLDER))?;
    (watch.total)(header.rows());
    let mut carried_over = CarriedOver::default();
    for part in &header.parts {
        if part.name == CONTROL {
            let mut restoring = storage::Restore::begin(&target.control, &part.migrations).await?;
            fill(&mut reader, &part.tables, &restoring, watch).await?;
            restoring.upgrade().await?;
            carried_over = carry_over(&restoring, former, &since, now).await?;
            let (store, change) = restoring.into_change(since.newest).await?;
            let end = RestoreEnd { master_key, algorithm: target.algorithm, now, rng };
            control::end_restore(change, &end).await?;
            store.close().await?;
            continue;
        }
        let region = part.name.strip_prefix(LEDGER).and_then(Region::from_name);
        let region = region.ok_or_else(|| BackupError::UnknownPart(part.name.clone()))?;
        let place = target.ledgers.of(region, &target.data_dir);
        let at = BackupError::ledger(region);
        let restoring = ledger::Restore::begin(&place, &part.migrations).await.map_err(&at)?;
        fill(&mut reader, &part.tables, &LedgerFill { region, restore: &restoring }, watch).await?;
        restoring.finish().await.map_err(at)?;
    }
    // Last: without its key no server starts from what is only half restored.
    if target.keeps_master_key {
        control::write_master_key(&target.data_dir.join("master.key"), master_key)?;
    }
    Ok(Restored { header, carried_over })
}

async fn since(former: &Former, header: &Header) -> Result<Since, BackupError> {
    let mut since = Since { former: None, ended: Vec::new(), newest: header.revision };
    let Former::At { data_dir, control } = former else { return Ok(since) };
    let record = control::ended_after(data_dir, header.revision).map_err(BackupError::file(data_dir))?;
    if let Ok(store) = Store::open_former(control).await
        && let Ok(Some(id)) = store.find_instance_id().await
    {
        if id.to_string() != header.instance {
            return Err(BackupError::OtherInstance(control.clone()));
        }
        since.newest = since.newest.max(store.revision().await?);
        since.former = Some(store);
    } else if record.is_none() {
        return Err(BackupError::NoRecord { path: data_dir.clone() });
    }
    since.ended = record.unwrap_or_default();
    if since.former.is_some() {
        // It says itself when keys expire, and also whose expiry was taken away again, which the record doesn't.
        since.ended.retain(|change| !matches!(change, Change::Key(key) if key.revoked_at.is_none()));
    }
    Ok(since)
}

async fn carry_over(
    restoring: &storage::Restore,
    former: &Former,
    since: &Since,
    now: Timestamp,
) -> Result<CarriedOver, BackupError> {
    let mut carried = CarriedOver::default();
    if let Some(store) = &since.former {
        carried += restoring.carry_over(&store.dump().await?, now).await?;
    }
    for change in &since.ended {
        carried += restoring.end(change, now).await?;
    }
    if matches!(former, Former::LostRevokeAll) {
        carried += restoring.end_all_credentials(now).await?;
    }
    Ok(carried)
}
