//! Invitations, from the form to the membership.

use std::sync::Arc;

use domain::Role;
use portal::Mails;

use crate::world::{ORIGIN, PASSWORD, World};

const INVITE: &str = "/settings/members/invite";
const LIST: &str = "/settings/members/invitations";

fn token_of(link: &str) -> String {
    link.split_once("?token=").unwrap().1.to_owned()
}

/// Somebody without an account is invited, registers by the link where nobody else may, and is a member who is signed in; the
/// link works once, and nothing is changed by looking at it.
#[tokio::test]
async fn a_new_person_joins() {
    let world = World::new().await;
    let admin = world.admin().await;
    admin.post(INVITE, &[("email", " New@example.org "), ("role", "member")]).await.done("invitation-sent");
    admin.get(LIST).await.expect(200).has("New@example.org");
    let link = world.mailed_link("New@example.org");
    for _ in 0..3 {
        world.anonymous().get(&link).await.expect(200).has("Join Mine");
    }
    let (visitor, page) = world.anonymous().visit(&link).await;
    page.has("New@example.org");
    let (form_token, token) = (page.field("form_token").unwrap(), token_of(&link));
    let own = [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)];
    let register = async |password: &str| {
        let fields = [("form_token", form_token.as_str()), ("token", &token), ("password", password)];
        visitor.post_raw("/invitations/register", &fields, &own).await
    };
    register("short").await.expect(422).has("password-error");
    let joined = register(PASSWORD).await.done("joined");
    let cookie = joined.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-voxgate-session=") && cookie.contains("HttpOnly"), "{cookie}");
    let account = world.control.find_account("new@example.org").await.unwrap().unwrap();
    assert!(account.email_verified_at.is_some());
    let memberships = world.control.list_memberships(account.id).await.unwrap();
    assert_eq!(memberships, [(world.workspace.id, Role::Member)]);
    register(PASSWORD).await.expect(404);
    world.anonymous().get(&link).await.expect(404).has("not valid any more");
    admin.get(LIST).await.has("Nobody is invited");
}

/// Somebody who has an account signs in and joins with it; whoever else is signed in can't, and is told who can.
#[tokio::test]
async fn only_the_invited_account_joins() {
    let world = World::new().await;
    let (admin, stranger) = (world.admin().await, world.stranger().await);
    let invited = world.sign_up("invited@example.org").await;
    admin.post(INVITE, &[("email", "Invited@example.org"), ("role", "admin")]).await.done("invitation-sent");
    let link = world.mailed_link("Invited@example.org");
    let token = token_of(&link);
    let nobody = world.anonymous().get(&link).await.expect(200);
    let sign_in = nobody.link("Sign in to join").unwrap();
    assert!(sign_in.starts_with("/sign-in?next=%2Finvitations%2Faccept"), "{sign_in}");
    nobody.lacks("type=\"password\"");
    let other = stranger.get(&link).await.expect(200);
    other.has("You are signed in as stranger@example.org");
    other.lacks("Join the workspace");
    stranger.post("/invitations/accept", &[("token", &token)]).await.expect(403).has("another address");
    assert_eq!(world.control.list_members(world.workspace.id).await.unwrap().len(), 1);
    invited.get(&link).await.expect(200).has("Join the workspace");
    invited.post("/invitations/accept", &[("token", &token)]).await.done("joined");
    invited.get("/settings/audit-log").await.expect(200);
    invited.post("/invitations/accept", &[("token", &token)]).await.expect(404);
}

/// A member who is invited again keeps the role that they have; the link is used up.
#[tokio::test]
async fn a_member_stays_what_they_are() {
    let world = World::new().await;
    let (admin, stranger) = (world.admin().await, world.stranger().await);
    admin.post(INVITE, &[("email", "member@example.org"), ("role", "admin")]).await.done("invitation-sent");
    let link = world.mailed_link("member@example.org");
    let member = world.member().await;
    member.post("/invitations/accept", &[("token", &token_of(&link))]).await.done("joined");
    member.get("/settings/audit-log").await.expect(403);
    let again = admin.post(INVITE, &[("email", "MEMBER@example.org"), ("role", "admin")]).await.expect(422);
    again.has("is a member of the workspace already");
    assert_eq!(again.field("email").as_deref(), Some("MEMBER@example.org"));
    // Another workspace learns nothing about who belongs here.
    stranger
        .post(INVITE, &[("email", "member@example.org"), ("role", "member")])
        .await
        .done("invitation-sent");
}

