//! Another master key: everything that was sealed is sealed anew, and nobody else notices.

use std::sync::Arc;

use control::{
    Control, ControlConfig, ControlError, MasterKeySource, NewKey, RewrapError, Rewrapped, SignFrom,
};
use credentials::MasterKey;
use domain::{Plan, Product, Region, SystemRng, WebhookEvents};
use storage::{AuditAction, AuditEntry, AuditFilter, Store};

use crate::support::people::{code, person};
use crate::support::{ACTOR, Instance, request};

const CHANGED: Rewrapped = Rewrapped { changed: true, is_kept_in_folder: true };

fn kept(instance: &Instance) -> String {
    std::fs::read_to_string(instance.folder.path().join("master.key")).unwrap().trim().to_owned()
}

async fn open(instance: &Instance, config: ControlConfig) -> Result<Arc<Control>, ControlError> {
    Control::open(config, Arc::clone(&instance.clock) as _, Arc::new(SystemRng)).await
}

/// After a re-wrap the old key opens nothing and the new one everything; tokens, the user ids that engines know, and the
/// pseudonyms in the audit log are the same, through a restart and a rotation.
#[tokio::test]
async fn a_rewrap_changes_the_seal_and_nothing_else() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
    instance.control.rotate_signing_key(&ACTOR, SignFrom::PublishedAhead).await.unwrap();
    let token = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    let account = domain::AccountId::from_u128(7).to_string();
    let pseudonym = instance.control.audit_pseudonym(&account);
    let (before, user_id_key, jwks) =
        (kept(&instance), instance.control.user_id_key(), instance.control.jwks());

    assert_eq!(instance.control.rewrap(&ACTOR, None).await.unwrap(), CHANGED);
    let after = kept(&instance);
    assert_ne!(after, before);
    assert!(!instance.folder.path().join("master.key.next").exists());
    let mut instance = instance;
    for start in ["running", "started anew"] {
        assert!(instance.verify(&token.key_value, Product::Rt, Region::Eu1).is_ok(), "{start}");
        assert_eq!(*instance.control.user_id_key(), *user_id_key, "{start}");
        assert_eq!(instance.control.audit_pseudonym(&account), pseudonym, "{start}");
        assert_eq!(instance.control.jwks(), jwks, "{start}");
        assert!(instance.mint(secret.expose(), &request(Product::Rt)).is_ok());
        instance = instance.restart().await;
    }
    instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
    let instance = instance.restart().await;

    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let (old, new) = (MasterKey::from_text(&before).unwrap(), MasterKey::from_text(&after).unwrap());
    let stored = store.list_signing_keys().await.unwrap();
    assert_eq!(stored.len(), 3);
    for key in stored {
        let context = format!("signing_key/{}", key.verifying_key.kid);
        assert!(old.open(&context, &key.sealed_private_key).is_err());
        assert!(new.open(&context, &key.sealed_private_key).is_ok());
    }
    let filter = AuditFilter { action: Some(AuditAction::MasterKeyRewrapped), ..AuditFilter::default() };
    assert_eq!(store.find_audit_events(&filter, 0, 10).await.unwrap().len(), 1);
}

/// The key of a re-wrap may be given; the same one again changes nothing. In a data folder it is kept there.
#[tokio::test]
async fn the_new_key_may_be_given() {
    let instance = Instance::new().await;
    let new = MasterKey::generate(&SystemRng);
    assert_eq!(instance.control.rewrap(&ACTOR, Some(new.clone())).await.unwrap(), CHANGED);
    assert_eq!(kept(&instance), *new.to_text());
    let again = instance.control.rewrap(&ACTOR, Some(new)).await.unwrap();
    assert_eq!(again, Rewrapped { changed: false, ..CHANGED });
    instance.restart().await;
}

/// Where the key comes from outside, the new one must too; from then on the old place is wrong, and the configured next
/// place is found.
#[tokio::test]
async fn keys_from_outside_are_the_operators() {
    let instance = Instance::new().await;
    instance.control.close().await;
    let old = kept(&instance);
    let new = MasterKey::generate(&SystemRng);
    let mut config = instance.config();
    config.master_key = MasterKeySource::Text(old.clone().into());
    let control = open(&instance, config.clone()).await.unwrap();
    assert!(matches!(control.rewrap(&ACTOR, None).await, Err(RewrapError::NoKey)));
    let rewrapped = control.rewrap(&ACTOR, Some(new.clone())).await.unwrap();
    assert_eq!(rewrapped, Rewrapped { changed: true, is_kept_in_folder: false });
    assert_eq!(kept(&instance), old, "a file that isn't in use is left alone");
    control.close().await;

    assert!(matches!(open(&instance, config.clone()).await, Err(ControlError::WrongMasterKey)));
    config.next_master_key = Some(MasterKeySource::Text(new.to_text()));
    open(&instance, config.clone()).await.unwrap().close().await;
    config.master_key = config.next_master_key.take().unwrap();
    open(&instance, config).await.unwrap().close().await;
}

