//! Which crate may depend on which, as design 12 has it, and the purity of the crates at the bottom.
//!
//! It reads `cargo metadata`, so it sees what cargo sees: renames, target-specific tables and build dependencies too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::repo::Repo;
use crate::{Fault, lines, process};

/// A crate and the crates of ours that it may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("credentials", &["domain"]),
    ("verify", &["credentials", "domain"]),
    ("sql", &["domain"]),
    ("storage", &["sql", "domain"]),
    ("ledger", &["sql", "domain"]),
    ("control", &["storage", "verify", "credentials", "domain"]),
    ("gateway", &["ledger", "verify", "credentials", "domain"]),
    ("management", &["control", "verify", "credentials", "domain"]),
    ("portal", &["control", "verify", "credentials", "domain"]),
    ("sandbox", &["domain"]),
    ("voxgate", ALL),
    ("testdb", &[]),
    ("testkit", ALL_AND_TESTDB),
    ("bench", ALL_AND_TESTDB),
    ("attack", ALL_AND_TESTDB),
    ("xtask", &[]),
];

/// Every crate of the product.
const ALL: &[&str] = &[
    "domain",
    "credentials",
    "verify",
    "sql",
    "storage",
    "ledger",
    "control",
    "gateway",
    "management",
    "portal",
    "sandbox",
    "voxgate",
];

/// What the harness may use: every crate of the product, and databases for tests.
const ALL_AND_TESTDB: &[&str] = &[
    "domain",
    "credentials",
    "verify",
    "sql",
    "storage",
    "ledger",
    "control",
    "gateway",
    "management",
    "portal",
    "sandbox",
    "voxgate",
    "testdb",
];

/// Only tests may use them.
const FOR_TESTS: [&str; 2] = ["testkit", "testdb"];

/// Crates that know no runtime, no HTTP and no SQL, however deep one looks.
const PURE: &[&str] = &["domain", "credentials", "verify"];

/// What the pure crates must not reach. A name that ends in `-` stands for every name that begins with it.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio-",
    "async-std",
    "smol",
    "hyper",
    "hyper-",
    "http",
    "http-",
    "axum",
    "axum-",
    "tower",
    "tower-",
    "reqwest",
    "sqlx",
    "sqlx-",
    "sea-orm",
    "sea-orm-",
    "sea-query",
    "rusqlite",
    "libsqlite3-sys",
    "postgres",
    "postgres-",
];

/// Refuses every edge that the table doesn't name, and every impure crate below the pure ones.
pub(crate) fn check(repo: &Repo) -> Result<(), Fault> {
    let mut cargo = repo.command("cargo");
    cargo.args(["metadata", "--format-version", "1"]);
    let metadata = process::capture(&mut cargo)?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let findings = findings(&metadata);
    lines::verdict("layers", "every edge is one that design 12 names", &findings)
}

fn findings(metadata: &Value) -> Vec<String> {
    let members = members(metadata);
    let mut found = Vec::new();
    for package in list(metadata, "packages") {
        if text(package, "source").is_none() && members.contains(name(package)) {
            edge_findings(package, &members, &mut found);
        }
    }
    for pure in PURE {
        purity_findings(metadata, pure, &mut found);
    }
    found
}

fn members(metadata: &Value) -> BTreeSet<&str> {
    let ids: BTreeSet<&str> = list(metadata, "workspace_members").iter().filter_map(Value::as_str).collect();
    let packages = list(metadata, "packages").iter();
    packages.filter(|package| text(package, "id").is_some_and(|id| ids.contains(id))).map(name).collect()
}

