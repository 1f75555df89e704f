//! What people and webhooks have for secrets isn't in what the control plane writes.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::{Control, ControlConfig, DbPlace};
use domain::{ManualClock, Plan, PortalSessionState, SystemRng, WebhookEvents};
use testdb::TestDatabase;

use crate::support::people::{begin, code, person};
use crate::support::spellings::{contains, spellings};
use crate::support::{ACTOR, start_time};

/// The master key, which is kept elsewhere.
const ELSEWHERE: &str = "master.key";
/// Where a webhook tells: no secret, so it is written.
const HOOK: &str = "https://hooks.example.org/voxgate";

/// Something that opens a door: what it is, and the ways to write it.
struct Secret {
    what: &'static str,
    spellings: Vec<Vec<u8>>,
}

impl Secret {
    fn of_text(what: &'static str, text: &str) -> Self {
        let bare = text.replace('-', "");
        Self { what, spellings: [spellings(text.as_bytes()), spellings(bare.as_bytes())].concat() }
    }

    fn of_bytes(what: &'static str, bytes: &[u8]) -> Self {
        let base32 = base32::encode(base32::Alphabet::Rfc4648 { padding: false }, bytes);
        Self { what, spellings: [spellings(bytes), spellings(base32.as_bytes())].concat() }
    }
}

fn files(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != ELSEWHERE) {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
    bytes
}

/// Makes one of everything, and returns what it is opened by.
async fn secrets(control: &Arc<Control>) -> Vec<Secret> {
    let ada = person(control, "ada@example.org").await;
    let offer = control.offer_totp("browser", &ada, "Voxgate").unwrap();
    let now = code(&offer.secret, control.now());
    let added = control.add_totp(&ACTOR, ada.id, "browser", &offer.ticket, &now).await.unwrap();
    let app = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, offer.secret.expose()).unwrap();
    let mut secrets = vec![Secret::of_bytes("the secret of an app", &app)];
    let codes = added.recovery_codes.unwrap();
    secrets.extend(codes.iter().map(|code| Secret::of_text("a recovery code", code)));

    let session = begin(control, &ada, PortalSessionState::Open).await.secret;
    secrets.push(Secret::of_text("a cookie", session.expose()));
    let link = control.make_set_up_link(&ACTOR).await.unwrap();
    secrets.push(Secret::of_text("a link", link.expose()));

    let new =
        control::NewWorkspace { name: "Workspace".to_owned(), plan: Plan::Pro, home_area: domain::Area::Eu };
    let workspace = control.create_workspace(&ACTOR, new).await.unwrap().workspace;
    let hook = control.create_webhook(&ACTOR, workspace.id, HOOK, WebhookEvents::all()).await.unwrap();
    let signs = BASE64_STANDARD.decode(hook.secret.expose().strip_prefix("whsec_").unwrap()).unwrap();
    secrets.push(Secret::of_bytes("the secret of a webhook", &signs));
    secrets
}

async fn no_secret_is_written(database: Option<TestDatabase>) {
    let folder = tempfile::tempdir().unwrap();
    let place = database.as_ref().map(|database| DbPlace::parse(&database.url()).unwrap());
    let config = ControlConfig { database: place, ..ControlConfig::in_folder(folder.path()) };
    let clock = Arc::new(ManualClock::new(start_time()));
    let control = Control::open(config, clock, Arc::new(SystemRng)).await.unwrap();
    let secrets = secrets(&control).await;
    control.close().await;

    let mut written = files(folder.path());
    written.extend(database.map(|database| database.dump().into_bytes()).unwrap_or_default());
    assert!(
        spellings(HOOK.as_bytes()).iter().any(|spelling| contains(&written, spelling)),
        "the search works"
    );
    for Secret { what, spellings } in secrets {
        assert!(!spellings.iter().any(|spelling| contains(&written, spelling)), "{what} is written");
    }
}

/// Neither the secret of an app, nor a recovery code, a cookie, a link or the secret of a webhook stands in the data folder.
#[tokio::test]
async fn no_secret_of_people_is_written() {
    no_secret_is_written(None).await;
}

/// Nor in the database, where that is PostgreSQL.
#[tokio::test]
async fn on_postgres_no_secret_of_people_is_written() {
    no_secret_is_written(Some(TestDatabase::create())).await;
}
