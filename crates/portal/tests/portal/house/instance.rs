//! The operators' room.

use std::sync::Arc;

use domain::{OwnLimits, Plan, Role};
use portal::{Mail, Mailer, Mails, NotMailed, Sending};

use crate::world::{ACTOR, World};

/// A mail server that takes nothing.
#[derive(Debug)]
pub(crate) struct Refusing;

impl Mailer for Refusing {
    fn send(&self, _: Mail) -> Result<(), NotMailed> {
        Err(NotMailed::Refused("550 no <such> user".to_owned()))
    }

    fn send_now(&self, mail: Mail) -> Sending<'_> {
        Box::pin(std::future::ready(self.send(mail)))
    }
}

/// The overview tells version, regions, and that no gateway is connected; lists lead to what they hold.
#[tokio::test]
async fn the_instance_is_looked_over() {
    let world = World::new().await;
    let (operator, _) = (world.operator().await, world.stranger().await);
    let shown = operator.get("/instance").await.expect(200);
    for part in [env!("CARGO_PKG_VERSION"), "eu1", "us1", "No gateway is connected"] {
        shown.has(part);
    }
    let port = world.control.gateways().attach("eu1/a");
    operator.get("/instance").await.expect(200).has("<th scope=\"row\">eu1/a</th>");
    drop(port);
    operator.get("/instance/accounts?search=STRANGER").await.expect(200).has("stranger@example.org");
    operator.get("/instance/accounts?search=nobody").await.has("No account found");
    let found =
        operator.get(&format!("/instance/workspaces?search={}", world.workspace.id)).await.expect(200);
    found.has(">Mine</a>");
    found.lacks(">Other</a>");
}

/// Lists of the instance come 50 at a time and add up.
#[tokio::test]
async fn long_lists_are_paged() {
    let world = World::new().await;
    let operator = world.operator().await;
    let account = operator.account.unwrap();
    for number in 0..19 {
        let name = format!("w{number:03}");
        let made = world.control.create_own_workspace(&ACTOR, account, name, domain::Area::Eu).await.unwrap();
        world
            .control
            .add_member(&ACTOR, made.id, world_member(&world, number).await, Role::Admin)
            .await
            .unwrap();
    }
    for number in 19..60 {
        world_member(&world, number).await;
    }
    let first = operator.get("/instance/accounts").await.expect(200);
    let second = operator.get(&first.link("Next page").unwrap()).await.expect(200);
    let rows = |text: &str| text.matches("<th scope=\"row\">").count();
    assert_eq!((rows(&first.text), rows(&second.text)), (50, 11));
    assert_eq!(rows(&operator.get("/instance/workspaces").await.text), 21);
}

/// Somebody who has chosen no password yet: hashing 60 would be the most of the test.
async fn world_member(world: &World, number: u32) -> domain::AccountId {
    let email = format!("{number}@example.org");
    let new = control::NewAccount { email: &email, membership: None };
    world.control.create_account_in(&ACTOR, new).await.unwrap().0.id
}

/// Plan and limits are set; an empty field is the plan's limit; what is no number is refused with the form kept.
#[tokio::test]
async fn plans_and_limits_are_set() {
    let world = World::new().await;
    let operator = world.operator().await;
    let path = format!("/instance/workspaces/{}", world.workspace.id);
    let form = |sessions: &'static str, hours: &'static str| {
        [
            ("plan", "enterprise"),
            ("concurrent_sessions_max", sessions),
            ("creates_per_second_max", ""),
            ("reads_per_second_max", ""),
            ("mints_per_second_max", "0"),
            ("audio_hours_per_month_max", hours),
            ("enterprise", "no"),
        ]
    };
    operator.post(&path, &form("7", "2")).await.done("saved");
    let expected = OwnLimits {
        concurrent_sessions_max: Some(7),
        mints_per_second_max: Some(0),
        audio_seconds_per_month_max: Some(7200),
        enterprise: Some(false),
        ..OwnLimits::default()
    };
    let find = async || world.control.find_workspace(world.workspace.id).await.unwrap().unwrap();
    assert_eq!((find().await.plan, find().await.own_limits), (Plan::Enterprise, expected));
    let refused = operator.post(&path, &form("-1", "3")).await.expect(422);
    assert_eq!(refused.field("audio_hours_per_month_max").as_deref(), Some("3"));
    refused.has("whole number");
    assert_eq!(find().await.own_limits, expected);
    operator.post(&path, &[("plan", "gold")]).await.expect(400);
    operator.post(&format!("{path}/close"), &[("name", "Other")]).await.expect(422);
    operator.post(&format!("{path}/close"), &[("name", "Mine")]).await.done("workspace-closed");
    operator.get(&path).await.expect(404);
}

