//! The management API as documented, and the rows of the answers table about it.

use serde_json::{Value, json};
use testkit::{Answer, Caller, Server};

use crate::common::{make_key, make_project};

/// A management token with these permissions, made by the operator.
async fn token(server: &Server, permissions: &[domain::Permission]) -> Caller {
    let control = server.running().instance().control();
    let workspace = control.list_workspaces().await.unwrap()[0].id;
    let set = permissions.iter().copied().collect();
    let created =
        control.create_management_token(&control::Actor::OPERATOR, workspace, "test", set).await.unwrap();
    Caller::management_token(created.secret.expose())
}

/// One management call, as somebody.
async fn call(server: &Server, caller: &Caller, method: &str, path: &str, body: &Value) -> Answer {
    let home = server.home();
    match method {
        "GET" => home.get(path, caller).await,
        "DELETE" => home.delete(path, caller).await,
        "PUT" => home.put(path, caller, body).await,
        "POST" => home.post(path, caller, body).await,
        other => panic!("no such method: {other}"),
    }
}

/// Each call needs its own permission: with it alone it works, with all others it doesn't.
#[tokio::test]
async fn each_call_needs_its_permission() {
    use domain::Permission as P;
    let server = Server::start().await;
    let project = server.report().project_id;
    let spare = make_project(&server, "spare").await;
    let key = make_key(&server, json!({})).await;
    let key_path = format!("/v1/api-keys/{}", key.id);
    let spare_path = format!("/v1/projects/{spare}");
    let name = json!({"name": "renamed"});
    let new_key = json!({"project_id": project, "name": "made"});
    let calls = [
        ("GET", "/v1/projects", &Value::Null, P::ViewProjects, 200),
        ("GET", spare_path.as_str(), &Value::Null, P::ViewProjects, 200),
        ("POST", "/v1/projects", &name, P::ManageProjects, 201),
        ("PUT", spare_path.as_str(), &name, P::ManageProjects, 200),
        ("GET", "/v1/api-keys", &Value::Null, P::ViewApiKeys, 200),
        ("GET", "/v1/api_keys/", &Value::Null, P::ViewApiKeys, 200),
        ("POST", "/v1/api-keys", &new_key, P::CreateApiKeys, 201),
        ("DELETE", key_path.as_str(), &Value::Null, P::DeleteApiKeys, 200),
        ("DELETE", spare_path.as_str(), &Value::Null, P::ManageProjects, 204),
    ];
    for (method, path, body, permission, status) in calls {
        let others: Vec<P> = P::ALL.iter().copied().filter(|other| *other != permission).collect();
        let lacking = token(&server, &others).await;
        let refused =
            call(&server, &lacking, method, path, body).await.expect_refusal(403, "permission_missing");
        assert!(
            refused.json()["detail"].as_str().unwrap().contains(permission.as_str()),
            "{}",
            refused.text()
        );
        let having = token(&server, &[permission]).await;
        call(&server, &having, method, path, body).await.expect(status);
    }
    server.shutdown().await;
}

