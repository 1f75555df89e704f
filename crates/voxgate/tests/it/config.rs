//! The configuration file: mistakes are told all at once, with their lines and what is allowed.

use voxgate::config::{MasterKeyPlace, Problem, Serves, load};

#[track_caller]
fn problems(text: &str) -> Vec<Problem> {
    load(text).expect_err("the file has mistakes")
}

/// All mistakes of a file come at once, in its order, with line numbers and the allowed values.
#[test]
fn all_mistakes_are_told_at_once() {
    let text = r#"data_dir = 5
domain = "exa mple"
colour = "red"

[log]
format = "xml"
level = "info"
lvl = "x"

[tokens]
algorithm = "HS256"
early_leeway_seconds = -1

[regions.eu1]
batch_upstream = "https://engine"
engine_can = ["wait", "fly"]

[regions.eu3]
batch_upstream = "http://engine"

[regions.au1]
realtime_upstream = "ws://engine"

[ttl_seconds]
rt = { min = 100, max = 50 }

[realtime]
refusals = "loud"

[[listener]]
address = "0.0.0.0:8080"

[[listener]]
serves = "mars"
"#;
    let found = problems(text);
    let told: Vec<(usize, &str)> =
        found.iter().map(|problem| (problem.line, problem.setting.as_str())).collect();
    for expected in [
        (1, "data_dir"),
        (2, "domain"),
        (3, "colour"),
        (6, "log.format"),
        (8, "log.lvl"),
        (11, "tokens.algorithm"),
        (12, "tokens.early_leeway_seconds"),
        (15, "regions.eu1.batch_upstream"),
        (16, "regions.eu1.engine_can"),
        (18, "regions.eu3"),
        (22, "regions.au1.realtime_upstream"),
        (25, "ttl_seconds.rt"),
        (28, "realtime.refusals"),
        (34, "listener[1].serves"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:#?}");
    }
    assert!(
        found.iter().any(|problem| problem.setting == "listener[0].address"
            && problem.message.contains("behind_tls_proxy"))
    );
    assert!(
        found
            .iter()
            .any(|problem| problem.setting == "listener[1].address" && problem.message.contains("missing"))
    );
    assert_eq!(found.len(), 16, "{found:#?}");
    let says = |setting: &str| {
        let problem = found.iter().find(|problem| problem.setting == setting).unwrap();
        problem.to_string()
    };
    assert!(
        says("log.format").contains(r#"expected one of "people", "json", found "xml""#),
        "{}",
        says("log.format")
    );
    assert!(says("log.lvl").contains("expected one of format, level"), "{}", says("log.lvl"));
    assert!(says("tokens.algorithm").contains(r#""EdDSA", "ES256""#));
    assert!(says("regions.eu3").contains("eu1, us1, au1, eu2, us2"));
    assert!(says("colour").contains("data_dir"));
}

/// A file that is no TOML is told with the line; a repeated setting is one.
#[test]
fn syntax_errors_have_lines() {
    assert_eq!(problems("data_dir = \"x\"\ndomain = [\n")[0].line, 2);
    assert!(problems("data_dir = \"x\"\ndata_dir = \"y\"\n").iter().any(|problem| problem.line == 2));
}

/// A listener that other machines reach needs TLS, or somebody who says that a proxy speaks it.
#[test]
fn open_listeners_need_a_declared_proxy() {
    for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80"] {
        let listener = format!("[[listener]]\naddress = \"{address}\"\n");
        let found = problems(&listener);
        assert!(found[0].message.contains("speaks no TLS"), "{found:?}");
        assert!(load(&format!("behind_tls_proxy = true\n{listener}")).is_ok());
    }
    for address in ["127.0.0.1:8080", "[::1]:80", "127.1.2.3:0"] {
        assert!(load(&format!("[[listener]]\naddress = \"{address}\"\n")).is_ok(), "{address}");
    }
}

/// Hosts follow the domain unless they are said; a host stands for one thing.
#[test]
fn hosts_follow_the_domain() {
    let settings = load(
        "domain = \"Voice.Example.ORG\"\n[regions.us1]\nbatch_hosts = [\"us1.asr.api.cloud.example\"]\n",
    )
    .unwrap()
    .settings;
    assert_eq!(settings.hosts.management, ["mp.voice.example.org"]);
    assert_eq!(settings.regions[0].batch_hosts, ["eu1.asr.voice.example.org"]);
    assert_eq!(settings.regions[0].realtime_hosts, ["eu.rt.voice.example.org"]);
    assert_eq!(settings.regions[1].batch_hosts, ["us1.asr.api.cloud.example"]);
    let found = problems("[hosts]\nmanagement = [\"x.example\"]\nportal = [\"X.example\"]\n");
    assert!(found[0].message.contains("x.example"), "{found:?}");
}

/// A secret has one place, and is never in the file.
#[test]
fn secrets_have_one_place() {
    let settings = load("[master_key]\nenv = \"KEY\"\n").unwrap().settings;
    assert_eq!(settings.master_key, MasterKeyPlace::Variable("KEY".to_owned()));
    assert!(problems("[master_key]\nenv = \"KEY\"\nfile = \"x\"\n")[0].message.contains("keep one"));
    assert!(problems("[master_key]\nvalue = \"00\"\n")[0].message.contains("unknown setting"));
    assert!(problems("[regions.eu1]\nengine_token = \"x\"\n")[0].message.contains("unknown setting"));
}

/// What a listener serves is read exactly.
#[test]
fn listeners_serve_what_they_say() {
    let serves = |text: &str| {
        load(&format!("[[listener]]\naddress = \"127.0.0.1:1\"\nserves = \"{text}\"\n"))
            .map(|loaded| loaded.settings.listeners[0].serves)
    };
    assert_eq!(serves("hosts"), Ok(Serves::Hosts));
    assert_eq!(serves("home:us1"), Ok(Serves::Home(domain::Region::Us1)));
    assert_eq!(serves("au1"), Ok(Serves::Region(domain::Region::Au1)));
    for wrong in ["Hosts", "home:", "home:xx", "eu"] {
        assert!(serves(wrong).is_err(), "{wrong}");
    }
}