/// A disabled account is out at once and in again only after it was enabled; signing out ends its sessions; nobody does any of
/// it to themselves.
#[tokio::test]
async fn accounts_are_managed() {
    let world = World::new().await;
    let (operator, member) = (world.operator().await, world.member().await);
    let id = member.account.unwrap();
    let path = format!("/instance/accounts/{id}");
    operator.get(&path).await.expect(200).has("1 browser");
    operator.post(&format!("{path}/disable"), &[]).await.done("saved");
    assert!(member.get("/settings").await.location().starts_with("/sign-in"));
    operator.get(&path).await.has("disabled");
    operator.post(&format!("{path}/send-reset-link"), &[]).await.expect(409).has("disabled");
    operator.post(&format!("{path}/enable"), &[]).await.done("saved");
    assert!(member.get("/settings").await.location().starts_with("/sign-in"), "the session stays ended");
    let again = world.sign_in(id).await;
    again.get("/settings").await.expect(200);
    operator.post(&format!("{path}/sign-out"), &[]).await.done("saved");
    assert!(again.get("/settings").await.location().starts_with("/sign-in"));

    let second = world.sign_in(id).await;
    second.get("/instance").await.expect(404);
    operator.post(&format!("{path}/make-operator"), &[]).await.done("saved");
    second.get("/instance").await.expect(200);
    operator.post(&format!("{path}/remove-operator"), &[]).await.done("saved");
    second.get("/instance").await.expect(404);
    let own = format!("/instance/accounts/{}", operator.account.unwrap());
    for action in ["disable", "enable", "make-operator", "remove-operator", "sign-out"] {
        operator.post(&format!("{own}/{action}"), &[]).await.expect(409);
    }
    operator.get("/instance").await.expect(200);
}

/// The link to choose another password goes to the account's own mailbox, and is shown to no operator.
#[tokio::test]
async fn a_reset_link_goes_to_its_owner() {
    let world = World::new().await;
    let (operator, member) = (world.operator().await, world.member().await);
    let path = format!("/instance/accounts/{}", member.account.unwrap());
    operator.post(&format!("{path}/send-reset-link"), &[]).await.done("mail-sent");
    let link = world.mailed_link("member@example.org");
    assert!(link.starts_with("/reset-password?token="), "{link}");
    let token = link.split_once('=').unwrap().1;
    for page in [&path, "/instance/audit-log", "/instance/mail"] {
        operator.get(page).await.expect(200).lacks(token);
    }
    let log = operator.get("/instance/audit-log?action=password_reset_asked").await.expect(200);
    log.has("operator@example.org");
    log.has("member@example.org");
    let silent = operator.on(world.with_mails(Mails::none()));
    silent.post(&format!("{path}/send-reset-link"), &[]).await.expect(409);
}

/// A test mail is sent once, and what the server said is shown; where there is no server, that is said.
#[tokio::test]
async fn mail_is_tried() {
    let world = World::new().await;
    let operator = world.operator().await;
    let sent = operator.post("/instance/mail", &[("to", "somebody@example.org")]).await.expect(200);
    sent.has("took the mail to somebody@example.org");
    assert_eq!(world.outbox.mails().len(), 1);
    let refusing = operator.on(world.with_mails(Mails::by(Arc::new(Refusing))));
    let refused = refusing.post("/instance/mail", &[("to", "somebody@example.org")]).await.expect(502);
    refused.has("550 no &#60;such&#62; user");
    assert_eq!(refused.field("to").as_deref(), Some("somebody@example.org"));
    let silent = operator.on(world.with_mails(Mails::none()));
    silent.get("/instance/mail").await.expect(200).has("sends no mail");
    silent.post("/instance/mail", &[("to", "somebody@example.org")]).await.expect(502);
}

/// Signing keys are shown with their state and rotated; no private half is anywhere near.
#[tokio::test]
async fn signing_keys_are_rotated() {
    let world = World::new().await;
    let operator = world.operator().await;
    let path = "/instance/signing-keys";
    let before = world.control.signing_keys().await.unwrap();
    operator.get(path).await.expect(200).has(&before[0].kid.to_string());
    operator.post(path, &[("from", "published-ahead")]).await.done("saved");
    operator.post(path, &[("from", "now")]).await.done("saved");
    let after = world.control.signing_keys().await.unwrap();
    assert_eq!(after.len(), 2);
    let signing = after.iter().find(|key| key.state.as_str() == "signing").unwrap();
    assert_ne!(signing.kid, before[0].kid);
    operator.get(path).await.has("retiring");
    operator.post(path, &[("from", "yesterday")]).await.expect(400);
}

/// The log of the instance holds what happened anywhere, and links to where.
#[tokio::test]
async fn operators_read_the_whole_log() {
    let world = World::new().await;
    let (operator, stranger) = (world.operator().await, world.stranger().await);
    let log = operator.get("/instance/audit-log?action=workspace_created").await.expect(200);
    for id in [world.workspace.id, world.other_workspace.id] {
        log.has(&format!("/instance/workspaces/{id}"));
    }
    let made =
        operator.get(&format!("/instance/audit-log?subject={}", stranger.account.unwrap())).await.expect(200);
    made.has("Account created");
    made.has("stranger@example.org");
    operator.get("/instance/audit-log/download?format=json").await.expect(200).has("account_created");
}
