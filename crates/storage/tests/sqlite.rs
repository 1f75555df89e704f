//! SQLite passes the conformance suite.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod conformance;

conformance::suite!(async |folder: &std::path::Path| {
    storage::Store::open_file(&folder.join("voxgate.db")).await.unwrap()
});
