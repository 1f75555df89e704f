//! What several tests need.

use serde_json::{Value, json};
use testkit::{Api, Caller, Server};

/// An API key that was made by the management API.
pub(crate) struct MadeKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl MadeKey {
    pub(crate) fn caller(&self) -> Caller {
        Caller::api_key(&self.secret)
    }
}

/// Makes an API key in the ready project, with more fields in the body.
pub(crate) async fn make_key(server: &Server, more: Value) -> MadeKey {
    make_key_in(&server.home(), &server.manager(), server.report().project_id, more).await
}

/// Makes an API key in a project.
pub(crate) async fn make_key_in(api: &Api, manager: &Caller, project_id: i64, more: Value) -> MadeKey {
    let mut body = json!({"project_id": project_id, "name": "test"});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let answer = api.post("/v1/api-keys", manager, &body).await.expect(201).json();
    MadeKey {
        id: answer["apikey_id"].as_str().unwrap().to_owned(),
        secret: answer["key_value"].as_str().unwrap().to_owned(),
    }
}

/// Revokes an API key.
pub(crate) async fn revoke_key(api: &Api, manager: &Caller, id: &str) {
    api.delete(&format!("/v1/api-keys/{id}"), manager).await.expect(200);
}

/// Makes a project and tells its number.
pub(crate) async fn make_project(server: &Server, name: &str) -> i64 {
    let answer =
        server.home().post("/v1/projects", &server.manager(), &json!({"name": name})).await.expect(201);
    answer.json()["project_id"].as_i64().unwrap()
}

/// A realtime URL with a credential in it.
pub(crate) fn with_jwt(url: &str, credential: &str) -> String {
    format!("{url}?jwt={credential}")
}