fn edge_findings(package: &Value, members: &BTreeSet<&str>, found: &mut Vec<String>) {
    let from = name(package);
    let Some(allowed) = allowed(from) else {
        found.push(format!(
            "crate {from} is not in the table of design 12; give it a place there and in xtask/src/layers.rs"
        ));
        return;
    };
    for dependency in list(package, "dependencies") {
        let to = name(dependency);
        if text(dependency, "source").is_some() || !members.contains(to) {
            continue;
        }
        let for_tests = text(dependency, "kind") == Some("dev");
        let fine = if for_tests { test_edge_is_allowed(from, to) } else { allowed.contains(&to) };
        if !fine {
            let kind = text(dependency, "kind").unwrap_or("normal");
            found.push(format!(
                "{from} may not depend on {to} ({kind} dependency); it may on: {}",
                shown(allowed)
            ));
        }
    }
}

/// Tests may use the harness, and whatever their crate reaches anyway.
fn test_edge_is_allowed(from: &str, to: &str) -> bool {
    if FOR_TESTS.contains(&to) {
        return !FOR_TESTS.contains(&from);
    }
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for below in allowed(next).unwrap_or_default() {
            if reached.insert(below) {
                open.push(below);
            }
        }
    }
    reached.contains(to)
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    EDGES.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

fn shown(names: &[&str]) -> String {
    if names.is_empty() { "no crate of ours".to_owned() } else { names.join(", ") }
}

/// Walks the normal dependencies below one crate.
fn purity_findings(metadata: &Value, pure: &str, found: &mut Vec<String>) {
    let names: BTreeMap<&str, &str> = list(metadata, "packages")
        .iter()
        .filter_map(|package| Some((text(package, "id")?, name(package))))
        .collect();
    let resolve = metadata.get("resolve").unwrap_or(&Value::Null);
    let nodes: BTreeMap<&str, &Value> =
        list(resolve, "nodes").iter().filter_map(|node| Some((text(node, "id")?, node))).collect();
    let own: BTreeSet<&str> = list(metadata, "workspace_members").iter().filter_map(Value::as_str).collect();
    let Some(start) = own.iter().find(|id| names.get(*id) == Some(&pure)) else {
        found.push(format!("crate {pure} is missing from the workspace"));
        return;
    };

    let mut seen: BTreeSet<&str> = BTreeSet::from([*start]);
    let mut open = vec![(*start, pure.to_owned())];
    while let Some((id, path)) = open.pop() {
        for below in nodes.get(id).map(|node| list(node, "deps")).unwrap_or_default() {
            let Some(package) = text(below, "pkg").filter(|_| is_normal(below)) else { continue };
            if !seen.insert(package) {
                continue;
            }
            let called = names.get(package).copied().unwrap_or(package);
            let path = format!("{path} → {called}");
            if is_impure(called) {
                found.push(format!("{pure} must know no runtime, HTTP or SQL, but reaches {called}: {path}"));
            } else {
                open.push((package, path));
            }
        }
    }
}

fn is_normal(dependency: &Value) -> bool {
    list(dependency, "dep_kinds").iter().any(|kind| kind.get("kind").is_none_or(Value::is_null))
}

