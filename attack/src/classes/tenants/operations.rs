//! The operations of the API, as its own document names them: one that is added is attacked without a change here.

use serde_json::Value;

use crate::arena::Arena;

/// An id of nothing.
const NOBODYS: &str = "00000000000000000000000000";

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    /// Whether anybody may call it.
    pub(super) is_public: bool,
    /// Whether an API key may call it.
    pub(super) takes_keys: bool,
    /// Whether it can be told which workspace is meant.
    pub(super) takes_workspace: bool,
    /// A body that it takes.
    pub(super) example: Option<Value>,
}

/// All of them.
pub(super) fn all(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, said) in methods.as_object().into_iter().flatten() {
            let security = said["security"].as_array().cloned().unwrap_or_default();
            let parameters = said["parameters"].as_array().cloned().unwrap_or_default();
            let content = &said["requestBody"]["content"]["application/json"];
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                is_public: security.is_empty(),
                takes_keys: security.iter().any(|one| one.get("api_key").is_some()),
                takes_workspace: parameters
                    .iter()
                    .any(|one| one["name"] == "workspace_id" && one["in"] == "query"),
                example: content.is_object().then(|| content["example"].clone()),
            });
        }
    }
    found
}

impl Operation {
    /// Its path for things of theirs.
    pub(super) fn of_theirs(&self, arena: &Arena) -> String {
        let theirs = &arena.theirs;
        let project = theirs.project_id.to_string();
        let mut path = self.path.clone();
        for (name, id) in [
            ("{workspace_id}", theirs.workspace_id.as_str()),
            ("{project_id}", &project),
            ("{apikey_id}", &theirs.key_id),
            ("{token_id}", "mgt_00000000000000000000000000"),
            ("{account_id}", "acc_00000000000000000000000000"),
            ("{session_id}", "ses_00000000000000000000000000"),
            ("{webhook_id}", &theirs.webhook_id),
        ] {
            path = path.replace(name, id);
        }
        // Things that are named nowhere above are nobody's.
        let mut plain = String::new();
        for (index, part) in path.split(['{', '}']).enumerate() {
            plain.push_str(if index % 2 == 1 { NOBODYS } else { part });
        }
        plain
    }

    /// What it is called in cases.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
