//! The very bytes of bodies: clients read them, so a change of them is a change of the product.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control::{Control, ControlConfig, DevSecrets};
use domain::{SystemClock, SystemRng};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use management::ManagementConfig;
use tower::ServiceExt as _;

struct World {
    router: Router,
    secrets: DevSecrets,
    control: Arc<Control>,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let config = ControlConfig::in_folder(folder.path());
    let control = Control::open(config, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap();
    let secrets = control.bootstrap_dev(None).await.unwrap();
    let router = management::router(Arc::clone(&control), ManagementConfig { rng: Arc::new(SystemRng) });
    World { router, secrets, control, _folder: folder }
}

impl World {
    async fn ask(
        &self,
        method: &str,
        path: &str,
        credential: &str,
        body: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        if !credential.is_empty() {
            request = request.header("authorization", format!("Bearer {credential}"));
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn body(&self, method: &str, path: &str, credential: &str, body: &str) -> String {
        self.ask(method, path, credential, body).await.2
    }
}

/// Refusals of minting.
#[tokio::test]
async fn refusals_of_minting() {
    let world = world().await;
    let key = world.secrets.api_key.expose();
    let token = world.secrets.management_token.expose();
    let calls = [
        ("nobody", "", "?type=rt", "{}"),
        ("an unknown key", "vgk_x", "?type=rt", "{}"),
        ("an API key", key, "?type=rt", "{}"),
        ("an API key", key, "?type=rt", r#"{"ttl":59}"#),
        ("an API key", key, "", r#"{"ttl":86400}"#),
        ("an API key", key, "?type=voice", r#"{"ttl":60}"#),
        ("an API key", key, "?type=rt", r#"{"ttl":60,"region":"au"}"#),
        ("an API key", key, "?type=rt", r#"{"ttl":60,"region":"usa"}"#),
        ("an API key", key, "?type=flow", r#"{"ttl":60}"#),
        ("an API key", key, "", "{"),
        ("a management token", token, "?type=rt", r#"{"ttl":60}"#),
    ];
    let mut seen = String::new();
    for (who, credential, query, body) in calls {
        let answer = world.body("POST", &format!("/v1/api_keys{query}"), credential, body).await;
        seen.push_str(&format!("{who}: POST /v1/api_keys{query} {body}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(seen);
    world.control.close().await;
}

/// Refusals of managing.
#[tokio::test]
async fn refusals_of_managing() {
    let world = world().await;
    let token = world.secrets.management_token.expose();
    let calls = [
        ("nobody", "", "GET", "/v1/projects", ""),
        ("an API key", world.secrets.api_key.expose(), "GET", "/v1/projects", ""),
        ("a management token", token, "GET", "/v1/projects/999", ""),
        ("a management token", token, "DELETE", "/v1/api-keys/key_x", ""),
        ("a management token", token, "DELETE", "/v1/projects/1", ""),
        ("a management token", token, "POST", "/v1/projects", "{}"),
        ("a management token", token, "POST", "/v1/api-keys", "{}"),
        ("a management token", token, "PATCH", "/v1/projects", ""),
        ("a management token", token, "GET", "/v1/nothing", ""),
    ];
    let mut seen = String::new();
    for (who, credential, method, path, body) in calls {
        let answer = world.body(method, path, credential, body).await;
        seen.push_str(&format!("{who}: {method} {path} {body}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(seen);
    world.control.close().await;
}

/// A store that fails is told as a failure of ours, without a word of its inside.
#[tokio::test]
async fn a_failing_store_is_500() {
    let world = world().await;
    world.control.close().await;
    let token = world.secrets.management_token.expose();
    let (status, headers, body) = world.ask("GET", "/v1/projects", token, "").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(headers["request-id"].to_str().unwrap().starts_with("req_"));
    insta::assert_snapshot!(body);
}
