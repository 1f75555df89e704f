//! Revoking a key while it holds half of all open sessions: when the last of them is told, whether the engine gets audio of theirs
//! later, and whether the other half notices.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

use crate::process::Voxgate;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Files that each process needs beside its two for every session.
const OTHER_FILES: u64 = 600;
/// Sessions that are opened at once.
const OPENING_AT_ONCE: usize = 64;
/// How often each client sends audio.
const SENDING_MILLIS: u64 = 1000;
/// What it sends each time: 20 ms of audio.
const AUDIO_BYTES: usize = 640;
/// How long is looked on before the key is revoked, and after it.
const WATCH_SECONDS: u64 = 5;
/// From when on no audio of the key may reach the engine, in milliseconds after the answer.
const SILENT_FROM_MILLIS: i64 = 1000;
/// Bytes that a connection reads at once.
const READ_BYTES: usize = 2048;

/// How revoking is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RevokeOptions {
    /// Sessions to open; as many as the limit of open files allows if left out.
    #[arg(long)]
    sessions: Option<usize>,
    /// The voxgate binary to measure.
    #[arg(long, default_value = "target/dist/voxgate")]
    voxgate: PathBuf,
    /// One line of JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What the engine and the clients see, in microseconds since the beginning.
#[derive(Debug)]
struct Watch {
    begun: Instant,
    revoked_key: Mutex<String>,
    /// When audio of the revoked key last came to the engine.
    last_audio_micros: AtomicI64,
    /// Messages of the other key that came to the engine.
    others_heard: AtomicU64,
    /// Sessions of the other key that ended.
    others_ended: AtomicU64,
    /// When each session of the revoked key got its close frame, with its code.
    closes: Mutex<Vec<(i64, u16)>>,
    is_over: AtomicBool,
}

impl Watch {
    fn micros(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// Opens the sessions, revokes, and prints what happened.
pub(crate) fn run(options: &RevokeOptions) -> std::result::Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options)).map_err(|error| error.to_string().into())
}

async fn measure(options: &RevokeOptions) -> Result<()> {
    let sessions = match options.sessions {
        Some(sessions) => sessions,
        None => usize::try_from(files_max()?.saturating_sub(OTHER_FILES) / 2)?,
    };
    let folder = tempfile::tempdir()?;
    let engine = TcpListener::bind("127.0.0.1:0").await?;
    let upstream = format!("ws://{}/v2", engine.local_addr()?);
    let watch = Arc::new(Watch {
        begun: Instant::now(),
        revoked_key: Mutex::default(),
        last_audio_micros: AtomicI64::new(0),
        others_heard: AtomicU64::new(0),
        others_ended: AtomicU64::new(0),
        closes: Mutex::default(),
        is_over: AtomicBool::new(false),
    });
    tokio::spawn(listen(engine, watch.clone()));
    let voxgate = Voxgate::start(&options.voxgate, folder.path(), &["--upstream-realtime", &upstream])
        .map_err(|error| error.to_string())?;
    allow_sessions(options, folder.path())?;
    let client = reqwest::Client::new();
    let keys = [make_key(&client, &voxgate).await?, make_key(&client, &voxgate).await?];
    watch.revoked_key.lock().map_err(|_| "poisoned")?.clone_from(&keys[0].0);
    let opened = stream::iter(0..sessions)
        .map(|index| open(&voxgate, &keys[index % 2].1, index % 2 == 0, index, watch.clone()))
        .buffer_unordered(OPENING_AT_ONCE);
    let opened: Vec<Result<()>> = opened.collect().await;
    let opened = opened.into_iter().collect::<Result<Vec<()>>>()?.len();

    let watching = Duration::from_secs(WATCH_SECONDS);
    let heard = |watch: &Watch| watch.others_heard.load(Ordering::SeqCst);
    let first = heard(&watch);
    tokio::time::sleep(watching).await;
    let before = heard(&watch) - first;
    let asked = watch.micros();
    let url = format!("{}/v1/api-keys/{}", voxgate.management_url(), keys[0].0);
    let answer = client.delete(url).bearer_auth(voxgate.management_token()).send().await?;
    let acknowledged = watch.micros();
    if !answer.status().is_success() {
        return Err(format!("the key was not revoked: {}", answer.text().await?).into());
    }
    let first = heard(&watch);
    tokio::time::sleep(watching).await;
    let after = heard(&watch) - first;
    watch.is_over.store(true, Ordering::SeqCst);
    report(options, &watch, opened, asked, acknowledged, before, after)
}

