//! Every route as every kind of caller, and forms that others send.

use domain::{AccountId, InvitationId, ProjectId, Role, WorkspaceId};

use crate::world::{ACTOR, Browser, ORIGIN, Shown, World};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    SignedIn,
    Members,
    Admins,
    /// Admins who were certain a moment ago.
    RecentAdmins,
    Operators,
    RecentOperators,
}

type Form = Option<&'static [(&'static str, &'static str)]>;

const PROJECT: &str = "{project}";
const MEMBER: &str = "{member}";
const INVITATION: &str = "{invitation}";
const WORKSPACE: &str = "{workspace}";

const LIMITS: &[(&str, &str)] = &[
    ("plan", "free"),
    ("concurrent_sessions_max", "1"),
    ("creates_per_second_max", ""),
    ("reads_per_second_max", ""),
    ("mints_per_second_max", ""),
    ("audio_hours_per_month_max", ""),
    ("enterprise", ""),
];

/// All routes; those that end something last.
const ROUTES: &[(For, &str, Form)] = &[
    (For::Members, "/settings", None),
    (For::Members, "/settings/workspace", None),
    (For::RecentAdmins, "/settings/workspace/close", None),
    (For::SignedIn, "/settings/workspaces", None),
    (For::SignedIn, "/workspaces/new", None),
    (For::Members, "/settings/projects", None),
    (For::Admins, "/settings/projects/new", None),
    (For::Members, "/settings/projects/{project}", None),
    (For::RecentAdmins, "/settings/projects/{project}/delete", None),
    (For::Members, "/settings/members", None),
    (For::RecentAdmins, "/settings/members/invite", None),
    (For::Admins, "/settings/members/invitations", None),
    (For::RecentAdmins, "/settings/members/{member}", None),
    (For::Members, "/settings/plan", None),
    (For::Admins, "/settings/audit-log", None),
    (For::Admins, "/settings/audit-log/download?format=csv", None),
    (For::Admins, "/settings/audit-log/download?format=json", None),
    (For::Operators, "/instance", None),
    (For::Operators, "/instance/workspaces", None),
    (For::RecentOperators, "/instance/workspaces/{workspace}", None),
    (For::RecentOperators, "/instance/workspaces/{workspace}/close", None),
    (For::Operators, "/instance/accounts", None),
    (For::RecentOperators, "/instance/accounts/{member}", None),
    (For::RecentOperators, "/instance/signing-keys", None),
    (For::Operators, "/instance/audit-log", None),
    (For::Operators, "/instance/audit-log/download?format=csv", None),
    (For::RecentOperators, "/instance/mail", None),
    (For::Admins, "/settings/workspace", Some(&[("name", "Renamed"), ("home_area", "usa")])),
    (For::SignedIn, "/workspaces/new", Some(&[("name", "Another"), ("home_area", "eu")])),
    (For::Admins, "/settings/projects/new", Some(&[("name", "made"), ("description", "")])),
    (For::Admins, "/settings/projects/{project}", Some(&[("name", "changed"), ("description", "d")])),
    (For::RecentAdmins, "/settings/members/invite", Some(&[("email", "x@example.org"), ("role", "member")])),
    (For::Admins, "/settings/members/invitations/{invitation}/resend", Some(&[])),
    (For::Admins, "/settings/members/invitations/{invitation}/withdraw", Some(&[])),
    (For::RecentAdmins, "/settings/members/{member}", Some(&[("role", "admin")])),
    (For::RecentAdmins, "/settings/members/{member}/remove", Some(&[])),
    (For::RecentAdmins, "/settings/projects/{project}/delete", Some(&[])),
    (For::RecentOperators, "/instance/workspaces/{workspace}", Some(LIMITS)),
    (For::RecentOperators, "/instance/accounts/{member}/make-operator", Some(&[])),
    (For::RecentOperators, "/instance/accounts/{member}/remove-operator", Some(&[])),
    (For::RecentOperators, "/instance/accounts/{member}/send-reset-link", Some(&[])),
    (For::RecentOperators, "/instance/accounts/{member}/disable", Some(&[])),
    (For::RecentOperators, "/instance/accounts/{member}/enable", Some(&[])),
    (For::RecentOperators, "/instance/accounts/{member}/sign-out", Some(&[])),
    (For::RecentOperators, "/instance/signing-keys", Some(&[("from", "now")])),
    (For::RecentOperators, "/instance/mail", Some(&[("to", "x@example.org")])),
    (For::RecentOperators, "/instance/workspaces/{workspace}/close", Some(&[("name", "Renamed")])),
];

