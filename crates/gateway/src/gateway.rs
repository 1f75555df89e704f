//! The gateway as one value: what its parts share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use domain::{Clock, Product, Refusal, Region, RequestId, Rng, Timestamp};
use http::HeaderValue;
use ledger::{IntentId, Ledger};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use verify::{Principal, Tables};

use crate::accept::Doors;
use crate::identity::{Identities, Identity};
use crate::link::{GatewayLink, LinkState};
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::rate::Rates;
use crate::realtime::{Budgets, Keeper, Registry};
use crate::uploads::Uploads;
use crate::upstream::Pool;
use crate::workers::Workers;
use crate::{GatewayConfig, RegionConfig, batch, link};

/// A gateway: the regions that it serves and all that they share.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) config: GatewayConfig,
    pub(crate) tables: Arc<Tables>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) meter: Meter,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) rates: Rates,
    pub(crate) doors: Doors,
    /// The open realtime sessions.
    pub(crate) sessions: Registry,
    /// The uploads that are under way.
    pub(crate) uploads: Uploads,
    /// The audio budgets of temporary keys.
    pub(crate) budgets: Budgets,
    pub(crate) link: LinkState,
    /// What must end before the process may.
    pub(crate) tasks: TaskTracker,
    pub(crate) workers: Workers,
    /// The runtime of everything that belongs to no connection.
    home: Handle,
    identities: Identities,
    /// One per region. So few that looking through them beats a map.
    batch_sites: Vec<Arc<BatchSite>>,
    request_ids: RequestIds,
    stop: CancellationToken,
}

/// A region's Jobs API.
#[derive(Debug)]
pub(crate) struct BatchSite {
    pub(crate) config: RegionConfig,
    pub(crate) engine: Option<Arc<Pool>>,
    pub(crate) speech: Option<Arc<Pool>>,
    pub(crate) ledger: Arc<Ledger>,
    /// What the engines want in `Authorization`.
    pub(crate) engine_token: Option<HeaderValue>,
    /// Creates that are on their way right now.
    pub(crate) creating: Mutex<HashSet<IntentId>>,
    /// Jobs may have finished whose audio is not booked.
    pub(crate) has_finished: AtomicBool,
}

