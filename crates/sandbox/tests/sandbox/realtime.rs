//! The realtime protocol on a real listener.

use crate::support::{RATE_HZ, Running, WAIT, pcm, wav, words};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const NEVER_ENDS: &str = "sh -c 'exec sleep 1000' {wav}";

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seen: Vec<Value>,
}

impl Client {
    async fn connect(sandbox: &Running, path: &str) -> Client {
        let (socket, _) = connect_async(format!("ws://{}{path}", sandbox.address)).await.unwrap();
        Client { socket, seen: Vec::new() }
    }

    /// Connects and starts a session of raw audio.
    async fn started(sandbox: &Running, transcription: Value) -> Client {
        let mut client = Client::connect(sandbox, "/v2").await;
        client.send(start(transcription)).await;
        client.until("RecognitionStarted").await;
        client
    }

    async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn audio(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    async fn end(&mut self) {
        self.send(json!({"message": "EndOfStream", "last_seq_no": 1})).await;
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(WAIT, self.socket.next()).await.unwrap().unwrap().unwrap()
    }

    /// Reads up to the first message of a name.
    async fn until(&mut self, name: &str) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.seen.push(message.clone());
                    if message["message"] == name {
                        return message;
                    }
                }
                other => panic!("waited for {name}, got {other:?} after {:?}", self.seen),
            }
        }
    }

    /// Reads to the close; gives its code and reason.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Text(text) => self.seen.push(serde_json::from_str(&text).unwrap()),
                Message::Close(Some(frame)) => {
                    // Reading on is what sends the answer to the close.
                    while let Some(Ok(_)) = self.socket.next().await {}
                    return (frame.code.into(), frame.reason.to_string());
                }
                other => panic!("waited for the close, got {other:?}"),
            }
        }
    }

    fn all(&self, name: &str) -> Vec<&Value> {
        self.seen.iter().filter(|message| message["message"] == name).collect()
    }

    /// The words of all finals.
    fn words(&self) -> Vec<String> {
        self.all("AddTranscript").iter().flat_map(|message| words(&message["results"])).collect()
    }
}

fn start(transcription: Value) -> Value {
    json!({
        "message": "StartRecognition",
        "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": RATE_HZ},
        "transcription_config": transcription,
    })
}

fn english() -> Value {
    json!({"language": "en"})
}

/// A session goes from its start over confirmations and finals to its end, on every path that there is.
#[tokio::test]
async fn a_session_runs_to_its_end() {
    let sandbox = Running::start(None).await;
    for path in ["/v2", "/v2/", "/v2/en?sm-sdk=x?jwt=y", "/v2/agent/smart", "/v1/flow"] {
        let mut client = Client::connect(&sandbox, path).await;
        client.send(start(english())).await;
        let audio = pcm(&[(0.5, 1.2), (1.0, 1.2), (1.0, 0.0)]);
        let count = audio.chunks(6_000).count();
        for chunk in audio.chunks(6_000) {
            client.audio(chunk.to_vec()).await;
        }
        client.end().await;
        assert_eq!(client.closed().await, (1000, String::new()), "{path}");

        let started = &client.seen[0];
        assert_eq!(
            (&started["message"], started["id"].as_str().unwrap().len()),
            (&json!("RecognitionStarted"), 36)
        );
        assert!(started["orchestrator_version"].as_str().unwrap().starts_with("voxgate-sandbox-"));
        assert_eq!(started["language_pack_info"]["language_description"], "English (Voxgate sandbox eu1)");
        assert_eq!(
            (&client.seen[1]["type"], &client.seen[1]["quality"]),
            (&json!("recognition_quality"), &json!("broadcast"))
        );
        let confirmed: Vec<u64> =
            client.all("AudioAdded").iter().map(|m| m["seq_no"].as_u64().unwrap()).collect();
        assert_eq!(confirmed, (1..=count as u64).collect::<Vec<_>>());
        assert_eq!(client.words(), ["sandbox", "word", "one", "two", "three", "four"]);
        assert_eq!(client.all("AddTranscript").len(), 2);
        assert_eq!(client.all("AddTranscript")[0]["metadata"]["transcript"], "sandbox word one. ");
        assert!(client.all("AddPartialTranscript").is_empty() && client.all("EndOfUtterance").is_empty());
        assert_eq!(client.seen.last().unwrap(), &json!({"message": "EndOfTranscript"}));
    }
    sandbox.stop().await;
}

