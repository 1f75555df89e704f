//! What is counted of sessions that were refused.

use std::collections::BTreeMap;

use domain::link::FromGateway;
use domain::token::Claims;
use domain::{Leash, Networks, Product, Reason};
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

/// Every refusal of a credential that is genuine and alive is counted by its reason, under its key and client_ref; one of a credential
/// that isn't valid (any more) is counted for nobody, though the key that minted it lives.
#[tokio::test]
async fn refusals_are_counted_by_reason() {
    let world = World::new().await;
    let key = world.api_key().await;
    let claims = world.claims(&key);
    let minted = |edit: fn(&mut Claims)| {
        let mut claims = claims.clone();
        edit(&mut claims);
        world.sign(&claims)
    };
    let refused = [
        minted(|claims| claims.product = Product::Batch),
        minted(|claims| claims.leash.origins = vec!["https://app.example".to_owned()]),
        minted(|claims| claims.leash.networks = Networks(vec!["10.0.0.0/8".parse().unwrap()])),
        key.secret.expose().to_owned(),
        minted(|claims| {
            claims.issued_at = claims.issued_at.plus_seconds(-3600);
            claims.not_before = claims.issued_at;
            claims.expires_at = claims.issued_at.plus_seconds(600);
        }),
        minted(|claims| claims.issuer = "another".to_owned()),
    ];
    for credential in refused {
        let (mut client, _) = connect(&world.url(&format!("?jwt={credential}")), &[]).await.unwrap();
        client.send(Message::text(START)).await.unwrap();
        error_then_close(&mut client).await;
    }
    let lock = Leash { lock: Some(r#"{"a":1}"#.to_owned()), ..Leash::default() };
    let mut session = world.open(&world.sign(&Claims { leash: lock, ..claims.clone() })).await;
    session.client.send(Message::text(START)).await.unwrap();
    error_then_close(&mut session.client).await;

    let wanted = [
        Reason::WrongProduct,
        Reason::OriginDenied,
        Reason::NetworkDenied,
        Reason::ApiKeyInUrl,
        Reason::LockBroken,
    ];
    let mut counted: BTreeMap<Reason, u64> = BTreeMap::new();
    while counted.values().sum::<u64>() < wanted.len() as u64 {
        let records = world.hear(|message| match message {
            FromGateway::UsageBatch { records, .. } => Some(records),
            _ => None,
        });
        for record in records.await {
            assert_eq!(record.api_key_id, key.record.id);
            for (reason, count) in record.refused {
                let whose = if reason == Reason::ApiKeyInUrl { None } else { claims.client_ref.clone() };
                assert_eq!(record.client_ref, whose, "{reason}");
                *counted.entry(reason).or_default() += count;
            }
        }
    }
    assert_eq!(counted, wanted.map(|reason| (reason, 1)).into_iter().collect());
}
