//! `/v1/gateways`: which gateways are connected, and how far each is; for operators.

use axum::Json;
use control::GatewayHealth;
use domain::Timestamp;
use http::{HeaderMap, Method};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth;
use crate::context::Context;
use crate::document::{Api, Callers, Operation, Tag};
use crate::problem::Problem;

/// One region of a gateway.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatewayRegion)]
struct GatewayRegionAnswer {
    /// The region.
    region: String,
    /// Whether its engine answers.
    engine_answers: bool,
}

/// A connected gateway.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gateway)]
struct GatewayAnswer {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Its regions.
    regions: Vec<GatewayRegionAnswer>,
    /// The newest revision that it enforces.
    enforced_revision: u64,
    /// The newest revision that there is.
    newest_revision: u64,
    /// How many revisions it is behind.
    lag: u64,
    /// When it last said anything.
    #[schema(required = true, format = DateTime)]
    heard_at: Option<String>,
    /// Realtime sessions that are open on it; null if it didn't say so in time.
    #[schema(required = true)]
    sessions: Option<u64>,
}

impl GatewayAnswer {
    fn new(health: GatewayHealth, sessions: Option<u64>) -> Self {
        let region = |(region, engine_answers): (domain::Region, bool)| GatewayRegionAnswer {
            region: region.to_string(),
            engine_answers,
        };
        Self {
            name: health.name,
            // Every gateway runs in this process, so it is of this version.
            version: env!("CARGO_PKG_VERSION").to_owned(),
            regions: health.engines.into_iter().map(region).collect(),
            enforced_revision: health.enforced.0,
            newest_revision: health.newest.0,
            lag: health.newest.0.saturating_sub(health.enforced.0),
            heard_at: health.heard_at.map(Timestamp::to_rfc3339),
            sessions,
        }
    }
}

/// The connected gateways.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gateways)]
struct GatewaysAnswer {
    /// The gateways.
    gateways: Vec<GatewayAnswer>,
}

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let list = Operation::new(Method::GET, "/v1/gateways", "list_gateways", Tag::Gateways, "List the gateways")
        .says("Which gateways are connected, how far behind the newest revision each is, and whether its engines answer.")
        .callers(Callers::Operators)
        .answers::<GatewaysAnswer>(200, "The gateways.");
    api.add(list, get)
}

/// Lists the connected gateways.
async fn get(context: Context, headers: HeaderMap) -> Result<Json<GatewaysAnswer>, Problem> {
    auth::operator(&context, &headers)?;
    let gateways = context.control.gateways();
    let sessions = gateways.count_sessions().await;
    let describe = |health: GatewayHealth| {
        let count = sessions.iter().find(|(name, _)| *name == health.name).map(|(_, count)| *count);
        GatewayAnswer::new(health, count)
    };
    Ok(Json(GatewaysAnswer { gateways: gateways.health().into_iter().map(describe).collect() }))
}