/// Sent again, the link before is dead; withdrawn or too old, so is the newest. The list says which have expired.
#[tokio::test]
async fn links_end() {
    let world = World::new().await;
    let admin = world.admin().await;
    admin.post(INVITE, &[("email", "a@example.org"), ("role", "member")]).await.done("invitation-sent");
    let first = world.mailed_link("a@example.org");
    let list = admin.get(LIST).await.expect(200);
    let (before, _) = list.text.split_once("/resend\"").unwrap();
    let resend = format!("{}/resend", &before[before.rfind("/settings").unwrap()..]);
    let withdraw = resend.replace("/resend", "/withdraw");
    admin.post(&resend, &[]).await.expect(409).has("a moment ago");
    world.clock.advance_seconds(control::INVITATION_RESEND_SECONDS_MIN);
    admin.post(&resend, &[]).await.done("invitation-sent");
    let second = world.mailed_link("a@example.org");
    world.anonymous().get(&first).await.expect(404);
    world.anonymous().get(&second).await.expect(200);
    world.clock.advance_seconds(control::INVITATION_DAYS * 24 * 3600);
    world.anonymous().get(&second).await.expect(404);
    let admin = world.sign_in(admin.account.unwrap()).await;
    admin.get(LIST).await.has("expired");
    admin.post(&resend, &[]).await.done("invitation-sent");
    let third = world.mailed_link("a@example.org");
    world.anonymous().get(&third).await.expect(200);
    admin.post(&withdraw, &[]).await.done("invitation-withdrawn");
    world.anonymous().get(&third).await.expect(404);
    admin.post(&resend, &[]).await.expect(404);
    admin.post(&withdraw, &[]).await.expect(404);
    for garbage in ["", "?token=", "?token=x", "?token=%00", "?nothing=1"] {
        world.anonymous().get(&format!("/invitations/accept{garbage}")).await.expect(404);
    }
}

/// However many use one link at once, one account comes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_makes_one_account() {
    let world = World::new().await;
    let admin = world.admin().await;
    admin.post(INVITE, &[("email", "new@example.org"), ("role", "member")]).await.done("invitation-sent");
    let link = world.mailed_link("new@example.org");
    let (visitor, page) = world.anonymous().visit(&link).await;
    let (form_token, token) = (page.field("form_token").unwrap(), token_of(&link));
    let tries: Vec<_> = (0..4)
        .map(|_| {
            let (visitor, form_token, token) = (visitor.clone(), form_token.clone(), token.clone());
            tokio::spawn(async move {
                let fields = [("form_token", form_token.as_str()), ("token", &token), ("password", PASSWORD)];
                let own = [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)];
                visitor.post_raw("/invitations/register", &fields, &own).await.status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in tries {
        statuses.push(one.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 303 | 404)), "{statuses:?}");
    assert_eq!(world.control.list_members(world.workspace.id).await.unwrap().len(), 2);
}

/// Where no mail leaves nobody is invited, and the form says why; no secret is shown to anybody.
#[tokio::test]
async fn without_mail_nobody_is_invited() {
    let world = World::new().await;
    let admin = world.admin().await;
    let silent = admin.on(world.with_mails(Mails::none()));
    let refused = silent.post(INVITE, &[("email", "a@example.org"), ("role", "member")]).await.expect(422);
    refused.has("sends no mail");
    assert_eq!(refused.field("email").as_deref(), Some("a@example.org"));
    silent.get(LIST).await.has("Nobody is invited");
    let full = admin.on(world.with_mails(Mails::by(Arc::new(super::instance::Refusing))));
    let unsent = full.post(INVITE, &[("email", "a@example.org"), ("role", "member")]).await.expect(409);
    unsent.has("waits in the list");
    unsent.lacks("token=");
    admin.get(LIST).await.expect(200).has("a@example.org");
}
