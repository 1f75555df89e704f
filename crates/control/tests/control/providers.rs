//! Sign-in with other providers, against a real one that lies as the test wants.

use control::{
    Begun, ChangeFactorError, Control, ProviderCallback, ProviderConfig, ProviderError, ProviderKind,
    ProviderPurpose, ProviderUser, Providers, TICKET_SECONDS_MAX, TicketError,
};
use domain::{PortalSessionState, SignInMethod};
use serde_json::{Value, json};

use crate::support::people::{BROWSER, code, person};
use crate::support::provider::{Behaviour, CLIENT_ID, Signing, TestProvider};
use crate::support::{ACTOR, Instance, start_time};

const ORIGIN: &str = "https://portal.example.org";
const SIGN_IN: ProviderPurpose = ProviderPurpose::SignIn { next: None };

async fn start() -> TestProvider {
    TestProvider::start(start_time().as_seconds()).await
}

fn oidc(provider: &TestProvider) -> Providers {
    Providers::new(ORIGIN, vec![provider.config("oidc", ProviderKind::Oidc)])
}

fn with(provider: &TestProvider, kind: ProviderKind, domains: &[&str]) -> Providers {
    let allowed_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    Providers::new(ORIGIN, vec![ProviderConfig { allowed_domains, ..provider.config("oidc", kind) }])
}

fn callback<'a>(code: &'a str, state: &'a str) -> ProviderCallback<'a> {
    ProviderCallback { state: Some(state), code: Some(code), iss: None, error: None }
}

/// The whole way there and back, in one browser.
async fn visit(
    control: &Control,
    providers: &Providers,
    provider: &TestProvider,
) -> Result<ProviderUser, ProviderError> {
    let address = control.start_provider(providers, "oidc", "browser", SIGN_IN).await?;
    let (code, state) = provider.consent(&address);
    control.finish_provider(providers, "oidc", "browser", callback(&code, &state)).await.map(|(user, _)| user)
}

fn is_over<T: std::fmt::Debug>(result: &Result<T, ProviderError>) -> bool {
    matches!(result, Err(ProviderError::Ticket(TicketError::Over)))
}

async fn linked(control: &Control, user: &ProviderUser) -> Result<Option<Begun>, control::SignInError> {
    control.sign_in_with_identity(user, BROWSER).await
}

/// Whoever the provider vouches for is found by what it calls them, and signed in once linked; the way is bound to an exact
/// address, PKCE and a nonce.
#[tokio::test]
async fn a_provider_signs_in_whom_it_vouches_for() {
    let (instance, provider) = (Instance::new().await, start().await);
    let (control, providers) = (&instance.control, oidc(&provider));
    let address = control.start_provider(&providers, "oidc", "browser", SIGN_IN).await.unwrap();
    let redirect: String =
        form_urlencoded::byte_serialize(b"https://portal.example.org/sign-in/with/oidc/callback").collect();
    assert!(address.contains(&format!("redirect_uri={redirect}&")), "{address}");
    let user = visit(control, &providers, &provider).await.unwrap();
    assert_eq!(user.verified_email.as_deref(), Some("ada@example.org"));
    assert_eq!(user.label, "ada@example.org");
    assert!(user.subject.ends_with(" user 1"), "{}", user.subject);

    let ada = person(control, "ada@example.org").await;
    assert!(linked(control, &user).await.unwrap().is_none(), "an equal address links nothing");
    let ticket = control.offer_identity("session", &user).unwrap();
    let stolen = control.link_identity(&ACTOR, ada.id, "another session", &ticket).await;
    assert!(matches!(stolen, Err(ChangeFactorError::Ticket(_))), "{stolen:?}");
    control.link_identity(&ACTOR, ada.id, "session", &ticket).await.unwrap();
    let begun = linked(control, &user).await.unwrap().unwrap();
    assert_eq!((begun.session.account_id, begun.session.method), (ada.id, SignInMethod::Provider));
    assert_eq!(begun.session.state, PortalSessionState::Open);
    assert_eq!(control.list_identities(ada.id).await.unwrap()[0].last_used_at, Some(control.now()));

    let bob = person(control, "bob@example.org").await;
    let ticket = control.offer_identity("session", &user).unwrap();
    let taken = control.link_identity(&ACTOR, bob.id, "session", &ticket).await;
    assert!(matches!(taken, Err(ChangeFactorError::Exists)), "{taken:?}");
    let foreign = control.unlink_identity(&ACTOR, bob.id, "oidc", &user.subject).await;
    assert!(matches!(foreign, Err(ChangeFactorError::NotFound)), "{foreign:?}");
}

