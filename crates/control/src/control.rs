//! Opening the control plane, and what every use case shares.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use credentials::Jwks;
use domain::{ApiKeyId, Clock, InstanceId, ManagementTokenId, Rng, Timestamp};
use storage::{ChangeTx, Store, StoreError, Writes};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use verify::Tables;
use zeroize::Zeroizing;

use crate::audit::Pseudonyms;
use crate::ended::EndedRecord;
use crate::follow;
use crate::instance::{self, Start};
use crate::instance_keys::InstanceKeys;
use crate::last_used::LastUsed;
use crate::mint_rate::MintRates;
use crate::passwords::Passwords;
use crate::registration::UNCONFIRMED_DAYS_MAX;
use crate::sign_in::Attempts;
use crate::signing::Signing;
use crate::webhook_client::WebhookClient;
use crate::{ControlConfig, ControlError, Gateways, Retention, TtlSeconds, master_key, webhook_delivery};

/// How often what is gathered in memory is written.
const WRITE_SECONDS: u64 = 5;
const SECONDS_PER_DAY: i64 = 24 * 3600;
/// Pieces that one round deletes at most; the next round goes on.
const PRUNE_PIECES_MAX: u32 = 100;
/// How often what has expired is forgotten, in rounds of [`WRITE_SECONDS`]: every hour.
const FORGET_ROUNDS: u64 = 3600 / WRITE_SECONDS;
/// How often signing keys are looked after, in the same rounds: every minute.
const TEND_ROUNDS: u64 = 60 / WRITE_SECONDS;

/// The control plane.
#[derive(Debug)]
pub struct Control {
    pub(crate) inner: Arc<Inner>,
    upkeep: AbortHandle,
}

