//! What an account signs in with beside its password.

use domain::{AccountId, Identity, Passkey, PasskeyId, SecondFactors, SystemRng};
use storage::{Store, StoredPasskey, StoredTotp};

use super::builders::{account, at, audit, random_hash};

pub(super) fn totp(account_id: AccountId) -> StoredTotp {
    StoredTotp {
        account_id,
        sealed_secret: vec![1, 2, 3],
        created_at: at(0),
        last_step: 7,
        failures: 0,
        guesses_due_micros: 0,
    }
}

pub(super) fn passkey(account_id: AccountId, credential_id: &str) -> StoredPasskey {
    let id = PasskeyId::generate(at(0), &SystemRng);
    StoredPasskey {
        passkey: Passkey {
            id,
            account_id,
            name: String::from("phone"),
            created_at: at(0),
            last_used_at: None,
        },
        credential_id: credential_id.to_owned(),
        credential: String::from("{}"),
        uses: 0,
    }
}

pub(super) fn identity(account_id: AccountId, subject: &str) -> Identity {
    Identity {
        provider: String::from("github"),
        subject: subject.to_owned(),
        account_id,
        label: String::from("ada"),
        created_at: at(0),
        last_used_at: None,
    }
}

/// Two accounts.
async fn people(store: &Store) -> [AccountId; 2] {
    let (ada, bob) = (account("ada@example.org"), account("bob@example.org"));
    let mut change = store.change().await.unwrap();
    change.insert_account(&ada).await.unwrap();
    change.insert_account(&bob).await.unwrap();
    change.publish(&audit()).await.unwrap();
    [ada.account.id, bob.account.id]
}