/// What of the workspace's the routes are about.
struct Ids {
    project: String,
    member: String,
    invitation: String,
    workspace: String,
}

impl Ids {
    async fn make(world: &World, member: AccountId) -> Self {
        let new = control::NewProject { name: "p".to_owned(), description: String::new() };
        let made = world.control.create_project(&ACTOR, world.workspace.id, new).await.unwrap();
        let sent =
            world.control.invite(&ACTOR, world.workspace.id, "inv@example.org", Role::Member).await.unwrap();
        world.clock.advance_seconds(control::INVITATION_RESEND_SECONDS_MIN);
        Self {
            project: made.project.id.to_string(),
            member: member.to_string(),
            invitation: sent.invitation.id.to_string(),
            workspace: world.workspace.id.to_string(),
        }
    }

    fn unknown() -> Self {
        Self {
            project: ProjectId::new(987_654).to_string(),
            member: AccountId::from_u128(1).to_string(),
            invitation: InvitationId::from_u128(1).to_string(),
            workspace: WorkspaceId::from_u128(1).to_string(),
        }
    }

    fn fill(&self, path: &str) -> String {
        path.replace(PROJECT, &self.project)
            .replace(MEMBER, &self.member)
            .replace(INVITATION, &self.invitation)
            .replace(WORKSPACE, &self.workspace)
    }
}

async fn ask(browser: &Browser, path: &str, form: Form) -> Shown {
    match form {
        None => browser.get(path).await,
        Some(fields) => browser.post(path, fields).await,
    }
}

/// All that a route could have changed.
async fn state(world: &World) -> String {
    let all = control::PageRequest { after: None, limit: 1000 };
    let (control, id) = (&world.control, world.workspace.id);
    let log = control.find_audit_events(&control::AuditFilter::default(), 0, 1000).await.unwrap();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {} {}",
        control.list_workspaces().await.unwrap(),
        control.list_members(id).await.unwrap(),
        control.list_projects(id).await.unwrap(),
        control.page_invitations(id, &all).await.unwrap(),
        control.page_accounts(&all).await.unwrap(),
        log.len(),
        world.outbox.mails().len(),
    )
}

/// Whoever isn't signed in, or was disabled, is sent to sign in; a member is kept off what admins do; to everybody but
/// operators the operators' room isn't there; another workspace's admin gets for ids of this one the very answer that unknown
/// ids get; and none of them changes anything. Those who may, may.
#[tokio::test]
async fn every_route_as_every_caller() {
    let world = World::new().await;
    let (member, admin, stranger, operator) =
        (world.member().await, world.admin().await, world.stranger().await, world.operator().await);
    let disabled = world.person("disabled@example.org", &world.workspace, Role::Admin).await;
    world.control.disable_account(&ACTOR, disabled.account.unwrap()).await.unwrap();
    let ids = Ids::make(&world, member.account.unwrap()).await;
    let nothing = admin.get("/settings/projects/987654").await.expect(404).text;
    let before = state(&world).await;
    for (who, path, form) in ROUTES {
        let (own, unknown) = (ids.fill(path), Ids::unknown().fill(path));
        for nobody in [&world.anonymous(), &disabled] {
            let turned = ask(nobody, &own, *form).await;
            assert_eq!(turned.status, 303, "{path} {form:?}");
            assert!(turned.location().starts_with("/sign-in"), "{path}: {}", turned.location());
            assert!(turned.text.is_empty());
        }
        if own != unknown && !matches!(who, For::Operators | For::RecentOperators) {
            let foreign = ask(&stranger, &own, *form).await;
            let none = ask(&stranger, &unknown, *form).await;
            assert_eq!((foreign.status, &foreign.text), (404, &none.text), "{path} {form:?}");
        }
        if matches!(who, For::Admins | For::RecentAdmins) {
            assert_eq!(ask(&member, &own, *form).await.status, 403, "{path} {form:?}");
        }
        if matches!(who, For::Operators | For::RecentOperators) {
            for other in [&member, &admin, &stranger] {
                let absent = ask(other, &own, *form).await;
                assert_eq!((absent.status, &absent.text), (404, &nothing), "{path} {form:?}");
            }
        }
        assert_eq!(state(&world).await, before, "{path} {form:?}");
    }
    // The control beside them: whoever may is answered.
    let solo = world.sign_up("solo@example.org").await;
    for (who, path, form) in ROUTES {
        let may = match who {
            For::SignedIn if form.is_some() => &solo,
            For::SignedIn | For::Members => &member,
            For::Admins | For::RecentAdmins => &admin,
            For::Operators | For::RecentOperators => &operator,
        };
        let shown = ask(may, &ids.fill(path), *form).await;
        let expected = if form.is_some() && !path.ends_with("/mail") { 303 } else { 200 };
        assert_eq!(shown.status, expected, "{path} {form:?} {}", shown.text);
        assert!(
            !shown.location().starts_with("/sign-in") && !shown.location().starts_with("/confirm"),
            "{path}"
        );
    }
    assert_ne!(state(&world).await, before);
}