/// What use cases share. Held by tasks too, which outlive their callers.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) tables: Arc<Tables>,
    pub(crate) gateways: Gateways,
    pub(crate) ended: EndedRecord,
    pub(crate) signing: Signing,
    pub(crate) keys: InstanceKeys,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Attempts,
    pub(crate) last_used: Arc<LastUsed>,
    /// Changes that were committed with their audit event since the start.
    pub(crate) audit_events: AtomicU64,
    pub(crate) mint_rates: MintRates,
    pub(crate) webhooks: WebhookClient,
    /// There is something to send to webhooks.
    pub(crate) wake_webhooks: Arc<Notify>,
    pub(crate) config: ControlConfig,
    pub(crate) instance_id: InstanceId,
    pub(crate) issuer: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Control {
    /// Opens the control plane; makes the instance's id, master key and signing key at first start. The caller sees to
    /// it that no other process has the same data folder open.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn open(
        config: ControlConfig,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Arc<Self>, ControlError> {
        make_folder(&config.data_dir)?;
        let store = Store::open(&config.database_place()).await?;
        let present = store.find_instance().await?;
        let master_key = master_key::get(&config, present.as_ref(), &*rng).await?;
        let keys = instance::keys(present.as_ref(), &master_key, &*rng)?;
        let pseudonyms = Pseudonyms::new(&keys);
        let start = Start {
            store: &store,
            config: &config,
            master_key: &master_key,
            keys: &keys,
            pseudonyms: &pseudonyms,
            now: clock.now(),
            rng: &*rng,
        };
        let instance_id = start.instance(present).await?;
        // Before anything is minted that may live so long.
        store.raise_longest_ttl(config.longest_ttl_seconds()).await?;
        start.refresh_limits().await?;
        let signing = Signing::open(&store.list_signing_keys().await?, master_key)?;
        let tables = Arc::new(Tables::with_leeway(config.leeway));
        tables.load(&store.snapshot().await?);
        let last_used = Arc::new(LastUsed::default());
        let gateways = {
            let (last_used, clock, rng) = (Arc::clone(&last_used), Arc::clone(&clock), Arc::clone(&rng));
            Gateways::new(store.clone(), last_used, clock, rng)
        };
        let inner = Arc::new(Inner {
            tables,
            gateways,
            ended: EndedRecord::open(&config.data_dir, &store).await?,
            signing,
            audit_events: AtomicU64::new(0),
            keys,
            pseudonyms,
            passwords: Passwords::new()?,
            attempts: Attempts::new(config.sign_in),
            last_used,
            mint_rates: MintRates::default(),
            webhooks: WebhookClient::new(config.webhooks.clone()),
            wake_webhooks: Arc::default(),
            config,
            instance_id,
            issuer: instance_id.to_string(),
            clock,
            rng,
            store,
        });
        inner.try_tend_signing_keys().await;
        let weak = Arc::downgrade(&inner);
        let upkeep = tokio::spawn(async move {
            let telling = webhook_delivery::deliver(weak.clone());
            tokio::join!(keep_up(weak.clone()), follow::follow_others(weak), telling);
        });
        let upkeep = upkeep.abort_handle();
        Ok(Arc::new(Self { inner, upkeep }))
    }

    /// Writes what is gathered in memory and closes the database; call before the process ends. Whatever else is asked
    /// for afterwards fails.
    pub async fn close(&self) {
        self.upkeep.abort();
        self.inner.gateways.disconnect();
        self.inner.write_gathered().await;
        if let Err(error) = self.inner.store.clone().close().await {
            tracing::error!(error = &error as &dyn std::error::Error, "the database could not be closed");
        }
    }

    /// Writes now what is gathered in memory, such as when keys were last used.
    pub async fn flush(&self) {
        self.inner.write_gathered().await;
    }

    /// The tables that this process verifies management calls and mints with. Gateways have their own.
    pub fn tables(&self) -> &Arc<Tables> {
        &self.inner.tables
    }

    /// The public keys that verify this instance's temporary keys.
    pub fn jwks(&self) -> Arc<Jwks> {
        self.inner.signing.jwks()
    }

    /// The `iss` of this instance's temporary keys.
    pub fn instance_id(&self) -> InstanceId {
        self.inner.instance_id
    }

    /// The key of the `user_id` that engines see: the same for the whole life of the instance, whatever its master key.
    pub fn user_id_key(&self) -> Zeroizing<[u8; 32]> {
        self.inner.keys.user_id.clone()
    }

    /// How long temporary keys may live.
    pub fn ttl_seconds(&self) -> &TtlSeconds {
        &self.inner.config.ttl_seconds
    }

    /// The connected gateways.
    pub fn gateways(&self) -> &Gateways {
        &self.inner.gateways
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it doesn't.
    pub async fn check_database(&self) -> Result<(), StoreError> {
        self.inner.store.revision().await.map(drop)
    }

    /// How long writing into the database takes.
    pub fn writes(&self) -> &Writes {
        self.inner.store.writes()
    }

    /// Changes that were committed with their audit event since the start.
    pub fn audit_events(&self) -> u64 {
        self.inner.audit_events.load(Ordering::Relaxed)
    }

    /// Keys and management tokens whose last use waits for being written.
    pub fn last_used_waiting(&self) -> usize {
        self.inner.last_used.waiting()
    }

    /// The present moment, by the clock that control was opened with.
    pub fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// Remembers that an API key was used now, otherwise than on a gateway. Written in batches.
    pub fn note_key_used(&self, id: ApiKeyId) {
        self.inner.last_used.note_api_key(id, self.now());
    }

    /// Remembers that a management token was used now. Written in batches.
    pub fn note_token_used(&self, id: ManagementTokenId) {
        self.inner.last_used.note_token(id, self.now());
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.upkeep.abort();
        self.inner.gateways.disconnect();
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long a temporary key that was minted before now may still be valid, in seconds. Its ttl may be one of an earlier
    /// configuration, or of another node's.
    pub(crate) async fn token_lifetime_seconds(&self, change: &ChangeTx) -> Result<i64, StoreError> {
        Ok(change.longest_ttl_seconds().await? + i64::from(self.config.leeway.expiry_seconds))
    }

    async fn write_gathered(&self) {
        if let Err(error) = self.last_used.write(&self.store).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "when keys were last used could not be written; it is kept in memory");
        }
    }

    async fn try_tend_signing_keys(self: &Arc<Self>) {
        if let Err(error) = self.tend_signing_keys().await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "signing keys could not be moved on; the present one goes on signing");
        }
    }

    /// Forgets what nobody relies on any more; in small pieces, because writers wait meanwhile.
    async fn prune(&self) {
        let Retention { feed_days_max, revoked_key_days_max } = self.config.retention;
        if let Err(error) = self.try_prune(feed_days_max, revoked_key_days_max).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "what nobody needs any more could not be deleted; it is tried again");
        }
    }

    async fn try_prune(&self, feed_days: u32, revoked_key_days: u32) -> Result<(), storage::StoreError> {
        let before = |days: u32| self.now().plus_seconds(-i64::from(days) * SECONDS_PER_DAY);
        for _ in 0..PRUNE_PIECES_MAX {
            if self.store.forget_feed(before(feed_days)).await? == 0 {
                break;
            }
        }
        for _ in 0..PRUNE_PIECES_MAX {
            if revoked_key_days == 0
                || self.store.forget_revoked_api_keys(before(revoked_key_days)).await? == 0
            {
                break;
            }
        }
        Ok(())
    }

    async fn forget_expired(&self) {
        let now = self.now();
        self.tables.forget_expired(now);
        if let Err(error) = self.store.forget_expired(now).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "expired revocations could not be deleted"
            );
        }
        if let Err(error) = self.store.forget_expired_portal_sessions(now).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "portal sessions that are over could not be deleted");
        }
        if let Err(error) = self.store.forget_expired_tickets(now).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "tickets that were used could not be deleted");
        }
        self.forget_unconfirmed(now).await;
    }
}

