//! `voxgate dev`.

use testkit::{Api, Caller, Server};

/// Every address that is told works, on both loopback addresses, and says `localhost`.
#[tokio::test]
async fn every_address_works() {
    let server = Server::start().await;
    let report = server.report();
    for url in [&report.portal_url, &report.management_url, &report.batch_url] {
        assert!(url.starts_with("http://localhost:"), "{url}");
        for host in ["127.0.0.1", "[::1]"] {
            let answer = Api::new(&url.replace("localhost", host))
                .get("/.well-known/jwks.json", &Caller::anon())
                .await;
            answer.expect(200);
        }
    }
    for (name, region) in &report.regions {
        assert!(region.batch_url.starts_with("http://localhost:") && region.batch_url.ends_with("/v2"));
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let answer =
                Api::new(&region.batch_url.replace("localhost", host)).get("/v2/jobs", &server.key()).await;
            assert_eq!(answer.status == 200, name.starts_with("eu"), "{name} {}", answer.text());
        }
    }
    server.shutdown().await;
}

/// The portal's page is served with its strict headers, and is no place that a credential opens.
#[tokio::test]
async fn the_portal_is_there() {
    let server = Server::start().await;
    let answer = server.home().get("/", &Caller::anon()).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    assert!(answer.text().contains("href=\"/register\"") && answer.text().contains("href=\"/sign-in\""));
    let wav = server.home().get("/assets/hello.wav", &Caller::anon()).await.expect(200);
    assert!(wav.body.starts_with(b"RIFF"));
    server.shutdown().await;
}

/// The port of a dev instance that is taken is told, with what to do.
#[tokio::test]
async fn a_taken_port_is_told() {
    let server = Server::start().await;
    let port: u16 = server.report().portal_url.rsplit(':').next().unwrap().parse().unwrap();
    let options = voxgate::dev::DevOptions { port, ..Default::default() };
    let error = voxgate::dev::start(&options).await.expect_err("the port is taken").to_string();
    assert!(error.contains(&port.to_string()) && error.contains("--port"), "{error}");
    server.shutdown().await;
}
