//! From the text of a file to settings, or to everything that is wrong with it.

use std::path::PathBuf;

use control::{PlanOverrides, TtlRange, TtlSeconds};
use domain::{Algorithm, Plan, PlanLimits};
use gateway::GatewayLimits;
use toml::de::DeTable;
use verify::Leeway;

use super::problem::{Problem, Report};
use super::reader::{Section, choice, filled, host, integer, list, parsed, small_integer};
use super::settings::{Hosts, RealtimeRefusals, Settings, TokenSettings};
use super::{accounts, check, database, listeners, master_key, providers, rates, regions, running};

/// A year, in seconds: no temporary key lives longer.
const TTL_SECONDS_MAX: u32 = 365 * 24 * 3600;
/// An hour, in seconds: clocks further apart are broken clocks.
const LEEWAY_SECONDS_MAX: u32 = 3600;
/// Ten years: an older signing key is one that was forgotten.
const SIGNING_KEY_DAYS_MAX: u32 = 3650;
/// Twice as long as key sets may be kept by whoever fetched them.
const PUBLISH_AHEAD_SECONDS_MIN: u32 = 2 * management::JWKS_FRESH_SECONDS;
/// Half of the shortest life of a signing key.
const PUBLISH_AHEAD_SECONDS_MAX: u32 = 12 * 3600;

/// A month, in seconds: what may wait longer may wait for ever.
const SECONDS_MAX: u64 = 30 * 24 * 3600;

/// Settings, and what is worth a word though it is no mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Remarks.
    pub notes: Vec<String>,
}

/// Reads a configuration file.
///
/// # Errors
/// With everything that is wrong, in the order of the file.
pub fn load(text: &str) -> Result<Loaded, Vec<Problem>> {
    let mut report = Report::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let has_syntax_errors = !errors.is_empty();
    for error in errors {
        let line = report.line(error.span().map_or(0, |span| span.start));
        report.add(line, "", format!("this is not TOML: {}", error.message().replace('\n', " ")));
    }
    // What follows a syntax error may have been read wrongly: telling it would mislead.
    if has_syntax_errors {
        return Err(report.into_problems());
    }
    let settings = settings(table.get_ref(), &mut report);
    let notes = check::notes(&settings);
    let problems = report.into_problems();
    if problems.is_empty() { Ok(Loaded { settings, notes }) } else { Err(problems) }
}

pub(super) fn settings(table: &DeTable<'_>, report: &mut Report) -> Settings {
    let mut root = Section::root(table);
    let domain = root.read(report, "domain", host);
    let mut settings = domain.map_or_else(Settings::default, |domain| Settings::under(&domain));
    if let Some(path) = root.read(report, "data_dir", filled) {
        settings.data_dir = PathBuf::from(path);
    }
    settings.proxies = listeners::proxies(&mut root, report);
    settings.docs_url = root.read(report, "docs_url", parsed(web_url));
    settings.database = database::database(&mut root, report);
    (settings.master_key, settings.next_master_key) = master_key::master_key(&mut root, report);
    settings.support_contact = root.read(report, "support_contact", filled);
    settings.log = running::log(&mut root, report);
    settings.admin = running::admin(&mut root, report);
    settings.telemetry = running::telemetry(&mut root, report);
    let listeners = listeners::listeners(&mut root, report);
    settings.hosts = hosts(&mut root, report, settings.hosts);
    settings.regions = regions::regions(&mut root, report, &settings.domain);
    settings.tokens = tokens(&mut root, report, settings.tokens);
    settings.ttl_seconds = ttl_seconds(&mut root, report);
    settings.plans = plans(&mut root, report);
    settings.refusals = refusals(&mut root, report);
    settings.limits = limits(&mut root, report);
    settings.management = rates::rates(&mut root, report);
    settings.registration = accounts::registration(&mut root, report);
    settings.mail = accounts::mail(&mut root, report);
    settings.webhooks = running::webhooks(&mut root, report);
    (settings.second_factor, settings.providers) = providers::sign_in(&mut root, report);
    check::registration(report, &settings);
    root.finish(report);
    if let Some(listeners) = listeners {
        check::listeners(report, &listeners, &settings.proxies);
        settings.listeners = listeners.into_iter().map(|(_, listener)| listener).collect();
    }
    check::hosts(report, &settings);
    settings
}

