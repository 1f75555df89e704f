//! Keys and places of keys that a token brings along (CVE-2018-0114): never used, never fetched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use credentials::Jwks;
use tokio::net::TcpListener;

use super::{INVALID, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::Forge;
use crate::trial::{Trial, Verdict};

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let listening = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let forge = &arena.forge;
    let claims = arena.claims("batch").await?.to_string();
    let good = forge.token(forge.header(), &claims);
    let attacker = Forge::foreign();
    let set = Jwks::from_keys(&[attacker.key.verifying_key()]).to_json();
    let jwk = &set[r#"{"keys":["#.len()..set.len() - 2];
    let members = [
        format!(r#""jwk":{jwk}"#),
        format!(r#""jwk":{set}"#),
        format!(r#""jku":"http://{address}/jwks.json""#),
        format!(r#""jku":"http://localhost:{}/.well-known/jwks.json""#, address.port()),
        format!(r#""jku":"http://{address}@trusted.example/""#),
        format!(r#""x5u":"http://{address}/cert.pem""#),
        r#""x5c":["AQ=="]"#.to_owned(),
        r#""x5t":"AQ""#.to_owned(),
        r#""x5t#S256":"AQ""#.to_owned(),
        format!(r#""iss":"http://{address}/""#),
    ];
    let mut tokens = Vec::new();
    for member in &members {
        for (whose, kid) in [("our kid", forge.key.kid()), ("its own kid", attacker.key.kid())] {
            let header = attacker.header().replace(attacker.key.kid().as_str(), kid.as_str());
            let header = header.replacen('{', &format!("{{{member},"), 1);
            tokens.push((format!("{member:.40} under {whose}"), attacker.token(header, &claims)));
        }
        let header = forge.header().replacen('{', &format!("{{{member},"), 1);
        tokens.push((format!("{member:.40} beside our own signature"), forge.token(header, &claims)));
    }
    refuse_all(arena, trial, "embedded", &good, INVALID, tokens).await;
    let fetched = connections.load(Ordering::SeqCst);
    let verdict = Verdict::held_if(fetched == 0, || format!("{fetched} connections came"));
    trial.attack("jwt embedded: the attacker's listener gets no connection", verdict);
    listening.abort();
    Ok(())
}
