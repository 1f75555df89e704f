//! Time: over, not yet, contradicting, beyond every clock.

use serde_json::{Value, json};

use super::{INVALID, refuse_all};
use crate::Fault;
use crate::arena::{Arena, accepted};
use crate::trial::Trial;

/// What the instance forgives, in seconds (design 4).
const EXPIRY_LEEWAY: i64 = 5;
const EARLY_LEEWAY: i64 = 60;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let forge = &arena.forge;
    let claims = arena.claims("batch").await?;
    let now = claims["iat"].as_i64().ok_or("no iat")?;
    let good = forge.of_claims(&claims);
    let timed = |iat: i64, nbf: i64, exp: i64| {
        let mut bent = claims.clone();
        for (name, value) in [("iat", iat), ("nbf", nbf), ("exp", exp)] {
            bent[name] = json!(value);
        }
        bent
    };
    let token = |claims: &Value| forge.of_claims(claims);

    let over = [1, 2, 3, 10, 60, 3600, 86_400, 31_536_000].map(|seconds| {
        let exp = now - EXPIRY_LEEWAY - seconds;
        (format!("over for {seconds} s beyond the leeway"), token(&timed(exp - 60, exp - 60, exp)))
    });
    refuse_all(arena, trial, "expired", &good, &["credential_expired"], over).await;

    let early = [30, 60, 600, 86_400, 31_536_000].map(|seconds| {
        let nbf = now + EARLY_LEEWAY + seconds;
        (format!("begins in {seconds} s beyond the leeway"), token(&timed(nbf, nbf, nbf + 60)))
    });
    refuse_all(arena, trial, "early", &good, &["credential_early"], early).await;

    let contradicting = [
        ("exp before nbf", timed(now, now, now - 1)),
        ("exp is nbf", timed(now, now, now)),
        ("nbf before iat", timed(now, now - 1, now + 60)),
        ("exp beyond the calendar", timed(now, now, 253_402_300_800)),
        ("exp is the largest number", timed(now, now, i64::MAX)),
        ("exp is zero", timed(0, 0, 0)),
        ("all negative", timed(-3, -2, -1)),
        ("iat negative", timed(-1, now, now + 60)),
    ];
    let tokens = contradicting.map(|(name, claims)| (name.to_owned(), token(&claims)));
    refuse_all(arena, trial, "times", &good, INVALID, tokens).await;

    for (name, claims) in [
        ("within the expiry's leeway", timed(now - 120, now - 120, now - 1)),
        ("within the beginning's leeway", timed(now + 30, now + 30, now + 90)),
    ] {
        let answer = arena.good_request(&token(&claims)).send(arena.home()).await;
        trial.control(name, accepted(&answer, 200));
    }
    Ok(())
}