fn report(
    options: &RevokeOptions,
    watch: &Watch,
    opened: usize,
    asked: i64,
    acknowledged: i64,
    before: u64,
    after: u64,
) -> Result<()> {
    let closes = watch.closes.lock().map_err(|_| "poisoned")?;
    let mut millis: Vec<f64> =
        closes.iter().map(|(at, _)| (at - acknowledged).max(0) as f64 / 1000.0).collect();
    millis.sort_by(f64::total_cmp);
    let part =
        |part: f64| millis.get(((millis.len() as f64 * part).ceil() as usize).saturating_sub(1)).copied();
    let last_audio = (watch.last_audio_micros.load(Ordering::SeqCst) - acknowledged) / 1000;
    let told = json!({
        "sessions": opened,
        "revoked_sessions": opened.div_ceil(2),
        "answered_after_ms": (acknowledged - asked) as f64 / 1000.0,
        "closed": millis.len(),
        "closed_with_4001": closes.iter().filter(|(_, code)| *code == 4001).count(),
        "close_ms_p50": part(0.5),
        "close_ms_p99": part(0.99),
        "close_ms_max": millis.last(),
        "last_audio_at_engine_ms": last_audio,
        "audio_after_1s": last_audio > SILENT_FROM_MILLIS,
        "others_ended": watch.others_ended.load(Ordering::SeqCst),
        "others_messages_before": before,
        "others_messages_after": after,
    });
    if options.json {
        println!("{told}");
        return Ok(());
    }
    println!("{opened} open sessions; the key that holds half of them is revoked");
    for (name, value) in told.as_object().into_iter().flatten() {
        println!("  {name:<26} {value}");
    }
    Ok(())
}

/// How many files a process may have open.
fn files_max() -> Result<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line =
        limits.lines().find(|line| line.starts_with("Max open files")).ok_or("no limit of open files")?;
    Ok(line.split_whitespace().nth(3).ok_or("the limit is a number")?.parse()?)
}

/// Lets one project have all these sessions.
fn allow_sessions(options: &RevokeOptions, folder: &std::path::Path) -> Result<()> {
    let changed = Command::new(&options.voxgate)
        .args(["workspaces", "change", "--concurrent-sessions-max", "1000000", "--json", "--data-dir"])
        .arg(folder.join("voxgate"))
        .output()?;
    if changed.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&changed.stderr).into_owned().into())
}

async fn make_key(client: &reqwest::Client, voxgate: &Voxgate) -> Result<(String, String)> {
    let post = async |path: &str, body: Value| {
        let request = client.post(format!("{}{path}", voxgate.management_url()));
        request.bearer_auth(voxgate.management_token()).json(&body).send().await?.json::<Value>().await
    };
    let project = post("/v1/projects", json!({"name": "revoke"})).await?;
    let key = post("/v1/api-keys", json!({"project_id": project["project_id"], "name": "revoke"})).await?;
    let text = |name: &str| key[name].as_str().map(str::to_owned).ok_or(format!("no {name} in {key}"));
    Ok((text("apikey_id")?, text("key_value")?))
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(READ_BYTES)
}

/// The engine: takes audio, and notes when it came.
async fn listen(listener: TcpListener, watch: Arc<Watch>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(hear(stream, watch.clone()));
    }
}

