//! What proxies say about a request, said by a client (CVE-2026-40575 and its like): it changes nothing, and goes nowhere.

use serde_json::json;

use super::{FORGED, judge, read_with};
use crate::Fault;
use crate::arena::{Arena, accepted, refused};
use crate::trial::{Trial, Verdict};
use crate::wire::Request;

/// Names that some gateway or framework believes.
const NAMES: &[&str] = &[
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-forwarded-method",
    "x-forwarded-server",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-forwarded-preferred-username",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-original-forwarded-for",
    "x-original-host",
    "x-rewrite-url",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-remote-ip",
    "x-remote-user",
    "remote-user",
    "x-user",
    "x-user-id",
    "x-auth-user",
    "x-auth-request-user",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-consumer-id",
    "x-consumer-username",
    "x-credential-identifier",
    "x-webauth-user",
    "x-ssl-client-cert",
    "ssl-client-verify",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-api-key",
    "api-key",
    "apikey",
    "x-amz-security-token",
    "proxy-authorization",
    "cookie",
    "x-envoy-original-path",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-accel-redirect",
    "x-sendfile",
    "x-proxy-url",
    "base-url",
    "x-host",
    "x-backend",
    "destination",
    "jwt",
    "x-jwt-assertion",
    "x-tenant-id",
    "x-organization-id",
    "x-project-id",
    "x-workspace-id",
    "x-scopes",
    "via",
    "upgrade-insecure-requests",
    "max-forwards",
    "x-request-uri",
    "request-uri",
    "content-location",
    "x-forward-for",
    "x-wap-profile",
    "x-arbitrary",
    "expect-ct",
    "early-data",
    "priority",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for name in NAMES {
        let case = format!("headers of proxies: {name}");
        let answer = read_with(arena, &case, format!("{name}: {FORGED}\r\n").as_bytes()).await;
        trial.attack(&case, judge(arena, &arena.recorder.of(&case), &answer, &[400]));
    }
    for (name, value) in
        [("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "POST"), ("X-HTTP-Method", "PUT")]
    {
        let case = format!("headers of proxies: {name} says {value}");
        let answer = read_with(arena, &case, format!("{name}: {value}\r\n").as_bytes()).await;
        let reached = arena.recorder.of(&case);
        let verdict = if reached.iter().any(|one| one.head.method != "GET") {
            Verdict::Reached("another method".to_owned())
        } else {
            judge(arena, &arena.recorder.of(&case), &answer, &[])
        };
        trial.attack(&case, verdict);
    }
    addresses(arena, trial).await
}

/// A key that may be used from one network is not used from elsewhere because a client says so.
async fn addresses(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let (_, elsewhere) = arena.key_of(&arena.mine, json!({"networks": ["192.0.2.0/24"]})).await?;
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1, 127.0.0.1"),
        ("x-forwarded-for", "127.0.0.1, 192.0.2.1"),
        ("X_Forwarded_For", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("forwarded", "for=192.0.2.1;proto=https;host=localhost"),
        ("x-real-ip", "192.0.2.1"),
        ("true-client-ip", "192.0.2.1"),
        ("cf-connecting-ip", "192.0.2.1"),
        ("x-client-ip", "192.0.2.1"),
        ("x-original-forwarded-for", "192.0.2.1"),
        ("client-ip", "192.0.2.1"),
    ] {
        let case = format!("headers claim an address: {name}: {value}");
        let request =
            Request::new("GET", "/v2/jobs").bearer(&elsewhere).with("x-request-id", &case).with(name, value);
        let answer = request.send(arena.home()).await;
        trial.attack(&case, refused(&answer, 403, &["network_denied"], &arena.recorder.of(&case)));
    }
    let (_, here) = arena.key_of(&arena.mine, json!({"networks": ["127.0.0.0/8"]})).await?;
    let answer = Request::new("GET", "/v2/jobs")
        .bearer(&here)
        .with("x-forwarded-for", "203.0.113.9")
        .send(arena.home())
        .await;
    trial.control("a key of this network, whatever the header says", accepted(&answer, 200));
    Ok(())
}
