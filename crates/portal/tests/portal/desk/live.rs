//! Live sessions on a real instance: listed, ended with a reason, counted before a key is revoked.

use control::{AuditAction, AuditFilter, PageRequest};
use domain::Role;
use testkit::{Caller, Mint, Server, Socket, eventually};

use crate::world::{ACTOR, Browser, router_of, sign_up};

/// An open session, which has sent some audio.
async fn session(url: &str, caller: &Caller) -> Socket {
    let mut socket = Socket::open(url, caller).await.unwrap();
    socket.begin().await;
    socket.send_audio(vec![0; 3200]).await;
    socket.until("AudioAdded").await;
    socket
}

/// A browser of a member of the ready workspace, and of an admin of another one.
async fn browsers(server: &Server) -> (Browser, Browser) {
    let control = server.running().instance().control();
    let router = router_of(control);
    let page = PageRequest { after: None, limit: 1 };
    let workspace = control.page_workspaces(&page).await.unwrap().items[0].0.id;
    let member = sign_up(control, &router, "member@example.org").await;
    control.add_member(&ACTOR, workspace, member.account.unwrap(), Role::Member).await.unwrap();
    let stranger = sign_up(control, &router, "stranger@example.org").await;
    let new = control::NewWorkspace {
        name: "Other".to_owned(),
        plan: domain::Plan::Pro,
        home_area: domain::Area::Eu,
    };
    let other = control.create_workspace(&ACTOR, new).await.unwrap().workspace.id;
    control.add_member(&ACTOR, other, stranger.account.unwrap(), Role::Admin).await.unwrap();
    (member, stranger)
}

/// The ids of sessions in a list, as they stand there.
fn ids(text: &str) -> Vec<String> {
    let forms = text.split("action=\"/sessions/").skip(1).filter(|form| form.starts_with("ses_"));
    forms.map(|form| form.split('/').next().unwrap().to_owned()).collect()
}

/// Open sessions are listed with whose they are, and narrowed by each of it; the refreshed piece tells the same as the page;
/// a name that a client chose is no markup.
#[tokio::test]
async fn open_sessions_are_listed() {
    let server = Server::start().await;
    let (member, stranger) = browsers(&server).await;
    member.get("/sessions").await.expect(200).has("Nothing is open now");
    let url = server.report().realtime_url.clone();
    let minted =
        Mint::of("rt").client_ref("<img src=x>").ask(&server.home(), &server.key()).await.expect(201);
    let token = minted.json()["key_value"].as_str().unwrap().to_owned();
    let _first = session(&format!("{url}?jwt={token}"), &Caller::anon()).await;
    let _second = session(&url, &server.key()).await;
    let page = member.get("/sessions").await.expect(200);
    page.has("Open now: 2");
    page.has("&#60;img src=x&#62;");
    page.lacks("<img src=x>");
    page.has("127.0.0.1");
    assert_eq!(ids(&page.text).len(), 2);
    let piece = member.get("/sessions/list").await.expect(200);
    assert_eq!(ids(&piece.text), ids(&page.text));
    piece.lacks("<html");
    assert_eq!(piece.headers["cache-control"], "no-store");
    let key = ids_of_key(&page.text);
    let project = server.report().project_id;
    for (query, count) in [
        ("client_ref=%3Cimg+src%3Dx%3E".to_owned(), 1),
        ("client_ref=nobody".to_owned(), 0),
        ("region=eu1".to_owned(), 2),
        ("region=us1".to_owned(), 0),
        (format!("key={key}"), 2),
        (format!("project={project}&region=&key=&client_ref="), 2),
        ("project=999999".to_owned(), 0),
    ] {
        for path in ["/sessions", "/sessions/list"] {
            let page = member.get(&format!("{path}?{query}")).await.expect(200);
            assert_eq!(ids(&page.text).len(), count, "{path}?{query}");
        }
    }
    for wrong in ["region=eu9", "key=x", "project=x"] {
        member.get(&format!("/sessions?{wrong}")).await.expect(422).has("class=\"error\"");
    }
    let foreign = stranger.get(&format!("/sessions?key={key}")).await.expect(200);
    assert!(ids(&foreign.text).is_empty());
    assert!(ids(&stranger.get("/sessions").await.text).is_empty());
    server.shutdown().await;
}

