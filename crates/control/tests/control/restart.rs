//! What survives a restart, a crash, and a caller that goes away; and what must not start.

use std::future::poll_fn;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::task::Poll;

use control::{Actor, Control, ControlConfig, ControlError, MasterKeySource, NewKey};
use credentials::MasterKey;
use domain::{ClientRef, Plan, PlanLimits, Product, Reason, Region, Role, SystemRng};
use storage::Store;

use crate::support::{ACTOR, Follower, Instance, reason, request};

/// After a restart, and after a crash, the instance is the same: its id, signing keys, keys and revocations.
#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let kept = instance.key(&workspace, NewKey::named(project.id, "kept")).await;
    let revoked = instance.key(&workspace, NewKey::named(project.id, "revoked")).await;
    let temporary = instance.mint(kept.secret.expose(), &request(Product::Rt)).unwrap();
    let dead = instance.mint(kept.secret.expose(), &request(Product::Rt)).unwrap();
    let alice = ClientRef::new("alice").unwrap();
    instance.control.revoke_key(&ACTOR, workspace.id, revoked.key.id).await.unwrap();
    instance.control.revoke_temporary_key(&ACTOR, workspace.id, dead.id).await.unwrap();
    instance.control.revoke_client_ref(&ACTOR, workspace.id, project.id, &alice).await.unwrap();
    let (id, jwks) = (instance.control.instance_id(), instance.control.jwks());
    let revision = instance.control.tables().revision();
    for crash in [false, true] {
        instance = if crash { instance.crash().await } else { instance.restart().await };
        assert_eq!((instance.control.instance_id(), instance.control.jwks()), (id, Arc::clone(&jwks)));
        assert_eq!(instance.control.tables().revision(), revision);
        for alive in [kept.secret.expose(), &temporary.key_value] {
            assert!(instance.verify(alive, Product::Rt, Region::Eu1).is_ok());
        }
        for refused in [revoked.secret.expose(), &dead.key_value] {
            assert_eq!(reason(instance.verify(refused, Product::Rt, Region::Eu1)), Reason::CredentialRevoked);
        }
        assert!(instance.control.tables().client_ref_shut(project.id, &alice));
        assert!(instance.mint(kept.secret.expose(), &request(Product::Rt)).is_ok());
        assert_eq!(instance.control.list_keys(workspace.id, None).await.unwrap().len(), 2);
    }
}

