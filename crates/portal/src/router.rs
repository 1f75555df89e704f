//! The table of contents: every room of the portal.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use control::{Control, PasskeyOrigin, Providers};
use domain::Rng;
use http::{HeaderValue, header};

use crate::mail::Mails;
use crate::web::Portal;
use crate::{
    PortalConfig, account, audit, factors, headers, home, instance, keys, playground, providers, sessions,
    tokens, usage, workspace,
};

const STYLE: &str = include_str!("../assets/portal.css");
const ICON: &str = include_str!("../assets/icon.svg");
const COPY: &str = include_str!("../assets/copy.js");
const PASSKEYS: &str = include_str!("../assets/passkeys.js");

/// The portal, to be mounted at the root. Expects the client's address as `axum::extract::ConnectInfo<SocketAddr>` among
/// the request's extensions. It has no fallback: whoever mounts it says what unknown paths are.
pub fn router(control: Arc<Control>, config: PortalConfig, rng: Arc<dyn Rng>, mails: Mails) -> Router {
    let Mails { mailer, outbox } = mails;
    let passkeys = PasskeyOrigin::new(&config.base_url).map(Arc::new);
    let providers = Arc::new(Providers::new(&config.base_url, config.providers.clone()));
    let portal = Portal { control, config: Arc::new(config), rng, passkeys, providers, mail: mailer, outbox };
    rooms().merge(assets()).layer(axum::middleware::from_fn(headers::forbid)).with_state(portal)
}

fn rooms() -> Router<Portal> {
    Router::new()
        .merge(home::routes())
        .merge(account::routes())
        .merge(factors::routes())
        .merge(providers::routes())
        .merge(usage::routes())
        .merge(playground::routes())
        .merge(keys::routes())
        .merge(tokens::routes())
        .merge(sessions::routes())
        .merge(workspace::routes())
        .merge(audit::routes())
        .merge(instance::routes())
}

fn assets() -> Router<Portal> {
    Router::new()
        .route("/assets/portal.css", get(async || style(STYLE)))
        .route("/assets/icon.svg", get(async || asset(ICON, "image/svg+xml")))
        .route("/assets/copy.js", get(async || script(COPY)))
        .route("/assets/passkeys.js", get(async || script(PASSKEYS)))
}

/// A style sheet of a room.
pub(crate) fn style(text: &'static str) -> Response {
    asset(text, "text/css; charset=utf-8")
}

/// A script of a room.
pub(crate) fn script(text: &'static str) -> Response {
    asset(text, "text/javascript; charset=utf-8")
}

fn asset(text: &'static str, content_type: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use control::ControlConfig;
    use domain::{SystemClock, SystemRng};
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Endpoints, RegionEndpoints};

    fn config(management_url: &str) -> PortalConfig {
        PortalConfig {
            base_url: "http://localhost:8080".to_owned(),
            providers: Vec::new(),
            endpoints: Endpoints {
                management_url: management_url.to_owned(),
                batch_url: "http://localhost:8080/v2".to_owned(),
                realtime_url: Some("ws://localhost:8080/v2".to_owned()),
                global_realtime_url: None,
                regions: vec![RegionEndpoints {
                    region: "eu1".to_owned(),
                    area: "eu".to_owned(),
                    batch_url: "http://localhost:8080/v2".to_owned(),
                    realtime_url: None,
                    enterprise: false,
                }],
            },
            is_dev: true,
            docs_url: None,
            support_contact: None,
        }
    }

    async fn get_text(config: PortalConfig, path: &str) -> (http::response::Parts, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let control = ControlConfig::in_folder(folder.path());
        let control = Control::open(control, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap();
        let router = router(Arc::clone(&control), config, Arc::new(SystemRng), Mails::none());
        let (head, body) = router.oneshot(request).await.unwrap().into_parts();
        control.close().await;
        (head, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    /// A configured name can't become markup, and browsers are told to run nothing.
    #[tokio::test]
    async fn pages_are_escaped_and_strict() {
        let (head, page) = get_text(config("http://x/<script>alert(1)</script>\"'"), "/").await;
        assert_eq!(head.status, 200);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&#60;script") || page.contains("&lt;script"), "{page}");
        let policy = head.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        assert_eq!(head.headers["x-content-type-options"], "nosniff");
        assert_eq!(head.headers["referrer-policy"], "no-referrer");
    }

    /// Whoever has leaked a key finds whom to turn to, as the operator has written it; nobody is named that isn't there.
    #[tokio::test]
    async fn the_support_contact_is_shown() {
        let named = PortalConfig { support_contact: Some("<b>help@x.example</b>".to_owned()), ..config("x") };
        let (_, page) = get_text(named, "/").await;
        assert!(page.contains("help@x.example") && !page.contains("<b>help"), "{page}");
        assert!(!get_text(config("x"), "/").await.1.contains("id=\"support\""));
    }

    /// The page needs nothing from elsewhere and no script: what it links to is served here.
    #[tokio::test]
    async fn pages_need_nothing_from_elsewhere() {
        let (_, page) = get_text(config("http://localhost:8080"), "/").await;
        assert!(!page.contains("<script") && !page.contains(" style=") && !page.contains(" onclick="));
        for asset in ["/assets/portal.css", "/assets/icon.svg"] {
            assert!(page.contains(asset));
            assert_eq!(get_text(config("x"), asset).await.0.status, 200);
        }
        assert!(page.contains("http://localhost:8080/.well-known/jwks.json"));
    }
}
