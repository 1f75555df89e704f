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
