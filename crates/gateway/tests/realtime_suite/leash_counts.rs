//! What a temporary key limits over all its sessions: starts and seconds of audio, in front of a real ledger.

use std::sync::Arc;

use domain::token::Claims;
use domain::{Area, Clock as _, Leash, ManualClock, Region, SystemClock};
use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

/// A second of audio, as `START` declares it.
const SECOND_BYTES: usize = 32_000;

fn leashed(world: &World, key: &Key, leash: Leash) -> String {
    world.sign(&Claims { leash, ..world.claims(key) })
}

fn uses(uses: u32) -> Leash {
    Leash { uses: Some(uses), ..Leash::default() }
}

fn audio(seconds: u32) -> Leash {
    Leash { max_audio_seconds: Some(seconds), ..Leash::default() }
}

/// An engine that opens whatever comes and says nothing.
async fn silent(world: &World) {
    loop {
        let (mut ws, _) = world.engine.accept_when_it_comes().await;
        tokio::spawn(async move { while let Some(Ok(_)) = ws.next().await {} });
    }
}

/// Whether a session opens.
async fn starts(url: &str, headers: &[(&str, &str)]) -> Result<Ws, (String, String, u16)> {
    let (mut client, _) = connect(url, headers).await.expect("the upgrade succeeds");
    client.send(Message::text(START)).await.unwrap();
    let first = next_json(&mut client).await;
    if first["message"] == "Info" {
        return Ok(client);
    }
    let (code, kind) = closed(&mut client).await;
    Err((kind, first["reason"].as_str().unwrap().to_owned(), code))
}

/// However many starts race, in both placements, exactly as many succeed as the key has uses; the others get 4005 and reach no
/// engine. Another key of the same parent has its own, and a key without the limit none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uses_are_exact() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = leashed(&world, &key, uses(3));
    let bearer = format!("Bearer {token}");
    let (by_url, by_header) = (world.url(&format!("?jwt={token}")), world.url(""));
    let test = async {
        let headers = [("authorization", bearer.as_str())];
        let tries = (0..12).map(|index| match index % 2 {
            0 => starts(&by_url, &[]),
            _ => starts(&by_header, &headers),
        });
        let (opened, refused): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!((opened.len(), refused.len()), (3, 9));
        for refusal in refused {
            let (kind, reason, code) = refusal.unwrap_err();
            assert_eq!((kind.as_str(), code), ("quota_exceeded", 4005));
            assert!(reason.ends_with("(uses_spent)"), "{reason}");
        }
        // The end of a session gives no use back.
        drop(opened);
        while world.gateway.sessions().count() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(starts(&by_url, &[]).await.is_err());
        let other = world.url(&format!("?jwt={}", leashed(&world, &key, uses(1))));
        assert!(starts(&other, &[]).await.is_ok() && starts(&other, &[]).await.is_err());
        let unlimited = world.url(&format!("?jwt={}", world.temporary_key(&key)));
        assert!(starts(&unlimited, &[]).await.is_ok());
    };
    tokio::select! { () = silent(&world) => {}, () = test => {} }
}

/// Who has no start left, or asks for what its key forbids, is told so even where it is too fast: waiting wouldn't help. A key that could
/// start later is told of the rate, and has the start still.
#[tokio::test]
async fn what_waiting_does_not_mend_is_told_before_the_rate() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let setup = Setup { starts_per_second_max: 1, clock: clock.clone(), ..Setup::default() };
    let world = World::with(setup).await;
    let key = world.api_key().await;
    let once = world.url(&format!("?jwt={}", leashed(&world, &key, uses(1))));
    let unused = world.url(&format!("?jwt={}", leashed(&world, &key, uses(1))));
    let lock = Some(r#"{"transcription_config":{"language":"en"}}"#.to_owned());
    let locked = leashed(&world, &key, Leash { lock, ..Leash::default() });
    let locked = world.url(&format!("/de?jwt={locked}"));
    let reason = async |url: &str| starts(url, &[]).await.unwrap_err().1;
    let test = async {
        assert!(starts(&once, &[]).await.is_ok());
        assert!(reason(&once).await.ends_with("(uses_spent)"));
        assert!(reason(&locked).await.ends_with("(lock_broken)"));
        assert!(reason(&unused).await.ends_with("(rate_limited)"));
        clock.advance_seconds(1);
        assert!(starts(&unused, &[]).await.is_ok());
    };
    tokio::select! { () = silent(&world) => {}, () = test => {} }
}

