//! Where cases are fought out: an instance, the recording engine behind it, and two tenants with all kinds of credentials.

pub(crate) mod forge;
pub(crate) mod instance;
pub(crate) mod recorder;
mod relay;
mod websocket;

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::Fault;
use crate::trial::{Trial, Verdict};
use crate::wire::{Answer, Request};
use forge::Forge;
use instance::{Instance, Places};
use recorder::{Reached, Recorder};

/// A workspace with what it needs.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) workspace_id: String,
    pub(crate) project_id: i64,
    /// A management token with all permissions of the workspace.
    pub(crate) manager: String,
    /// An API key of all areas and products.
    pub(crate) key: String,
    pub(crate) key_id: String,
    /// A webhook and what its messages are signed with.
    pub(crate) webhook_id: String,
    pub(crate) webhook_secret: String,
    /// A job of that key.
    pub(crate) job: String,
}

/// Everything that a case may use.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) instance: Instance,
    pub(crate) recorder: Recorder,
    pub(crate) forge: Forge,
    /// Whose credentials attackers hold.
    pub(crate) mine: Tenant,
    /// Whose things they want.
    pub(crate) theirs: Tenant,
    /// A token that may do everything, for setting up.
    pub(crate) operator: String,
    _folder: tempfile::TempDir,
}

/// An instance beside the one under attack.
#[derive(Debug)]
pub(crate) struct Another {
    pub(crate) instance: Instance,
    pub(crate) tenant: Tenant,
    _folder: tempfile::TempDir,
}

impl Arena {
    /// Builds everything up, with the program at `program`.
    pub(crate) async fn build(program: &Path, more: &str) -> Result<Self, Fault> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let recorder = Recorder::start().await?;
        let instance = Instance::start(program, folder.path(), recorder.address, more).await?;
        let operator = operator_of(&instance).await?;
        let places = instance.places;
        let mine = tenant(places.home, &operator, "mine").await?;
        let theirs = tenant(places.home, &operator, "theirs").await?;
        let forge = Forge::of_instance(instance.data_dir()).await?;
        Ok(Self { instance, recorder, forge, mine, theirs, operator, _folder: folder })
    }

    /// Starts another instance in front of the same engine, with more in its configuration.
    pub(crate) async fn another(&self, program: &Path, more: &str) -> Result<Another, Fault> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let instance = Instance::start(program, folder.path(), self.recorder.address, more).await?;
        let operator = operator_of(&instance).await?;
        let tenant = tenant(instance.places.home, &operator, "other").await?;
        Ok(Another { instance, tenant, _folder: folder })
    }

    /// Where the instance listens.
    pub(crate) fn places(&self) -> Places {
        self.instance.places
    }

    /// The port that routes by path.
    pub(crate) fn home(&self) -> SocketAddr {
        self.instance.places.home
    }

    /// Calls the management API; the answer must have this status.
    pub(crate) async fn manage(
        &self,
        credential: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
        expected: u16,
    ) -> Result<Value, Fault> {
        manage(self.home(), credential, method, path, body, expected).await
    }

    /// Mints a temporary key with an API key.
    pub(crate) async fn mint(&self, key: &str, product: &str, body: Value) -> Result<String, Fault> {
        mint(self.home(), key, product, body).await
    }

    /// The claims of a fresh temporary key of ours, to be bent.
    pub(crate) async fn claims(&self, product: &str) -> Result<Value, Fault> {
        claims_of(&self.mint(&self.mine.key, product, json!({})).await?)
    }

    /// Makes an API key of a tenant with more fields.
    pub(crate) async fn key_of(&self, tenant: &Tenant, more: Value) -> Result<(String, String), Fault> {
        let mut body = json!({"project_id": tenant.project_id, "name": "case"});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let made = self.manage(&tenant.manager, "POST", "/v1/api-keys", Some(&body), 201).await?;
        Ok((text(&made, "apikey_id")?, text(&made, "key_value")?))
    }

    /// Makes a workspace of the plan `pro`, with all that a tenant has but a job.
    pub(crate) async fn workspace(&self, name: &str) -> Result<Tenant, Fault> {
        workspace(self.home(), &self.operator, name, "pro").await
    }

    /// Makes an API key in such a workspace.
    pub(crate) async fn key_in(&self, tenant: &Tenant, more: Value) -> Result<(String, String), Fault> {
        self.key_of(tenant, more).await
    }

    /// A moment to come, in the form that the management API takes.
    pub(crate) fn in_seconds(&self, seconds: i64) -> Result<String, Fault> {
        let now = std::time::UNIX_EPOCH.elapsed().map_err(|error| error.to_string())?;
        let at = i64::try_from(now.as_secs()).unwrap_or_default() + seconds;
        Ok(domain::Timestamp::from_seconds(at).to_string())
    }

    /// Makes a job.
    pub(crate) async fn job(&self, credential: &str) -> Result<String, Fault> {
        job(self.home(), credential).await
    }

    /// A request for a job of ours that the engine answers with 200: the control of most classes.
    pub(crate) fn good_request(&self, credential: &str) -> Request {
        Request::new("GET", &format!("/v2/jobs/{}/transcript", self.mine.job)).bearer(credential)
    }

    /// Looks through all that reached the engine for what no gateway may send, whatever its case was.
    pub(crate) fn judge_strays(&self, trial: &mut Trial) {
        let mut faults: Vec<String> = self
            .recorder
            .all()
            .iter()
            .filter_map(|reached| Some(stray(reached, reached.fault.as_ref()?)))
            .collect();
        faults.dedup();
        for fault in faults {
            trial.stray(&fault);
        }
        for reached in self.recorder.all() {
            let told = String::from_utf8_lossy(&reached.head.raw);
            for secret in [&self.mine.key, &self.mine.manager, &self.theirs.key, &self.operator] {
                if told.contains(secret.as_str()) {
                    trial.stray(&stray(&reached, "a client's credential"));
                }
            }
            let token = format!("Bearer {}", instance::ENGINE_TOKEN);
            if reached.header("authorization").is_some_and(|value| value != token) {
                trial.stray(&stray(&reached, "an Authorization that isn't the engine's own"));
            }
        }
        self.recorder.clear();
    }
}