/// A second factor is asked for after a provider as after a password; who is disabled, unlinked or deleted isn't let in.
#[tokio::test]
async fn a_provider_is_no_way_around_what_is_asked_of_others() {
    let (instance, provider) = (Instance::new().await, start().await);
    let (control, providers) = (&instance.control, oidc(&provider));
    let user = visit(control, &providers, &provider).await.unwrap();
    let ada = person(control, "ada@example.org").await;
    let ticket = control.offer_identity("session", &user).unwrap();
    control.link_identity(&ACTOR, ada.id, "session", &ticket).await.unwrap();
    let offer = control.offer_totp("browser", &ada, "Voxgate").unwrap();
    let shown = code(&offer.secret, control.now());
    control.add_totp(&ACTOR, ada.id, "browser", &offer.ticket, &shown).await.unwrap();
    instance.clock.advance_seconds(60);
    let begun = linked(control, &user).await.unwrap().unwrap();
    assert_eq!(begun.session.state, PortalSessionState::Pending);
    let completed =
        control.complete_with_totp(&begun.secret, &code(&offer.secret, control.now())).await.unwrap();
    assert_eq!(completed.session.method, SignInMethod::ProviderAndFactor);

    control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(linked(control, &user).await.is_err());
    control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(linked(control, &user).await.unwrap().is_some());
    control.unlink_identity(&ACTOR, ada.id, "oidc", &user.subject).await.unwrap();
    assert!(linked(control, &user).await.unwrap().is_none());
    let ticket = control.offer_identity("session", &user).unwrap();
    control.link_identity(&ACTOR, ada.id, "session", &ticket).await.unwrap();
    let again = control.link_identity(&ACTOR, ada.id, "session", &ticket).await;
    assert!(matches!(again, Err(ChangeFactorError::Ticket(_))), "{again:?}");
    control.delete_account(&ACTOR, ada.id).await.unwrap();
    assert!(linked(control, &user).await.unwrap().is_none());
}

/// A token that another issuer made, for another client, with another nonce, that has expired, or that isn't signed by a key of
/// the provider's, is refused.
#[tokio::test]
async fn tokens_that_do_not_hold_are_refused() {
    let (instance, provider) = (Instance::new().await, start().await);
    let (control, providers) = (&instance.control, oidc(&provider));
    let now = start_time().as_seconds();
    let refused: &[(&str, Value)] = &[
        ("another issuer", json!({"iss": "https://evil.example"})),
        ("the issuer with a slash", json!({"iss": format!("{}/", provider.issuer)})),
        ("no issuer", json!({"iss": null})),
        ("another audience", json!({"aud": "another client"})),
        ("another audience beside ours", json!({"aud": [CLIENT_ID, "another client"]})),
        ("no audience", json!({"aud": null})),
        ("another nonce", json!({"nonce": "another"})),
        ("no nonce", json!({"nonce": null})),
        ("expired", json!({"exp": now - 120})),
        ("no expiry", json!({"exp": null})),
        ("no subject", json!({"sub": null})),
        ("an expiry that is no number", json!({"exp": "tomorrow"})),
    ];
    for (what, claims) in refused {
        provider.behave(Behaviour { claims: claims.clone(), ..Behaviour::default() });
        let answered = visit(control, &providers, &provider).await;
        assert!(matches!(answered, Err(ProviderError::Invalid(_))), "{what}: {answered:?}");
    }
    for signing in [Signing::None, Signing::Secret, Signing::PublicKeyAsSecret, Signing::ForeignKey] {
        provider.behave(Behaviour { signing, ..Behaviour::default() });
        let answered = visit(control, &providers, &provider).await;
        assert!(matches!(answered, Err(ProviderError::Invalid(_))), "{signing:?}: {answered:?}");
    }
    for good in [json!({}), json!({"aud": [CLIENT_ID]}), json!({"exp": now - 30}), json!({"azp": CLIENT_ID})]
    {
        provider.behave(Behaviour { claims: good.clone(), ..Behaviour::default() });
        assert!(visit(control, &providers, &provider).await.is_ok(), "{good}");
    }
    // A key that is newer than what is known of the provider is looked up.
    instance.clock.advance_seconds(60);
    let claims = json!({"exp": now + 600});
    provider.behave(Behaviour { signing: Signing::NewKey, claims, ..Behaviour::default() });
    assert!(visit(control, &providers, &provider).await.is_ok());
}