/// A process that serves several regions counts a key over all of them together. A start that the engine refuses isn't one.
#[tokio::test]
async fn uses_count_over_regions() {
    let world = World::new().await;
    let key = world.api_key_with(|record| record.areas = [Area::Eu, Area::Usa].into_iter().collect()).await;
    let token = leashed(&world, &key, uses(2));
    let us1 = format!("ws://{}/v2?jwt={token}", world.us1);
    let eu1 = world.url(&format!("?jwt={token}"));
    let (refused, ()) = tokio::join!(connect_and_start(&eu1), async { drop(world.engine.raw().await) });
    assert_eq!(refused, "job_error");
    let test = async {
        assert!(starts(&us1, &[]).await.is_ok() && starts(&eu1, &[]).await.is_ok());
        assert!(starts(&us1, &[]).await.is_err() && starts(&eu1, &[]).await.is_err());
    };
    tokio::select! { () = silent(&world) => {}, () = test => {} }
}

async fn connect_and_start(url: &str) -> String {
    let (mut client, _) = connect(url, &[]).await.unwrap();
    client.send(Message::text(START)).await.unwrap();
    error_then_close(&mut client).await.0
}

/// What of the audio an engine gets, in bytes, until its connection ends.
async fn heard(engine: &mut Ws) -> usize {
    let mut bytes = 0;
    while let Some(Ok(message)) = soon(engine.next()).await {
        if let Message::Binary(audio) = message {
            bytes += audio.len();
        }
    }
    bytes
}

