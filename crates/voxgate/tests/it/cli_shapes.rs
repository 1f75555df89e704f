//! What programs read and people see: shapes of JSON, help, completions, man pages.

use serde_json::Value;

use crate::command::{json, ok, run};

/// A value with its texts and numbers replaced by their kinds, for comparing shapes.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shape(value))).collect())
        }
        Value::Array(items) => Value::Array(items.first().map(shape).into_iter().collect()),
        Value::String(_) => Value::from("text"),
        Value::Number(_) => Value::from("number"),
        Value::Bool(_) => Value::from("bool"),
        Value::Null => Value::Null,
    }
}

/// Scripts rely on these fields: none goes away or changes its name.
#[tokio::test]
async fn json_shapes_are_stable() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let dir = folder.path().to_str().unwrap();
    let mut shapes = serde_json::Map::new();
    for (name, arguments) in [
        ("workspaces create", &["workspaces", "create", "--name", "W", "--plan", "enterprise"][..]),
        ("workspaces list", &["workspaces", "list"]),
        ("workspaces show", &["workspaces", "show"]),
        ("users create", &["users", "create", "--email", "a@example.org"]),
        ("users password-link", &["users", "password-link", "a@example.org"]),
        ("users list", &["users", "list"]),
        ("members set", &["workspaces", "members", "set", "a@example.org", "--role", "admin"]),
        ("members list", &["workspaces", "members", "list"]),
        ("projects create", &["projects", "create", "--name", "P"]),
        ("projects list", &["projects", "list"]),
        ("keys create", &["keys", "create", "--areas", "eu,usa", "--expires-at", "2099-01-01T00:00:00Z"]),
        ("keys list", &["keys", "list"]),
        ("tokens create", &["tokens", "create", "--permissions", "view_audit"]),
        ("tokens list", &["tokens", "list"]),
        ("audit list", &["audit", "list"]),
        ("temporary-keys revoke", &["temporary-keys", "revoke", "--client-ref", "u"]),
        ("temporary-keys readmit", &["temporary-keys", "readmit", "--client-ref", "u"]),
        ("usage", &["usage"]),
        ("client-refs forget", &["client-refs", "forget", "u", "--yes"]),
    ] {
        let answer = json(&run(&[arguments, &["--json", "--data-dir", dir]].concat()).await);
        shapes.insert(name.to_owned(), shape(&answer));
    }
    let id = |answer: &Value, field: &str| answer[0][field].to_string().trim_matches('"').to_owned();
    let key = id(&json(&run(&["keys", "list", "--json", "--data-dir", dir]).await), "apikey_id");
    let token = id(&json(&run(&["tokens", "list", "--json", "--data-dir", dir]).await), "token_id");
    for (name, arguments) in [
        ("keys rotate", &["keys", "rotate", &key][..]),
        ("keys change", &["keys", "change", &key, "--name", "x"]),
        ("keys revoke", &["keys", "revoke", &key]),
        ("tokens revoke", &["tokens", "revoke", &token]),
        ("signing-keys list", &["signing-keys", "list"]),
        ("signing-keys rotate", &["signing-keys", "rotate"]),
        ("users disable", &["users", "disable", "a@example.org"]),
        ("doctor", &["doctor"]),
    ] {
        let answer = json(&run(&[arguments, &["--json", "--data-dir", dir]].concat()).await);
        shapes.insert(name.to_owned(), shape(&answer));
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&Value::Object(shapes)).unwrap());
}

/// The first thing that a newcomer sees.
#[tokio::test]
async fn help_is_stable() {
    insta::assert_snapshot!(ok(&run(&["--help"]).await));
}

/// Each shell that is named gets completions which know the commands, and every command has a man page.
#[tokio::test]
async fn shells_and_man_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = ok(&run(&["completions", shell]).await);
        assert!(text.contains("doctor") && text.contains("signing") | text.contains("workspaces"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    ok(&run(&["man", folder.path().to_str().unwrap()]).await);
    for page in ["voxgate.1", "voxgate-keys-create.1", "voxgate-doctor.1", "voxgate-workspaces-members-set.1"]
    {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap_or_else(|_| panic!("no {page}"));
        assert!(text.contains(".TH"), "{page}");
    }
    let nowhere = run(&["man", "/nonexistent"]).await;
    assert_eq!(nowhere.status.code(), Some(1));
}