#[expect(clippy::result_large_err, reason = "the library's callback")]
async fn hear(stream: TcpStream, watch: Arc<Watch>) {
    let mut is_revoked = false;
    let callback = |request: &Request, response: Response| {
        let key = request.headers().get("voxgate-key").and_then(|key| key.to_str().ok());
        is_revoked = watch.revoked_key.lock().is_ok_and(|revoked| key == Some(revoked.as_str()));
        Ok(response)
    };
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, callback, Some(config())).await;
    let Ok(mut session) = accepted else { return };
    while let Some(Ok(message)) = session.next().await {
        if !message.is_binary() {
            continue;
        }
        if is_revoked {
            watch.last_audio_micros.fetch_max(watch.micros(), Ordering::SeqCst);
        } else {
            watch.others_heard.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Opens a session, and leaves a task behind that talks as long as it can.
async fn open(voxgate: &Voxgate, key: &str, is_revoked: bool, index: usize, watch: Arc<Watch>) -> Result<()> {
    let mut request = voxgate.realtime_url().replace("localhost", "127.0.0.1").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse()?);
    let address = format!("127.0.0.1:{}", request.uri().port_u16().ok_or("the URL has a port")?);
    let stream = TcpStream::connect(address).await?;
    let (mut session, _) =
        tokio_tungstenite::client_async_with_config(request, stream, Some(config())).await?;
    let start = json!({"message": "StartRecognition", "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
        "transcription_config": {"language": "en"}});
    session.send(Message::text(start.to_string())).await?;
    let first = session.next().await.ok_or("the session ended at once")??;
    if !first.to_text().unwrap_or_default().contains("concurrent_session_usage") {
        return Err(format!("expected the Info frame, got {first}").into());
    }
    tokio::spawn(talk(session.into_inner(), is_revoked, index, watch));
    Ok(())
}

/// Talks as a client that doesn't listen: sends audio until the connection is gone, also after the close frame. Frames are written
/// by hand, since a library keeps to the protocol.
async fn talk(mut stream: TcpStream, is_revoked: bool, index: usize, watch: Arc<Watch>) {
    // Binary, last, masked with zeros, and a length in two bytes.
    let mut frame = vec![0x82, 0x80 | 126];
    frame.extend_from_slice(&u16::try_from(AUDIO_BYTES).unwrap_or(u16::MAX).to_be_bytes());
    frame.resize(frame.len() + 4 + AUDIO_BYTES, 0);
    // Not all at the same moment.
    tokio::time::sleep(Duration::from_millis(index as u64 * 7 % SENDING_MILLIS)).await;
    let mut clock = tokio::time::interval(Duration::from_millis(SENDING_MILLIS));
    let (mut read, mut came) = ([0; READ_BYTES], Vec::new());
    loop {
        tokio::select! {
            _ = clock.tick() => drop(stream.write_all(&frame).await),
            count = stream.read(&mut read) => match count {
                Ok(count) if count > 0 => {
                    came.extend_from_slice(&read[..count]);
                    if is_revoked
                        && let Some(code) = close_code(&mut came)
                        && let Ok(mut closes) = watch.closes.lock()
                    {
                        closes.push((watch.micros(), code));
                    }
                }
                Ok(_) | Err(_) => {
                    if !is_revoked && !watch.is_over.load(Ordering::SeqCst) {
                        watch.others_ended.fetch_add(1, Ordering::SeqCst);
                    }
                    return;
                }
            }
        }
    }
}

/// Takes whole frames of a server off, up to a close frame, whose code it gives.
fn close_code(came: &mut Vec<u8>) -> Option<u16> {
    while let [first, length, rest @ ..] = &came[..] {
        let (header, length) = match (*length, rest) {
            (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            (126 | 127, _) => return None,
            (length, _) => (2, usize::from(length)),
        };
        if came.len() < header + length {
            return None;
        }
        if *first == 0x88 {
            let code = came.get(header..header + 2)?;
            return Some(u16::from_be_bytes([code[0], code[1]]));
        }
        came.drain(..header + length);
    }
    None
}
