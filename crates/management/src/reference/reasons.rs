//! The page of each reason, from `docs/errors/`. A reason without a page doesn't compile.

use askama::Template;
use domain::Reason;
use pulldown_cmark::{Options, Parser, html};

#[derive(Template)]
#[template(path = "reason.html")]
struct ReasonPage<'a> {
    reason: &'a str,
    /// Markup of ours, from the repository's own pages.
    text: String,
}

/// The page of a reason.
pub(super) fn render(reason: Reason) -> String {
    let mut text = String::new();
    html::push_html(&mut text, Parser::new_ext(source(reason), Options::ENABLE_TABLES));
    // Pages link to each other as files; here they have no suffix.
    let text = text.replace(".md\"", "\"");
    let page = ReasonPage { reason: reason.as_str(), text };
    page.render().unwrap_or_else(|_| source(reason).to_owned())
}

const fn source(reason: Reason) -> &'static str {
    match reason {
        Reason::CredentialMissing => include_str!("../../../../docs/errors/credential_missing.md"),
        Reason::CredentialUnknown => include_str!("../../../../docs/errors/credential_unknown.md"),
        Reason::TokenInvalid => include_str!("../../../../docs/errors/token_invalid.md"),
        Reason::CredentialExpired => include_str!("../../../../docs/errors/credential_expired.md"),
        Reason::CredentialEarly => include_str!("../../../../docs/errors/credential_early.md"),
        Reason::CredentialRevoked => include_str!("../../../../docs/errors/credential_revoked.md"),
        Reason::CredentialAmbiguous => include_str!("../../../../docs/errors/credential_ambiguous.md"),
        Reason::ApiKeyInUrl => include_str!("../../../../docs/errors/api_key_in_url.md"),
        Reason::CannotMint => include_str!("../../../../docs/errors/cannot_mint.md"),
        Reason::ClientRefRevoked => include_str!("../../../../docs/errors/client_ref_revoked.md"),
        Reason::WrongProduct => include_str!("../../../../docs/errors/wrong_product.md"),
        Reason::WrongArea => include_str!("../../../../docs/errors/wrong_area.md"),
        Reason::PlanRequired => include_str!("../../../../docs/errors/plan_required.md"),
        Reason::NetworkDenied => include_str!("../../../../docs/errors/network_denied.md"),
        Reason::OriginDenied => include_str!("../../../../docs/errors/origin_denied.md"),
        Reason::PermissionMissing => include_str!("../../../../docs/errors/permission_missing.md"),
        Reason::QuotaReached => include_str!("../../../../docs/errors/quota_reached.md"),
        Reason::DefaultProject => include_str!("../../../../docs/errors/default_project.md"),
        Reason::LastAdmin => include_str!("../../../../docs/errors/last_admin.md"),
        Reason::AlreadyExists => include_str!("../../../../docs/errors/already_exists.md"),
        Reason::UsageNeedsProject => include_str!("../../../../docs/errors/usage_needs_project.md"),
        Reason::JobNotFound => include_str!("../../../../docs/errors/job_not_found.md"),
        Reason::JobExpired => include_str!("../../../../docs/errors/job_expired.md"),
        Reason::JobRunning => include_str!("../../../../docs/errors/job_running.md"),
        Reason::SessionsFull => include_str!("../../../../docs/errors/sessions_full.md"),
        Reason::UsesSpent => include_str!("../../../../docs/errors/uses_spent.md"),
        Reason::SessionOver => include_str!("../../../../docs/errors/session_over.md"),
        Reason::AudioSpent => include_str!("../../../../docs/errors/audio_spent.md"),
        Reason::LockBroken => include_str!("../../../../docs/errors/lock_broken.md"),
        Reason::SessionEnded => include_str!("../../../../docs/errors/session_ended.md"),
        Reason::RateLimited => include_str!("../../../../docs/errors/rate_limited.md"),
        Reason::InvalidValue => include_str!("../../../../docs/errors/invalid_value.md"),
        Reason::TooLarge => include_str!("../../../../docs/errors/too_large.md"),
        Reason::EngineDown => include_str!("../../../../docs/errors/engine_down.md"),
        Reason::EngineRefused => include_str!("../../../../docs/errors/engine_refused.md"),
        Reason::Stale => include_str!("../../../../docs/errors/stale.md"),
        Reason::StorageDown => include_str!("../../../../docs/errors/storage_down.md"),
        Reason::NotFound => include_str!("../../../../docs/errors/not_found.md"),
        Reason::MalformedRequest => include_str!("../../../../docs/errors/malformed_request.md"),
        Reason::MethodNotAllowed => include_str!("../../../../docs/errors/method_not_allowed.md"),
        Reason::NotImplemented => include_str!("../../../../docs/errors/not_implemented.md"),
        Reason::Internal => include_str!("../../../../docs/errors/internal.md"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each reason has a page of its own that says what to do.
    #[test]
    fn every_reason_has_its_page() {
        for reason in Reason::ALL {
            let page = render(*reason);
            assert!(page.contains(&format!("<code>{reason}</code>")), "{reason}");
            assert!(page.contains("What to do"), "{reason}");
            assert!(!page.contains("<script") && !page.contains(" style="), "{reason}");
        }
    }
}