fn ids_of_key(text: &str) -> String {
    text.split("/settings/api-keys/").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The reason that was typed reaches the client; the neighbour goes on; another workspace's admin finds no such session.
#[tokio::test]
async fn an_ended_session_hears_why() {
    let server = Server::start().await;
    let (member, stranger) = browsers(&server).await;
    let url = server.report().realtime_url.clone();
    let mut spared = session(&url, &server.key()).await;
    let mut doomed = session(&url, &server.key()).await;
    let newest = ids(&member.get("/sessions").await.text)[0].clone();
    let path = format!("/sessions/{newest}/end");
    member.get(&path).await.expect(200).has("1 live session ends at once");
    for foreign in [stranger.get(&path).await, stranger.post(&path, &[("reason", "theft")]).await] {
        assert_eq!(foreign.status, 404);
    }
    let long = "x".repeat(121);
    for wrong in ["two\nlines", long.as_str()] {
        member.post(&path, &[("reason", wrong)]).await.expect(422).has("reason-error");
    }
    let done = member.post(&path, &[("reason", "The call is over: <bye>")]).await.expect(303);
    let (error, code) = doomed.until_refused().await;
    assert_eq!((code, &error["type"]), (4003, &"not_allowed".into()));
    assert!(error["reason"].as_str().unwrap().contains("The call is over: <bye>"), "{error}");
    member.get(done.location()).await.expect(200).has("The session has ended.");
    assert_eq!(member.get(&path).await.status, 404);
    spared.send_audio(vec![0; 3200]).await;
    spared.until("AudioAdded").await;
    server.shutdown().await;
}

/// Ending all sessions of a key says how many they are, ends them with the reason, and leaves the key and others alone.
#[tokio::test]
async fn all_sessions_of_a_key_end() {
    let server = Server::start().await;
    let (member, stranger) = browsers(&server).await;
    let url = server.report().realtime_url.clone();
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(session(&url, &server.key()).await);
    }
    let key = ids_of_key(&member.get("/sessions").await.text);
    member.get(&format!("/sessions?key={key}")).await.has(&format!("/sessions/of-key/{key}/end"));
    let path = format!("/sessions/of-key/{key}/end");
    member.get(&path).await.expect(200).has("3 live sessions end at once.");
    assert_eq!(stranger.post(&path, &[]).await.status, 404);
    let done = member.post(&path, &[("reason", "Maintenance")]).await.expect(303);
    for socket in &mut sockets {
        let (error, code) = socket.until_refused().await;
        assert!(code == 4003 && error["reason"].as_str().unwrap().contains("Maintenance"), "{error}");
    }
    member.get(done.location()).await.has("The sessions have ended.");
    eventually("the list to be empty", async || {
        ids(&member.get("/sessions").await.text).is_empty().then_some(())
    })
    .await;
    drop(session(&url, &server.key()).await);
    server.shutdown().await;
}

/// Before a key is revoked it is said how many sessions end; then they have ended, and the log tells of a leak how many
/// there were.
#[tokio::test]
async fn revoking_counts_what_it_ends() {
    let server = Server::start().await;
    let (member, _) = browsers(&server).await;
    let url = server.report().realtime_url.clone();
    let mut first = session(&url, &server.key()).await;
    let mut second = session(&url, &server.key()).await;
    let key = ids_of_key(&member.get("/sessions").await.text);
    let path = format!("/settings/api-keys/{key}");
    member.get(&format!("{path}/revoke")).await.expect(200).has("2 live sessions end at once.");
    member.get(&format!("{path}/leaked")).await.expect(200).has("2 live sessions end at once.");
    member.get(&path).await.expect(200).has(&format!("/sessions?key={key}"));
    let done = member.post(&format!("{path}/leaked"), &[]).await.expect(303);
    for socket in [&mut first, &mut second] {
        let (error, code) = socket.until_refused().await;
        assert_eq!((code, &error["type"]), (4001, &"not_authorised".into()));
    }
    let shown = member.get(done.location()).await.expect(200);
    shown.has("leaked, open sessions 2");
    shown.has("No session of this key is open.");
    let control = server.running().instance().control();
    let filter = AuditFilter { subject: Some(key), ..AuditFilter::default() };
    let log = control.find_audit_events(&filter, 0, 10).await.unwrap();
    assert_eq!(log.last().unwrap().action, AuditAction::ApiKeyRevoked);
    server.shutdown().await;
}
