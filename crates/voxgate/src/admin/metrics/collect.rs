//! Gathers all numbers at the moment when somebody asks.

use std::collections::BTreeMap;

use domain::Region;
use gateway::metrics::Histogram;

use super::super::Admin;
use super::super::feed::seconds_since;
use super::families as f;
use super::process::Process;
use super::text::Text;

/// What stands in a label where there is nothing to tell.
const NONE: &str = "none";

/// All metrics.
pub(in crate::admin) async fn collect(admin: &Admin) -> String {
    let mut text = Text::default();
    text.family(f::BUILD_INFO).add(&[env!("CARGO_PKG_VERSION")], 1);
    text.one(f::DRAINING, u8::from(admin.shutdown.is_cancelled()));
    requests(&mut text, admin);
    sessions(&mut text, admin);
    engines(&mut text, admin);
    tables(&mut text, admin);
    feed(&mut text, admin);
    ledgers(&mut text, admin).await;
    control(&mut text, admin);
    databases(&mut text, admin);
    telemetry(&mut text, admin);
    certificates(&mut text, admin);
    process(&mut text, admin);
    text.finish()
}

fn name(region: Option<Region>) -> &'static str {
    region.map_or(NONE, Region::as_str)
}

fn requests(text: &mut Text, admin: &Admin) {
    const STATUS: [&str; 6] = [NONE, "1xx", "2xx", "3xx", "4xx", "5xx"];
    let metrics = admin.gateway.metrics();
    let mut samples = text.family(f::REQUESTS);
    for counted in metrics.requests() {
        let product = counted.route.product().map_or(NONE, |product| product.as_str());
        let status = STATUS.get(usize::from(counted.status_class)).copied().unwrap_or(NONE);
        samples.add(&[name(counted.region), product, counted.route.as_str(), status], counted.count);
    }
    let mut samples = text.family(f::REFUSALS);
    for (region, reason, count) in metrics.refusals() {
        samples.add(&[name(region), reason.as_str()], count);
    }
    let mut samples = text.family(f::REQUEST_SECONDS);
    for (route, histogram) in metrics.request_times() {
        samples.histogram(&[route.as_str()], &histogram);
    }
    let (opened, open) = metrics.connections();
    text.one(f::CONNECTIONS, opened);
    text.one(f::CONNECTIONS_OPEN, open);
    let (received, sent) = metrics.bytes();
    text.one(f::RECEIVED_BYTES, received);
    text.one(f::SENT_BYTES, sent);
}

fn sessions(text: &mut Text, admin: &Admin) {
    let metrics = admin.gateway.metrics();
    let mut samples = text.family(f::SESSIONS);
    for (region, product, count) in metrics.sessions_opened() {
        samples.add(&[name(region), product.as_str()], count);
    }
    let mut samples = text.family(f::SESSIONS_OPEN);
    let mut open: BTreeMap<_, u64> =
        metrics.sessions_opened().into_iter().map(|(region, product, _)| ((region, product), 0)).collect();
    for (region, product) in admin.gateway.sessions().places() {
        *open.entry((Some(region), product)).or_default() += 1;
    }
    for ((region, product), count) in open {
        samples.add(&[name(region), product.as_str()], count);
    }
    text.family(f::SESSION_SECONDS).histogram(&[], &metrics.session_times());
}

fn engines(text: &mut Text, admin: &Admin) {
    let mut samples = text.family(f::ENGINE_UP);
    for (region, answers) in admin.gateway.engines() {
        samples.add(&[region.as_str()], u8::from(answers));
    }
    let mut samples = text.family(f::ENGINE_FAULTS);
    for (region, fault, count) in admin.gateway.metrics().engine_faults() {
        samples.add(&[name(region), fault.as_str()], count);
    }
}

fn tables(text: &mut Text, admin: &Admin) {
    let tables = admin.gateway.tables();
    text.one(f::API_KEYS, tables.api_keys());
    text.one(f::TOKEN_CACHE_ENTRIES, tables.cached_tokens());
    text.one(f::SIGNATURES, tables.signatures());
}

