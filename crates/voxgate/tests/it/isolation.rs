//! Nobody sees another's jobs: by client_ref, by project, by workspace.

use serde_json::json;
use testkit::{Api, Caller, Mint, Server};

use crate::common::{make_key, make_key_in, make_project};

/// Whoever this is sees exactly these of all jobs, by list and one by one.
async fn sees_exactly(api: &Api, caller: &Caller, own: &[&String], all: &[&String]) {
    let mut listed = api.job_ids(caller).await;
    listed.sort();
    let mut expected: Vec<String> = own.iter().map(|id| (*id).clone()).collect();
    expected.sort();
    assert_eq!(listed, expected);
    for id in all {
        let answer = api.get(&format!("/v2/jobs/{id}"), caller).await;
        let transcript = api.get(&format!("/v2/jobs/{id}/transcript"), caller).await;
        if own.contains(id) {
            answer.expect(200);
            assert_ne!(transcript.json()["reason"], "job_not_found");
        } else {
            answer.expect_refusal(404, "job_not_found");
            transcript.expect_refusal(404, "job_not_found");
        }
    }
}

/// A key for one client_ref sees and deletes only that client_ref's jobs; a key of the project sees all of them.
#[tokio::test]
async fn client_refs_are_apart() {
    let server = Server::start().await;
    let home = server.home();
    let of = async |client_ref: &str| {
        Caller::temporary_key(&Mint::of("batch").client_ref(client_ref).key(&home, &server.key()).await)
    };
    // Spellings that a careless comparison would take for one.
    let (a, upper, b, umlaut) =
        (of("user-a").await, of("USER-A").await, of("user-b").await, of("ü/%2F").await);
    let (job_a, job_upper) = (home.job(&a).await, home.job(&upper).await);
    let (job_b, job_umlaut) = (home.job(&b).await, home.job(&umlaut).await);
    let job_whole = home.job(&server.key()).await;
    let all = [&job_a, &job_upper, &job_b, &job_umlaut, &job_whole];
    sees_exactly(&home, &a, &[&job_a], &all).await;
    sees_exactly(&home, &upper, &[&job_upper], &all).await;
    sees_exactly(&home, &b, &[&job_b], &all).await;
    sees_exactly(&home, &umlaut, &[&job_umlaut], &all).await;
    sees_exactly(&home, &server.key(), &all, &all).await;
    let whole = Caller::temporary_key(&Mint::of("batch").key(&home, &server.key()).await);
    sees_exactly(&home, &whole, &all, &all).await;

    // Another key of the project with the same client_ref is the same end user.
    let permanent = make_key(&server, json!({"client_ref": "user-a"})).await.caller();
    sees_exactly(&home, &permanent, &[&job_a], &all).await;

    home.delete(&format!("/v2/jobs/{job_a}?force=true"), &b).await.expect_refusal(404, "job_not_found");
    home.get(&format!("/v2/jobs/{job_a}"), &a).await.expect(200);
    home.delete(&format!("/v2/jobs/{job_a}?force=true"), &a).await.expect(200);
    sees_exactly(&home, &a, &[], &all).await;
    server.shutdown().await;
}

/// Keys of one project see nothing of another's, whatever client_ref they share; nor do other workspaces'.
#[tokio::test]
async fn projects_and_workspaces_are_apart() {
    let server = Server::start().await;
    let home = server.home();
    let project = make_project(&server, "second").await;
    let second = make_key_in(&home, &server.manager(), project, json!({})).await.caller();
    let control = server.running().instance().control();
    let new = control::NewWorkspace {
        name: "other".to_owned(),
        plan: domain::Plan::Pro,
        home_area: domain::Area::Eu,
    };
    let other = control.create_workspace(&control::Actor::OPERATOR, new).await.unwrap();
    let created = control
        .create_key(
            &control::Actor::OPERATOR,
            other.workspace.id,
            control::NewKey::named(other.default_project.id, "k"),
        )
        .await
        .unwrap();
    let third = Caller::api_key(created.secret.expose());
    let mut callers = vec![server.key(), second, third];
    for parent in callers.clone() {
        let token = Mint::of("batch").client_ref("same").key(&home, &parent).await;
        callers.push(Caller::temporary_key(&token));
    }
    let mut jobs = Vec::new();
    for caller in &callers {
        jobs.push(home.job(caller).await);
    }
    let all: Vec<&String> = jobs.iter().collect();
    for index in 0..3 {
        // A project's key sees its own job and that of its client_ref, the client_ref its own.
        sees_exactly(&home, &callers[index], &[&jobs[index], &jobs[index + 3]], &all).await;
        sees_exactly(&home, &callers[index + 3], &[&jobs[index + 3]], &all).await;
    }
    server.shutdown().await;
}