/// The code of an interval is used once, and no earlier one afterwards; an account has one app.
pub(crate) async fn a_code_is_used_once(store: &Store) {
    let [ada, bob] = people(store).await;
    let mut change = store.change().await.unwrap();
    change.insert_totp(&totp(ada)).await.unwrap();
    for (id, step, is_news) in
        [(ada, 7, false), (ada, 9, true), (ada, 9, false), (ada, 8, false), (bob, 9, false)]
    {
        assert_eq!(change.use_totp_step(id, step).await.unwrap(), is_news, "{step}");
    }
    assert!(change.use_totp_step(ada, 10).await.unwrap());
    change.note_totp_guesses(ada, 3, 12).await.unwrap();
    assert!(change.reseal_totp(ada, &[9]).await.unwrap());
    assert!(!change.reseal_totp(bob, &[9]).await.unwrap());
    change.publish(&audit()).await.unwrap();
    let read = store.find_totp(ada).await.unwrap().unwrap();
    let expected = StoredTotp {
        last_step: 10,
        failures: 3,
        guesses_due_micros: 12,
        sealed_secret: vec![9],
        ..totp(ada)
    };
    assert_eq!(read, expected);
    assert_eq!(store.find_totp(bob).await.unwrap(), None);

    let mut change = store.change().await.unwrap();
    assert!(change.insert_totp(&totp(ada)).await.unwrap_err().is_unique_violation());
    drop(change);
    let mut change = store.change().await.unwrap();
    assert_eq!(change.list_totp().await.unwrap(), [expected]);
    assert!(change.delete_totp(ada).await.unwrap());
    assert!(!change.delete_totp(ada).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert!(store.second_factors(ada).await.unwrap().is_none());
}

/// A recovery code is used once and by its account alone; new ones end the old ones.
pub(crate) async fn a_recovery_code_is_used_once(store: &Store) {
    let [ada, bob] = people(store).await;
    let (old, new) = ([random_hash(), random_hash()], [random_hash()]);
    let mut change = store.change().await.unwrap();
    change.replace_recovery_codes(ada, &old, at(0)).await.unwrap();
    assert!(!change.use_recovery_code(bob, &old[0], at(1)).await.unwrap());
    assert!(change.use_recovery_code(ada, &old[0], at(1)).await.unwrap());
    assert!(!change.use_recovery_code(ada, &old[0], at(2)).await.unwrap());
    assert_eq!(change.second_factors(ada).await.unwrap().recovery_codes, 1);
    change.replace_recovery_codes(ada, &new, at(3)).await.unwrap();
    assert!(!change.use_recovery_code(ada, &old[1], at(4)).await.unwrap());
    assert!(change.use_recovery_code(ada, &new[0], at(4)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.second_factors(ada).await.unwrap(), SecondFactors::default());
}

/// A passkey belongs to one account, and two uses at once of what was read once are one.
pub(crate) async fn a_passkey_belongs_to_one_account(store: &Store) {
    let [ada, bob] = people(store).await;
    let (first, second) = (passkey(ada, "Aa"), passkey(ada, "aa"));
    let mut change = store.change().await.unwrap();
    change.insert_passkey(&first).await.unwrap();
    change.insert_passkey(&second).await.unwrap();
    assert!(change.has_credential("Aa").await.unwrap() && !change.has_credential("AA").await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_passkey(ada, "Aa").await.unwrap(), Some(first.clone()));
    assert_eq!(store.find_passkey(bob, "Aa").await.unwrap(), None);

    let mut change = store.change().await.unwrap();
    assert!(change.insert_passkey(&passkey(bob, "Aa")).await.unwrap_err().is_unique_violation());
    drop(change);
    let mut change = store.change().await.unwrap();
    assert!(change.use_passkey(&first, "{1}", at(1)).await.unwrap());
    assert!(!change.use_passkey(&first, "{2}", at(2)).await.unwrap());
    assert!(!change.rename_passkey(bob, first.passkey.id, "stolen").await.unwrap());
    assert!(change.rename_passkey(ada, first.passkey.id, "laptop").await.unwrap());
    assert!(!change.delete_passkey(bob, second.passkey.id).await.unwrap());
    assert!(change.delete_passkey(ada, second.passkey.id).await.unwrap());
    change.publish(&audit()).await.unwrap();
    let used = Passkey { name: String::from("laptop"), last_used_at: Some(at(1)), ..first.passkey };
    let used = StoredPasskey { passkey: used, uses: 1, credential: String::from("{1}"), ..first };
    assert_eq!(store.list_passkeys(ada).await.unwrap(), [used]);
    assert_eq!(store.second_factors(ada).await.unwrap().passkeys, 1);
}

/// An identity is one account's, compared exactly; it is unlinked by its owner alone.
pub(crate) async fn an_identity_is_one_accounts(store: &Store) {
    let [ada, bob] = people(store).await;
    let mut change = store.change().await.unwrap();
    change.insert_identity(&identity(ada, "Sub")).await.unwrap();
    change.insert_identity(&identity(bob, "sub")).await.unwrap();
    change.note_identity_used("github", "Sub", at(5)).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_identity("github", "sub").await.unwrap().unwrap().account_id, bob);
    assert_eq!(store.find_identity("google", "sub").await.unwrap(), None);
    let used = Identity { last_used_at: Some(at(5)), ..identity(ada, "Sub") };
    assert_eq!(store.list_identities(ada).await.unwrap(), [used]);

    let mut change = store.change().await.unwrap();
    assert!(change.insert_identity(&identity(bob, "Sub")).await.unwrap_err().is_unique_violation());
    drop(change);
    let mut change = store.change().await.unwrap();
    assert_eq!(change.count_identities(ada).await.unwrap(), 1);
    assert!(change.has_password(ada).await.unwrap());
    assert!(!change.delete_identity(bob, "github", "Sub").await.unwrap());
    assert!(change.delete_identity(ada, "github", "Sub").await.unwrap());
    assert_eq!(change.find_identity("github", "Sub").await.unwrap(), None);
    change.publish(&audit()).await.unwrap();
}

/// A ticket is used once, also by two at the same time; afterwards it is remembered until it would have expired.
pub(crate) async fn a_ticket_is_used_once(store: &Store) {
    let (hash, other) = (random_hash(), random_hash());
    let (one, two) = tokio::join!(store.use_ticket(&hash, at(10)), store.use_ticket(&hash, at(10)));
    assert_eq!(u32::from(one.unwrap()) + u32::from(two.unwrap()), 1);
    assert!(store.use_ticket(&other, at(20)).await.unwrap());
    assert_eq!(store.forget_expired_tickets(at(10)).await.unwrap(), 1);
    assert!(!store.use_ticket(&other, at(20)).await.unwrap());
}

/// With an account goes everything that it signs in with, and nobody else's.
pub(crate) async fn factors_go_with_their_account(store: &Store) {
    let [ada, bob] = people(store).await;
    let mut change = store.change().await.unwrap();
    for (id, name) in [(ada, "a"), (bob, "b")] {
        change.insert_totp(&totp(id)).await.unwrap();
        change.replace_recovery_codes(id, &[random_hash()], at(0)).await.unwrap();
        change.insert_passkey(&passkey(id, name)).await.unwrap();
        change.insert_identity(&identity(id, name)).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    let all = SecondFactors { has_totp: true, passkeys: 1, recovery_codes: 1 };
    assert_eq!(store.second_factors(ada).await.unwrap(), all);
    let mut change = store.change().await.unwrap();
    assert!(change.delete_account(ada).await.unwrap());
    change.delete_factors_of_nobody().await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.second_factors(ada).await.unwrap(), SecondFactors::default());
    assert!(store.list_identities(ada).await.unwrap().is_empty());
    assert_eq!(store.find_identity("github", "a").await.unwrap(), None);
    assert_eq!(store.second_factors(bob).await.unwrap(), all);
    assert_eq!(store.list_identities(bob).await.unwrap().len(), 1);
}
