//! Every route as every kind of caller, and forms that others send.

use control::NewKey;
use domain::{ApiKeyId, ManagementTokenId, PermissionSet, SessionId};

use crate::world::{ACTOR, Browser, World};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Members,
    Admins,
}

/// A route with a place for an id; its form, if it is one that changes something.
type Route = (For, &'static str, &'static str, Option<&'static [(&'static str, &'static str)]>);

const KEY: &str = "{key}";
const TOKEN: &str = "{token}";
const SESSION: &str = "{session}";
const NONE: &str = "";

const ROUTES: &[Route] = &[
    (For::Members, "/settings/api-keys", NONE, None),
    (For::Members, "/settings/api-keys/find", NONE, None),
    (For::Members, "/settings/api-keys/{key}", KEY, None),
    (For::Members, "/settings/api-keys/{key}/revoke", KEY, None),
    (For::Members, "/settings/api-keys/{key}/rotate", KEY, None),
    (For::Members, "/settings/api-keys/{key}/leaked", KEY, None),
    (For::Members, "/settings/api-keys/{key}/activity", KEY, None),
    (For::Members, "/sessions", NONE, None),
    (For::Members, "/sessions/list", NONE, None),
    (For::Members, "/sessions/of-key/{key}/end", KEY, None),
    (For::Members, "/sessions/{session}/end", SESSION, None),
    (For::Admins, "/settings/management-tokens", NONE, None),
    (For::Admins, "/settings/management-tokens/{token}/revoke", TOKEN, None),
    (For::Members, "/settings/api-keys", NONE, Some(&[("form", FORM), ("name", "made")])),
    (For::Members, "/settings/api-keys/find", NONE, Some(&[("secret", "vgk_x")])),
    (
        For::Members,
        "/settings/api-keys/{key}",
        KEY,
        Some(&[("name", "changed"), ("areas", "eu"), ("products", "rt")]),
    ),
    (For::Members, "/settings/api-keys/{key}/rotate", KEY, Some(&[("form", FORM), ("overlap", "3600")])),
    (For::Members, "/sessions/of-key/{key}/end", KEY, Some(&[("reason", "r")])),
    (For::Members, "/sessions/{session}/end", SESSION, Some(&[("reason", "r")])),
    (For::Members, "/settings/api-keys/{key}/revoke", KEY, Some(&[])),
    (For::Members, "/settings/api-keys/{key}/leaked", KEY, Some(&[("since", "")])),
    (
        For::Admins,
        "/settings/management-tokens",
        NONE,
        Some(&[("form", FORM), ("name", "t"), ("permissions", "view_usage")]),
    ),
    (For::Admins, "/settings/management-tokens/{token}/revoke", TOKEN, Some(&[])),
];
const FORM: &str = "form_01k5zr0000000000000000000e";

/// What of the workspace's the routes are about.
struct Ids {
    key: String,
    token: String,
    session: String,
}

impl Ids {
    async fn make(world: &World) -> Self {
        let new = NewKey::named(world.project.id, "mine");
        let key = world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap().key.id;
        let all = PermissionSet::of_a_workspace();
        let token =
            world.control.create_management_token(&ACTOR, world.workspace.id, "t", all).await.unwrap();
        Self {
            key: key.to_string(),
            token: token.token.id.to_string(),
            session: SessionId::from_u128(7).to_string(),
        }
    }

    fn unknown() -> Self {
        Self {
            key: ApiKeyId::from_u128(1).to_string(),
            token: ManagementTokenId::from_u128(1).to_string(),
            session: SessionId::from_u128(1).to_string(),
        }
    }

    fn fill(&self, path: &str) -> String {
        path.replace(KEY, &self.key).replace(TOKEN, &self.token).replace(SESSION, &self.session)
    }
}

async fn ask(browser: &Browser, path: &str, form: Option<&[(&str, &str)]>) -> crate::world::Shown {
    match form {
        None => browser.get(path).await,
        Some(fields) => browser.post(path, fields).await,
    }
}

/// All that can be told from outside about what a workspace has.
async fn state(world: &World) -> String {
    let keys = world.control.list_keys(world.workspace.id, None).await.unwrap();
    let tokens = world.control.list_management_tokens(world.workspace.id).await.unwrap();
    let log = world.control.list_audit_events(world.workspace.id, 0, 1000).await.unwrap();
    format!("{keys:?} {tokens:?} {}", log.len())
}

/// Whoever isn't signed in is sent to sign in, a member is kept off what admins do, another workspace's admin gets for
/// ids of this one the very answer that unknown ids get, and whoever was disabled is nobody; none of them changes
/// anything. Those who may, may.
#[tokio::test]
async fn every_route_as_every_caller() {
    let world = World::new().await;
    let ids = Ids::make(&world).await;
    let (member, admin, stranger) = (world.member().await, world.admin().await, world.stranger().await);
    let disabled = crate::world::sign_up(&world.control, &world.router, "disabled@example.org").await;
    let role = domain::Role::Admin;
    world.control.add_member(&ACTOR, world.workspace.id, disabled.account.unwrap(), role).await.unwrap();
    world.control.disable_account(&ACTOR, disabled.account.unwrap()).await.unwrap();
    let before = state(&world).await;
    for (who, path, id, form) in ROUTES {
        let (own, unknown) = (ids.fill(path), Ids::unknown().fill(path));
        for nobody in [&world.anonymous(), &disabled] {
            let turned = ask(nobody, &own, *form).await;
            assert_eq!(turned.status, 303, "{path} {form:?}");
            assert!(turned.location().starts_with("/sign-in"), "{path}: {}", turned.location());
            assert!(turned.text.is_empty());
        }
        if *id != NONE {
            let foreign = ask(&stranger, &own, *form).await;
            let none = ask(&stranger, &unknown, *form).await;
            assert_eq!((foreign.status, &foreign.text), (404, &none.text), "{path} {form:?}");
        }
        if *who == For::Admins {
            assert_eq!(ask(&member, &own, *form).await.status, 403, "{path} {form:?}");
        }
        assert_eq!(state(&world).await, before, "{path} {form:?}");
    }
    // The control beside them: whoever may is answered, and a session that isn't open is none.
    for (who, path, id, form) in ROUTES {
        let browser = if *who == For::Admins { &admin } else { &member };
        let answer = ask(browser, &ids.fill(path), *form).await;
        let expected: &[u16] = match (*path, form) {
            _ if *id == SESSION => &[404],
            ("/settings/api-keys/find", Some(_)) => &[422],
            (_, None) => &[200],
            ("/settings/api-keys" | "/settings/management-tokens", Some(_)) => &[200],
            (rotate, Some(_)) if rotate.ends_with("/rotate") => &[200],
            (_, Some(_)) => &[303],
        };
        assert!(expected.contains(&answer.status), "{path} {form:?}: {} {}", answer.status, answer.text);
        if answer.status == 303 {
            assert!(!answer.location().starts_with("/sign-in") && !answer.location().starts_with("/confirm"));
        }
    }
    assert_ne!(state(&world).await, before);
}

/// A removed member is out at once, and their keys stay.
#[tokio::test]
async fn removed_members_are_out() {
    let world = World::new().await;
    let member = world.member().await;
    let form = [("form", FORM), ("name", "stays")];
    member.post("/settings/api-keys", &form).await.expect(200);
    world.control.remove_member(&ACTOR, world.workspace.id, member.account.unwrap()).await.unwrap();
    let turned = member.get("/settings/api-keys").await.expect(303);
    assert!(turned.location().starts_with("/workspaces/new"), "{}", turned.location());
    let admin = world.admin().await;
    let list = admin.get("/settings/api-keys").await.expect(200);
    list.has("stays");
    list.has("a former member");
    list.lacks("member@example.org");
}

/// A form that another site sends, or that carries no token, another browser's or two of them, changes nothing.
#[tokio::test]
async fn forged_forms_change_nothing() {
    let world = World::new().await;
    let ids = Ids::make(&world).await;
    let (admin, member) = (world.admin().await, world.member().await);
    let (token, foreign) = (admin.token().await, member.token().await);
    assert!(token.len() == 64 && token != foreign);
    let before = state(&world).await;
    for (_, path, _, form) in ROUTES {
        let Some(fields) = form else { continue };
        let path = ids.fill(path);
        let own = [("sec-fetch-site", "same-origin")];
        let with = |tokens: &[&str]| {
            let mut all: Vec<(&str, String)> =
                tokens.iter().map(|token| ("form_token", (*token).to_owned())).collect();
            all.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
            all
        };
        let send = async |tokens: &[&str], headers: &[(&'static str, &str)]| {
            let all = with(tokens);
            let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
            admin.post_raw(&path, &all, headers).await.status
        };
        for tokens in [&[][..], &[""], &[foreign.as_str()], &[token.as_str(), token.as_str()], &["0"]] {
            assert_eq!(send(tokens, &own).await, 403, "{path}");
        }
        for headers in [
            [("sec-fetch-site", "cross-site")],
            [("sec-fetch-site", "same-site")],
            [("sec-fetch-site", "none")],
            [("origin", "https://evil.example")],
            [("origin", "null")],
        ] {
            assert_eq!(send(&[&token], &headers).await, 403, "{path} {headers:?}");
        }
        assert_eq!(state(&world).await, before, "{path}");
    }
    admin.post(&ids.fill("/settings/api-keys/{key}/revoke"), &[]).await.expect(303);
    assert_ne!(state(&world).await, before);
}
