//! The units and the image definition that are shipped: they say what they should, of this program as it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

fn packaged(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The settings of a unit by section and name, each with its values in their order.
fn unit(name: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut settings: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in packaged(name).lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{name}: {line}"));
        assert!(!section.is_empty() && key.trim() == key, "{name}: {line}");
        settings.entry((section.clone(), key.to_owned())).or_default().push(value.to_owned());
    }
    settings
}

/// Whoever installs the unit gets a service without a privilege, that writes into its own folder alone, is watched, and tells
/// when it is ready.
#[test]
fn the_service_is_hardened() {
    let unit = unit("systemd/voxgate.service");
    let values = |key: &str| unit.get(&("Service".to_owned(), key.to_owned())).cloned().unwrap_or_default();
    for (key, value) in [
        ("Type", "notify"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "voxgate"),
        ("StateDirectoryMode", "0700"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("SystemCallArchitectures", "native"),
        ("LimitCORE", "0"),
        ("UMask", "0077"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
    assert_eq!(values("SystemCallFilter")[0], "@system-service");
    assert!(!values("WatchdogSec").is_empty() && !values("LimitNOFILE").is_empty());
    assert!(!values("ExecStart")[0].contains("sh "), "no shell between");
}

/// systemd understands every line of the units, and rates the service as well contained.
#[test]
fn systemd_understands_the_units() {
    // Of a hundred: what is left is that it has the network, and may fork.
    const EXPOSURE_MAX: u32 = 20;
    let folder = tempfile::tempdir().unwrap();
    // The program isn't installed on the machine that tests.
    let service = packaged("systemd/voxgate.service").replace("/usr/bin/voxgate", "/bin/true");
    let service_path = folder.path().join("voxgate.service");
    std::fs::write(&service_path, service).unwrap();
    let socket_path = folder.path().join("voxgate.socket");
    std::fs::write(&socket_path, packaged("systemd/voxgate.socket")).unwrap();
    let analyze = |arguments: &[&str], units: &[&PathBuf]| {
        let output = std::process::Command::new("systemd-analyze").args(arguments).args(units).output();
        let output = output.unwrap_or_else(|error| panic!("systemd-analyze (Debian's systemd): {error}"));
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    };
    let said = analyze(&["verify", "--man=no"], &[&service_path, &socket_path]);
    assert!(!said.contains("voxgate"), "{said}");
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    analyze(&["security", "--offline=true", &threshold], &[&service_path]);
}

/// The service stops by itself before it is killed, with what the program takes by default.
#[test]
fn the_service_has_time_to_drain() {
    let unit = unit("systemd/voxgate.service");
    let stop = &unit[&("Service".to_owned(), "TimeoutStopSec".to_owned())][0];
    let seconds: u64 = stop.trim_end_matches('s').parse().unwrap();
    assert!(seconds > 2 * gateway::GatewayLimits::default().drain_seconds_max);
}

/// The sockets belong to the service, and have the name that the configuration knows them by.
#[test]
fn the_socket_is_the_services() {
    let unit = unit("systemd/voxgate.socket");
    let value = |key: &str| unit[&("Socket".to_owned(), key.to_owned())][0].clone();
    assert_eq!(value("Service"), "voxgate.service");
    let file = format!(
        "[[listener]]\nsocket = \"{}\"\ntls_certificate_file = \"c\"\ntls_key_file = \"k\"\n",
        value("FileDescriptorName")
    );
    assert!(voxgate::config::load(&file).is_ok(), "{file}");
}

/// One instruction of an image definition.
struct Instruction {
    word: String,
    rest: String,
}

fn instructions() -> Vec<Instruction> {
    let text = packaged("image/Containerfile");
    let whole: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let whole = whole.join("\n").replace("\\\n", " ");
    whole
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no instruction: {line}"));
            Instruction { word: word.to_owned(), rest: rest.split_whitespace().collect::<Vec<_>>().join(" ") }
        })
        .collect()
}

/// The image holds the program and certificate authorities, runs as nobody, and says by itself whether it is well.
#[test]
fn the_image_holds_nothing_else() {
    const WORDS: [&str; 14] = [
        "ARG",
        "FROM",
        "RUN",
        "WORKDIR",
        "COPY",
        "ENV",
        "USER",
        "VOLUME",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
        "LABEL",
        "EXPOSE",
    ];
    let all = instructions();
    assert!(all.iter().all(|one| WORDS.contains(&one.word.as_str())));
    let last_stage = all.iter().rposition(|one| one.word == "FROM").unwrap();
    assert_eq!(all[last_stage].rest, "scratch");
    let image = &all[last_stage + 1..];
    let of = |word: &str| {
        image.iter().filter(|one| one.word == word).map(|one| one.rest.as_str()).collect::<Vec<_>>()
    };
    assert!(of("RUN").is_empty(), "nothing can run in an empty image");
    assert_eq!(of("COPY"), ["--from=build /image/ /"]);
    let user = of("USER")[0];
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user} is no plain number");
    assert!(of("HEALTHCHECK")[0].contains(r#"CMD ["/usr/bin/voxgate", "health", "--config","#));
    for word in ["ENTRYPOINT", "CMD"] {
        let list: Vec<String> = serde_json::from_str(of(word)[0]).unwrap();
        assert!(!list.is_empty(), "{word} needs no shell");
    }
    let build = &all[..last_stage];
    let makes = |path: &str| build.iter().any(|one| one.word == "RUN" && one.rest.contains(path));
    assert!(makes("/image/usr/bin/voxgate") && makes("/image/etc/ssl/certs/ca-certificates.crt"));
    assert!(build.iter().any(|one| one.word == "ENV" && one.rest.contains("+crt-static")));
}

/// The image is built with a compiler that is new enough.
#[test]
fn the_image_has_the_compiler() {
    let version = instructions().into_iter().find_map(|one| {
        one.rest.strip_prefix("RUST_VERSION=").filter(|_| one.word == "ARG").map(str::to_owned)
    });
    assert_eq!(version.as_deref(), Some(env!("CARGO_PKG_RUST_VERSION")));
}
