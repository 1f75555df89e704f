//! Whoever gets everything that an instance has written, and not its master key, has no credential and no signing key.

use std::collections::BTreeSet;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::{Caller, Mint, Process, TestDatabase};

use self::spellings::{contains, spellings};
use crate::common::make_key_in;

#[path = "../../../control/tests/control/support/spellings.rs"]
mod spellings;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
/// What isn't at rest with the rest: the master key, which is kept elsewhere, and the credentials that `dev` keeps on purpose.
const ELSEWHERE: [&str; 2] = ["master.key", "dev-credentials.json"];
/// How a private key of Ed25519 begins in PKCS #8.
const PKCS8_START: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The words of a text that could be credentials or keys: long, and of letters that these are written with.
fn words(bytes: &[u8]) -> BTreeSet<String> {
    bytes
        .split(|byte| !(byte.is_ascii_alphanumeric() || b"+/=_-.".contains(byte)))
        .filter(|word| (20..=4096).contains(&word.len()))
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The bytes that words stand for, where they are hexadecimal or base64.
fn meanings(words: &BTreeSet<String>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for word in words {
        // PostgreSQL writes bytes as \\x and digits.
        let digits = word.strip_prefix('x').unwrap_or(word);
        if digits.len().is_multiple_of(2) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            found.push((0..digits.len()).step_by(2).map(byte).collect());
        }
        found.extend(BASE64_STANDARD.decode(word));
        found.extend(BASE64_URL_SAFE_NO_PAD.decode(word));
    }
    found
}

async fn nothing_usable_is_written(database: Option<TestDatabase>) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let url = database.as_ref().map(TestDatabase::url);
    let server = Process::start_on(Path::new(BINARY), &data_dir, url.as_deref(), &[]).await;
    let (home, manager) = (server.home(), server.manager());
    let project = server.report().project_id;
    let key = make_key_in(&home, &manager, project, json!({"client_ref": "somebody"})).await;
    let mut secrets = vec![
        key.secret.clone(),
        server.report().api_key.clone(),
        server.report().management_token.clone(),
        server.report().account.password.clone(),
    ];
    for product in ["batch", "rt"] {
        secrets.push(Mint::of(product).client_ref("u").key(&home, &server.key()).await);
    }
    home.job(&key.caller()).await;
    let jwks: Value = home.get("/.well-known/jwks.json", &Caller::anon()).await.expect(200).json();
    let public: Vec<Vec<u8>> = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| BASE64_URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap())
        .collect();
    assert!(!public.is_empty());

    let mut written: Vec<(String, Vec<u8>)> = Vec::new();
    if database.is_none() {
        let file = folder.path().join("day.backup");
        let backup = tokio::process::Command::new(BINARY)
            .arg("backup")
            .arg(&file)
            .arg("--data-dir")
            .arg(&data_dir)
            .output()
            .await
            .unwrap();
        assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
        written.push(("the backup".to_owned(), std::fs::read(&file).unwrap()));
    }
    assert!(server.terminate().await.0);
    let master_key = std::fs::read_to_string(data_dir.join("master.key")).unwrap().trim().to_owned();
    secrets.push(master_key.clone());
    written
        .extend(database.as_ref().map(|database| ("the database".to_owned(), database.dump().into_bytes())));
    for (path, bytes) in Process::files_of(&data_dir) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !ELSEWHERE.contains(&name.as_str()) {
            written.push((name, bytes));
        }
    }
    assert!(written.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 10_000);

    // The search finds what is there: the hash of a key is in the database, as it has to be.
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.secret.as_bytes());
    let is_found = |needle: &[Vec<u8>]| {
        written
            .iter()
            .find(|(_, bytes)| needle.iter().any(|spelling| contains(bytes, spelling)))
            .map(|(name, _)| name)
    };
    assert!(is_found(&spellings(hash.as_ref())).is_some(), "the search works");

    for secret in &secrets {
        let whole = spellings(secret.as_bytes());
        assert_eq!(is_found(&whole), None, "{}…", &secret[..8]);
        // Its random part alone would do as well.
        let random = secret.split(['_', '.', '-']).max_by_key(|part| part.len()).unwrap();
        assert_eq!(
            is_found(&spellings(&random.as_bytes()[..random.len().min(32)])),
            None,
            "{}…",
            &secret[..8]
        );
    }
    let raw: Vec<u8> = (0..64)
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(master_key.get(at..at + 2)?, 16).ok())
        .collect();
    if raw.len() == 32 {
        assert_eq!(is_found(&spellings(&raw)), None, "the master key");
    }
    assert_eq!(is_found(&spellings(&PKCS8_START)), None, "a private key");
    no_signing_key_is_in(&written, &public);
    nobody_lets_in(&written, &folder.path().join("data"), url.as_deref()).await;
}

/// No 32 bytes that stand anywhere, as they are or written as text, are the private half of a key that signs.
fn no_signing_key_is_in(written: &[(String, Vec<u8>)], public: &[Vec<u8>]) {
    let mut tried = BTreeSet::new();
    let mut candidates: Vec<Vec<u8>> = Vec::new();
    for (_, bytes) in written {
        candidates.extend(meanings(&words(bytes)));
    }
    for bytes in &candidates {
        tried.extend(bytes.windows(32).map(<[u8]>::to_vec));
    }
    assert!(tried.len() > 100);
    for seed in &tried {
        let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(seed) else { continue };
        assert!(!public.iter().any(|known| known == pair.public_key().as_ref()), "a signing key was found");
    }
}

/// Every word that could be a credential is presented, to a server with the same data: none lets in.
async fn nobody_lets_in(written: &[(String, Vec<u8>)], data_dir: &Path, url: Option<&str>) {
    let server = Process::start_on(Path::new(BINARY), data_dir, url, &[]).await;
    let home = server.home();
    let candidates: BTreeSet<String> =
        written.iter().flat_map(|(_, bytes)| words(bytes)).filter(|word| word.len() <= 600).collect();
    assert!(candidates.len() > 20, "{candidates:?}");
    for candidate in candidates {
        for path in ["/v2/jobs", "/v1/projects"] {
            let answer = home.get(path, &Caller::Bearer(candidate.clone())).await;
            assert!(answer.status == 401 || answer.status == 429, "{candidate}: {}", answer.text());
        }
    }
    home.get("/v2/jobs", &server.key()).await.expect(200);
    assert!(server.terminate().await.0);
}

/// Data folder and backup together yield no usable credential and no signing key.
#[tokio::test]
async fn on_sqlite_nothing_usable_is_written() {
    nothing_usable_is_written(None).await;
}

/// A dump of the database and the data folder together yield no usable credential and no signing key.
#[tokio::test]
async fn on_postgres_nothing_usable_is_written() {
    nothing_usable_is_written(Some(testkit::instance_database())).await;
}
