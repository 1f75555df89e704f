//! What temporary keys have used.

use std::sync::Arc;

use domain::{ApiKeyId, SystemRng, TemporaryKeyId};
use ledger::{LeashKey, Reserved};

use super::{Home, NOW};

fn key() -> LeashKey {
    let id = TemporaryKeyId::generate(ApiKeyId::from_u128(1), &SystemRng);
    LeashKey { id, forget_at: NOW.plus_seconds(60) }
}

/// However many starts race, and over a restart in the middle, exactly as many succeed as the key has uses; other keys have
/// their own. A start that came to nothing can be taken back.
pub(crate) async fn starts_are_exact(home: Home) {
    let key = key();
    let other = self::key();
    let mut started = 0;
    for _ in 0..2 {
        let ledger = Arc::new(home.open().await);
        let tries: Vec<_> = (0..10)
            .map(|_| {
                let ledger = ledger.clone();
                tokio::spawn(async move { ledger.count_start(key, 12, NOW).await.unwrap() })
            })
            .collect();
        for one in tries {
            started += u32::from(one.await.unwrap());
        }
        assert!(ledger.count_start(other, 2, NOW).await.unwrap());
    }
    assert_eq!(started, 12);
    let ledger = home.open().await;
    assert!(!ledger.count_start(other, 2, NOW).await.unwrap());
    ledger.uncount_start(key.id).await.unwrap();
    assert!(ledger.count_start(key, 12, NOW).await.unwrap());
    assert!(!ledger.count_start(key, 12, NOW).await.unwrap());
    assert!(!home.open().await.count_start(key, 12, NOW.plus_seconds(60)).await.unwrap());
}

/// What is reserved is never more than the budget, whoever asks; what is given back can be had again, after a restart too.
pub(crate) async fn audio_is_reserved_once(home: Home) {
    let key = key();
    let ledger = Arc::new(home.open().await);
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.reserve_audio(key, 15, 100, NOW).await.unwrap().micros })
        })
        .collect();
    let mut reserved = 0;
    for one in tries {
        reserved += one.await.unwrap();
    }
    assert_eq!(reserved, 100);
    ledger.return_audio(key, 30, NOW).await.unwrap();
    let again = home.open().await;
    let reserved = again.reserve_audio(key, 20, 100, NOW).await.unwrap();
    assert_eq!(reserved, Reserved { micros: 20, all_micros: 90 });
    let reserved = again.reserve_audio(key, 20, 100, NOW).await.unwrap();
    assert_eq!(reserved, Reserved { micros: 10, all_micros: 100 });
    again.return_audio(key, 1000, NOW).await.unwrap();
    assert_eq!(again.reserve_audio(key, 1, 100, NOW).await.unwrap().all_micros, 1);
}

/// Processes that share a ledger share what a key has: racing starts and reservations are exact over all of them.
pub(crate) async fn processes_share_what_a_key_has(home: Home) {
    let key = key();
    let ledgers = [Arc::new(home.open().await), Arc::new(home.open().await)];
    let tries: Vec<_> = (0..20)
        .map(|number| {
            let ledger = ledgers[number % 2].clone();
            tokio::spawn(async move {
                let started = ledger.count_start(key, 7, NOW).await.unwrap();
                (started, ledger.reserve_audio(key, 9, 100, NOW).await.unwrap().micros)
            })
        })
        .collect();
    let (mut started, mut reserved) = (0, 0);
    for one in tries {
        let (has_started, micros) = one.await.unwrap();
        started += u32::from(has_started);
        reserved += micros;
    }
    assert_eq!((started, reserved), (7, 100));
}

/// A key is kept until nothing can use it any more, and forgotten afterwards.
pub(crate) async fn keys_are_forgotten(home: Home) {
    let ledger = home.open().await;
    let key = key();
    assert!(ledger.count_start(key, 1, NOW).await.unwrap());
    assert_eq!(ledger.forget_leashes(key.forget_at).await.unwrap(), 0);
    assert!(!ledger.count_start(key, 1, key.forget_at).await.unwrap());
    assert_eq!(ledger.forget_leashes(key.forget_at.plus_seconds(1)).await.unwrap(), 1);
}