/// The handshake's answer has the headers that it needs, and no request id: that is the gateway's.
#[tokio::test]
async fn the_handshake_is_plain() {
    let sandbox = Running::start(None).await;
    let request = format!("ws://{}/v2", sandbox.address).into_client_request().unwrap();
    let (socket, response) = connect_async(request).await.unwrap();
    drop(socket);
    let mut names: Vec<&str> = response.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["connection", "date", "sec-websocket-accept", "upgrade"]);
    sandbox.stop().await;
}

/// Partials come when they were asked for, grow, and agree with the final that follows.
#[tokio::test]
async fn partials_come_when_asked_for() {
    let sandbox = Running::start(None).await;
    let mut client = Client::started(&sandbox, json!({"language": "en", "enable_partials": true})).await;
    for chunk in pcm(&[(0.5, 2.5), (1.0, 0.0)]).chunks(3_200) {
        client.audio(chunk.to_vec()).await;
    }
    client.until("AddTranscript").await;
    client.end().await;
    client.closed().await;
    let partials: Vec<Vec<String>> =
        client.all("AddPartialTranscript").iter().map(|message| words(&message["results"])).collect();
    assert!(partials.len() >= 3, "{partials:?}");
    assert!(partials.is_sorted_by_key(Vec::len) && partials[0].len() < partials.last().unwrap().len());
    assert!(client.words().starts_with(partials.last().unwrap()));
    sandbox.stop().await;
}

/// A WAV file gives the same words as its raw audio, wherever its header is cut, and so does a job of the same file.
#[tokio::test]
async fn files_raw_audio_and_jobs_agree() {
    let sandbox = Running::start(None).await;
    let parts = [(0.5, 1.3), (1.0, 7.3), (1.0, 0.7), (1.0, 0.0)];
    let mut raw = Client::started(&sandbox, english()).await;
    raw.audio(pcm(&parts)).await;
    raw.end().await;
    raw.closed().await;

    let file = wav(&parts);
    let mut client = Client::connect(&sandbox, "/v2").await;
    let mut message = start(english());
    message["audio_format"] = json!({"type": "file"});
    client.send(message).await;
    for byte in &file[..60] {
        client.audio(vec![*byte]).await;
    }
    for chunk in file[60..].chunks(9_999) {
        client.audio(chunk.to_vec()).await;
    }
    client.end().await;
    client.closed().await;
    assert_eq!(client.all("Info")[0]["quality"], "broadcast");

    let id = sandbox.create(file).await;
    let job = sandbox.results(&id).await;
    assert_eq!(words(&job).len(), 25);
    assert_eq!(client.words(), words(&job));
    assert_eq!(raw.words(), words(&job));
    assert_eq!(client.all("AddTranscript"), raw.all("AddTranscript"));
    sandbox.stop().await;
}

