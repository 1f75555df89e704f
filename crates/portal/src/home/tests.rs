//! The programs name this instance, and nothing in a page can be made markup by a name.

use askama::Template as _;

use super::page::{ForMember, ForVisitor};
use super::snippets::snippets;
use crate::web::Page;
use crate::weight::{PAGE_BYTES_MAX, bytes_of};
use crate::{Endpoints, PortalConfig, RegionEndpoints};

fn endpoints(base: &str) -> Endpoints {
    let region = |name: &str, area: &str, has_realtime: bool| RegionEndpoints {
        region: name.to_owned(),
        area: area.to_owned(),
        batch_url: format!("https://{name}.asr.{base}/v2"),
        realtime_url: has_realtime.then(|| format!("wss://{area}.rt.{base}/v2")),
        enterprise: name.ends_with('2'),
    };
    Endpoints {
        management_url: format!("https://mp.{base}"),
        batch_url: format!("https://eu1.asr.{base}/v2"),
        realtime_url: Some(format!("wss://eu.rt.{base}/v2")),
        global_realtime_url: Some(format!("wss://global.rt.{base}/v2")),
        regions: vec![region("eu1", "eu", true), region("us1", "usa", true), region("eu2", "eu", false)],
    }
}

fn config(base: &str) -> PortalConfig {
    PortalConfig {
        base_url: format!("https://portal.{base}"),
        providers: Vec::new(),
        endpoints: endpoints(base),
        is_dev: false,
        docs_url: Some(format!("https://docs.{base}")),
        support_contact: Some(format!("help@{base}")),
    }
}

fn member(config: &PortalConfig, workspace: &str, has_keys: bool) -> String {
    let page = Page::bare("Home");
    ForMember { page: &page, config, workspace, has_keys, snippets: snippets(&config.endpoints) }
        .render()
        .unwrap()
}

/// Every program has this instance's addresses and nobody else's, and takes the key from the environment.
#[test]
fn programs_name_this_instance() {
    let all = snippets(&endpoints("speech.example.org"));
    assert_eq!(all.len(), 6);
    for snippet in all {
        let urls: Vec<&str> = snippet.text.split("://").skip(1).collect();
        assert!(!urls.is_empty(), "{}", snippet.text);
        for url in urls {
            let host = url.split(['/', '"', '`', '?']).next().unwrap();
            assert!(host.ends_with(".speech.example.org"), "{host} in {}", snippet.text);
        }
        assert!(snippet.text.contains("API_KEY") || snippet.id == "realtime-browser");
    }
    let batch_only = Endpoints { realtime_url: None, ..endpoints("speech.example.org") };
    assert!(snippets(&batch_only).iter().all(|snippet| !snippet.text.contains("ws")));
}

/// The pages as they are.
#[test]
fn pages_look_as_they_do() {
    let config = config("speech.example.org");
    insta::assert_snapshot!("member", member(&config, "Acme", false));
    let page = Page::bare("Welcome");
    insta::assert_snapshot!("visitor", ForVisitor { page: &page, config: &config }.render().unwrap());
}

/// A name is text, and a heavy page is light.
#[test]
fn names_are_escaped() {
    let evil = "<script>alert(1)</script>\"'";
    let config = config(evil);
    let page = Page::bare("Welcome");
    for html in [member(&config, evil, true), ForVisitor { page: &page, config: &config }.render().unwrap()] {
        assert!(html.contains("alert(1)") && !html.contains("<script>alert"), "{html}");
        assert!(bytes_of(&html) <= PAGE_BYTES_MAX, "{}", bytes_of(&html));
    }
}
