//! Regions: which key works where, and where jobs live.

use serde_json::json;
use testkit::{Api, Caller, Mint, Server, Socket};

use crate::common::{make_key, make_key_in, make_project, revoke_key, with_jwt};

/// A key works in the regions of its areas and in no other; the refusal names the right endpoint.
#[tokio::test]
async fn a_key_works_in_its_areas() {
    let server = Server::start().await;
    for (area, own) in [("eu", &["eu1", "eu2"][..]), ("usa", &["us1", "us2"]), ("au", &["au1"])] {
        let key = make_key(&server, json!({"areas": [area]})).await.caller();
        let token = Caller::temporary_key(&Mint::of("batch").key(&server.home(), &key).await);
        for name in server.report().regions.keys() {
            let region = server.region(name);
            for caller in [&key, &token] {
                let answer = region.get("/v2/jobs", caller).await;
                if own.contains(&name.as_str()) {
                    answer.expect(200);
                    continue;
                }
                let refused = answer.expect_refusal(403, "wrong_area").json();
                assert_eq!(refused["error"], "Forbidden");
                assert!(refused["detail"].as_str().unwrap().contains(own[0]), "{refused}");
            }
        }
    }
    server.shutdown().await;
}

/// A temporary key that was narrowed to one area works there alone, though its parent has more.
#[tokio::test]
async fn a_temporary_key_can_be_narrower() {
    let server = Server::start().await;
    let key = make_key(&server, json!({"areas": ["eu", "usa", "au"]})).await.caller();
    let narrow =
        Caller::temporary_key(&Mint::of("batch").with("region", json!("au")).key(&server.home(), &key).await);
    server.region("au1").get("/v2/jobs", &narrow).await.expect(200);
    server.region("eu1").get("/v2/jobs", &narrow).await.expect_refusal(403, "wrong_area");
    let wide = Caller::temporary_key(&Mint::of("batch").key(&server.home(), &key).await);
    for name in server.report().regions.keys() {
        server.region(name).get("/v2/jobs", &wide).await.expect(200);
    }
    server.shutdown().await;
}

/// A job lives where it was made: every other region answers as if it never was. The port that routes by path is eu1.
#[tokio::test]
async fn jobs_stay_in_their_region() {
    let server = Server::start().await;
    let key = make_key(&server, json!({"areas": ["eu", "usa", "au"]})).await.caller();
    for made_in in server.report().regions.keys() {
        let id = server.region(made_in).job(&key).await;
        for asked_in in server.report().regions.keys() {
            let region = server.region(asked_in);
            let answer = region.get(&format!("/v2/jobs/{id}"), &key).await;
            if asked_in == made_in {
                answer.expect(200);
                assert!(region.job_ids(&key).await.contains(&id));
            } else {
                answer.expect_refusal(404, "job_not_found");
                assert!(!region.job_ids(&key).await.contains(&id));
            }
        }
        let home = server.home().get(&format!("/v2/jobs/{id}"), &key).await;
        assert_eq!(home.status == 200, made_in == "eu1");
    }
    server.shutdown().await;
}

/// Realtime is in eu1 and us1; the global endpoint goes to a region that the key may use, and refuses a key without one.
#[tokio::test]
async fn the_global_endpoint_finds_a_region() {
    let server = Server::start().await;
    let global = &server.report().global_realtime_url;
    for area in ["eu", "usa"] {
        let key = make_key(&server, json!({"areas": [area]})).await.caller();
        Socket::open(global, &key).await.unwrap().begin().await;
        let token = Mint::of("rt").key(&server.home(), &key).await;
        Socket::open(&with_jwt(global, &token), &Caller::anon()).await.unwrap().begin().await;
    }
    let au = make_key(&server, json!({"areas": ["au"]})).await.caller();
    let refused = Socket::open(global, &au).await.unwrap_err();
    assert_eq!((refused.status, refused.body["reason"].as_str()), (403, Some("wrong_area")));
    for region in ["au1", "eu2", "us2"] {
        assert_eq!(server.report().regions[region].realtime_url, None);
        let url = server.report().regions[region].batch_url.replace("http://", "ws://");
        assert!(Socket::open(&url, &server.key()).await.is_err());
    }
    server.shutdown().await;
}

/// Whatever is revoked is revoked in every region by the time that the revocation is answered.
#[tokio::test]
async fn revocation_reaches_every_region() {
    let server = Server::start().await;
    let home = server.home();
    let project = make_project(&server, "wide").await;
    let areas = json!({"areas": ["eu", "usa", "au"]});
    let key = make_key_in(&home, &server.manager(), project, areas.clone()).await;
    let control = make_key_in(&home, &server.manager(), project, areas).await;
    let token = Caller::temporary_key(&Mint::of("batch").key(&home, &key.caller()).await);
    let regions: Vec<Api> = server.report().regions.keys().map(|name| server.region(name)).collect();
    for region in &regions {
        region.get("/v2/jobs", &key.caller()).await.expect(200);
        region.get("/v2/jobs", &token).await.expect(200);
    }
    revoke_key(&home, &server.manager(), &key.id).await;
    for region in &regions {
        region.get("/v2/jobs", &key.caller()).await.expect_refusal(401, "credential_revoked");
        region.get("/v2/jobs", &token).await.expect_refusal(401, "credential_revoked");
        region.get("/v2/jobs", &control.caller()).await.expect(200);
    }
    server.shutdown().await;
}