/// Each error has its type, its close code, and the type as the close's reason.
#[tokio::test]
async fn errors_are_told_before_the_close() {
    let sandbox = Running::start(None).await;
    let with = |pointer: &str, value: Value| {
        let mut message = start(english());
        *message.pointer_mut(pointer).unwrap() = value;
        Message::text(message.to_string())
    };
    let ok = || Message::text(start(english()).to_string());
    let text = |message: Value| Message::text(message.to_string());
    let file = || {
        let mut message = start(english());
        message["audio_format"] = json!({"type": "file"});
        Message::text(message.to_string())
    };
    let cases = [
        (vec![Message::binary(vec![0; 10])], "protocol_error", 1003),
        (vec![Message::text("{")], "invalid_message", 1003),
        (vec![text(json!({"message": "Hello"}))], "invalid_message", 1003),
        (vec![text(json!({"message": "EndOfStream", "last_seq_no": 0}))], "protocol_error", 1003),
        (vec![with("/audio_format/encoding", json!("mp3"))], "invalid_audio_type", 1003),
        (vec![with("/transcription_config", json!({}))], "invalid_config", 1003),
        (vec![with("/transcription_config/language", json!("xx"))], "invalid_language", 1003),
        (vec![with("/transcription_config", json!({"language": "en", "model": "x"}))], "invalid_model", 4004),
        (vec![ok(), ok()], "protocol_error", 1003),
        (vec![ok(), Message::text("[]")], "invalid_message", 1003),
        (vec![ok(), text(json!({"message": "EndOfStream"}))], "invalid_message", 1003),
        (
            vec![
                ok(),
                text(json!({"message": "SetRecognitionConfig", "transcription_config": {"language": "de"}})),
            ],
            "invalid_config",
            1003,
        ),
        (
            vec![ok(), text(json!({"message": "AddChannelAudio", "channel": "a", "data": "AAAA"}))],
            "protocol_error",
            1003,
        ),
        (vec![file(), Message::binary(b"ID3\x03aaaaaaaaaaaaaaaa".to_vec())], "invalid_audio_type", 1003),
    ];
    for (messages, kind, code) in cases {
        let mut client = Client::connect(&sandbox, "/v2").await;
        for message in messages {
            client.socket.send(message).await.unwrap();
        }
        // More audio after the mistake doesn't lose the reason.
        let _ = client.socket.send(Message::binary(vec![0; 100_000])).await;
        assert_eq!(client.closed().await, (code, kind.to_owned()), "{:?}", client.seen);
        let error = client.seen.last().unwrap();
        assert_eq!((&error["message"], &error["type"]), (&json!("Error"), &json!(kind)));
        assert!(!error["reason"].as_str().unwrap().is_empty());
    }
    sandbox.stop().await;
}

/// A message of the largest size is taken, one byte more is refused.
#[tokio::test]
async fn messages_are_limited_in_size() {
    const MESSAGE_BYTES_MAX: usize = 4 << 20;
    let sandbox = Running::start(None).await;
    let mut client = Client::started(&sandbox, english()).await;
    client.audio(vec![0; MESSAGE_BYTES_MAX]).await;
    client.until("AudioAdded").await;
    let _ = client.socket.send(Message::binary(vec![0; MESSAGE_BYTES_MAX + 1])).await;
    assert_eq!(client.closed().await, (1003, "invalid_message".to_owned()));
    sandbox.stop().await;
}

/// Utterances end after the silence asked for, once each, after their final.
#[tokio::test]
async fn utterances_end_after_silence() {
    let sandbox = Running::start(None).await;
    for trigger in [0.3, 0.8] {
        let config =
            json!({"language": "en", "conversation_config": {"end_of_utterance_silence_trigger": trigger}});
        let mut client = Client::started(&sandbox, config).await;
        client.audio(pcm(&[(0.5, 1.0), (1.5, 1.0), (1.5, 0.0)])).await;
        client.end().await;
        client.closed().await;
        let order: Vec<&str> = client
            .seen
            .iter()
            .filter_map(|message| message["message"].as_str())
            .filter(|name| matches!(*name, "AddTranscript" | "EndOfUtterance"))
            .collect();
        assert_eq!(
            order,
            ["AddTranscript", "EndOfUtterance", "AddTranscript", "EndOfUtterance"],
            "{trigger}"
        );
        let at = client.all("EndOfUtterance")[0]["metadata"]["end_time"].as_f64().unwrap();
        assert!((at - 1.5 - trigger).abs() < 0.1, "{at}");
    }
    sandbox.stop().await;
}