fn is_impure(name: &str) -> bool {
    IMPURE.iter().any(|entry| if entry.ends_with('-') { name.starts_with(entry) } else { name == *entry })
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn name(value: &Value) -> &str {
    text(value, "name").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Metadata of a workspace: each crate with its dependencies (`dev:x` for tests) and, below, others' crates.
    fn workspace(crates: &[(&str, &[&str])], others: &[(&str, &[&str])]) -> Value {
        let mut packages = Vec::new();
        let mut nodes = Vec::new();
        for (name, dependencies) in crates.iter().chain(others) {
            let ours = crates.iter().any(|(own, _)| own == name);
            let mut declared = Vec::new();
            let mut resolved = Vec::new();
            for dependency in *dependencies {
                let (kind, to) =
                    dependency.split_once(':').map_or((Value::Null, *dependency), |(k, to)| (json!(k), to));
                let source =
                    if crates.iter().any(|(own, _)| *own == to) { Value::Null } else { json!("registry") };
                declared.push(json!({"name": to, "kind": kind, "source": source}));
                resolved.push(json!({"name": to, "pkg": format!("{to} id"), "dep_kinds": [{"kind": kind}]}));
            }
            let source = if ours { Value::Null } else { json!("registry") };
            packages.push(
                json!({"name": name, "id": format!("{name} id"), "source": source, "dependencies": declared}),
            );
            nodes.push(json!({"id": format!("{name} id"), "deps": resolved}));
        }
        let members: Vec<String> = crates.iter().map(|(name, _)| format!("{name} id")).collect();
        json!({"packages": packages, "workspace_members": members, "resolve": {"nodes": nodes}})
    }

    const BOTTOM: [(&str, &[&str]); 3] =
        [("domain", &[]), ("credentials", &["domain"]), ("verify", &["credentials", "domain"])];

    fn with(extra: &[(&'static str, &'static [&'static str])]) -> Value {
        let crates: Vec<_> = BOTTOM.iter().chain(extra).copied().collect();
        workspace(&crates, &[("serde", &[]), ("papaya", &["tokio"]), ("tokio", &[])])
    }

    /// The edges of the design pass, so that a refusal means something.
    #[test]
    fn edges_of_the_table_are_allowed() {
        let fine = with(&[
            ("sql", &["domain", "tokio"]),
            ("ledger", &["sql", "domain"]),
            ("gateway", &["ledger", "verify", "credentials", "domain", "tokio"]),
        ]);
        assert_eq!(findings(&fine), Vec::<String>::new());
    }

    /// The gateway never sees storage: an edge outside the table is refused, whatever kind it has.
    #[test]
    fn edges_outside_the_table_are_refused() {
        for edge in ["storage", "build:storage", "dev:storage"] {
            let edge: &'static [&'static str] = Box::leak(vec![edge].into_boxed_slice());
            let found = findings(&with(&[("storage", &["domain"]), ("gateway", edge)]));
            assert_eq!(found.len(), 1, "{edge:?}: {found:?}");
            assert!(found[0].starts_with("gateway may not depend on storage"), "{found:?}");
        }
    }

    /// Tests may use the harness and what their crate reaches, and nothing else may use the harness.
    #[test]
    fn testkit_is_for_tests_alone() {
        let base =
            [("sql", &["domain"] as &[&str]), ("storage", &["sql", "domain"]), ("testkit", &["storage"])];
        let mut crates = base.to_vec();
        crates.push(("control", &["storage", "dev:testkit", "dev:sql"]));
        assert_eq!(findings(&with(&crates)), Vec::<String>::new());

        let mut crates = base.to_vec();
        crates.push(("control", &["storage", "testkit"]));
        assert!(findings(&with(&crates))[0].starts_with("control may not depend on testkit"));
    }

    /// A new crate has to be given its place.
    #[test]
    fn a_crate_without_a_place_is_refused() {
        let found = findings(&with(&[("extra", &[])]));
        assert!(found[0].starts_with("crate extra is not in the table"), "{found:?}");
    }

    /// The pure crates stay pure through other people's crates too; what only tests use doesn't count.
    #[test]
    fn a_runtime_below_a_pure_crate_is_refused() {
        let found = findings(&workspace(
            &[("domain", &["dev:tokio", "serde"]), BOTTOM[1], ("verify", &["papaya"])],
            &[("serde", &[]), ("papaya", &["tokio"]), ("tokio", &[])],
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("verify → papaya → tokio"), "{found:?}");
    }

    /// Names are compared whole, so `httparse` is not taken for `http`.
    #[test]
    fn impure_names_are_exact_or_prefixes_with_a_dash() {
        for name in ["tokio", "tokio-util", "http", "http-body", "sqlx-core", "libsqlite3-sys"] {
            assert!(is_impure(name), "{name}");
        }
        for name in ["httparse", "tokiox", "serde", "towers", "sqlformat"] {
            assert!(!is_impure(name), "{name}");
        }
    }
}