/// A token of an instance that may do everything.
async fn operator_of(instance: &Instance) -> Result<String, Fault> {
    let workspace = instance.command(&["workspaces", "create", "--name", "operators"]).await?;
    let id = text(&workspace, "workspace_id")?;
    let token =
        ["tokens", "create", "--name", "suite", "--permissions", "all,operate_instance", "--workspace", &id];
    text(&instance.command(&token).await?, "token_value")
}

/// The claims of a token.
pub(crate) fn claims_of(token: &str) -> Result<Value, Fault> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    serde_json::from_slice(&forge::decode(payload)).map_err(|error| format!("claims: {error}"))
}

fn stray(reached: &Reached, what: &str) -> String {
    format!(
        "{what}: case {:?} on connection {}: {} {:.200}",
        reached.case(),
        reached.connection,
        reached.head.method,
        reached.head.target
    )
}

/// A member of an object, as text.
pub(crate) fn text(value: &Value, name: &str) -> Result<String, Fault> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {value}"))
}

/// Mints a temporary key with an API key.
pub(crate) async fn mint(
    home: SocketAddr,
    key: &str,
    product: &str,
    mut body: Value,
) -> Result<String, Fault> {
    let path = format!("/v1/api_keys?type={product}");
    if body.get("ttl").is_none() {
        body["ttl"] = json!(600);
    }
    text(&manage(home, key, "POST", &path, Some(&body), 201).await?, "key_value")
}

async fn manage(
    home: SocketAddr,
    credential: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
    expected: u16,
) -> Result<Value, Fault> {
    let request = Request::new(method, path).bearer(credential);
    let request = body.iter().fold(request, |request, body| request.json(body));
    let answer = request.send(home).await;
    if answer.status == expected {
        Ok(answer.json())
    } else {
        Err(format!("{method} {path}: {}", answer.shown()))
    }
}