/// Whatever moment a re-wrap is cut off at, the instance starts again with all its keys: before it is stored, and after it
/// is stored but before the new key took its place.
#[tokio::test]
async fn a_rewrap_can_be_cut_off_anywhere() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let token = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    let path = instance.folder.path().to_owned();
    let (file, next) = (path.join("master.key"), path.join("master.key.next"));

    // The next key is on the disk, and nothing is sealed under it.
    let never = MasterKey::generate(&SystemRng).to_text();
    std::fs::write(&next, never.as_bytes()).unwrap();
    let before = kept(&instance);
    let instance = instance.crash().await;
    assert!(instance.verify(&token.key_value, Product::Rt, Region::Eu1).is_ok());
    assert_eq!(kept(&instance), before);
    assert!(next.exists(), "the database might have committed late");

    // Everything is sealed under the next key, which has not taken its place.
    instance.control.rewrap(&ACTOR, None).await.unwrap();
    let after = kept(&instance);
    std::fs::rename(&file, &next).unwrap();
    std::fs::write(&file, &before).unwrap();
    let instance = instance.crash().await;
    assert!(instance.verify(&token.key_value, Product::Rt, Region::Eu1).is_ok());
    assert_eq!(kept(&instance), after);
    assert!(!next.exists());
    assert!(instance.control.rewrap(&ACTOR, None).await.unwrap().changed, "and it can be done again");
}

/// A database of the first release, which derived its own keys from the master key, keeps their values.
#[tokio::test]
async fn derived_keys_of_the_first_release_are_kept() {
    let instance = Instance::new().await;
    instance.control.close().await;
    let master = MasterKey::from_text(&kept(&instance)).unwrap();
    forget_sealed_keys(&instance).await;
    let control = open(&instance, instance.config()).await.unwrap();
    assert_eq!(*control.user_id_key(), *master.derive("user_id"));
    control.rewrap(&ACTOR, None).await.unwrap();
    assert_eq!(*control.user_id_key(), *master.derive("user_id"));
    control.close().await;
    let control = open(&instance, instance.config()).await.unwrap();
    assert_eq!(*control.user_id_key(), *master.derive("user_id"));
}

/// Makes the database one of the first release, as far as its own keys go.
async fn forget_sealed_keys(instance: &Instance) {
    let url = format!("sqlite://{}", instance.folder.path().join("voxgate.db").display());
    let database = sea_orm::Database::connect(url).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&database, "UPDATE instance SET sealed_keys = NULL")
        .await
        .unwrap();
    database.close().await.unwrap();
}

/// A key that the instance is sealed under is never lost, though whoever made it never learned that the re-wrap had happened: another
/// re-wrap finds it, puts it into its place, and goes on from there.
#[tokio::test]
async fn a_rewrap_after_one_that_seemed_to_fail_loses_no_key() {
    for given in [false, true] {
        let instance = Instance::new().await;
        let before = kept(&instance);
        let (file, next) =
            (instance.folder.path().join("master.key"), instance.folder.path().join("master.key.next"));
        // As it looks to a process whose connection broke while it committed.
        let other = open(&instance, instance.config()).await.unwrap();
        other.rewrap(&ACTOR, None).await.unwrap();
        other.close().await;
        let sealed_under = kept(&instance);
        std::fs::rename(&file, &next).unwrap();
        std::fs::write(&file, &before).unwrap();

        let new = given.then(|| MasterKey::from_text(&sealed_under).unwrap());
        let rewrapped = instance.control.rewrap(&ACTOR, new).await.unwrap();
        assert_eq!(rewrapped, Rewrapped { changed: !given, ..CHANGED });
        assert_eq!(kept(&instance) == sealed_under, given);
        assert!(!next.exists());
        instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
        let instance = instance.restart().await;
        instance.control.rewrap(&ACTOR, None).await.unwrap();
    }
}