/// An address counts only where the provider has verified it, and domains are let in by such ones alone; Google's people by their
/// organisation besides.
#[tokio::test]
async fn unverified_addresses_let_nobody_in() {
    let (instance, provider) = (Instance::new().await, start().await);
    let control = &instance.control;
    for unverified in
        [json!({"email_verified": false}), json!({"email_verified": null}), json!({"email": null})]
    {
        provider.behave(Behaviour { claims: unverified.clone(), ..Behaviour::default() });
        let user = visit(control, &oidc(&provider), &provider).await.unwrap();
        assert_eq!(user.verified_email, None, "{unverified}");
        let narrow = with(&provider, ProviderKind::Oidc, &["example.org"]);
        let answered = visit(control, &narrow, &provider).await;
        assert!(matches!(answered, Err(ProviderError::NotAllowed)), "{unverified}: {answered:?}");
    }
    let cases: &[(ProviderKind, &[&str], Value, bool)] = &[
        (ProviderKind::Oidc, &["example.org"], json!({}), true),
        (ProviderKind::Oidc, &["EXAMPLE.org"], json!({"email": "ada@Example.Org"}), true),
        (ProviderKind::Oidc, &["example.com"], json!({}), false),
        (ProviderKind::Oidc, &["example.org"], json!({"email": "ada@evil.example.org"}), false),
        (ProviderKind::Oidc, &["example.org"], json!({"email": "ada@example.org@evil.example"}), false),
        (ProviderKind::Google, &["example.org"], json!({"hd": "example.org"}), true),
        (ProviderKind::Google, &["example.org"], json!({}), false),
        (ProviderKind::Google, &["example.org"], json!({"hd": "evil.example"}), false),
        (ProviderKind::Google, &[], json!({}), true),
    ];
    for (kind, domains, claims, is_let_in) in cases {
        provider.behave(Behaviour { claims: claims.clone(), ..Behaviour::default() });
        let answered = visit(control, &with(&provider, *kind, domains), &provider).await;
        assert_eq!(answered.is_ok(), *is_let_in, "{kind} {domains:?} {claims}: {answered:?}");
    }
}

/// What comes back counts once, in the browser that was sent, in time, at the very provider: a stolen or forged way back signs
/// nobody in, so that nobody signs a victim in to the attacker's account.
#[tokio::test]
async fn the_way_back_is_used_once_by_whoever_left() {
    let (instance, provider) = (Instance::new().await, start().await);
    let (control, providers) = (&instance.control, oidc(&provider));
    let leave = async |bound_to: &'static str| {
        let address = control.start_provider(&providers, "oidc", bound_to, SIGN_IN).await.unwrap();
        provider.consent(&address)
    };
    let back = async |bound_to: &'static str, code: &str, state: &str| {
        control.finish_provider(&providers, "oidc", bound_to, callback(code, state)).await
    };
    let (attackers_code, attackers_state) = leave("attacker").await;
    assert!(is_over(&back("victim", &attackers_code, &attackers_state).await), "login CSRF");
    let (_, victims_state) = leave("victim").await;
    let injected = back("victim", &attackers_code, &victims_state).await;
    assert!(
        matches!(injected, Err(ProviderError::Invalid(_))),
        "PKCE holds the code to its state: {injected:?}"
    );

    let (code, state) = leave("browser").await;
    let before = provider.requests().len();
    for forged in ["", "x", "AAAA", &state[1..], &format!("{state}A"), &"A".repeat(100_000)] {
        assert!(is_over(&back("browser", &code, forged).await), "{forged}");
    }
    let none = ProviderCallback { code: Some(&code), ..ProviderCallback::default() };
    assert!(is_over(&control.finish_provider(&providers, "oidc", "browser", none).await));
    assert_eq!(provider.requests().len(), before, "nothing is asked on the word of a forged way back");
    assert!(back("browser", &code, &state).await.is_ok());
    assert!(is_over(&back("browser", &code, &state).await), "replayed");

    let (code, state) = leave("browser").await;
    instance.clock.advance_seconds(TICKET_SECONDS_MAX);
    assert!(is_over(&back("browser", &code, &state).await), "late");

    let (code, state) = leave("browser").await;
    let declined = ProviderCallback { error: Some("access_denied"), ..callback(&code, &state) };
    let declined = control.finish_provider(&providers, "oidc", "browser", declined).await;
    assert!(matches!(declined, Err(ProviderError::Declined)), "{declined:?}");
    let (code, state) = leave("browser").await;
    let other = ProviderCallback { iss: Some("https://evil.example"), ..callback(&code, &state) };
    assert!(control.finish_provider(&providers, "oidc", "browser", other).await.is_err());
    let (code, state) = leave("browser").await;
    let named = ProviderCallback { iss: Some(&provider.issuer), ..callback(&code, &state) };
    assert!(control.finish_provider(&providers, "oidc", "browser", named).await.is_ok());
    let unknown = control.start_provider(&providers, "nobody", "browser", SIGN_IN).await;
    assert!(matches!(unknown, Err(ProviderError::NotFound)), "{unknown:?}");
}