pub(super) fn web_url(text: &str) -> Result<String, String> {
    let plain = (text.starts_with("https://") || text.starts_with("http://"))
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { Ok(text.to_owned()) } else { Err("expected a URL that starts with https://".to_owned()) }
}

fn hosts(root: &mut Section<'_>, report: &mut Report, default: Hosts) -> Hosts {
    let mut section = root.section(report, "hosts");
    let mut read = |key, default| section.read(report, key, list(host)).unwrap_or(default);
    let hosts = Hosts {
        management: read("management", default.management),
        portal: read("portal", default.portal),
        global_realtime: read("global_realtime", default.global_realtime),
    };
    section.finish(report);
    hosts
}

fn tokens(root: &mut Section<'_>, report: &mut Report, default: TokenSettings) -> TokenSettings {
    let mut section = root.section(report, "tokens");
    let leeway = default.leeway;
    let settings = TokenSettings {
        algorithm: section
            .read(report, "algorithm", choice(Algorithm::ALL, Algorithm::as_str))
            .unwrap_or(default.algorithm),
        leeway: Leeway {
            early_seconds: section
                .read(report, "early_leeway_seconds", small_integer(0, LEEWAY_SECONDS_MAX))
                .unwrap_or(leeway.early_seconds),
            expiry_seconds: section
                .read(report, "expiry_leeway_seconds", small_integer(0, LEEWAY_SECONDS_MAX))
                .unwrap_or(leeway.expiry_seconds),
        },
        signing_key_days_max: section
            .read(report, "signing_key_days_max", small_integer(1, SIGNING_KEY_DAYS_MAX))
            .unwrap_or(default.signing_key_days_max),
        publish_ahead_seconds: section
            .read(
                report,
                "publish_ahead_seconds",
                small_integer(PUBLISH_AHEAD_SECONDS_MIN, PUBLISH_AHEAD_SECONDS_MAX),
            )
            .unwrap_or(default.publish_ahead_seconds),
    };
    section.finish(report);
    settings
}

fn ttl_seconds(root: &mut Section<'_>, report: &mut Report) -> TtlSeconds {
    let mut section = root.section(report, "ttl_seconds");
    let default = TtlSeconds::default();
    let ttl = TtlSeconds {
        batch: ttl_range(&mut section, report, "batch", default.batch),
        rt: ttl_range(&mut section, report, "rt", default.rt),
        tts: ttl_range(&mut section, report, "tts", default.tts),
        flow: ttl_range(&mut section, report, "flow", default.flow),
    };
    section.finish(report);
    ttl
}

fn ttl_range(above: &mut Section<'_>, report: &mut Report, key: &'static str, default: TtlRange) -> TtlRange {
    let mut section = above.section(report, key);
    let line = section.line(report, "max").or_else(|| section.line(report, "min")).unwrap_or(1);
    let range = TtlRange {
        min_seconds: section
            .read(report, "min", small_integer(1, TTL_SECONDS_MAX))
            .unwrap_or(default.min_seconds),
        max_seconds: section
            .read(report, "max", small_integer(1, TTL_SECONDS_MAX))
            .unwrap_or(default.max_seconds),
    };
    if range.min_seconds > range.max_seconds {
        let message = format!("min ({}) is larger than max ({})", range.min_seconds, range.max_seconds);
        report.add(line, above.name(key), message);
    }
    section.finish(report);
    range
}

fn plans(root: &mut Section<'_>, report: &mut Report) -> PlanOverrides {
    let mut section = root.section(report, "plans");
    let plans = PlanOverrides {
        free: plan(&mut section, report, Plan::Free),
        pro: plan(&mut section, report, Plan::Pro),
        enterprise: plan(&mut section, report, Plan::Enterprise),
    };
    section.finish(report);
    plans
}

