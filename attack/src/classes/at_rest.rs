//! Data at rest: whoever holds the data folder and a backup, without the master key, tries every value and every word in them at
//! every door. What is stored is a hash of a credential or is sealed; so nothing of it may open anything.

use std::collections::BTreeSet;
use std::path::Path;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sea_orm::{ConnectionTrait as _, Database, DbErr, Statement};
use serde_json::{Value, json};

use crate::Fault;
use crate::arena::forge::{base64url, decode};
use crate::arena::{Arena, accepted};
use crate::trial::{Trial, Verdict};
use crate::wire::Request;

/// The file that isn't there for them.
const MASTER_KEY: &str = "master.key";
/// Shorter ones hold no secret.
const CANDIDATE_BYTES_MIN: usize = 16;
/// Longer ones are refused by their length at every door.
const CANDIDATE_BYTES_MAX: usize = 600;
/// Bytes of a private key of Ed25519.
const SEED_BYTES: usize = 32;
/// Pages that are opened by the secret of a mail.
const LINKS: [&str; 5] =
    ["/set-up", "/reset-password", "/verify-email", "/change-email", "/invitations/accept"];

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let temporary = arena.mint(&arena.mine.key, "batch", json!({"client_ref": "somebody"})).await?;
    let (used, own) = (&arena.mine.key, &arena.mine.manager);
    for (name, path, credential) in [
        ("the key itself", "/v2/jobs", used),
        ("the token itself", "/v1/projects", own),
        ("a temporary key", "/v2/jobs", &temporary),
    ] {
        let answer = Request::new("GET", path).bearer(credential).send(arena.home()).await;
        trial.control(name, accepted(&answer, 200));
    }
    let link = arena.instance.command(&["users", "set-up-link"]).await?;
    let answer = Request::new("GET", &path_of(&link)?).send(arena.home()).await;
    let secret = path_of(&link)?.split('=').next_back().unwrap_or_default().to_owned();
    let is_shown = String::from_utf8_lossy(&answer.body).contains(&secret);
    trial.control("a link itself", if is_shown { Ok(()) } else { Err(answer.shown()) });
    memory_is_not_dumped(arena, trial);
    let loot = loot(arena).await?;
    trial.control("the hash of the key is in it", found(&loot, used));
    signing_keys(arena, trial, &loot);
    forged(arena, trial, &loot).await?;
    presented(arena, trial, &loot).await;
    Ok(())
}

/// The path and query of a link of the portal.
fn path_of(link: &Value) -> Result<String, Fault> {
    let told = link.to_string();
    let at = told.find("/set-up?token=").ok_or_else(|| format!("no link in {told}"))?;
    Ok(told[at..].split('"').next().unwrap_or_default().to_owned())
}

/// The loot: each value of the database, each word of the files, and what the words stand for.
async fn loot(arena: &Arena) -> Result<BTreeSet<Vec<u8>>, Fault> {
    let folder = arena.instance.data_dir();
    let backup = folder.with_file_name("stolen.backup");
    arena.instance.command(&["backup", &backup.to_string_lossy()]).await?;
    let mut loot =
        values(&folder.join("voxgate.db")).await.map_err(|error| format!("the database: {error}"))?;
    for file in files(folder).into_iter().chain([backup]) {
        let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        loot.extend(words(&bytes));
    }
    let meanings: Vec<Vec<u8>> = loot.iter().flat_map(|one| meanings(one)).collect();
    loot.extend(meanings);
    loot.retain(|one| (CANDIDATE_BYTES_MIN..=CANDIDATE_BYTES_MAX).contains(&one.len()));
    Ok(loot)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != MASTER_KEY))
        .collect()
}