fn feed(text: &mut Text, admin: &Admin) {
    text.one(f::FEED_REVISION, admin.control.tables().revision().0);
    let gateways = admin.control.gateways().health();
    let mut samples = text.family(f::FEED_ENFORCED);
    gateways.iter().for_each(|gateway| samples.add(&[&gateway.name], gateway.enforced.0));
    let mut samples = text.family(f::FEED_LAG);
    for gateway in &gateways {
        samples.add(&[&gateway.name], gateway.newest.0.saturating_sub(gateway.enforced.0));
    }
    let now = admin.control.now();
    let mut samples = text.family(f::FEED_UNHEARD);
    for gateway in &gateways {
        if let Some(heard) = gateway.heard_at {
            samples.add(&[&gateway.name], seconds_since(heard, now));
        }
    }
    let feed = admin.gateway.feed();
    text.one(f::FEED_STALE, u8::from(feed.is_stale));
    text.one(f::FEED_SKIPPED, feed.skipped);
}

async fn ledgers(text: &mut Text, admin: &Admin) {
    let mut counts = Vec::new();
    for (region, ledger) in admin.gateway.ledgers() {
        // One that doesn't answer is told by readiness; here its number is missing.
        if let Ok(intents) = ledger.open_intents().await {
            counts.push((region, intents.len()));
        }
    }
    let mut samples = text.family(f::LEDGER_INTENTS);
    counts.into_iter().for_each(|(region, count)| samples.add(&[region.as_str()], count));
}

fn control(text: &mut Text, admin: &Admin) {
    text.one(f::LAST_USED_WAITING, admin.control.last_used_waiting());
    text.one(f::AUDIT_EVENTS, admin.control.audit_events());
}

fn databases(text: &mut Text, admin: &Admin) {
    let mut databases = vec![("control", admin.control.writes())];
    databases.extend(admin.gateway.ledgers().map(|(region, ledger)| (region.as_str(), ledger.writes())));
    let mut samples = text.family(f::WRITES_WAITING);
    databases.iter().for_each(|(name, writes)| samples.add(&[name], writes.waiting()));
    let mut samples = text.family(f::WRITE_SECONDS);
    for (name, writes) in databases {
        let ledger::WriteTimes { up_to, count, sum_micros } = writes.times();
        samples.histogram(&[name], &Histogram { up_to, count, sum_micros });
    }
}

fn telemetry(text: &mut Text, admin: &Admin) {
    text.one(f::LOG_DROPPED, admin.dropped_lines.as_ref().map_or(0, crate::log::DroppedLines::count));
    text.one(
        f::TRACES_DROPPED,
        admin.dropped_spans.as_ref().map_or(0, crate::telemetry::DroppedSpans::count),
    );
}

fn certificates(text: &mut Text, admin: &Admin) {
    let mut samples = text.family(f::CERTIFICATE_END);
    for certificate in admin.tls.iter().flat_map(|tls| tls.certificates()) {
        samples.add(&[&certificate.file.display().to_string()], certificate.expires_at.as_seconds());
    }
}

fn process(text: &mut Text, admin: &Admin) {
    let process = Process::read(admin.control.now());
    let mut one = |family, value: Option<String>| {
        let mut samples = text.family(family);
        if let Some(value) = value {
            samples.add(&[], value);
        }
    };
    one(f::PROCESS_CPU, process.cpu_seconds.map(|seconds| seconds.to_string()));
    one(f::PROCESS_START, process.started_at_seconds.map(|seconds| seconds.to_string()));
    one(f::PROCESS_RESIDENT, process.resident_bytes.map(|bytes| bytes.to_string()));
    one(f::PROCESS_VIRTUAL, process.virtual_bytes.map(|bytes| bytes.to_string()));
    one(f::PROCESS_THREADS, process.threads.map(|threads| threads.to_string()));
    one(f::PROCESS_FDS, process.open_fds.map(|count| count.to_string()));
    one(f::PROCESS_FDS_MAX, process.max_fds.map(|count| count.to_string()));
}
