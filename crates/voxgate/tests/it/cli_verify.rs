//! `voxgate verify`: what a credential is, and why it would be refused.

use serde_json::{Value, json};
use testkit::Process;

use crate::command::{binary, err, failed, json, ok, out, run, run_with_input};
use crate::common::{make_key_in, revoke_key};

/// A running dev instance, its folder, and a key of it.
async fn start() -> (tempfile::TempDir, Process, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let key = server.report().api_key.clone();
    (folder, server, key)
}

/// Without an instance: the form of a key, where a slip is, and never the key itself.
#[tokio::test]
async fn a_key_is_explained_offline() {
    let (_folder, server, key) = start().await;
    let explained = ok(&run_with_input(&["verify", "-"], &key).await);
    assert!(explained.contains("This is an API key (vgk_…"), "{explained}");
    assert!(explained.contains("only an instance knows"), "{explained}");
    assert!(!explained.contains(&key));
    let as_argument = run(&["verify", &key]).await;
    assert!(err(&as_argument).contains("other users of this machine"), "{}", err(&as_argument));
    let mut mistyped = key.clone();
    let other = if mistyped.as_bytes()[19] == b'x' { "y" } else { "x" };
    mistyped.replace_range(19..20, other);
    for (text, said) in [
        (&mistyped[..], "character 20 is probably mistyped"),
        (&key[..30], "it was cut short"),
        ("", "it is empty"),
    ] {
        let output = run_with_input(&["verify", "-"], text).await;
        failed(&output);
        assert!(out(&output).contains(said), "{}", out(&output));
        assert!(out(&output).contains("docs/errors/credential_unknown.md"), "{}", out(&output));
        assert!(text.is_empty() || !out(&output).contains(text));
    }
    assert!(server.terminate().await.0);
}

/// A token is told in words, its signature is checked with the key set, from a file as from the server.
#[tokio::test]
async fn a_token_is_explained_with_a_key_set() {
    let (folder, server, _) = start().await;
    let dir = folder.path().to_str().unwrap();
    let token =
        ok(&run(&["mint", "--type", "rt", "--ttl", "60", "--client-ref", "ann", "--data-dir", dir]).await);
    let explained = ok(&run(&["verify", &token]).await);
    for said in [
        "a temporary key",
        "for the product rt",
        "isolated to the client_ref ann",
        "unknown  signature",
        "expires at",
    ] {
        assert!(explained.contains(said), "no {said} in {explained}");
    }
    assert!(!explained.contains(&token));
    let url = format!("{}/.well-known/jwks.json", server.report().management_url);
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, server.home().get("/.well-known/jwks.json", &testkit::Caller::anon()).await.text())
        .unwrap();
    for key_set in [&url[..], file.to_str().unwrap()] {
        let checked = json(
            &run(&["verify", "--json", "--jwks", key_set, "--for", "rt", "--region", "eu1", &token]).await,
        );
        assert_eq!(checked["verdict"], "undecided");
        assert_eq!(checked["says"]["claims"]["product"], "rt");
        let about: Vec<&str> = checked["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check["about"].as_str().unwrap())
            .collect();
        assert_eq!(about, ["form", "header", "signature", "time", "product", "area"]);
        assert!(
            checked["checks"].as_array().unwrap().iter().all(|check| check["outcome"] == "ok"),
            "{checked}"
        );
    }
    for (arguments, reason) in [(["--for", "batch"], "wrong_product"), (["--region", "us1"], "wrong_area")] {
        let output = run(&["verify", "--json", "--jwks", &url, arguments[0], arguments[1], &token]).await;
        failed(&output);
        let said: Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!((&said["verdict"], &said["reason"]), (&json!("refused"), &json!(reason)));
    }
    let (head, tail) = token.split_at(token.len() - 10);
    let altered = format!("{head}{}", tail.chars().rev().collect::<String>());
    let output = run(&["verify", "--jwks", &url, &altered]).await;
    assert!(
        failed(&output).contains("would be refused") && out(&output).contains("token_invalid"),
        "{}",
        out(&output)
    );
    assert!(server.terminate().await.0);
}

/// With the data folder: owner and state, beside a running server and after it; and whether it would be let in for what it
/// is wanted for.
#[tokio::test]
async fn a_key_is_explained_with_the_database() {
    let (folder, server, key) = start().await;
    let dir = folder.path().to_str().unwrap();
    let known = json(&run_with_input(&["verify", "--json", "--data-dir", dir, "-"], &key).await);
    assert_eq!(known["verdict"], "good");
    assert!(known["stored"]["apikey_id"].as_str().unwrap().starts_with("key_"), "{known}");
    assert_eq!(known["stored"]["project_id"], json!(server.report().project_id));
    assert_eq!(known["stored"]["plan"], "enterprise");
    assert!(!known.to_string().contains(&key));
    for (arguments, reason) in [
        (vec!["--region", "us1"], "wrong_area"),
        (vec!["--for", "flow"], "wrong_product"),
        (vec!["--for", "rt", "--in-url"], "api_key_in_url"),
    ] {
        let mut all = vec!["verify", "--data-dir", dir];
        all.extend(arguments);
        all.push("-");
        let output = run_with_input(&all, &key).await;
        failed(&output);
        assert!(out(&output).contains(&format!("docs/errors/{reason}.md")), "{}", out(&output));
    }
    let limited = make_key_in(
        &server.home(),
        &server.manager(),
        server.report().project_id,
        json!({"client_ref": "ann", "networks": ["192.0.2.0/24"]}),
    )
    .await;
    let asked = async |more: &[&str]| {
        let mut all = vec!["verify", "--data-dir", dir];
        all.extend(more);
        all.push("-");
        run_with_input(&all, &limited.secret).await
    };
    ok(&asked(&["--client-ref", "ann"]).await);
    assert!(out(&asked(&["--client-ref", "bob"]).await).contains("job_not_found"));
    ok(&asked(&["--from", "192.0.2.7"]).await);
    assert!(out(&asked(&["--from", "198.51.100.7"]).await).contains("network_denied"));
    revoke_key(&server.home(), &server.manager(), &limited.id).await;
    assert!(out(&asked(&[]).await).contains("credential_revoked"));
    let manager = server.report().management_token.clone();
    assert!(server.terminate().await.0);
    assert!(out(&asked(&[]).await).contains("credential_revoked"), "also without a server");
    let token = json(&run_with_input(&["verify", "--json", "--data-dir", dir, "-"], &manager).await);
    assert_eq!(token["verdict"], "good");
    assert!(token["stored"]["permissions"].as_array().unwrap().contains(&json!("view_audit")), "{token}");
    let stranger =
        run_with_input(&["verify", "--data-dir", dir, "-"], "an-imported-key-of-somebody-else").await;
    failed(&stranger);
    assert!(out(&stranger).contains("credential_unknown"), "{}", out(&stranger));
}
