//! Reading the audit log, and what is known of the gateways.

use control::AuditFilter;
use serde_json::Value;

use super::{Operator, failed};
use crate::operator::{AuditCall, CallError, views};

impl Operator {
    /// The events that are asked for, oldest first.
    pub(super) async fn audit(&self, call: AuditCall) -> Result<Value, CallError> {
        let AuditCall { workspace, action, since, until, after, limit } = call;
        let filter = AuditFilter { workspace_id: workspace, action, since, until, ..AuditFilter::default() };
        let events = self.control.find_audit_events(&filter, after, limit).await.map_err(failed)?;
        Ok(events.iter().map(views::audit_event).collect())
    }

    /// What is known of each connected gateway.
    pub(super) async fn gateways(&self) -> Result<Value, CallError> {
        if self.gateway.is_none() {
            return Err(CallError(
                "no server runs on this data folder, so that no gateway is connected: start it with voxgate serve".to_owned(),
            ));
        }
        let gateways = self.control.gateways();
        let sessions = gateways.count_sessions().await;
        let view = |health: &control::GatewayHealth| {
            let count = sessions.iter().find(|(name, _)| *name == health.name).map(|(_, count)| *count);
            views::gateway(health, count)
        };
        Ok(gateways.health().iter().map(view).collect())
    }
}