/// A caller that goes away at any moment leaves either nothing or a change that everybody knows: store, tables and
/// gateway agree, now and after a crash.
#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let mut finished = 0;
    for polls in 0..40 {
        let made = instance.control.create_key(&ACTOR, workspace.id, NewKey::named(project.id, "k"));
        let mut made = Box::pin(made);
        for _ in 0..polls {
            if poll_fn(|context| Poll::Ready(made.as_mut().poll(context))).await.is_ready() {
                finished += 1;
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(made);
    }
    // One more change: whatever was under way is committed before it.
    let last = instance.key(&workspace, NewKey::named(project.id, "last")).await;
    let stored = instance.control.list_keys(workspace.id, None).await.unwrap();
    assert!(stored.len() > finished);
    assert_eq!(instance.control.tables().api_keys(), stored.len());
    assert_eq!(gateway.tables.api_keys(), stored.len());
    assert_eq!(gateway.tables.revision(), last.revision);
    let instance = instance.crash().await;
    assert_eq!(instance.control.tables().api_keys(), stored.len());
    assert_eq!(instance.control.tables().revision(), last.revision);
}

/// Another master key, a missing one and a malformed one are told apart, and the right one still works afterwards.
#[tokio::test]
async fn a_wrong_master_key_is_a_clear_error() {
    let instance = Instance::new().await;
    instance.control.close().await;
    let path = instance.folder.path().join("master.key");
    let right = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let open = async |config: ControlConfig| {
        Control::open(config, Arc::clone(&instance.clock) as _, Arc::new(SystemRng)).await
    };

    std::fs::write(&path, MasterKey::generate(&SystemRng).to_text().as_bytes()).unwrap();
    assert!(matches!(open(instance.config()).await, Err(ControlError::WrongMasterKey)));
    std::fs::write(&path, "nonsense").unwrap();
    assert!(matches!(open(instance.config()).await, Err(ControlError::MasterKeyMalformed { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(open(instance.config()).await, Err(ControlError::MasterKeyMissing { .. })));
    assert!(!path.exists(), "no new key is made beside an old instance");

    let mut by_text = instance.config();
    by_text.master_key = MasterKeySource::Text(right.into());
    assert!(open(by_text).await.is_ok());
}

/// A data folder that is a file is refused with its path.
#[tokio::test]
async fn a_data_folder_that_is_a_file_is_refused() {
    let instance = Instance::new().await;
    let file = instance.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let opened =
        Control::open(ControlConfig::in_folder(&file), Arc::clone(&instance.clock) as _, Arc::new(SystemRng))
            .await;
    let error = opened.unwrap_err();
    assert!(
        matches!(error, ControlError::DataFolder { .. }) && error.to_string().contains("file"),
        "{error}"
    );
}

/// Limits of a plan that the configuration changed reach keys that were made before.
#[tokio::test]
async fn configured_limits_reach_old_workspaces() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let limits =
        |instance: &Instance| *instance.verify(secret.expose(), Product::Rt, Region::Eu1).unwrap().limits();
    assert_eq!(limits(&instance), Plan::Pro.default_limits());
    instance.control.close().await;
    let other = PlanLimits { concurrent_sessions_max: 7, ..Plan::Pro.default_limits() };
    let mut config = instance.config();
    config.plan_limits.pro = Some(other);
    let control = Control::open(config, Arc::clone(&instance.clock) as _, Arc::new(SystemRng)).await.unwrap();
    let instance = Instance { control, ..instance };
    assert_eq!(limits(&instance), other);
}

/// A temporary key that was minted when keys could live longer stays revoked for as long as it would have lived.
#[tokio::test]
async fn shorter_lives_revive_nothing() {
    let reopened = async |instance: Instance, max_seconds| {
        instance.control.close().await;
        let range = control::TtlRange { min_seconds: 60, max_seconds };
        let ttl_seconds = control::TtlSeconds { batch: range, rt: range, tts: range, flow: range };
        let config = ControlConfig { ttl_seconds, ..instance.config() };
        let control =
            Control::open(config, Arc::clone(&instance.clock) as _, Arc::new(SystemRng)).await.unwrap();
        Instance { control, ..instance }
    };
    // As configured by default, and for longer than that.
    for ttl_seconds in [86_400, 7 * 86_400] {
        let instance = reopened(Instance::new().await, ttl_seconds).await;
        let (workspace, project) = instance.workspace(Plan::Pro).await;
        let parent = instance.key(&workspace, NewKey::named(project.id, "k")).await;
        let of = |name| control::MintRequest {
            ttl_seconds,
            client_ref: Some(ClientRef::new(name).unwrap()),
            ..request(Product::Rt)
        };
        let mint = |name| instance.mint(parent.secret.expose(), &of(name)).unwrap();
        let (minted, let_in, spared) = (mint("a"), mint("b"), mint("c"));
        let instance = reopened(instance, 3_600).await;
        let control = &instance.control;
        control.revoke_temporary_key(&ACTOR, workspace.id, minted.id).await.unwrap();
        let client_ref = ClientRef::new("b").unwrap();
        control.revoke_client_ref(&ACTOR, workspace.id, project.id, &client_ref).await.unwrap();
        control.readmit_client_ref(&ACTOR, workspace.id, project.id, &client_ref).await.unwrap();
        instance.clock.advance_seconds(i64::from(ttl_seconds) - 600);
        control.tables().forget_expired(control.now());
        let judged = |key: &control::Minted| instance.verify(&key.key_value, Product::Rt, Region::Eu1);
        assert_eq!(reason(judged(&minted)), domain::Reason::CredentialRevoked);
        assert_eq!(reason(judged(&let_in)), domain::Reason::CredentialRevoked);
        assert!(judged(&spared).is_ok());
    }
}

/// No secret is in any file of the data folder but the master key's: no API key, token, temporary key, password or
/// private key; what is stored in their stead is.
#[tokio::test]
async fn secrets_are_not_in_the_database() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "the name of the key")).await;
    let token = control
        .create_management_token(&ACTOR, workspace.id, "t", domain::PermissionSet::all())
        .await
        .unwrap();
    let temporary = instance.mint(key.secret.expose(), &request(Product::Rt)).unwrap();
    control.revoke_temporary_key(&ACTOR, workspace.id, temporary.id).await.unwrap();
    control.create_account(&ACTOR, "ada@example.org", "correct horse battery").await.unwrap();

    let master_text = std::fs::read_to_string(instance.folder.path().join("master.key")).unwrap();
    let master = MasterKey::from_text(&master_text).unwrap();
    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let stored = store.list_signing_keys().await.unwrap().remove(0);
    let context = format!("signing_key/{}", stored.verifying_key.kid);
    let private = master.open(&context, &stored.sealed_private_key).unwrap();
    let seed = private[16..48].to_vec();

    let mut everything = Vec::new();
    for entry in std::fs::read_dir(instance.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("master.key") {
            everything.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |needle: &[u8]| everything.windows(needle.len()).any(|window| window == needle);
    let random_part = |secret: &str| secret.as_bytes()[4..40].to_vec();
    for (what, secret) in [
        ("API key", random_part(key.secret.expose())),
        ("management token", random_part(token.secret.expose())),
        ("temporary key", temporary.key_value.as_bytes()[100..200].to_vec()),
        ("password", b"correct horse battery".to_vec()),
        ("private key", seed),
        ("master key", master_text.trim().as_bytes().to_vec()),
    ] {
        assert!(!holds(&secret), "{what}");
    }
    for present in [key.key.hash.as_bytes().as_slice(), b"the name of the key", &stored.sealed_private_key] {
        assert!(holds(present), "the search finds what is there");
    }
}

/// The dev instance is the same at each start; what was revoked or lost is made anew, and works.
#[tokio::test]
async fn the_dev_instance_keeps_its_credentials() {
    let instance = Instance::new().await;
    let first = instance.control.bootstrap_dev(None).await.unwrap();
    let again = instance.control.bootstrap_dev(None).await.unwrap();
    assert_ne!(again.api_key.expose(), first.api_key.expose(), "nothing is known of the first");
    let known = |secrets: &control::DevSecrets| control::DevSecrets {
        account: control::DevAccount {
            email: secrets.account.email.clone(),
            password: secrets.account.password.clone(),
        },
        workspace_id: secrets.workspace_id,
        project_id: secrets.project_id,
        api_key: secrets.api_key.clone(),
        management_token: secrets.management_token.clone(),
    };
    let instance = instance.restart().await;
    let control = &instance.control;
    let same = control.bootstrap_dev(Some(known(&again))).await.unwrap();
    assert_eq!(same.api_key.expose(), again.api_key.expose());
    assert_eq!(same.management_token.expose(), again.management_token.expose());
    assert_eq!(same.account.password.expose(), again.account.password.expose());
    assert_eq!((same.workspace_id, same.project_id), (again.workspace_id, again.project_id));

    let principal = instance.verify(same.api_key.expose(), Product::Tts, Region::Eu2).unwrap();
    assert_eq!(principal.limits().concurrent_sessions_max, 100);
    let manager = control.tables().verify_management(same.management_token.expose(), control.now()).unwrap();
    assert_eq!(manager.permissions(), domain::PermissionSet::all());
    let account =
        control.check_password("dev@localhost", same.account.password.expose()).await.unwrap().unwrap();
    assert_eq!(control.list_members(same.workspace_id).await.unwrap(), [(account, Role::Admin)]);

    control.revoke_key(&Actor::SYSTEM, same.workspace_id, principal.api_key_id()).await.unwrap();
    let renewed = control.bootstrap_dev(Some(known(&same))).await.unwrap();
    assert_ne!(renewed.api_key.expose(), same.api_key.expose());
    assert_eq!(renewed.management_token.expose(), same.management_token.expose());
    assert!(instance.verify(renewed.api_key.expose(), Product::Rt, Region::Eu1).is_ok());
}
