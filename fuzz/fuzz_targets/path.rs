//! Any path: what has a route is plain, its parts are the very bytes that were sent, and no other spelling has the same route.

#![no_main]

// The two files instead of their crate, which would take minutes to build.
#[expect(dead_code, reason = "only the lengths of names are needed")]
#[path = "../../crates/gateway/src/limits.rs"]
mod limits;
#[path = "../../crates/gateway/src/policy/route.rs"]
mod route;

use libfuzzer_sys::fuzz_target;
use route::{Route, is_plain_path, route as route_of};

/// The one spelling of a route, without the final slash.
fn spelling(route: Route<'_>) -> String {
    match route {
        Route::Jobs => "/v2/jobs".to_owned(),
        Route::Job(id) => format!("/v2/jobs/{id}"),
        Route::Transcript(id) => format!("/v2/jobs/{id}/transcript"),
        Route::Log(id) => format!("/v2/jobs/{id}/log"),
        Route::Data(id) => format!("/v2/jobs/{id}/data"),
        Route::Usage => "/v2/usage".to_owned(),
        Route::Features => "/v1/discovery/features".to_owned(),
        Route::Generate(voice) => format!("/generate/{voice}"),
    }
}

fn check(path: &str) {
    let Some(found) = route_of(path) else { return };
    assert!(is_plain_path(path).is_ok());
    let spelled = spelling(found);
    assert!(path == spelled || path.strip_suffix('/') == Some(spelled.as_str()));
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    check(&text);
    for base in ["/v2/jobs", "/v2/jobs/", "/generate/"] {
        check(&format!("{base}{text}"));
    }
    for spelled in ["/v2/jobs/a1b2", "/v2/jobs/a1b2/transcript/", "/v2/usage"] {
        assert!(route_of(spelled).is_some());
    }
});
