//! Any query of the Jobs API: what is read is within its limits, and parameters that a route doesn't know change nothing.

#![no_main]

// The files instead of their crate, which would take minutes to build.
#[expect(dead_code, reason = "only what concerns queries and names is used here")]
#[path = "../../crates/gateway/src/limits.rs"]
mod limits;
#[path = "../../crates/gateway/src/policy"]
mod policy {
    #[expect(dead_code, reason = "nothing is written here")]
    pub(crate) mod query;
    #[expect(dead_code, reason = "only the routes themselves are used here")]
    mod route;

    pub(crate) use route::Route;
}

use libfuzzer_sys::fuzz_target;
use limits::{LIST_LIMIT_MAX, WAIT_SECONDS_MAX};
use policy::{Route, query::Query};

const ROUTES: [(Route<'static>, bool); 6] = [
    (Route::Jobs, true),
    (Route::Jobs, false),
    (Route::Job("a"), false),
    (Route::Transcript("a"), false),
    (Route::Usage, false),
    (Route::Generate("a"), true),
];

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for (route, creates) in ROUTES {
        let read = Query::read(route, creates, Some(&text));
        let with_more = Query::read(route, creates, Some(&format!("unknown=1&{text}&%00=%ff")));
        assert_eq!(read.as_ref().ok(), with_more.as_ref().ok());
        let Ok(query) = read else { continue };
        assert!(query.wait.is_none_or(|wait| wait <= WAIT_SECONDS_MAX));
        assert!(query.limit.is_none_or(|limit| (1..=LIST_LIMIT_MAX).contains(&limit)));
    }
    assert!(Query::read(Route::Jobs, false, Some("limit=1&created_before=2026-01-01")).is_ok());
});
