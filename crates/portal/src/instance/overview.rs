//! `/instance`: regions, gateways, and how much there is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::GatewayHealth;

use crate::web::page::{self, Page};
use crate::web::{InstanceOperator, Portal, Problem};

#[derive(Template)]
#[template(path = "instance/overview.html")]
struct View<'a> {
    page: &'a Page,
    version: &'static str,
    instance_id: String,
    accounts: u64,
    workspaces: u64,
    regions: Vec<RegionRow<'a>>,
    gateways: Vec<GatewayRow>,
}

/// A region as it is configured, and whether an engine answers there.
struct RegionRow<'a> {
    region: &'a str,
    area: &'a str,
    batch_url: &'a str,
    realtime_url: Option<&'a str>,
    enterprise: bool,
    /// As gateways say; unknown where none serves it.
    is_up: Option<bool>,
}

/// A connected gateway.
struct GatewayRow {
    health: GatewayHealth,
    /// Revisions that it is behind.
    lag: u64,
    /// Unknown where it didn't answer.
    sessions: Option<u64>,
}

/// `GET /instance`.
pub(super) async fn get(
    State(portal): State<Portal>,
    InstanceOperator(signed_in): InstanceOperator,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Instance");
    let control = &portal.control;
    let (accounts, workspaces) = control.count_accounts_and_workspaces().await?;
    let sessions = control.gateways().count_sessions().await;
    let gateways: Vec<GatewayRow> = control
        .gateways()
        .health()
        .into_iter()
        .map(|health| GatewayRow {
            lag: health.newest.0.saturating_sub(health.enforced.0),
            sessions: sessions.iter().find(|(name, _)| *name == health.name).map(|(_, count)| *count),
            health,
        })
        .collect();
    let is_up = |name: &str| {
        let mut said = gateways
            .iter()
            .flat_map(|gateway| &gateway.health.engines)
            .filter(|(region, _)| region.as_str() == name)
            .map(|(_, is_up)| *is_up)
            .peekable();
        said.peek().is_some().then(|| said.all(|is_up| is_up))
    };
    let regions = portal.config.endpoints.regions.iter().map(|region| RegionRow {
        region: &region.region,
        area: &region.area,
        batch_url: &region.batch_url,
        realtime_url: region.realtime_url.as_deref(),
        enterprise: region.enterprise,
        is_up: is_up(&region.region),
    });
    let view = View {
        page: &page,
        version: env!("CARGO_PKG_VERSION"),
        instance_id: control.instance_id().to_string(),
        accounts,
        workspaces,
        regions: regions.collect(),
        gateways,
    };
    page::show(&page, &view)
}