async fn tenant(home: SocketAddr, operator: &str, name: &str) -> Result<Tenant, Fault> {
    let made = workspace(home, operator, name, "enterprise").await?;
    let body = json!({
        "project_id": made.project_id, "name": name, "areas": ["eu", "usa", "au"], "products": ["batch", "rt", "tts", "flow"],
    });
    let key = manage(home, &made.manager, "POST", "/v1/api-keys", Some(&body), 201).await?;
    let (key_id, key) = (text(&key, "apikey_id")?, text(&key, "key_value")?);
    let job = job(home, &key).await?;
    // Nothing is at that address, by RFC 2606.
    let body = json!({"url": format!("https://{name}.invalid/hook"), "events": ["api_key.created"]});
    let path = format!("/v1/webhooks?workspace_id={}", made.workspace_id);
    let webhook = manage(home, operator, "POST", &path, Some(&body), 201).await?;
    let (webhook_id, webhook_secret) = (text(&webhook, "webhook_id")?, text(&webhook, "secret")?);
    Ok(Tenant { key, key_id, webhook_id, webhook_secret, job, ..made })
}

/// A workspace with a token that may do everything in it.
async fn workspace(home: SocketAddr, operator: &str, name: &str, plan: &str) -> Result<Tenant, Fault> {
    let body = json!({"name": name, "plan": plan});
    let made = manage(home, operator, "POST", "/v1/workspaces", Some(&body), 201).await?;
    let workspace_id = text(&made, "workspace_id")?;
    let permissions = json!([
        "view_projects",
        "manage_projects",
        "view_api_keys",
        "delete_api_keys",
        "create_api_keys",
        "view_sessions",
        "end_sessions",
        "view_usage",
        "view_audit",
    ]);
    let body = json!({"name": name, "permissions": permissions});
    let path = format!("/v1/management-tokens?workspace_id={workspace_id}");
    let token = manage(home, operator, "POST", &path, Some(&body), 201).await?;
    let manager = text(&token, "token_value")?;
    let projects = manage(home, &manager, "GET", "/v1/projects", None, 200).await?;
    let project_id = projects[0]["project_id"].as_i64().ok_or("no default project")?;
    let empty = String::new;
    Ok(Tenant {
        workspace_id,
        project_id,
        manager,
        key: empty(),
        key_id: empty(),
        webhook_id: empty(),
        webhook_secret: empty(),
        job: empty(),
    })
}

async fn job(home: SocketAddr, credential: &str) -> Result<String, Fault> {
    let body = "--x\r\ncontent-disposition: form-data; name=\"config\"\r\n\r\n{\"type\":\"transcription\"}\r\n--x--\r\n";
    let request = format!(
        "POST /v2/jobs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {credential}\r\n\
         content-type: multipart/form-data; boundary=x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = crate::wire::ask(home, request.as_bytes()).await;
    if answer.status == 201 { text(&answer.json(), "id") } else { Err(format!("a job: {}", answer.shown())) }
}

/// What a refused request of the Jobs API must look like: this status and reason, the documented form, and no trace of it at
/// the engine.
pub(crate) fn refused(answer: &Answer, status: u16, reasons: &[&str], reached: &[Reached]) -> Verdict {
    if let Some(one) = reached.first() {
        return Verdict::Reached(format!("{} {}", one.head.method, one.head.target));
    }
    let body = answer.json();
    let reason = body["reason"].as_str().unwrap_or_default();
    let fine = answer.status == status
        && reasons.contains(&reason)
        && body["code"] == status
        && ["error", "message", "detail"]
            .iter()
            .all(|field| body[field].as_str().is_some_and(|text| !text.is_empty()))
        && answer.lacks().is_none()
        && (answer.header("www-authenticate") == "Bearer") == (status == 401);
    Verdict::held_if(fine, || format!("expected {status} {reasons:?}, got {}", answer.shown()))
}

/// A control's outcome: the answer must have this status.
pub(crate) fn accepted(answer: &Answer, status: u16) -> Result<(), String> {
    if answer.status == status { Ok(()) } else { Err(format!("expected {status}, got {}", answer.shown())) }
}