/// Every value of every column of every table.
async fn values(file: &Path) -> Result<BTreeSet<Vec<u8>>, DbErr> {
    let database = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await?;
    let ask = |query: String| Statement::from_string(database.get_database_backend(), query);
    let columns = "SELECT t.name AS t, c.name AS c FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut values = BTreeSet::new();
    for row in database.query_all_raw(ask(columns.to_owned())).await? {
        let (table, column): (String, String) = (row.try_get("", "t")?, row.try_get("", "c")?);
        let query =
            format!(r#"SELECT DISTINCT hex("{column}") AS v FROM "{table}" WHERE "{column}" IS NOT NULL"#);
        for row in database.query_all_raw(ask(query)).await? {
            values.extend(from_hex(&row.try_get::<String>("", "v")?));
        }
    }
    database.close().await?;
    Ok(values)
}

/// Whatever could be a credential or a key by its letters.
fn words(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.".contains(byte);
    bytes
        .split(move |byte| !is_of_word(byte))
        .filter(|word| (CANDIDATE_BYTES_MIN..=CANDIDATE_BYTES_MAX).contains(&word.len()))
        .map(<[u8]>::to_vec)
}

/// The bytes that a text stands for, where it is hexadecimal or base64.
fn meanings(text: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let read = [from_hex(text), BASE64_STANDARD.decode(text).ok(), Some(decode(text))];
    read.into_iter().flatten().filter(|bytes| !bytes.is_empty()).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The search finds what must be there.
fn found(loot: &BTreeSet<Vec<u8>>, key: &str) -> Result<(), String> {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    if loot.contains(hash.as_ref()) { Ok(()) } else { Err("it isn't, so nothing else would be".to_owned()) }
}

/// No 32 bytes within a value are the private half of the key that signs.
fn signing_keys(arena: &Arena, trial: &mut Trial, loot: &BTreeSet<Vec<u8>>) {
    let public = |pair: &Ed25519KeyPair| pair.public_key().as_ref().to_vec();
    let Ok(pair) = Ed25519KeyPair::from_pkcs8(&arena.forge.key.to_pkcs8()) else {
        return trial.miss("the key that signs can't be read");
    };
    let ours = public(&pair);
    let seeds: BTreeSet<&[u8]> = loot.iter().flat_map(|one| one.windows(SEED_BYTES)).collect();
    let signs = seeds
        .iter()
        .any(|seed| Ed25519KeyPair::from_seed_unchecked(seed).is_ok_and(|pair| public(&pair) == ours));
    trial.attack(
        "at-rest: the signing key in plain",
        Verdict::held_if(!signs, || "a private key was found".to_owned()),
    );
}

/// Every value as the secret of an HMAC, under claims that would be fine.
async fn forged(arena: &Arena, trial: &mut Trial, loot: &BTreeSet<Vec<u8>>) -> Result<(), Fault> {
    let claims = base64url(arena.claims("batch").await?.to_string());
    let header = base64url(arena.forge.header().replace("EdDSA", "HS256"));
    let message = format!("{header}.{claims}");
    for (index, secret) in loot.iter().enumerate() {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        let token = format!("{message}.{}", base64url(tag));
        let answer = Request::new("GET", "/v2/jobs").bearer(&token).send(arena.home()).await;
        let name = format!("at-rest: a token forged with value {index}");
        trial.attack(name, Verdict::held_if(answer.status == 401, || answer.shown()));
    }
    Ok(())
}

/// Every value, as it is and as text, at every door.
async fn presented(arena: &Arena, trial: &mut Trial, loot: &BTreeSet<Vec<u8>>) {
    let mut texts = BTreeSet::new();
    for value in loot {
        match std::str::from_utf8(value) {
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                texts.insert(text.to_owned());
            }
            _ => {
                let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
                texts.extend([digits, base64url(value)]);
            }
        }
    }
    for (index, text) in texts.iter().enumerate() {
        let opened = door_that_opens(arena, text).await;
        let name = format!("at-rest: text {index} at every door");
        trial.attack(name, Verdict::held_if(opened.is_none(), || opened.unwrap_or_default()));
    }
}

/// The first door that a text opens, if any: the APIs, the portal by a cookie, the links of mails.
async fn door_that_opens(arena: &Arena, text: &str) -> Option<String> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let written: String = text
        .bytes()
        .map(|byte| if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let mut doors = vec![
        Request::new("GET", "/v2/jobs").bearer(text),
        Request::new("GET", "/v1/projects").bearer(text),
        Request::new("GET", "/settings/profile").with("cookie", format!("__Host-voxgate-session={text}")),
    ];
    doors.extend(LINKS.map(|path| Request::new("GET", &format!("{path}?token={written}"))));
    for door in doors {
        let answer = door.send(arena.home()).await;
        let page = String::from_utf8_lossy(&answer.body);
        // The page of a link that works holds a form with its secret.
        let opens = answer.status == 0
            || answer.status == 200 && (page.starts_with(['[', '{']) || page.contains(&written));
        if opens {
            return Some(format!("{}: {}", String::from_utf8_lossy(&door.bytes()), answer.shown()));
        }
    }
    None
}

/// A crash writes no memory to a disk: the system says so of the process.
fn memory_is_not_dumped(arena: &Arena, trial: &mut Trial) {
    let process = arena.instance.id().unwrap_or_default();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap_or_default();
    let cores: Vec<&str> = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .map(|line| line.split_whitespace().take(2).collect())
        .unwrap_or_default();
    let held = Verdict::held_if(cores == ["0", "0"], || format!("the limits are {cores:?}"));
    trial.attack("at-rest: a core dump", held);
}
