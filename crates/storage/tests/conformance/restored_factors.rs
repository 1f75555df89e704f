//! A restore and what people sign in with: what was added since the backup is asked for still, what was used or removed opens
//! nothing again. And when API keys expire.

use domain::link::Change;
use domain::{AccountId, ApiKey, SecondFactors};
use storage::{Cell, DbPlace, Restore, Store, StoredTotp, Table};
use testdb::TestDatabase;

use super::builders::{account, api_key, at, audit, owner, random_hash};
use super::factors::{identity, passkey, totp};

type Backup = (Vec<String>, Vec<(Table, Vec<Vec<Cell>>)>);

async fn copy(store: &Store) -> Backup {
    let dump = store.dump().await.unwrap();
    let mut tables = Vec::new();
    for table in storage::tables().unwrap() {
        let rows = dump.rows_after(&table, None).await.unwrap();
        tables.push((table, rows));
    }
    (dump.migrations().to_vec(), tables)
}

async fn fill(place: &DbPlace, (migrations, tables): &Backup) -> Restore {
    let mut restoring = Restore::begin(place, migrations).await.unwrap();
    for (table, rows) in tables {
        restoring.clear(table).await.unwrap();
        restoring.insert(table, rows).await.unwrap();
    }
    restoring.upgrade().await.unwrap();
    restoring
}

/// Databases of one kind: one with a past, and an empty one.
struct Home {
    former: DbPlace,
    restored: DbPlace,
    _kept: (tempfile::TempDir, Vec<TestDatabase>),
}

impl Home {
    fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [former, restored] =
            ["former.db", "restored.db"].map(|name| DbPlace::File(folder.path().join(name)));
        Self { former, restored, _kept: (folder, Vec::new()) }
    }

    fn on_postgres() -> Self {
        let databases = [TestDatabase::create(), TestDatabase::create()];
        let [former, restored] = databases.each_ref().map(|one| DbPlace::parse(&one.url()).unwrap());
        Self { former, restored, _kept: (tempfile::tempdir().unwrap(), databases.into()) }
    }
}

