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
batch_upstream = "ftp://engine"
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

/// An engine may stop for less time than a client's connection may be idle: else the connection would end first, and the limit be
/// none. It is so whichever of the two is set; one second less is enough.
#[test]
fn an_engine_stops_for_less_than_a_client_idles() {
    for (text, line) in
        [("engine_stall_seconds_max = 75", 2), ("idle_seconds_max = 30\nengine_stall_seconds_max = 31", 3)]
    {
        let found = problems(&format!("[limits]\n{text}\n[[listener]]\naddress = \"127.0.0.1:0\"\n"));
        let told = (found[0].line, found[0].setting.as_str());
        assert_eq!((found.len(), told), (1, (line, "limits.engine_stall_seconds_max")), "{found:#?}");
        assert!(found[0].message.contains("less than idle_seconds_max ("), "{found:?}");
    }
    // There is no whole number of seconds less than one that isn't none.
    let found = problems("[limits]\nidle_seconds_max = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n");
    assert_eq!((found.len(), found[0].setting.as_str()), (1, "limits.idle_seconds_max"), "{found:#?}");
    for text in [
        "engine_stall_seconds_max = 74",
        "idle_seconds_max = 60",
        "idle_seconds_max = 2",
        "idle_seconds_max = 2\nengine_stall_seconds_max = 1",
    ] {
        assert!(
            load(&format!("[limits]\n{text}\n[[listener]]\naddress = \"127.0.0.1:0\"\n")).is_ok(),
            "{text}"
        );
    }
}

/// A file that is no TOML is told with the line; a repeated setting is one.
#[test]
fn syntax_errors_have_lines() {
    assert_eq!(problems("data_dir = \"x\"\ndomain = [\n")[0].line, 2);
    assert!(problems("data_dir = \"x\"\ndata_dir = \"y\"\n").iter().any(|problem| problem.line == 2));
}

/// A listener that other machines reach needs TLS, its own or that of a proxy that somebody declares.
#[test]
fn open_listeners_need_tls() {
    for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80"] {
        let listener = format!("[[listener]]\naddress = \"{address}\"\n");
        let found = problems(&listener);
        assert!(found[0].message.contains("speaks no TLS"), "{found:?}");
        assert!(load(&format!("behind_tls_proxy = true\n{listener}")).is_ok());
        let with_tls = format!("{listener}tls_certificate_file = \"/a.pem\"\ntls_key_file = \"/a.key\"\n");
        assert!(load(&with_tls).is_ok());
    }
    for address in ["127.0.0.1:8080", "[::1]:80", "127.1.2.3:0", "unix:/run/a.sock"] {
        assert!(load(&format!("[[listener]]\naddress = \"{address}\"\n")).is_ok(), "{address}");
    }
}

/// What a listener is told must fit together; each mistake is told with what to do.
#[test]
fn listeners_fit_together() {
    for (listener, expected) in [
        ("socket = \"web\"\naddress = \"127.0.0.1:1\"", "keep one of the two"),
        ("serves = \"hosts\"", "missing: expected an address"),
        ("address = \"unix:relative\"", "expected a whole path"),
        ("address = \"127.0.0.1:1\"\ntls_certificate_file = \"/a.pem\"", "as many keys as certificates"),
        (
            "address = \"127.0.0.1:1\"\ntls_certificate_file = [\"/a.pem\", \"/b.pem\"]\ntls_key_file = [\"/a.key\"]",
            "as many keys as certificates",
        ),
        (
            "address = \"unix:/a\"\ntls_certificate_file = \"/a.pem\"\ntls_key_file = \"/a.key\"",
            "a Unix socket carries no TLS",
        ),
        ("address = \"127.0.0.1:1\"\nproxy_protocol = true", "name them in trusted_proxies"),
    ] {
        let found = problems(&format!("[[listener]]\n{listener}\n"));
        assert!(found.iter().any(|problem| problem.message.contains(expected)), "{listener}: {found:?}");
    }
    let good = "trusted_proxies = [\"10.0.0.0/8\", \"192.0.2.7\"]\n[[listener]]\nsocket = \"web\"\nproxy_protocol = true\n\
                tls_certificate_file = [\"/a.pem\", \"/b.pem\"]\ntls_key_file = [\"/a.key\", \"/b.key\"]\n";
    let settings = load(good).unwrap().settings;
    assert_eq!((settings.listeners[0].tls.len(), settings.proxies.trusted.len()), (2, 2));
}

/// Nobody is trusted by a slip of the pen.
#[test]
fn trusted_proxies_are_networks() {
    for (network, expected) in [
        ("0.0.0.0/0", "is everybody"),
        ("::/0", "is everybody"),
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("proxy.example", "expected a network"),
        ("", "isn't empty"),
    ] {
        let found = problems(&format!("trusted_proxies = [\"{network}\"]\n"));
        assert!(found[0].message.contains(expected), "{network}: {found:?}");
    }
    assert!(problems("client_address_header = \"x-real-ip\"\n")[0].message.contains("\"forwarded\""));
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