/// Why a gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A region has no ledger.
    #[error("region {0} has no ledger to remember job owners in")]
    NoLedger(Region),
    /// The ledger can't be read.
    #[error("the ledger of a region can't be read")]
    Ledger(#[source] ledger::LedgerError),
    /// The threads that serve connections can't be started.
    #[error("the threads that serve connections can't be started")]
    Workers(#[source] std::io::Error),
}

impl Gateway {
    /// Starts a gateway: it follows the link, looks for what a crash left, and sends usage, until [`Gateway::stop`].
    ///
    /// # Errors
    /// When a region has no ledger.
    pub async fn start(
        config: GatewayConfig,
        tables: Arc<Tables>,
        ledgers: HashMap<Region, Arc<Ledger>>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        link: GatewayLink,
    ) -> Result<Arc<Self>, GatewayError> {
        let workers = Workers::start(config.limits.worker_threads).map_err(GatewayError::Workers)?;
        let metrics = Arc::new(Metrics::new(workers.count()));
        let mut batch_sites = Vec::new();
        for region in &config.regions {
            let ledger = ledgers.get(&region.region).ok_or(GatewayError::NoLedger(region.region))?.clone();
            batch_sites.push(Arc::new(BatchSite::new(region, &config, ledger, &metrics)));
        }
        let gateway = Arc::new(Self {
            identities: Identities::new(config.user_id_key.clone()),
            request_ids: RequestIds::new(rng.as_ref()),
            sessions: Registry::new(config.session_times),
            uploads: Uploads::default(),
            budgets: Budgets::default(),
            doors: Doors::new(&config.limits),
            config,
            tables,
            clock,
            rng,
            meter: Meter::default(),
            metrics,
            rates: Rates::default(),
            link: LinkState::default(),
            tasks: TaskTracker::new(),
            workers,
            home: Handle::current(),
            batch_sites,
            stop: CancellationToken::new(),
        });
        link::spawn(&gateway, link);
        batch::spawn_upkeep(&gateway);
        crate::realtime::spawn_forgetting(&gateway);
        Ok(gateway)
    }

    /// What the gateway is told of a region.
    pub fn region(&self, region: Region) -> Option<&RegionConfig> {
        self.config.regions.iter().find(|config| config.region == region)
    }

    /// The open realtime sessions.
    pub const fn sessions(&self) -> &Registry {
        &self.sessions
    }

    /// What operators count.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What it verifies with.
    pub const fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Its limits.
    pub const fn limits(&self) -> &crate::GatewayLimits {
        &self.config.limits
    }

    /// The regions that have an engine for the Jobs API, and whether it answered when it was last asked.
    pub fn engines(&self) -> Vec<(Region, bool)> {
        let engine = |site: &Arc<BatchSite>| Some((site.config.region, site.engine.as_ref()?.answers()));
        self.batch_sites.iter().filter_map(engine).collect()
    }

    /// The regions and their ledgers.
    pub fn ledgers(&self) -> impl Iterator<Item = (Region, &Arc<Ledger>)> {
        self.batch_sites.iter().map(|site| (site.config.region, &site.ledger))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new request id.
    pub fn request_id(&self, now: Timestamp) -> RequestId {
        self.request_ids.next(now)
    }

    /// Refuses everything while nothing was heard from the control plane for too long.
    ///
    /// # Errors
    /// When the gateway has no state, or state that is too old.
    pub fn fresh(&self, now: Timestamp) -> Result<(), Refusal> {
        self.link.fresh(now, self.config.limits.staleness_seconds_max)
    }

    /// How the feed is, as seen from here.
    pub fn feed(&self) -> crate::link::Feed {
        link::feed(self, self.now())
    }

    /// Returns once every thread that serves connections has taken up something new. Where one hangs, never.
    pub async fn respond(&self) {
        self.workers.respond().await;
    }

    /// Ends what the gateway does by itself, after everything that was begun is done, and ends sessions after a grace.
    pub async fn stop(&self) {
        let grace = std::time::Duration::from_secs(self.config.limits.drain_seconds_max);
        self.sessions.drain(grace).await;
        self.stop.cancel();
        self.tasks.close();
        // What an engine doesn't answer in time stays an open intent; the next start looks into it.
        drop(tokio::time::timeout(grace, self.tasks.wait()).await);
    }

    /// Does something on the runtime that the gateway was started on, and gives it up when the result is no longer waited for.
    /// None where it panicked.
    pub(crate) async fn at_home<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        AbortOnDropHandle::new(self.home.spawn(work)).await.ok()
    }

    /// What keeps a budget in this ledger.
    pub(crate) fn keeper(&self, ledger: &Arc<Ledger>) -> Keeper {
        Keeper {
            ledger: ledger.clone(),
            clock: self.clock.clone(),
            home: self.home.clone(),
            tasks: self.tasks.clone(),
        }
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub(crate) fn batch_site(&self, region: Region) -> Option<&Arc<BatchSite>> {
        self.batch_sites.iter().find(|site| site.config.region == region)
    }

    pub(crate) fn batch_sites(&self) -> impl Iterator<Item = &Arc<BatchSite>> {
        self.batch_sites.iter()
    }

    /// The identity headers of a principal.
    pub(crate) fn identity(&self, principal: &Principal, region: Region, product: Product) -> Arc<Identity> {
        self.identities.of(principal, region, product, &self.meter)
    }
}

impl BatchSite {
    /// Lets the ledger learn what the engine tells of a job.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn seen(&self, job_id: &str, seen: &ledger::Seen) -> Result<(), ledger::LedgerError> {
        self.ledger.seen(job_id, seen).await?;
        if seen.settled {
            self.has_finished.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn new(
        region: &RegionConfig,
        config: &GatewayConfig,
        ledger: Arc<Ledger>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let pool = |upstream: &crate::Upstream| {
            Pool::new(upstream.clone(), config.limits, region.region, metrics.clone())
        };
        let token = region.engine_token.as_ref().and_then(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Self {
            engine: region.batch_upstream.as_ref().map(pool),
            speech: region.tts_upstream.as_ref().map(pool),
            config: region.clone(),
            ledger,
            engine_token: token,
            creating: Mutex::default(),
            // As after a crash.
            has_finished: AtomicBool::new(true),
        }
    }
}

/// Request ids: random for a gateway's life, then counted, so that a request costs no call into the system.
#[derive(Debug)]
struct RequestIds {
    base: u128,
    count: AtomicU64,
}

impl RequestIds {
    fn new(rng: &dyn Rng) -> Self {
        Self { base: rng.next_u128(), count: AtomicU64::new(0) }
    }

    fn next(&self, now: Timestamp) -> RequestId {
        const RANDOM_BITS: u32 = 80;
        let millis = u128::try_from(now.as_micros().max(0) / 1000).unwrap_or(0);
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed));
        RequestId::from_u128(
            millis << RANDOM_BITS | (self.base.wrapping_add(count) & ((1 << RANDOM_BITS) - 1)),
        )
    }
}