/// An utterance can be ended by force: the final comes at once and says so; the session goes on.
#[tokio::test]
async fn utterances_end_by_force() {
    let sandbox = Running::start(None).await;
    let mut client = Client::started(&sandbox, english()).await;
    client.audio(pcm(&[(0.5, 1.2)])).await;
    client.send(json!({"message": "ForceEndOfUtterance", "timestamp": 1.7})).await;
    let end = client.until("EndOfUtterance").await;
    assert_eq!(end["forced"], true);
    assert_eq!(client.words(), ["sandbox", "word", "one"]);
    assert_eq!(client.all("AddTranscript")[0]["forced"], true);
    // Asked for in silence there is nothing to say, and that is said.
    client.audio(pcm(&[(1.0, 0.0)])).await;
    client.send(json!({"message": "ForceEndOfUtterance"})).await;
    let empty = client.until("AddTranscript").await;
    assert_eq!((&empty["results"], &empty["metadata"]["transcript"]), (&json!([]), &json!("")));
    client.audio(pcm(&[(0.5, 0.4)])).await;
    client.end().await;
    client.closed().await;
    assert_eq!(client.words(), ["sandbox", "word", "one", "two"]);
    sandbox.stop().await;
}

/// Channels are transcribed each for itself; the session ends with the last of them.
#[tokio::test]
async fn channels_are_separate() {
    let sandbox = Running::start(None).await;
    let config =
        json!({"language": "en", "diarization": "channel", "channel_diarization_labels": ["a", "b"]});
    let mut client = Client::connect(&sandbox, "/v2").await;
    client.send(start(config.clone())).await;
    assert_eq!(client.until("RecognitionStarted").await["channel_ids"], json!(["a", "b"]));
    let base64 = |bytes: &[u8]| {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let (speech, silence) = (base64(&pcm(&[(0.5, 0.8)])), base64(&pcm(&[(1.0, 0.0)])));
    for (channel, data) in [("a", &speech), ("b", &silence), ("b", &silence)] {
        client.send(json!({"message": "AddChannelAudio", "channel": channel, "data": data})).await;
    }
    client.send(json!({"message": "EndOfChannel", "channel": "a", "last_seq_no": 1})).await;
    client.send(json!({"message": "AddChannelAudio", "channel": "a", "data": speech})).await;
    assert_eq!(client.until("Warning").await["type"], "add_audio_after_eos");
    client.send(json!({"message": "EndOfChannel", "channel": "b", "last_seq_no": 2})).await;
    assert_eq!(client.closed().await.0, 1000);
    let confirmed: Vec<(&Value, &Value)> =
        client.all("ChannelAudioAdded").iter().map(|m| (&m["channel"], &m["seq_no"])).collect();
    assert_eq!(confirmed, [(&json!("a"), &json!(1)), (&json!("b"), &json!(1)), (&json!("b"), &json!(2))]);
    let finals = client.all("AddTranscript");
    assert_eq!(
        (finals.len(), &finals[0]["channel"], &finals[0]["results"][0]["channel"]),
        (1, &json!("a"), &json!("a"))
    );

    for wrong in [
        Message::text(json!({"message": "AddChannelAudio", "channel": "c", "data": ""}).to_string()),
        Message::binary(vec![0; 10]),
    ] {
        let mut client = Client::started(&sandbox, config.clone()).await;
        client.socket.send(wrong).await.unwrap();
        assert_eq!(client.closed().await, (1003, "protocol_error".to_owned()));
    }
    sandbox.stop().await;
}

/// The other messages are answered sensibly, and what the sandbox can't do is told.
#[tokio::test]
async fn other_messages_are_answered() {
    let sandbox = Running::start(None).await;
    let mut client = Client::connect(&sandbox, "/v2").await;
    let mut message = start(json!({"language": "en", "diarization": "speaker"}));
    message["translation_config"] = json!({"target_languages": ["de"]});
    client.send(message).await;
    assert_eq!(client.until("Warning").await["type"], "unsupported_translation_pair");
    client.send(json!({"message": "GetSpeakers"})).await;
    assert_eq!(client.until("SpeakersResult").await["speakers"], json!([]));
    client
        .send(json!({"message": "SetRecognitionConfig", "transcription_config": {"enable_partials": true}}))
        .await;
    client.send(json!({"message": "GetSpeakers", "final": true})).await;
    client.audio(pcm(&[(0.2, 1.5)])).await;
    client.socket.send(Message::Ping(b"are you there"[..].into())).await.unwrap();
    let mut answered = false;
    while !answered {
        answered = matches!(client.next().await, Message::Pong(payload) if payload == b"are you there"[..]);
    }
    client.end().await;
    assert_eq!(client.closed().await.0, 1000);
    assert_eq!(client.all("SpeakersResult").len(), 2);
    assert_eq!(client.all("AddTranscript")[0]["results"][0]["alternatives"][0]["speaker"], "UU");
    sandbox.stop().await;
}

/// A recogniser's words come segment by segment, in order, with what follows a segment behind it; also as partials.
#[tokio::test]
async fn a_recogniser_gives_the_words() {
    // The command hears how long its file is: 16 kHz, 16 bit.
    let sandbox = Running::start(Some("sh -c 'echo bytes $(wc -c < \"$0\")' {wav}")).await;
    let config = json!({
        "language": "en",
        "enable_partials": true,
        "conversation_config": {"end_of_utterance_silence_trigger": 0.5},
    });
    let mut client = Client::started(&sandbox, config).await;
    for chunk in pcm(&[(0.5, 1.5), (1.0, 0.8), (1.0, 0.0)]).chunks(3_200) {
        client.audio(chunk.to_vec()).await;
    }
    client.end().await;
    client.closed().await;
    let order: Vec<&str> = client
        .seen
        .iter()
        .filter_map(|message| message["message"].as_str())
        .filter(|name| matches!(*name, "AddTranscript" | "EndOfUtterance"))
        .collect();
    assert_eq!(order, ["AddTranscript", "EndOfUtterance", "AddTranscript", "EndOfUtterance"]);
    let said = client.words();
    assert_eq!((&*said[0], &*said[2]), ("bytes", "bytes"));
    let (first, second): (i64, i64) = (said[1].parse().unwrap(), said[3].parse().unwrap());
    assert!((first - 44 - 48_000).abs() < 6_400 && (second - 44 - 25_600).abs() < 6_400, "{said:?}");
    sandbox.stop().await;
}

/// A recogniser that fails ends the session with the documented error.
#[tokio::test]
async fn a_failing_recogniser_ends_the_session() {
    let sandbox = Running::start(Some("sh -c 'exit 9' {wav}")).await;
    let mut client = Client::started(&sandbox, english()).await;
    client.audio(pcm(&[(0.5, 1.0), (1.0, 0.0)])).await;
    assert_eq!(client.closed().await, (4013, "job_error".to_owned()));
    assert!(client.seen.last().unwrap()["reason"].as_str().unwrap().contains("exit status: 9"));
    sandbox.stop().await;
}

/// While the recogniser is behind, no more than a bounded amount of audio is taken from a client.
#[tokio::test]
async fn a_slow_recogniser_holds_the_client_back() {
    let sandbox = Running::start(Some(NEVER_ENDS)).await;
    let mut client = Client::started(&sandbox, english()).await;
    let speech = pcm(&[(1.0, 1.0)]);
    let mut sent = 0;
    let hold = Duration::from_secs(2);
    while let Ok(result) =
        tokio::time::timeout(hold, client.socket.send(Message::binary(speech.clone()))).await
    {
        result.unwrap();
        sent += speech.len();
        assert!(sent < 64 << 20, "{sent} bytes were taken");
    }
    sandbox.stop().await;
}

/// At shutdown sessions are told before they are closed.
#[tokio::test]
async fn shutdown_is_told() {
    let sandbox = Running::start(None).await;
    let mut client = Client::started(&sandbox, english()).await;
    let (stopped, closed) = tokio::join!(sandbox.stop(), client.closed());
    assert_eq!((stopped, closed.0), ((), 1001));
    assert_eq!(client.seen.last().unwrap()["message"], "Error");
}