/// Raw audio is limited by its bytes, not by the clock: a warning at nine tenths, then 4006 when more comes than the key has,
/// and the engine gets no byte more. The next session of the key is refused before the engine is asked.
#[tokio::test]
async fn raw_audio_is_limited() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = leashed(&world, &key, audio(10));
    let mut session = world.open(&token).await;
    session.client.send(Message::text(START)).await.unwrap();
    for _ in 0..17 {
        session.client.send(Message::binary(vec![0; SECOND_BYTES / 2])).await.unwrap();
    }
    session.client.send(Message::text(r#"{"message":"GetSpeakers"}"#)).await.unwrap();
    loop {
        // 8.5 s have passed, and no warning: what comes next is an answer of the engine.
        let message = next(&mut session.engine).await;
        if message.is_text() && message.to_text().unwrap().contains("GetSpeakers") {
            break;
        }
    }
    session.engine.send(Message::text("{}")).await.unwrap();
    assert_eq!(next(&mut session.client).await, Message::text("{}"));
    session.client.send(Message::binary(vec![0; SECOND_BYTES / 2])).await.unwrap();
    let warning = next_json(&mut session.client).await;
    assert_eq!((&warning["message"], &warning["type"]), (&"Warning".into(), &"session_timeout".into()));
    // To the last byte it goes on.
    session.client.send(Message::binary(vec![0; SECOND_BYTES])).await.unwrap();
    let mut rest = 0;
    while rest < SECOND_BYTES * 3 / 2 {
        if let Message::Binary(audio) = next(&mut session.engine).await {
            rest += audio.len();
        }
    }
    session.engine.send(Message::text("[]")).await.unwrap();
    assert_eq!(next(&mut session.client).await, Message::text("[]"), "the session lives");
    session.client.send(Message::binary(vec![0; 2])).await.unwrap();
    let (kind, reason, code) = error_then_close(&mut session.client).await;
    assert_eq!((kind.as_str(), code), ("timelimit_exceeded", 4006));
    assert!(reason.ends_with("(audio_spent)"), "{reason}");
    assert_eq!(heard(&mut session.engine).await, 0);

    for (url, headers) in [
        (world.url(&format!("?jwt={token}")), vec![]),
        (world.url(""), vec![("authorization", format!("Bearer {token}"))]),
    ] {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (kind, _, code) = starts(&url, &headers).await.unwrap_err();
        assert_eq!((kind.as_str(), code), ("timelimit_exceeded", 4006));
    }
    assert!(!world.engine.was_asked().await);
    world.open(&world.temporary_key(&key)).await.passes().await;
}

/// Where several limits are reached, the first row of the table of refusals is the answer: starts before audio. A start that is
/// refused for another limit isn't one.
#[tokio::test]
async fn starts_come_before_audio() {
    let world = World::new().await;
    let key = world.api_key().await;
    let spend = async |leash: Leash| {
        let token = leashed(&world, &key, leash);
        let mut session = world.open(&token).await;
        session.client.send(Message::text(START)).await.unwrap();
        session.client.send(Message::binary(vec![0; SECOND_BYTES + 2])).await.unwrap();
        assert_eq!(next_json(&mut session.client).await["message"], "Warning");
        assert_eq!(error_then_close(&mut session.client).await.2, 4006);
        world.url(&format!("?jwt={token}"))
    };
    let both = spend(Leash { uses: Some(1), ..audio(1) }).await;
    assert_eq!(starts(&both, &[]).await.unwrap_err().2, 4005);
    let audio_alone = spend(Leash { uses: Some(2), ..audio(1) }).await;
    for _ in 0..3 {
        assert_eq!(starts(&audio_alone, &[]).await.unwrap_err().2, 4006);
    }
}

/// Sessions of one key side by side get its audio together, each byte once; however they are split, the engines hear exactly
/// the budget.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_share_the_audio() {
    let world = World::new().await;
    let token = leashed(&world, &world.api_key().await, audio(8));
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(world.open(&token).await);
    }
    let running = sessions.into_iter().enumerate().map(|(index, session)| {
        tokio::spawn(async move {
            let Session { client, mut engine, .. } = session;
            let (mut sender, mut receiver) = client.split();
            let sending = tokio::spawn(async move {
                sender.send(Message::text(START)).await.unwrap();
                while sender.send(Message::binary(vec![0; 3001 + 977 * index])).await.is_ok() {}
            });
            let receiving = tokio::spawn(async move {
                let mut last = String::new();
                while let Some(Ok(message)) = soon(receiver.next()).await {
                    if message.is_text() {
                        last = message.to_text().unwrap().to_owned();
                    }
                }
                last
            });
            let bytes = heard(&mut engine).await;
            drop(engine);
            let last = receiving.await.unwrap();
            sending.abort();
            assert!(last.contains("timelimit_exceeded"), "{last}");
            bytes
        })
    });
    let bytes: usize = join_all(running).await.into_iter().map(Result::unwrap).sum();
    assert!(bytes <= 8 * SECOND_BYTES, "{bytes}");
    // Of a frame that was cut the engine's WebSocket library tells nothing: at most one a session.
    assert!(bytes > 8 * SECOND_BYTES - 4 * (3001 + 977 * 3), "{bytes}");
}