/// Of two providers none answers for the other: whoever left for one doesn't come back from the other, and the same user id at
/// both is two people.
#[tokio::test]
async fn providers_are_not_mixed_up() {
    let instance = Instance::new().await;
    let (honest, evil) = (start().await, start().await);
    let control = &instance.control;
    let configs = vec![
        honest.config("honest", ProviderKind::Oidc),
        evil.config("evil", ProviderKind::Oidc),
        honest.config("github", ProviderKind::GitHub),
    ];
    let providers = Providers::new(ORIGIN, configs);
    let go = async |id: &str| control.start_provider(&providers, id, "browser", SIGN_IN).await.unwrap();
    let back = async |id: &str, code: &str, state: &str| {
        control.finish_provider(&providers, id, "browser", callback(code, state)).await
    };
    for (left, returned) in [("honest", "evil"), ("evil", "honest"), ("honest", "github"), ("github", "evil")]
    {
        let address = go(left).await;
        let (code, state) = if left == "evil" { evil.consent(&address) } else { honest.consent(&address) };
        let asked = (honest.requests().len(), evil.requests().len());
        assert!(is_over(&back(returned, &code, &state).await), "{left} {returned}");
        assert_eq!((honest.requests().len(), evil.requests().len()), asked, "the code went nowhere");
    }
    let (code, state) = honest.consent(&go("honest").await);
    let (of_honest, _) = back("honest", &code, &state).await.unwrap();
    let (code, state) = evil.consent(&go("evil").await);
    let (of_evil, _) = back("evil", &code, &state).await.unwrap();
    assert_ne!((&of_honest.provider, &of_honest.subject), (&of_evil.provider, &of_evil.subject));
    let ada = person(control, "ada@example.org").await;
    let ticket = control.offer_identity("session", &of_honest).unwrap();
    control.link_identity(&ACTOR, ada.id, "session", &ticket).await.unwrap();
    assert!(linked(control, &of_evil).await.unwrap().is_none());
    let renamed = ProviderUser { provider: of_honest.provider.clone(), ..of_evil };
    assert!(
        linked(control, &renamed).await.unwrap().is_none(),
        "the id of a provider that became another one's"
    );
    assert!(linked(control, &of_honest).await.unwrap().is_some());
}

/// GitHub's users are known by their number, and their address by its verified primary one.
#[tokio::test]
async fn github_signs_in() {
    let (instance, provider) = (Instance::new().await, start().await);
    let control = &instance.control;
    let visit = async |domains: &[&str]| {
        let providers = with(&provider, ProviderKind::GitHub, domains);
        visit(control, &providers, &provider).await
    };
    let user = visit(&[]).await.unwrap();
    assert_eq!((user.label.as_str(), user.verified_email.as_deref()), ("octocat", Some("ada@example.org")));
    assert!(user.subject.ends_with(" 583231"), "{}", user.subject);
    assert!(visit(&["example.org"]).await.is_ok());
    for emails in [
        json!([{"email": "ada@example.org", "primary": true, "verified": false}]),
        json!([{"email": "ada@example.org", "primary": false, "verified": true}]),
        json!([]),
    ] {
        provider.behave(Behaviour { emails: emails.clone(), ..Behaviour::default() });
        assert_eq!(visit(&[]).await.unwrap().verified_email, None, "{emails}");
        assert!(matches!(visit(&["example.org"]).await, Err(ProviderError::NotAllowed)), "{emails}");
    }
    provider.behave(Behaviour { emails: json!({"message": "nothing"}), ..Behaviour::default() });
    assert!(matches!(visit(&[]).await, Err(ProviderError::Invalid(_))));
}