/// Limits of a plan; what is the same as built in counts as not configured.
fn plan(above: &mut Section<'_>, report: &mut Report, plan: Plan) -> Option<PlanLimits> {
    let mut section = above.section(report, plan.as_str());
    if !section.is_there() && !report.records() {
        return None;
    }
    let default = plan.default_limits();
    let audio_seconds_per_month_max =
        section.read(report, "audio_seconds_per_month_max", small_integer(1, u32::MAX));
    let mut read = |key, default| section.read(report, key, small_integer(1, 1_000_000)).unwrap_or(default);
    let limits = PlanLimits {
        audio_seconds_per_month_max,
        concurrent_sessions_max: read("concurrent_sessions_max", default.concurrent_sessions_max),
        creates_per_second_max: read("creates_per_second_max", default.creates_per_second_max),
        reads_per_second_max: read("reads_per_second_max", default.reads_per_second_max),
        mints_per_second_max: read("mints_per_second_max", default.mints_per_second_max),
        projects_max: read("projects_max", default.projects_max),
        api_keys_per_project_max: read("api_keys_per_project_max", default.api_keys_per_project_max),
        enterprise: default.enterprise,
    };
    section.finish(report);
    (limits != default).then_some(limits)
}

fn refusals(root: &mut Section<'_>, report: &mut Report) -> RealtimeRefusals {
    let mut section = root.section(report, "realtime");
    let refusals = section
        .read(report, "refusals", choice(RealtimeRefusals::ALL, RealtimeRefusals::as_str))
        .unwrap_or(RealtimeRefusals::ByCredential);
    section.finish(report);
    refusals
}

fn limits(root: &mut Section<'_>, report: &mut Report) -> GatewayLimits {
    let mut section = root.section(report, "limits");
    let default = GatewayLimits::default();
    let mut count = |key, default: usize| {
        let read = section.read(report, key, integer(1, 10_000_000));
        read.and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
    };
    let connections_max = count("connections_max", default.connections_max);
    let connections_per_peer_max = count("connections_per_peer_max", default.connections_per_peer_max);
    let handshakes_max = count("handshakes_max", default.handshakes_max);
    let worker_threads = count("worker_threads", default.worker_threads);
    let engine_idle_connections_max =
        count("engine_idle_connections_max", default.engine_idle_connections_max);
    // An engine may stop for less than that, and for a second at least.
    let idle_seconds_max = section.read(report, "idle_seconds_max", integer(2, SECONDS_MAX));
    let idle_seconds_max = idle_seconds_max.unwrap_or(default.idle_seconds_max);
    let mut seconds =
        |key, default: u64| section.read(report, key, integer(1, SECONDS_MAX)).unwrap_or(default);
    // Whoever shortens the one without a word about the other means no more than that.
    let engine_stall_default = default.engine_stall_seconds_max.min(idle_seconds_max.saturating_sub(1));
    let limits = GatewayLimits {
        connections_max,
        connections_per_peer_max,
        handshakes_max,
        handshake_seconds_max: seconds("handshake_seconds_max", default.handshake_seconds_max),
        head_seconds_max: seconds("head_seconds_max", default.head_seconds_max),
        idle_seconds_max,
        stall_seconds_max: default.stall_seconds_max,
        worker_threads,
        engine_idle_connections_max,
        engine_idle_seconds_max: seconds("engine_idle_seconds_max", default.engine_idle_seconds_max),
        engine_connect_seconds_max: seconds("engine_connect_seconds_max", default.engine_connect_seconds_max),
        engine_answer_seconds_max: seconds("engine_answer_seconds_max", default.engine_answer_seconds_max),
        engine_stall_seconds_max: seconds("engine_stall_seconds_max", engine_stall_default),
        drain_seconds_max: seconds("drain_seconds_max", default.drain_seconds_max),
        staleness_seconds_max: seconds("staleness_seconds_max", default.staleness_seconds_max),
    };
    if limits.engine_stall_seconds_max >= limits.idle_seconds_max {
        const KEY: &str = "engine_stall_seconds_max";
        let line =
            section.line(report, KEY).or_else(|| section.line(report, "idle_seconds_max")).unwrap_or(1);
        let message = format!(
            "expected less than idle_seconds_max ({}), found {}: a client's connection on which nothing moves ends then, and the answer with it. Lower this one, or raise idle_seconds_max",
            limits.idle_seconds_max, limits.engine_stall_seconds_max
        );
        report.add(line, section.name(KEY), message);
    }
    section.finish(report);
    limits
}