/// Lists and shapes are the documented ones: `apikey_id` a string, `project_id` an integer, the secret shown once.
#[tokio::test]
async fn shapes_are_the_documented_ones() {
    let server = Server::start().await;
    let home = server.home();
    let manager = server.manager();
    let project = make_project(&server, "Call centre").await;
    let read = home.get(&format!("/v1/projects/{project}"), &manager).await.expect(200).json();
    assert_eq!(read["project_id"], project);
    assert_eq!(
        (&read["name"], &read["is_default"], &read["is_active"]),
        (&json!("Call centre"), &json!(false), &json!(true))
    );
    assert!(read["created_at"].as_str().unwrap().ends_with('Z'));
    let projects = home.get("/v1/projects/", &manager).await.expect(200).json();
    assert_eq!(
        projects.as_array().unwrap().iter().filter(|project| project["is_default"] == true).count(),
        1
    );

    let body = json!({"project_id": project, "name": "ci", "client_ref": "u1"});
    let made = home.post("/v1/api-keys", &manager, &body).await.expect(201);
    assert!(made.header("voxgate-revision").parse::<u64>().is_ok());
    let made = made.json();
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["apikey_id", "key_value"]);
    let listed = home.get(&format!("/v1/api-keys?project_id={project}"), &manager).await.expect(200);
    assert!(!listed.text().contains(made["key_value"].as_str().unwrap()), "the secret is shown once");
    let listed = listed.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed[0]["apikey_id"], &listed[0]["name"], &listed[0]["client_ref"]),
        (&made["apikey_id"], &json!("ci"), &json!("u1"))
    );

    let path = format!("/v1/api_keys/{}", made["apikey_id"].as_str().unwrap());
    let deleted = home.delete(&format!("{path}?wait=enforced"), &manager).await.expect(200).json();
    assert_eq!(deleted["status"], "OK");
    assert_eq!((deleted["enforced"].as_array().unwrap().len(), &deleted["pending"]), (1, &json!([])));
    let listed = home.get(&format!("/v1/api-keys?project_id={project}"), &manager).await.expect(200).json();
    assert_eq!(listed, json!([]));
    server.shutdown().await;
}

/// What is unknown, deleted twice, or another workspace's: 404, all the same. The default project stays: 403.
#[tokio::test]
async fn unknown_things_are_404() {
    let server = Server::start().await;
    let home = server.home();
    let manager = server.manager();
    let key = make_key(&server, json!({})).await;
    let path = format!("/v1/api-keys/{}", key.id);
    home.delete(&path, &manager).await.expect(200);
    let second = home.delete(&path, &manager).await.expect_refusal(404, "not_found");
    let control = server.running().instance().control();
    let new = control::NewWorkspace {
        name: "other".to_owned(),
        plan: domain::Plan::Pro,
        home_area: domain::Area::Eu,
    };
    let other = control.create_workspace(&control::Actor::OPERATOR, new).await.unwrap();
    let foreign_key = control
        .create_key(
            &control::Actor::OPERATOR,
            other.workspace.id,
            control::NewKey::named(other.default_project.id, "foreign"),
        )
        .await
        .unwrap();
    for unknown in
        [foreign_key.key.id.to_string(), "key_00000000000000000000000000".to_owned(), "x".to_owned()]
    {
        let answer =
            home.delete(&format!("/v1/api-keys/{unknown}"), &manager).await.expect_refusal(404, "not_found");
        assert_eq!(answer.body, second.body, "a foreign key is an unknown one");
    }
    // Control: the foreign key still works; nobody here could delete it.
    home.get("/v2/jobs", &Caller::api_key(foreign_key.secret.expose())).await.expect(200);

    let foreign_project = other.default_project.id;
    for project in [foreign_project.to_string(), "999999".to_owned()] {
        let path = format!("/v1/projects/{project}");
        home.get(&path, &manager).await.expect_refusal(404, "not_found");
        home.put(&path, &manager, &json!({"name": "mine"})).await.expect_refusal(404, "not_found");
        home.delete(&path, &manager).await.expect_refusal(404, "not_found");
        home.get(&format!("/v1/api-keys?project_id={project}"), &manager)
            .await
            .expect_refusal(404, "not_found");
        let body = json!({"project_id": project.parse::<i64>().unwrap()});
        home.post("/v1/api-keys", &manager, &body).await.expect_refusal(404, "not_found");
    }
    let default = format!("/v1/projects/{}", server.report().project_id);
    home.delete(&default, &manager).await.expect_refusal(403, "default_project");
    server.shutdown().await;
}

