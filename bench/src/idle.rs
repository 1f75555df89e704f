//! Memory of idle open WebSockets: many sessions are opened to a silent engine, and what the process grew by
//! is divided among them.

use std::error::Error;
use std::path::PathBuf;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::process::{Voxgate, anonymous_bytes};

/// Sessions of one project: the quota of the workspace under `dev`.
const SESSIONS_PER_PROJECT: usize = 100;

/// How idle sessions are measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct IdleOptions {
    /// Sessions to open.
    #[arg(long, default_value_t = 2000)]
    sessions: usize,
    /// The voxgate binary to measure.
    #[arg(long, default_value = "target/dist/voxgate")]
    voxgate: PathBuf,
    /// One line of JSON instead of text.
    #[arg(long)]
    json: bool,
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens the sessions and prints bytes per session.
pub(crate) fn run(options: &IdleOptions) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    crate::block_on(async {
        let engine = TcpListener::bind("127.0.0.1:0").await?;
        let upstream = format!("ws://{}/v2", engine.local_addr()?);
        tokio::spawn(silent_engine(engine));
        let voxgate = Voxgate::start(&options.voxgate, folder.path(), &["--upstream-realtime", &upstream])?;
        let keys = make_keys(&voxgate, options.sessions.div_ceil(SESSIONS_PER_PROJECT) + 1).await?;
        // What is made once, whatever the number of sessions, must not count: one project's worth goes first.
        let mut warm = Vec::new();
        for _ in 0..SESSIONS_PER_PROJECT {
            warm.push(open(&voxgate, &keys[0]).await?);
        }
        let before = anonymous_bytes(voxgate.pid())?;
        let mut sessions = Vec::with_capacity(options.sessions);
        for index in 0..options.sessions {
            sessions.push(open(&voxgate, &keys[1 + index / SESSIONS_PER_PROJECT]).await?);
        }
        let grown = anonymous_bytes(voxgate.pid())?.saturating_sub(before);
        let bytes = grown / options.sessions.max(1) as u64;
        if options.json {
            println!("{}", json!({"sessions": options.sessions, "bytes_per_session": bytes}));
        } else {
            println!("idle WebSockets: {} open, {bytes} bytes of user memory each", options.sessions);
        }
        Ok(())
    })
}

/// Accepts sessions and says nothing.
async fn silent_engine(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(mut session) = tokio_tungstenite::accept_async(stream).await else { return };
            while session.next().await.is_some_and(|message| message.is_ok()) {}
        });
    }
}

async fn make_keys(voxgate: &Voxgate, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| {
        let url = format!("{}{path}", voxgate.management_url());
        client
            .post(url)
            .bearer_auth(voxgate.management_token())
            .json(&body)
            .send()
            .await?
            .json::<Value>()
            .await
    };
    let mut keys = Vec::with_capacity(count);
    for index in 0..count {
        let project = post("/v1/projects", json!({"name": format!("idle {index}")})).await?;
        let key = post("/v1/api-keys", json!({"project_id": project["project_id"], "name": "idle"})).await?;
        keys.push(key["key_value"].as_str().ok_or_else(|| format!("no key_value in {key}"))?.to_owned());
    }
    Ok(keys)
}

async fn open(voxgate: &Voxgate, key: &str) -> Result<Client, Box<dyn Error>> {
    let mut request = voxgate.realtime_url().replace("localhost", "127.0.0.1").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse()?);
    let (mut session, _) = tokio_tungstenite::connect_async(request).await?;
    let start = json!({"message": "StartRecognition", "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
        "transcription_config": {"language": "en"}});
    session.send(Message::text(start.to_string())).await?;
    let first = session.next().await.ok_or("the session ended at once")??;
    if !first.to_text().unwrap_or_default().contains("concurrent_session_usage") {
        return Err(format!("expected the Info frame, got {first}").into());
    }
    Ok(session)
}
