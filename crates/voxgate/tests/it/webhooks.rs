//! Webhooks in a network of one's own: only where the file allows it.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use testkit::{Authority, Process, Socket, eventually, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::command::binary;
use crate::program::Program;

/// An https server that tells what it is sent, and answers each request with the same head.
async fn listen(authority: &Authority, head: &'static str) -> (u16, mpsc::UnboundedReceiver<String>) {
    let (certificate, key) = authority.sign(&["127.0.0.1", "localhost"]);
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut heard = vec![0; 16 * 1024];
            let length = stream.read(&mut heard).await.unwrap_or_default();
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
            drop(tell.send(String::from_utf8_lossy(&heard[..length]).into_owned()));
        }
    });
    (port, told)
}

async fn serve(authority: &Authority, sections: &str) -> Program {
    let program = serve_in(tempfile::tempdir().unwrap(), authority, sections).await;
    program.run(&["workspaces", "create", "--name", "w", "--plan", "pro"]).await;
    program
}

async fn serve_in(folder: tempfile::TempDir, authority: &Authority, sections: &str) -> Program {
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).unwrap();
    let roots = roots.display().to_string();
    Program::start_under(folder, &[("SSL_CERT_FILE", &roots)], "", sections).await
}

async fn hook(program: &Program, url: &str) -> String {
    let made = program.run(&["webhooks", "create", url]).await;
    made["webhook_id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn tried(program: &Program, hook: &str) -> Value {
    eventually("the message to be tried", async || {
        let log = program.run(&["webhooks", "log", hook]).await;
        let messages = log.as_array().or_else(|| log["messages"].as_array()).cloned().unwrap_or_default();
        messages.into_iter().find(|message| message["attempts"].as_u64() > Some(0))
    })
    .await
}

/// A network that the file allows is called, by address and by a name that leads there, over TLS that is verified; where a redirect
/// points isn't.
#[tokio::test]
async fn allowed_networks_are_called() {
    let authority = Authority::new();
    let (port, mut told) = listen(&authority, "204 No Content").await;
    let (away, mut told_away) = listen(
        &authority,
        Box::leak(format!("307 Temporary Redirect\r\nlocation: https://127.0.0.1:{port}/").into_boxed_str()),
    )
    .await;
    let program = serve(&authority, "[webhooks]\nallowed_networks = [\"127.0.0.0/8\"]").await;
    let by_address = hook(&program, &format!("https://127.0.0.1:{port}/address")).await;
    let by_name = hook(&program, &format!("https://localhost:{port}/name")).await;
    let redirected = hook(&program, &format!("https://127.0.0.1:{away}/away")).await;
    program.run(&["keys", "create", "--name", "k"]).await;
    let mut heard =
        [within("a message", told.recv()).await.unwrap(), within("a message", told.recv()).await.unwrap()];
    heard.sort();
    assert!(heard[0].starts_with("POST /address ") && heard[1].starts_with("POST /name "), "{heard:?}");
    assert!(within("a message", told_away.recv()).await.unwrap().starts_with("POST /away "));
    for hook in [by_address, by_name] {
        assert_eq!(tried(&program, &hook).await["state"], "delivered");
    }
    let tried = tried(&program, &redirected).await;
    assert_eq!((&tried["state"], &tried["status"]), (&"waiting".into(), &307.into()), "{tried}");
    assert!(told.try_recv().is_err(), "the redirect was followed");
    program.end().await;
}

/// By default, and where another network is allowed, nothing on this machine is called: an address is refused when it is set, and a name
/// that leads here when it is connected to.
#[tokio::test]
async fn other_networks_are_not_called() {
    let authority = Authority::new();
    let (port, mut told) = listen(&authority, "204 No Content").await;
    for sections in ["", "[webhooks]\nallowed_networks = [\"10.0.0.0/8\"]"] {
        let program = serve(&authority, sections).await;
        for url in [format!("https://127.0.0.1:{port}/"), format!("https://localhost:{port}/")] {
            let data = program.folder.path().join("data").display().to_string();
            let refused = crate::command::run(&["webhooks", "create", &url, "--data-dir", &data]).await;
            assert!(crate::command::failed(&refused).contains("public internet"), "{url}");
        }
        program.end().await;
    }
    assert!(told.try_recv().is_err());
}

/// Where the file names hosts, no other is called: neither by a webhook that is set nor by one that there was before.
#[tokio::test]
async fn only_named_hosts_are_called() {
    let authority = Authority::new();
    let (port, mut told) = listen(&authority, "204 No Content").await;
    let networks = "[webhooks]\nallowed_networks = [\"127.0.0.0/8\"]\n";
    let program = serve(&authority, networks).await;
    let before = hook(&program, &format!("https://127.0.0.1:{port}/before")).await;
    let folder = program.stop().await;

    let named = format!("{networks}allowed_hosts = [\"localhost\"]\n");
    let program = serve_in(folder, &authority, &named).await;
    let url = format!("https://127.0.0.1:{port}/after");
    let data = program.folder.path().join("data").display().to_string();
    let refused = crate::command::run(&["webhooks", "create", &url, "--data-dir", &data]).await;
    assert!(crate::command::failed(&refused).contains("one that it names"));
    let by_name = hook(&program, &format!("https://localhost:{port}/named")).await;
    program.run(&["keys", "create", "--name", "k"]).await;
    assert!(within("a message", told.recv()).await.unwrap().starts_with("POST /named "));
    assert_eq!(tried(&program, &by_name).await["state"], "delivered");
    assert_ne!(tried(&program, &before).await["state"], "delivered");
    assert!(told.try_recv().is_err());
}

/// A session that a kill of the server ends is told of as ended, once, by the next start, and says why; one that ended by itself
/// before is told of as it ended, and not again.
#[tokio::test]
async fn sessions_that_a_kill_ends_are_told_once() {
    if testkit::is_on_postgres() {
        return; // Others may have open sessions in that ledger: nothing is told.
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let hook = json!({"url": "http://127.0.0.1:1/", "events": ["session.started", "session.ended"]});
    let hook = server.home().post("/v1/webhooks", &server.manager(), &hook).await.expect(201).json();
    let path = format!("/v1/webhooks/{}/messages", hook["webhook_id"].as_str().unwrap());
    let told = async |server: &Process, event: &str| -> Vec<Value> {
        let log = server.home().get(&path, &server.manager()).await.expect(200).json();
        let messages = log["messages"].as_array().unwrap().iter().filter(|message| message["event"] == event);
        messages.map(|message| serde_json::from_str(message["body"].as_str().unwrap()).unwrap()).collect()
    };
    let open = async || {
        let mut socket = Socket::open(&server.report().realtime_url, &server.key()).await.unwrap();
        socket.begin().await;
        socket
    };
    drop(open().await);
    eventually("one to have ended", async || (told(&server, "session.ended").await.len() == 1).then_some(()))
        .await;
    let _left_open = (open().await, open().await);
    let began = eventually("all to have begun", async || {
        let began = told(&server, "session.started").await;
        (began.len() == 3).then_some(began)
    })
    .await;
    let ended_before = told(&server, "session.ended").await[0]["data"]["session_id"].clone();
    server.kill().await;

    for _ in 0..2 {
        let server = Process::start(binary(), folder.path(), &[]).await;
        let ended = eventually("all to have ended", async || {
            let ended = told(&server, "session.ended").await;
            (ended.len() >= 3).then_some(ended)
        })
        .await;
        assert_eq!(ended.len(), 3, "{ended:?}");
        let stopped: Vec<&Value> =
            ended.iter().filter(|body| body["data"]["ended"] == "gateway_stopped").collect();
        assert_eq!(stopped.len(), 2, "{ended:?}");
        for body in stopped {
            let data = &body["data"];
            assert!(began.iter().any(|other| other["data"]["session_id"] == data["session_id"]));
            assert_ne!(data["session_id"], ended_before);
            assert!(data["reason"].as_str().unwrap().contains("gateway stopped"), "{data}");
            assert_eq!((&data["seconds"], &data["audio_seconds"]), (&Value::Null, &Value::Null));
        }
        server.kill().await;
    }
}