/// Values of the wrong form are 422 with the framework's wording.
#[tokio::test]
async fn wrong_values_are_422() {
    let server = Server::start().await;
    let home = server.home();
    let manager = server.manager();
    let project = server.report().project_id;
    for (body, message) in [
        (json!({"name": "x"}), "project_id in body is required"),
        (json!({"project_id": "1"}), "project_id in body must be of type integer"),
        (
            json!({"project_id": project, "name": "x".repeat(121)}),
            "name in body should be at most 120 chars long",
        ),
        (json!({"project_id": project, "areas": ["eu1"]}), "areas in body should be one of [eu usa au]"),
        (
            json!({"project_id": project, "products": []}),
            "products in body should be one of [batch rt tts flow]",
        ),
        (
            json!({"project_id": project, "networks": ["10.0.0.0/40"]}),
            "networks.0 in body must be of type cidr",
        ),
        (
            json!({"project_id": project, "expires_at": "2020-01-01T00:00:00Z"}),
            "expires_at in body should lie in the future",
        ),
    ] {
        let answer = home.post("/v1/api-keys", &manager, &body).await.expect_refusal(422, "invalid_value");
        assert_eq!(answer.json()["message"], message);
    }
    home.post("/v1/api-keys", &manager, &json!({"project_id": project, "name": "x".repeat(120)}))
        .await
        .expect(201);
    // An API key can't make another one: without ttl there is nothing that it may ask for.
    let answer = home.post("/v1/api-keys", &server.key(), &json!({"project_id": project})).await;
    assert_eq!(answer.expect_refusal(422, "invalid_value").json()["message"], "ttl in body is required");
    for (path, body) in [("/v1/projects", json!({})), ("/v1/projects", json!({"name": " "}))] {
        home.post(path, &manager, &body).await.expect_refusal(422, "invalid_value");
    }
    home.get("/v1/api-keys?project_id=x", &manager).await.expect_refusal(422, "invalid_value");
    home.get("/v1/projects/x", &manager).await.expect_refusal(422, "invalid_value");
    let answer = home.post("/v1/projects?wait=forever", &manager, &json!({"name": "x"})).await;
    answer.expect_refusal(422, "invalid_value");
    server.shutdown().await;
}

/// A free workspace's key has one area: several need an enterprise plan.
#[tokio::test]
async fn several_areas_need_an_enterprise_plan() {
    let server = Server::start().await;
    let control = server.running().instance().control();
    let new = control::NewWorkspace {
        name: "small".to_owned(),
        plan: domain::Plan::Free,
        home_area: domain::Area::Eu,
    };
    let small = control.create_workspace(&control::Actor::OPERATOR, new).await.unwrap();
    let token = control
        .create_management_token(
            &control::Actor::OPERATOR,
            small.workspace.id,
            "t",
            domain::PermissionSet::all(),
        )
        .await
        .unwrap();
    let manager = Caller::management_token(token.secret.expose());
    let body = |areas: Value| json!({"project_id": small.default_project.id, "areas": areas});
    let home = server.home();
    home.post("/v1/api-keys", &manager, &body(json!(["eu", "usa"])))
        .await
        .expect_refusal(403, "plan_required");
    home.post("/v1/api-keys", &manager, &body(json!(["usa"]))).await.expect(201);
    home.post(
        "/v1/api-keys",
        &server.manager(),
        &json!({"project_id": server.report().project_id, "areas": ["eu", "usa"]}),
    )
    .await
    .expect(201);
    server.shutdown().await;
}

/// Paths and methods that don't exist answer JSON, 405 with `Allow`.
#[tokio::test]
async fn unknown_paths_and_methods_answer_json() {
    let server = Server::start().await;
    let home = server.home();
    for path in ["/v1", "/v1/nothing", "/nothing", "/v1/api-keys/a/b"] {
        home.get(path, &server.manager()).await.expect_refusal(404, "not_found");
    }
    for (path, allowed) in
        [("/v1/api-keys", "POST"), ("/v1/projects/1", "PUT"), ("/.well-known/jwks.json", "GET")]
    {
        let answer = home.send(reqwest::Method::PATCH, path, &server.manager()).await;
        let answer = answer.expect_refusal(405, "method_not_allowed");
        assert!(answer.header("allow").contains(allowed), "{path}: {:?}", answer.headers);
    }
    server.shutdown().await;
}
