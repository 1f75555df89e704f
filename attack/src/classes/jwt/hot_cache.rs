//! The cache of verified tokens: it skips the signature of byte-identical tokens and nothing else.
//!
//! CVE-2026-35030 (a truncated token as the key), CVE-2021-32701 and its like (what the decision hangs on is not in the key).

use serde_json::json;

use super::{FORGED, present};
use crate::Fault;
use crate::arena::{Arena, accepted, refused};
use crate::trial::Trial;
use crate::wire::Request;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    near_misses(arena, trial).await?;
    other_needs(arena, trial).await
}

/// Tokens that share nearly everything with one that was verified a moment ago.
async fn near_misses(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let good = arena.mint(&arena.mine.key, "batch", json!({"client_ref": "hot"})).await?;
    let job = arena.job(&good).await?;
    for round in 0..3 {
        let answer =
            Request::new("GET", &format!("/v2/jobs/{job}/transcript")).bearer(&good).send(arena.home()).await;
        trial.control(format!("hot token, round {round}"), accepted(&answer, 200));
    }
    let dots: Vec<usize> = good.match_indices('.').map(|(at, _)| at).collect();
    let places = (0..good.len()).filter(|at| !dots.contains(at)).step_by(good.len() / 60);
    for at in places {
        let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut near = good.clone();
        near.replace_range(at..=at, other);
        let case = format!("jwt hot cache: character {at} differs");
        let answer = present(arena, &case, &near).await;
        trial.attack(&case, refused(&answer, 401, FORGED, &arena.recorder.of(&case)));
    }
    Ok(())
}

/// A token that was good a moment ago for one need is judged anew for another, in every order.
async fn other_needs(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let (_, eu) = arena.key_of(&arena.mine, json!({"areas": ["eu"], "products": ["batch", "rt"]})).await?;
    let batch = arena.mint(&eu, "batch", json!({})).await?;
    let rt = arena.mint(&eu, "rt", json!({"region": "eu"})).await?;
    let bound = arena.mint(&arena.mine.key, "batch", json!({"client_ref": "bound"})).await?;
    let places = arena.places();
    let list =
        |token: &str, case: &str| Request::new("GET", "/v2/jobs").bearer(token).with("x-request-id", case);
    for round in 0..4 {
        let answer = list(&batch, "control").send(places.home).await;
        trial.control(format!("needs, round {round}"), accepted(&answer, 200));
        for (name, token, place, reason) in [
            ("another region", &batch, places.us1, "wrong_area"),
            ("another product", &rt, places.home, "wrong_product"),
            ("another product and region", &rt, places.us1, "wrong_product"),
        ] {
            let case = format!("jwt needs: {name}, round {round}");
            let answer = list(token, &case).send(place).await;
            trial.attack(&case, refused(&answer, 403, &[reason], &arena.recorder.of(&case)));
        }
        let case = format!("jwt needs: usage with a client_ref, round {round}");
        let answer = Request::new("GET", "/v2/usage")
            .bearer(&bound)
            .with("x-request-id", &case)
            .send(places.home)
            .await;
        trial.attack(&case, refused(&answer, 403, &["usage_needs_project"], &arena.recorder.of(&case)));
        let case = format!("jwt needs: another end user's job, round {round}");
        let answer = arena.good_request(&bound).with("x-request-id", &case).send(places.home).await;
        trial.attack(&case, refused(&answer, 404, &["job_not_found"], &arena.recorder.of(&case)));
    }
    // Revoked while hot.
    let (id, key) = arena.key_of(&arena.mine, json!({})).await?;
    let token = arena.mint(&key, "batch", json!({})).await?;
    let answer = list(&token, "control").send(places.home).await;
    trial.control("a child before its parent's end", accepted(&answer, 200));
    arena.manage(&arena.mine.manager, "DELETE", &format!("/v1/api-keys/{id}"), None, 200).await?;
    for (name, credential) in [("the key", &key), ("its hot child", &token)] {
        let case = format!("jwt needs: revoked, {name}");
        let answer = list(credential, &case).send(places.home).await;
        trial.attack(&case, refused(&answer, 401, &["credential_revoked"], &arena.recorder.of(&case)));
    }
    Ok(())
}
