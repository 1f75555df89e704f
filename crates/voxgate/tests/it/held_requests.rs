//! A request is judged when all of it is there: no body is held back so long that its credential outlives its end.

use std::time::Duration;

use futures_util::future::select_all;
use serde_json::json;
use testkit::{Caller, Server, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::program::Program;
use crate::set_up::{form_token, page};

/// A request without the second half of its body.
struct Held {
    stream: TcpStream,
    rest: String,
}

impl Held {
    /// Sends a request but for that half, and waits until the server has taken another one since.
    async fn send(server: &Server, head: &str, body: &str) -> Self {
        let base = server.report().portal_url.clone();
        let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
        let (first, rest) = body.split_at(body.len() / 2);
        let length = body.len();
        let host = base.trim_start_matches("http://");
        let head = format!("{head}Host: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        within("sending", stream.write_all(format!("{head}{first}").as_bytes())).await.unwrap();
        server.home().get("/.well-known/jwks.json", &Caller::anon()).await.expect(200);
        Self { stream, rest: rest.to_owned() }
    }

    /// Sends the rest, and gives the answer.
    async fn finish(mut self) -> String {
        within("sending", self.stream.write_all(self.rest.as_bytes())).await.unwrap();
        let mut answer = String::new();
        within("the answer", self.stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }
}

/// A management token that was revoked while the body of its request was on the way does nothing; one that wasn't does.
#[tokio::test]
async fn a_token_is_judged_when_the_body_is_there() {
    let server = Server::start().await;
    let (home, manager) = (server.home(), server.manager());
    let new = json!({"name": "held", "permissions": ["manage_projects", "view_projects"]});
    let made = home.post("/v1/management-tokens", &manager, &new).await.expect(201).json();
    let secret = made["token_value"].as_str().unwrap();
    let head = format!("POST /v1/projects HTTP/1.1\r\nAuthorization: Bearer {secret}\r\n");
    let control = Held::send(&server, &head, r#"{"name": "in time"}"#).await.finish().await;
    assert!(control.starts_with("HTTP/1.1 201 "), "{control}");
    let held = Held::send(&server, &head, r#"{"name": "too late"}"#).await;
    let path = format!("/v1/management-tokens/{}", made["token_id"].as_str().unwrap());
    home.delete(&path, &manager).await.expect(200);
    let answer = held.finish().await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("credential_revoked"), "{answer}");
    let projects = home.get("/v1/projects", &manager).await.expect(200).text();
    assert!(projects.contains("in time") && !projects.contains("too late"), "{projects}");
    server.shutdown().await;
}

/// Who calls too fast is refused at once: no body is waited for that is only held back. The call within the rate is judged when it is
/// whole.
#[tokio::test]
async fn no_body_is_waited_for_from_who_calls_too_fast() {
    const CALLS: usize = 50;
    /// Less than bodies are waited for, and more than an answer takes.
    const PATIENCE: Duration = Duration::from_secs(20);
    let program = Program::start("", "[management]\nnetwork_calls_per_second_max = 1").await;
    let body = json!({"name": "held"}).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let head = format!(
        "POST /v1/projects HTTP/1.1\r\nHost: mp.localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    );
    let mut held = Vec::new();
    for _ in 0..CALLS {
        let mut stream = TcpStream::connect(program.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    // Which of them came within the rate depends on when their seconds began.
    let answers = held.into_iter().map(|mut stream| {
        Box::pin(async move {
            let mut begin = [0; 13];
            within("an answer", stream.read_exact(&mut begin)).await.unwrap();
            (begin, stream)
        })
    });
    let answered = tokio::time::timeout(PATIENCE, select_all(answers)).await;
    let ((begin, _), _, waiting) = answered.expect("no body is waited for");
    assert_eq!(&begin, b"HTTP/1.1 429 ");
    drop(waiting);

    let answer = testkit::eventually("a call within the rate", || async {
        let mut stream = TcpStream::connect(program.address).await.unwrap();
        stream.write_all(format!("{head}{rest}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (!answer.starts_with("HTTP/1.1 429 ")).then_some(answer)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    program.end().await;
}

/// A browser that was signed out while a form of its own was on the way has sent nothing; one that wasn't has.
#[tokio::test]
async fn a_session_is_judged_when_the_form_is_there() {
    let server = Server::start().await;
    let base = server.report().portal_url.clone();
    let host = base.trim_start_matches("http://");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let (_, cookie, token, _) = page(&client, &format!("{base}/sign-in"), host).await;
    let post = async |path: &str, cookie: &str, body: String| {
        let request = client.post(format!("{base}{path}")).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        within("an answer", request.send()).await.unwrap()
    };
    let account = &server.report().account;
    let body = format!(
        "form_token={token}&email={}&password={}&next=",
        account.email.replace('@', "%40"),
        account.password
    );
    let signed_in = post("/sign-in", &cookie, body).await;
    let cookies = signed_in.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let session =
        cookies.filter(|cookie| cookie.contains("session")).find_map(|cookie| cookie.split(';').next());
    let session = session.unwrap().to_owned();
    let profile = client.get(format!("{base}/settings/profile")).header("cookie", &session);
    let profile = profile.send().await.unwrap().text().await.unwrap();
    let token = form_token(&profile);
    let head = format!(
        "POST /settings/profile HTTP/1.1\r\nCookie: {session}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    );
    let form = format!("form_token={token}&time_zone=Europe%2FBerlin");
    let control = Held::send(&server, &head, &form).await.finish().await;
    assert!(
        control.starts_with("HTTP/1.1 303 ") && control.contains("location: /settings/profile"),
        "{control}"
    );
    let held = Held::send(&server, &head, &form.replace("Berlin", "London")).await;
    let out = post("/sign-out", &session, format!("form_token={token}")).await;
    assert_eq!(out.status(), 303);
    let answer = held.finish().await;
    assert!(answer.starts_with("HTTP/1.1 303 ") && answer.contains("location: /sign-in"), "{answer}");
    server.shutdown().await;
}