/// No redirect of a provider is followed, no endless answer is read, none who calls itself another is believed, and one that is away
/// is asked again only after a while.
#[tokio::test]
async fn a_provider_that_misbehaves_gets_nothing() {
    let (instance, provider) = (Instance::new().await, start().await);
    let control = &instance.control;
    provider.behave(Behaviour { redirects: true, ..Behaviour::default() });
    let answered = visit(control, &oidc(&provider), &provider).await;
    assert!(matches!(answered, Err(ProviderError::Invalid(_))), "{answered:?}");
    assert!(provider.requests().iter().all(|request| request != "stolen"));
    provider.behave(Behaviour { is_huge: true, ..Behaviour::default() });
    let answered = visit(control, &oidc(&provider), &provider).await;
    assert!(matches!(answered, Err(ProviderError::Unavailable(_))), "{answered:?}");
    provider.behave(Behaviour {
        issuer: Some("https://accounts.example.com".to_owned()),
        ..Behaviour::default()
    });
    let answered = visit(control, &oidc(&provider), &provider).await;
    assert!(matches!(answered, Err(ProviderError::Unavailable(_))), "{answered:?}");

    let providers = oidc(&provider);
    for _ in 0..5 {
        assert!(visit(control, &providers, &provider).await.is_err());
    }
    let asked = provider.requests().iter().filter(|request| *request == "discovery").count();
    provider.behave(Behaviour::default());
    assert!(visit(control, &providers, &provider).await.is_err(), "asked lately");
    assert_eq!(provider.requests().iter().filter(|request| *request == "discovery").count(), asked);
    instance.clock.advance_seconds(30);
    assert!(visit(control, &providers, &provider).await.is_ok());
    let plain = ProviderConfig {
        issuer: "http://accounts.example.org".to_owned(),
        ..provider.config("oidc", ProviderKind::Oidc)
    };
    let answered = visit(control, &Providers::new(ORIGIN, vec![plain]), &provider).await;
    assert!(matches!(answered, Err(ProviderError::Unavailable(_))), "{answered:?}");
}

/// Whoever may register makes an account by a verified address, once; an address that has an account is never taken over, and
/// where nobody registers by themselves a provider is no way around that.
#[tokio::test]
async fn an_account_is_made_by_a_verified_address() {
    let provider = start().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(domain::ManualClock::new(start_time()));
    let open = async |policy| {
        let registration = control::Registration { policy, ..control::Registration::default() };
        let config =
            control::ControlConfig { registration, ..control::ControlConfig::in_folder(folder.path()) };
        let clock = std::sync::Arc::clone(&clock);
        Control::open(config, clock as _, std::sync::Arc::new(domain::SystemRng)).await.unwrap()
    };
    let control = open(control::RegistrationPolicy::Open).await;
    let user = visit(&control, &oidc(&provider), &provider).await.unwrap();
    let unverified = ProviderUser { verified_email: None, ..user.clone() };
    assert!(control.offer_account("browser", &unverified).unwrap().is_none());
    let offer = || control.offer_account("browser", &user).unwrap().unwrap();
    let ticket = offer();
    let stolen = control.register_with_identity("another", &ticket, crate::support::PEER).await;
    assert!(matches!(stolen, Err(ChangeFactorError::Ticket(_))), "{stolen:?}");
    let made = control.register_with_identity("browser", &ticket, crate::support::PEER).await.unwrap();
    assert_eq!((made.email.as_str(), made.is_operator), ("ada@example.org", false));
    assert_eq!(linked(&control, &user).await.unwrap().unwrap().session.account_id, made.id);
    assert_eq!(control.list_memberships(made.id).await.unwrap().len(), 1);
    assert!(
        control.check_password("ada@example.org", "").await.unwrap().is_none(),
        "no password is no password"
    );
    let replayed = control.register_with_identity("browser", &ticket, crate::support::PEER).await;
    assert!(matches!(replayed, Err(ChangeFactorError::Ticket(_))), "{replayed:?}");
    let last = control.unlink_identity(&ACTOR, made.id, &user.provider, &user.subject).await;
    assert!(matches!(last, Err(ChangeFactorError::LastWayIn)), "{last:?}");
    assert!(linked(&control, &user).await.unwrap().is_some(), "nothing was unlinked");

    let twin = ProviderUser { subject: "another".to_owned(), ..user.clone() };
    let ticket = control.offer_account("browser", &twin).unwrap().unwrap();
    let taken = control.register_with_identity("browser", &ticket, crate::support::PEER).await;
    assert!(matches!(taken, Err(ChangeFactorError::Exists)), "{taken:?}");
    assert!(linked(&control, &twin).await.unwrap().is_none());
    control.close().await;
    drop(control);
    for (policy, may) in [
        (control::RegistrationPolicy::Invitation, false),
        (control::RegistrationPolicy::Closed, false),
        (control::RegistrationPolicy::Domains(vec!["example.com".to_owned()]), false),
        (control::RegistrationPolicy::Domains(vec!["example.org".to_owned()]), true),
    ] {
        let control = open(policy).await;
        assert_eq!(control.offer_account("browser", &user).unwrap().is_some(), may);
        control.close().await;
    }
}
