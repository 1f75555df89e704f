//! Counts what was refused to genuine credentials: who holds them is known, though they are no principals. What isn't valid any more
//! (401) is counted for nobody.

use domain::{Product, Reason, Refusal, Region, Timestamp};

use crate::Gateway;
use crate::meter::{Count, TallyKey};

/// Counts a refusal, if the credential is a genuine one that lives.
pub(crate) fn count(
    gateway: &Gateway,
    refusal: &Refusal,
    presented: &str,
    (region, product): (Region, Product),
    now: Timestamp,
) {
    if !is_for_the_living(refusal.reason) {
        return;
    }
    let Some(holder) = gateway.tables.holder(presented, now) else { return };
    let tally = gateway.meter.tally_of(TallyKey {
        project_id: holder.project_id,
        api_key_id: holder.api_key_id,
        client_ref: holder.client_ref,
        region,
        product,
        is_temporary: holder.is_temporary,
    });
    // As with principals: sessions are counted apart from requests.
    let requests = u64::from(!matches!(product, Product::Rt | Product::Flow));
    gateway.meter.count(&tally, Count { requests, refused: Some(refusal.reason), ..Count::default() }, now);
}

/// Whether only a credential that was found to be genuine and alive is refused so.
const fn is_for_the_living(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ApiKeyInUrl
            | Reason::WrongProduct
            | Reason::WrongArea
            | Reason::PlanRequired
            | Reason::NetworkDenied
            | Reason::OriginDenied
            | Reason::UsageNeedsProject
    )
}
