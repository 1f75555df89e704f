//! SIGKILL at any moment: usage is never counted twice, and what is lost is bounded.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Rng as _, SystemRng};
use testkit::{Caller, Event, Process, Socket, eventually};
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
/// Kills in a soak.
const SOAK_KILLS: u64 = 100;
/// Kills in a usual run.
const KILLS: u64 = 10;
/// Sessions that are open when the kill comes.
const SESSIONS: u64 = 3;
/// What a client sends at once, in milliseconds of audio, as often as that lasts.
const PIECE_MILLIS: u64 = 20;
/// Bytes of a millisecond of audio in the form that `Socket::start` declares.
const MILLISECOND_BYTES: usize = 32;
/// What may be lost of each session at each kill, in milliseconds of audio.
const LOST_MILLIS_MAX: u64 = 500;

/// What clients have sent, and engines have had, in milliseconds of audio.
#[derive(Debug, Default)]
struct Played {
    sent: AtomicU64,
    heard: AtomicU64,
}

/// Plays as fast as one speaks, until the server is gone.
async fn speak(url: String, caller: Caller, played: Arc<Played>) {
    let mut socket = Socket::open(&url, &caller).await.expect("the session opens");
    socket.begin().await;
    let mut clock = tokio::time::interval(Duration::from_millis(PIECE_MILLIS));
    loop {
        clock.tick().await;
        played.sent.fetch_add(PIECE_MILLIS, Ordering::SeqCst);
        if !socket.try_send_audio(vec![0; PIECE_MILLIS as usize * MILLISECOND_BYTES]).await {
            return;
        }
        loop {
            match socket.next().await {
                Event::Json(message) if message["message"] == "AudioAdded" => break,
                Event::Json(_) | Event::Bytes(_) => {}
                Event::Closed { .. } | Event::Broken => return,
            }
        }
        played.heard.fetch_add(PIECE_MILLIS, Ordering::SeqCst);
    }
}

/// What the usage says, in milliseconds.
async fn told(server: &Process) -> u64 {
    let usage = server.home().get("/v1/usage", &server.manager()).await.expect(200).json();
    (usage["usage"][0]["audio_seconds"].as_f64().unwrap() * 1000.0).round() as u64
}

#[expect(clippy::disallowed_methods, reason = "xtask says how long tests go on")]
fn kills() -> u64 {
    if std::env::var("VOXGATE_TEST_SOAK").is_ok() { SOAK_KILLS } else { KILLS }
}

/// Over kills at random moments, with sessions open: what is told never exceeds what was sent, and misses at most half a second for
/// each session and kill. After an orderly end nothing more is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_half_a_second_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let played = Arc::new(Played::default());
    let mut server = start().await;
    let kills = kills();
    for kill in 1..=kills {
        let mut sessions = JoinSet::new();
        for _ in 0..SESSIONS {
            let url = server.report().realtime_url.clone();
            sessions.spawn(speak(url, server.key(), Arc::clone(&played)));
        }
        // Any moment after some audio was heard.
        let enough = played.heard.load(Ordering::SeqCst) + 200 + SystemRng.next_u128() as u64 % 3000;
        eventually("audio to be heard", async || {
            (played.heard.load(Ordering::SeqCst) >= enough).then_some(())
        })
        .await;
        server.kill().await;
        while let Some(ended) = sessions.join_next().await {
            ended.unwrap();
        }
        server = start().await;
        let (sent, heard) = (played.sent.load(Ordering::SeqCst), played.heard.load(Ordering::SeqCst));
        let at_least = heard.saturating_sub(kill * SESSIONS * LOST_MILLIS_MAX);
        eventually("what was journalled to be told", async || {
            (told(&server).await >= at_least).then_some(())
        })
        .await;
        let told = told(&server).await;
        assert!(told <= sent, "{told} of {sent} after {kill} kills: something was counted twice");
    }
    let before = told(&server).await;
    assert!(server.terminate().await.0);
    let server = start().await;
    eventually("the same to be told", async || (told(&server).await == before).then_some(())).await;
    let heard = played.heard.load(Ordering::SeqCst);
    println!("{kills} kills: {before} ms told of {heard} ms heard");
    assert!(server.terminate().await.0);
}
