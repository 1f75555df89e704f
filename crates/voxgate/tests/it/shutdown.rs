//! Being asked to end: what was begun is finished, what is open is told.

use std::path::Path;

use testkit::{Event, Process, Socket, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

/// A body of a create, in two halves.
fn upload(key: &str) -> (Vec<u8>, Vec<u8>) {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"config\"\r\n\r\n{}\r\n--x\r\n\
         Content-Disposition: form-data; name=\"data_file\"; filename=\"a.wav\"\r\n\r\n",
        testkit::JOB_CONFIG
    )
    .into_bytes();
    body.extend(testkit::speech_wav());
    body.extend(b"\r\n--x--\r\n");
    let head = format!(
        "POST /v2/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let second = body.split_off(body.len() / 2);
    (head.into_bytes().into_iter().chain(body).collect(), second)
}

/// An upload that was under way when the end was asked for is answered, and its job is there at the next start.
#[tokio::test]
async fn requests_under_way_are_finished() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let address = server.report().batch_url.trim_start_matches("http://").trim_end_matches("/v2").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let (first, second) = upload(&server.report().api_key);
    stream.write_all(&first).await.unwrap();
    // Another request that is answered says that this one has been taken in before it.
    server.home().get("/v2/jobs", &server.key()).await.expect(200);
    server.ask_to_end().await;
    testkit::eventually("no new connection is accepted", || async {
        TcpStream::connect(&address).await.is_err().then_some(())
    })
    .await;
    stream.write_all(&second).await.unwrap();
    let mut answer = Vec::new();
    within("the answer", stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(server.ended().await.0, "it ends well");
    let again = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    assert_eq!(again.home().job_ids(&again.key()).await.len(), 1);
    assert!(again.terminate().await.0);
}

/// Open sessions are told and closed with 1001, and the program ends.
#[tokio::test]
async fn open_sessions_end_with_1001() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let mut socket = Socket::open(&server.report().realtime_url, &server.key()).await.unwrap();
    socket.begin().await;
    server.ask_to_end().await;
    let end = loop {
        match socket.next().await {
            Event::Json(_) | Event::Bytes(_) => {}
            end @ (Event::Closed { .. } | Event::Broken) => break end,
        }
    };
    assert!(matches!(end, Event::Closed { code: 1001, .. }), "{end:?}");
    assert!(server.ended().await.0, "it ends well");
}