/// The only copy of the fitting key isn't written over, though this process knows that key: where it could not be put into its place,
/// and the next re-wrap fails, a key on the disk opens the instance still.
#[tokio::test]
async fn a_rewrap_that_fails_leaves_the_fitting_key() {
    let instance = Instance::new().await;
    let before = kept(&instance);
    let (file, next) =
        (instance.folder.path().join("master.key"), instance.folder.path().join("master.key.next"));
    instance.control.rewrap(&ACTOR, None).await.unwrap();
    let sealed_under = kept(&instance);
    // As where it could not be renamed.
    std::fs::rename(&file, &next).unwrap();
    std::fs::write(&file, &before).unwrap();
    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let key = store.list_signing_keys().await.unwrap().remove(0);
    let keep = async |sealed: &[u8]| {
        let mut change = store.change().await.unwrap();
        assert!(change.reseal_signing_key(&key.verifying_key.kid, sealed).await.unwrap());
        let entry = AuditEntry {
            at: instance.control.now(),
            workspace_id: None,
            actor: String::from("test"),
            from: None,
            action: AuditAction::SigningKeyMoved,
            subject: String::new(),
            detail: String::new(),
            names: Vec::new(),
        };
        drop(change.publish(&entry).await.unwrap());
    };
    keep(b"damaged").await;
    let failed = instance.control.rewrap(&ACTOR, None).await;
    assert!(
        matches!(failed, Err(RewrapError::Control(ControlError::SigningKeyDamaged { .. }))),
        "{failed:?}"
    );
    assert_eq!(kept(&instance), sealed_under);
    keep(&key.sealed_private_key).await;
    instance.restart().await;
}

/// Where another node has sealed everything under a key that this one hasn't, a re-wrap is refused and leaves all files alone.
#[tokio::test]
async fn a_rewrap_without_the_fitting_key_touches_nothing() {
    let instance = Instance::new().await;
    let before = kept(&instance);
    let next = instance.folder.path().join("master.key.next");
    let other = open(&instance, instance.config()).await.unwrap();
    other.rewrap(&ACTOR, None).await.unwrap();
    std::fs::write(instance.folder.path().join("master.key"), &before).unwrap();
    let left = MasterKey::generate(&SystemRng).to_text();
    std::fs::write(&next, left.as_bytes()).unwrap();
    let refused = instance.control.rewrap(&ACTOR, None).await;
    assert!(matches!(refused, Err(RewrapError::Control(ControlError::WrongMasterKey))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&next).unwrap(), *left);
    assert_eq!(kept(&instance), before);
}

/// Nothing is sealed under a master key that another node has put away: it could never be opened. The other node seals it.
#[tokio::test]
async fn nothing_is_sealed_under_a_key_that_was_put_away() {
    const HOOK: &str = "https://hooks.example.org/voxgate";
    let instance = Instance::new().await;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let ada = person(&instance.control, "ada@example.org").await;
    let hook = async |control: &Control| {
        control.create_webhook(&ACTOR, workspace.id, HOOK, WebhookEvents::all()).await
    };
    let made = hook(&instance.control).await.unwrap().webhook;
    let rotate = async |control: &Control| control.rotate_webhook(&ACTOR, workspace.id, made.id, 0).await;
    let add = async |control: &Control| {
        let offer = control.offer_totp("browser", &ada, "Voxgate").unwrap();
        let shown = code(&offer.secret, control.now());
        control.add_totp(&ACTOR, ada.id, "browser", &offer.ticket, &shown).await
    };
    let other = open(&instance, instance.config()).await.unwrap();
    other.rewrap(&ACTOR, None).await.unwrap();

    let wrong = ControlError::WrongMasterKey.to_string();
    assert_eq!(hook(&instance.control).await.unwrap_err().to_string(), wrong);
    assert_eq!(rotate(&instance.control).await.unwrap_err().to_string(), wrong);
    assert_eq!(add(&instance.control).await.unwrap_err().to_string(), wrong);
    let rotated = instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await;
    assert_eq!(rotated.unwrap_err().to_string(), wrong);
    assert_eq!(other.list_webhooks(workspace.id).await.unwrap(), std::slice::from_ref(&made));
    assert!(!other.second_factors(ada.id).await.unwrap().has_totp);

    hook(&other).await.unwrap();
    rotate(&other).await.unwrap();
    add(&other).await.unwrap();
    other.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
}
