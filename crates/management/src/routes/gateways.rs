//! `/v1/gateways`: which gateways are connected, and how far each is; for operators.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, Method};

use crate::auth;
use crate::context::Context;
use crate::document::{Api, Callers, Operation, Tag};
use crate::problem::Problem;
use crate::routes::answers::{GatewayAnswer, GatewaysAnswer};

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let list = Operation::new(Method::GET, "/v1/gateways", "list_gateways", Tag::Gateways, "List the gateways")
        .says("Which gateways are connected, how far behind the newest revision each is, and whether its engines answer.")
        .callers(Callers::Operators)
        .answers::<GatewaysAnswer>(200, "The gateways.");
    api.add(list, get)
}

/// Lists the connected gateways.
async fn get(State(context): State<Context>, headers: HeaderMap) -> Result<Json<GatewaysAnswer>, Problem> {
    auth::operator(&context, &headers)?;
    let gateways = context.control.gateways();
    let sessions = gateways.count_sessions().await;
    let describe = |health: control::GatewayHealth| {
        let count = sessions.iter().find(|(name, _)| *name == health.name).map(|(_, count)| *count);
        GatewayAnswer::new(health, count)
    };
    Ok(Json(GatewaysAnswer { gateways: gateways.health().into_iter().map(describe).collect() }))
}