/// Audio in files is limited by how far the engine's timestamps have come, and counted so for every key.
#[tokio::test]
async fn files_are_limited_by_the_engines_time() {
    let world = World::new().await;
    let key = world.api_key().await;
    let start = START.replace("raw", "file");
    let transcript = |end: f64| {
        Message::text(format!(
            r#"{{"message":"AddTranscript","metadata":{{"start_time":0.0,"end_time":{end},"transcript":""}}}}"#
        ))
    };
    let mut session = world.open(&leashed(&world, &key, audio(10))).await;
    session.client.send(Message::text(start.clone())).await.unwrap();
    assert_eq!(next(&mut session.engine).await, Message::text(start.clone()));
    session.passes().await;
    for (end, warns) in [(5.0, false), (9.5, true), (10.0, false)] {
        session.engine.send(transcript(end)).await.unwrap();
        let mut got = vec![next(&mut session.client).await];
        if warns {
            got.push(next(&mut session.client).await);
        }
        assert!(got.contains(&transcript(end)), "{got:?}");
        assert_eq!(got.iter().any(|message| message.to_text().unwrap().contains("\"Warning\"")), warns);
    }
    counted(&world, 10.0).await;
    session.engine.send(transcript(10.5)).await.unwrap();
    loop {
        let message = next_json(&mut session.client).await;
        if message["message"] == "Error" {
            assert_eq!(message["type"], "timelimit_exceeded");
            break;
        }
    }
    assert_eq!(closed(&mut session.client).await.0, 4006);
    drop(session);

    let mut free = world.open(&world.temporary_key(&key)).await;
    free.client.send(Message::text(start.clone())).await.unwrap();
    assert_eq!(next(&mut free.engine).await, Message::text(start));
    free.passes().await;
    free.engine.send(transcript(12.5)).await.unwrap();
    assert_eq!(next(&mut free.client).await, transcript(12.5));
    counted(&world, 12.5).await;
}

/// Waits until the newest session has so much audio: it is counted right after it was passed on.
async fn counted(world: &World, audio_seconds: f64) {
    let told = async {
        while world.sessions().await.last().map(|session| session.audio_seconds) != Some(audio_seconds) {
            tokio::task::yield_now().await;
        }
    };
    soon(told).await;
}

/// What can't be written down isn't given out: while the ledger fails, keys with starts or audio to count are refused in both
/// placements before the engine is asked, others open; and once it works again, the key has lost nothing.
#[tokio::test]
async fn a_failing_ledger_opens_nothing() {
    let world = World::new().await;
    let key = world.api_key().await;
    let tokens = [leashed(&world, &key, uses(1)), leashed(&world, &key, audio(10))];
    world.alter_ledger(Region::Eu1, "ALTER TABLE leashes RENAME TO away").await;
    for token in &tokens {
        let bearer = format!("Bearer {token}");
        let answer = refused(world.eu1, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
        assert_eq!((answer.status, answer.body["reason"].as_str()), (503, Some("storage_down")));
        let (kind, _, code) = starts(&world.url(&format!("?jwt={token}")), &[]).await.unwrap_err();
        assert_eq!((kind.as_str(), code), ("job_error", 1011));
    }
    assert!(!world.engine.was_asked().await);
    world.open(&world.temporary_key(&key)).await.passes().await;
    world.alter_ledger(Region::Eu1, "ALTER TABLE away RENAME TO leashes").await;
    for token in &tokens {
        let mut session = world.open(token).await;
        session.client.send(Message::text(START)).await.unwrap();
        assert_eq!(next(&mut session.engine).await, Message::text(START));
    }
}

/// What can't be measured for certain doesn't pass: audio before the start, a start that two readers could read in two ways, and
/// a second start with another format.
#[tokio::test]
async fn nothing_passes_unmeasured() {
    let world = World::new().await;
    let key = world.api_key().await;
    let twice = START.replace(r#""audio_format""#, r#""Audio_Format":{"type":"file"},"audio_format""#);
    let other = START.replace("16000", "48000");
    for messages in [
        vec![Message::binary(vec![0; 10])],
        vec![Message::text(r#"{"message":"EndOfStream","last_seq_no":0}"#)],
        vec![Message::text(twice)],
        vec![Message::text(START), Message::text(other)],
        vec![Message::text(START), Message::text(START.replace("raw", "file"))],
    ] {
        let mut session = world.open(&leashed(&world, &key, audio(10))).await;
        for message in &messages {
            session.client.send(message.clone()).await.unwrap();
        }
        let (kind, reason, code) = error_then_close(&mut session.client).await;
        assert_eq!((kind.as_str(), code), ("protocol_error", 1003), "{messages:?}");
        assert!(reason.ends_with("(malformed_request)"), "{reason}");
    }
}