/// What can't be taken back asks again who it is, once that is some minutes ago, and comes back to the same page; what can
/// doesn't ask.
#[tokio::test]
async fn what_matters_most_asks_again() {
    let world = World::new().await;
    let (member, admin, operator) = (world.member().await, world.admin().await, world.operator().await);
    let ids = Ids::make(&world, member.account.unwrap()).await;
    world.clock.advance_seconds(portal::RECENT_MINUTES_MAX * 60);
    let before = state(&world).await;
    for (who, path, form) in ROUTES {
        let path = ids.fill(path);
        let (may, is_asked) = match who {
            For::SignedIn | For::Members | For::Admins => (&admin, false),
            For::RecentAdmins => (&admin, true),
            For::Operators => (&operator, false),
            For::RecentOperators => (&operator, true),
        };
        if !is_asked && form.is_some() {
            continue;
        }
        let shown = ask(may, &path, *form).await;
        if !is_asked {
            assert_eq!(shown.status, 200, "{path}");
            continue;
        }
        assert_eq!(shown.status, 303, "{path} {form:?}");
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        assert_eq!(shown.location(), format!("/confirm?next={next}"), "{path} {form:?}");
        assert_eq!(state(&world).await, before, "{path} {form:?}");
    }
}

/// No form is taken from another page: without the token, with somebody else's, or sent from another origin.
#[tokio::test]
async fn forms_are_not_forged() {
    let world = World::new().await;
    let (member, admin, operator) = (world.member().await, world.admin().await, world.operator().await);
    let ids = Ids::make(&world, member.account.unwrap()).await;
    let before = state(&world).await;
    let strangers = member.token().await;
    for (who, path, form) in ROUTES {
        let Some(form) = form else { continue };
        let path = ids.fill(path);
        let may = if matches!(who, For::Operators | For::RecentOperators) { &operator } else { &admin };
        let token = may.token().await;
        let own = [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)];
        let cross = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        for (token, headers) in [("", own), (strangers.as_str(), own), (token.as_str(), cross)] {
            let mut fields = vec![("form_token", token)];
            fields.extend_from_slice(form);
            assert_eq!(may.post_raw(&path, &fields, &headers).await.status, 403, "{path} {headers:?}");
        }
        assert_eq!(
            may.post(&path, &[form, &[("is_operator", "true")][..]].concat()).await.status,
            400,
            "{path}"
        );
        assert_eq!(state(&world).await, before, "{path}");
    }
}

/// A page changes nothing by being looked at: paths that change something have no GET, or one that only shows.
#[tokio::test]
async fn looking_changes_nothing() {
    let world = World::new().await;
    let (member, admin, operator) = (world.member().await, world.admin().await, world.operator().await);
    let ids = Ids::make(&world, member.account.unwrap()).await;
    let before = state(&world).await;
    for (_, path, _) in ROUTES {
        for browser in [&admin, &operator] {
            let shown = browser.get(&ids.fill(path)).await;
            assert!(matches!(shown.status, 200 | 303 | 403 | 404 | 405), "{path}: {}", shown.status);
        }
    }
    for path in ["/settings/audit-log", "/settings/audit-log/download", "/instance/audit-log"] {
        assert_eq!(operator.post(path, &[]).await.status, 405, "the log is changed by nobody");
    }
    assert_eq!(state(&world).await, before);
}