impl Inner {
    async fn forget_unconfirmed(&self, now: Timestamp) {
        let before = now.plus_seconds(-UNCONFIRMED_DAYS_MAX * SECONDS_PER_DAY);
        let links = self.store.forget_expired_email_links(now).await;
        let accounts = self.store.forget_unconfirmed_accounts(before).await;
        if let Err(error) = links.and(accounts) {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "links that are over and accounts that nobody confirmed could not be deleted"
            );
        }
    }
}

/// Writes what is gathered and forgets what has expired, until control is gone.
async fn keep_up(inner: Weak<Inner>) {
    let mut rounds = tokio::time::interval(Duration::from_secs(WRITE_SECONDS));
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut round = 0_u64;
    loop {
        rounds.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        inner.write_gathered().await;
        if round.is_multiple_of(FORGET_ROUNDS) {
            inner.forget_expired().await;
            inner.prune().await;
            inner.forget_invitations().await;
        }
        if round.is_multiple_of(TEND_ROUNDS) {
            inner.try_tend_signing_keys().await;
        }
        round += 1;
    }
}

/// Makes the data folder for this user alone, if it is missing.
fn make_folder(path: &Path) -> Result<(), ControlError> {
    let made = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => Err(std::io::Error::from(std::io::ErrorKind::NotADirectory)),
        Err(_) => DirBuilder::new().recursive(true).mode(0o700).create(path),
    };
    made.map_err(|source| ControlError::DataFolder { path: path.to_owned(), source })
}

#[cfg(test)]
impl Control {
    /// A control plane in a folder, as it is without any configuration.
    pub(crate) async fn in_folder(folder: &Path) -> Arc<Self> {
        let config = ControlConfig::in_folder(folder);
        Self::open(config, Arc::new(domain::SystemClock), Arc::new(domain::SystemRng)).await.unwrap()
    }
}
