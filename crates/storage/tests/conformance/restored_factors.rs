//! A restore and what people sign in with: what was added since the backup is asked for still, what was used or removed opens
//! nothing again.

use std::path::Path;

use domain::{AccountId, SecondFactors};
use storage::{Cell, DbPlace, Restore, Store, Table};

use super::builders::{account, at, audit, random_hash};
use super::factors::{identity, passkey, totp};

async fn copy(store: &Store) -> (Vec<String>, Vec<(Table, Vec<Vec<Cell>>)>) {
    let dump = store.dump().await.unwrap();
    let mut tables = Vec::new();
    for table in storage::tables().unwrap() {
        let rows = dump.rows_after(&table, None).await.unwrap();
        tables.push((table, rows));
    }
    (dump.migrations().to_vec(), tables)
}

fn place(folder: &Path, name: &str) -> DbPlace {
    DbPlace::File(folder.join(name))
}

/// Nothing of how somebody signs in becomes weaker by a restore than it was in the former database.
#[tokio::test]
async fn a_restore_opens_no_door() {
    let folder = tempfile::tempdir().unwrap();
    let former = Store::open(&place(folder.path(), "former.db")).await.unwrap();
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
    let (migrations, tables) = copy(&former).await;

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

    let mut restoring = Restore::begin(&place(folder.path(), "restored.db"), &migrations).await.unwrap();
    for (table, rows) in &tables {
        restoring.clear(table).await.unwrap();
        restoring.insert(table, rows).await.unwrap();
    }
    restoring.upgrade().await.unwrap();
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
