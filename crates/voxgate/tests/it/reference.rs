//! Pages under `docs/reference` that are generated from the code: the committed ones are current.

use std::path::PathBuf;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a page with what the code makes of it, and says how to renew it.
#[track_caller]
pub(crate) fn is_current(name: &str, fresh: &str) {
    let page = repository().join("docs/reference").join(name);
    let committed = std::fs::read_to_string(&page).unwrap_or_default();
    if committed == fresh {
        return;
    }
    let made = repository().join("target").join(name);
    std::fs::write(&made, fresh).unwrap();
    panic!("docs/reference/{name} is not current: cp target/{name} docs/reference/{name}");
}

/// Operators find every metric with its meaning on the page of this version.
#[test]
fn metrics() {
    is_current("metrics.md", &voxgate::admin::metrics::reference());
}

/// Operators find every setting with what it takes, its default and its meaning on the page of this version.
#[test]
fn configuration() {
    is_current("configuration.md", &voxgate::config::reference());
}

/// Operators and reviewers find every limit of the code, with its value and its unit, on the page of this version.
#[test]
fn limits() {
    is_current("limits.md", &limits_page());
}

/// The crates whose limits are told, in the order of a request's way.
const LIMITED: [&str; 9] =
    ["gateway", "management", "domain", "credentials", "verify", "control", "ledger", "sql", "voxgate"];

/// A constant that limits something.
struct Limit {
    name: String,
    value: String,
    meaning: String,
    file: String,
}

fn limits_page() -> String {
    let mut page = String::from(
        "# Limits\n\n\
         What the code bounds by itself, beside the limits that are [configured](configuration.md). Each constant has its unit in its\n\
         name. Generated from the code; a test keeps it current. Nothing that clients reach grows without one of these.\n",
    );
    for name in LIMITED {
        let root = repository().join("crates").join(name).join("src");
        let mut limits = Vec::new();
        for file in sources(&root) {
            let told = file.strip_prefix(&root).unwrap().display().to_string();
            limits.extend(limits_in(&std::fs::read_to_string(&file).unwrap(), &told));
        }
        assert!(!limits.is_empty(), "{name} has no limit");
        page.push_str(&format!(
            "\n## {name}\n\n| limit | value | what it bounds | where |\n|---|---|---|---|\n"
        ));
        for Limit { name, value, meaning, file } in limits {
            page.push_str(&format!("| `{name}` | `{value}` | {meaning} | `{file}` |\n"));
        }
    }
    page
}

/// Every source file below a folder, in order.
fn sources(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let deep = entries.into_iter().flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    deep.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The constants of a file whose name says that they are the most of something, each with its comment.
fn limits_in(text: &str, file: &str) -> Vec<Limit> {
    let mut limits = Vec::new();
    let (mut comment, mut last) = (String::new(), String::new());
    for line in text.lines() {
        let code = line.trim_start();
        if code == "#[cfg(test)]" {
            break;
        }
        if let Some(told) = code.strip_prefix("///") {
            comment.push_str(told);
            continue;
        }
        let declared = code.starts_with("pub") || code.starts_with("const ");
        let constant = code.split_once("const ").filter(|_| declared);
        if constant.is_some() && !comment.is_empty() {
            last = comment.trim().to_owned();
        }
        let found = constant.map(|(_, rest)| rest).and_then(|rest| {
            let (name, rest) = rest.split_once(": ")?;
            let (_, value) = rest.split_once(" = ")?;
            (name.ends_with("_MAX") && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
                .then(|| (name.to_owned(), value.trim_end_matches(';').to_owned()))
        });
        if let Some((name, value)) = found {
            // One comment may stand for the constants below it.
            limits.push(Limit { name, value, meaning: last.clone(), file: file.to_owned() });
        }
        comment.clear();
        if line.is_empty() {
            last.clear();
        }
    }
    limits
}