/// Nothing of how somebody signs in becomes weaker by a restore than it was in the former database.
async fn opens_no_door(home: Home) {
    let former = Store::open(&home.former).await.unwrap();
    let [ada, bob, late] = ["ada", "bob", "late"].map(|name| account(&format!("{name}@example.org")));
    let (kept_code, used_code) = (random_hash(), random_hash());
    let (kept, removed) = (passkey(ada.account.id, "kept"), passkey(ada.account.id, "removed"));
    let mut change = former.change().await.unwrap();
    for person in [&ada, &bob] {
        change.insert_account(person).await.unwrap();
    }
    change.insert_totp(&totp(ada.account.id)).await.unwrap();
    change.replace_recovery_codes(ada.account.id, &[kept_code, used_code], at(0)).await.unwrap();
    change.insert_passkey(&kept).await.unwrap();
    change.insert_passkey(&removed).await.unwrap();
    change.insert_identity(&identity(ada.account.id, "unlinked")).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let backup = copy(&former).await;

    let mut change = former.change().await.unwrap();
    change.insert_account(&late).await.unwrap();
    assert!(change.use_totp_step(ada.account.id, 99).await.unwrap());
    assert!(change.use_recovery_code(ada.account.id, &used_code, at(1)).await.unwrap());
    assert!(change.delete_passkey(ada.account.id, removed.passkey.id).await.unwrap());
    assert!(change.delete_identity(ada.account.id, "github", "unlinked").await.unwrap());
    for id in [bob.account.id, late.account.id] {
        change.insert_totp(&totp(id)).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();

    let restoring = fill(&home.restored, &backup).await;
    restoring.carry_over(&former.dump().await.unwrap(), at(2)).await.unwrap();
    let newest = former.revision().await.unwrap();
    let (restored, mut change) = restoring.into_change(newest).await.unwrap();
    change.delete_factors_of_nobody().await.unwrap();
    change.publish(&audit()).await.unwrap();

    let factors = async |id: AccountId| restored.second_factors(id).await.unwrap();
    let of_ada = SecondFactors { has_totp: true, passkeys: 1, recovery_codes: 1 };
    assert_eq!(factors(ada.account.id).await, of_ada);
    assert!(factors(bob.account.id).await.has_totp, "a factor that was added since is asked for still");
    assert_eq!(factors(late.account.id).await, SecondFactors::default(), "there is no such account any more");
    assert!(restored.list_identities(ada.account.id).await.unwrap().is_empty());
    let mut change = restored.change().await.unwrap();
    assert!(!change.use_totp_step(ada.account.id, 99).await.unwrap(), "a code that was used");
    assert!(!change.use_recovery_code(ada.account.id, &used_code, at(3)).await.unwrap());
    assert!(change.use_recovery_code(ada.account.id, &kept_code, at(3)).await.unwrap());
    drop(change);
    restored.close().await.unwrap();
    former.close().await.unwrap();
}

/// An authenticator app works after a restore across a re-wrap of the master key, and one that took another's place stays: its secret
/// is never the one before.
async fn keeps_apps(home: Home) {
    let former = Store::open(&home.former).await.unwrap();
    let [kept, replaced] = ["kept", "replaced"].map(|name| account(&format!("{name}@example.org")));
    let mut change = former.change().await.unwrap();
    for person in [&kept, &replaced] {
        change.insert_account(person).await.unwrap();
        change.insert_totp(&totp(person.account.id)).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    let backup = copy(&former).await;

    let other = StoredTotp { created_at: at(5), sealed_secret: vec![7], ..totp(replaced.account.id) };
    let mut change = former.change().await.unwrap();
    assert!(change.delete_totp(replaced.account.id).await.unwrap());
    change.insert_totp(&other).await.unwrap();
    assert!(change.reseal_totp(kept.account.id, &[9, 9, 9]).await.unwrap());
    assert!(change.use_totp_step(kept.account.id, 99).await.unwrap());
    change.publish(&audit()).await.unwrap();

    let restoring = fill(&home.restored, &backup).await;
    restoring.carry_over(&former.dump().await.unwrap(), at(6)).await.unwrap();
    let (restored, change) = restoring.into_change(former.revision().await.unwrap()).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let app = StoredTotp { last_step: 99, ..totp(kept.account.id) };
    assert_eq!(restored.find_totp(kept.account.id).await.unwrap(), Some(app));
    assert_eq!(restored.find_totp(replaced.account.id).await.unwrap(), Some(other));
    restored.close().await.unwrap();
    former.close().await.unwrap();
}

/// An address that an account has given up leads nowhere after a restore, and to whoever has it since, where two have swapped theirs
/// too.
async fn gives_no_address_back(home: Home) {
    let former = Store::open(&home.former).await.unwrap();
    let people =
        ["ada", "bob", "moved", "heir", "gone", "same"].map(|name| account(&format!("{name}@example.org")));
    let [ada, bob, moved, heir, gone, same] = people.each_ref().map(|person| person.account.id);
    let mut change = former.change().await.unwrap();
    for person in &people {
        change.insert_account(person).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    let backup = copy(&former).await;

    let mut change = former.change().await.unwrap();
    assert!(change.delete_account(gone).await.unwrap());
    let moves = [
        (ada, "between@example.org"),
        (bob, "ada@example.org"),
        (ada, "Bob@example.org"),
        (moved, "moved@new.example"),
        (heir, "gone@example.org"),
    ];
    for (id, email) in moves {
        assert!(change.set_email(id, email, at(5)).await.unwrap());
    }
    change.publish(&audit()).await.unwrap();

    let restoring = fill(&home.restored, &backup).await;
    let carried = restoring.carry_over(&former.dump().await.unwrap(), at(6)).await.unwrap();
    assert_eq!(carried.others, 5, "all but one");
    let (restored, change) = restoring.into_change(former.revision().await.unwrap()).await.unwrap();
    change.publish(&audit()).await.unwrap();
    for id in [ada, bob, moved, heir, gone, same] {
        let found = restored.find_account(id).await.unwrap();
        assert_eq!(found, former.find_account(id).await.unwrap());
        assert_eq!(found.is_none(), id == gone);
    }
    for name in ["ada", "BOB", "moved", "heir", "gone", "same"] {
        let email = format!("{name}@example.org");
        let found = restored.find_account_by_email(&email).await.unwrap();
        assert_eq!(found, former.find_account_by_email(&email).await.unwrap(), "{email}");
    }
    restored.close().await.unwrap();
    former.close().await.unwrap();
}

/// What the record says of expiries holds after a restore, unless the backup has an earlier one.
async fn brings_expiries_back(home: Home) {
    let former = Store::open(&home.former).await.unwrap();
    let (workspace, project) = owner(&former, "w").await;
    // What the backup has, what the record says, and what comes of both.
    let cases = [(None, 20, 20), (Some(30), 20, 20), (Some(10), 20, 10)];
    let cases = cases.map(|(held, told, expected)| {
        let mut key = api_key(workspace.id, project.id, "k");
        key.expires_at = held.map(at);
        (key, at(told), at(expected))
    });
    let mut change = former.change().await.unwrap();
    for (key, ..) in &cases {
        change.insert_api_key(key).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    let backup = copy(&former).await;
    for (key, told, _) in &cases {
        let mut change = former.change().await.unwrap();
        change.update_api_key(&ApiKey { expires_at: Some(*told), ..key.clone() }).await.unwrap();
        change.publish(&audit()).await.unwrap();
    }

    let restoring = fill(&home.restored, &backup).await;
    let mut carried = 0;
    for (_, changes) in former.feed_after(domain::link::Revision(0), 100).await.unwrap() {
        for change in changes {
            let is_told = matches!(&change, Change::Key(record) if record.expires_at == Some(at(20)));
            carried += if is_told { restoring.end(&change, at(6)).await.unwrap().api_keys } else { 0 };
        }
    }
    assert_eq!(carried, 2);
    let (restored, change) = restoring.into_change(former.revision().await.unwrap()).await.unwrap();
    change.publish(&audit()).await.unwrap();
    for (key, _, expected) in &cases {
        let found = restored.find_api_key(workspace.id, key.id).await.unwrap().unwrap();
        assert_eq!(found, ApiKey { expires_at: Some(*expected), ..key.clone() });
    }
    restored.close().await.unwrap();
    former.close().await.unwrap();
}

#[tokio::test]
async fn on_sqlite_a_restore_opens_no_door() {
    opens_no_door(Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_postgres_a_restore_opens_no_door() {
    opens_no_door(Home::on_postgres()).await;
}

#[tokio::test]
async fn on_sqlite_a_restore_keeps_apps() {
    keeps_apps(Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_postgres_a_restore_keeps_apps() {
    keeps_apps(Home::on_postgres()).await;
}

#[tokio::test]
async fn on_sqlite_a_restore_gives_no_address_back() {
    gives_no_address_back(Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_postgres_a_restore_gives_no_address_back() {
    gives_no_address_back(Home::on_postgres()).await;
}

#[tokio::test]
async fn on_sqlite_a_restore_brings_expiries_back() {
    brings_expiries_back(Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_postgres_a_restore_brings_expiries_back() {
    brings_expiries_back(Home::on_postgres()).await;
}
