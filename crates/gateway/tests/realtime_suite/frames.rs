//! What is no valid WebSocket: it never reaches the other side, and its sender is told.

use gateway::realtime::frame::{Opcode, build, text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

const MASK: Option<[u8; 4]> = Some([9, 8, 7, 6]);

/// A client that writes its own frames.
async fn raw_client(world: &World, key: &Key) -> (TcpStream, Ws) {
    let bearer = format!("Bearer {}", key.secret.expose());
    let mut client = TcpStream::connect(world.eu1).await.unwrap();
    client.write_all(upgrade_request("/v2", &[("Authorization", &bearer)]).as_bytes()).await.unwrap();
    let (engine, _) = world.engine.accept().await;
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 101 "));
    (client, engine)
}

async fn read_frame(client: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    soon(client.read_exact(&mut head)).await.unwrap();
    let length = match head[1] {
        126 => usize::from(soon(client.read_u16()).await.unwrap()),
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    soon(client.read_exact(&mut payload)).await.unwrap();
    (head[0], payload)
}

/// Every broken rule: the engine gets the frames before it and a close, none of the bad bytes, and the client gets an
/// `Error` and the right close code. Also when the bytes come one by one.
#[tokio::test]
async fn invalid_frames_of_a_client() {
    let world = World::new().await;
    let key = world.api_key().await;
    let mut reserved = build(Opcode::Text, b"x", MASK);
    reserved[0] |= 0x40;
    let mut opcode = build(Opcode::Text, b"x", MASK);
    opcode[0] = 0x83;
    let mut fragmented_ping = build(Opcode::Ping, b"x", MASK);
    fragmented_ping[0] &= 0x7f;
    let mut huge = vec![0x82, 0xff];
    huge.extend((1_u64 << 63).to_be_bytes());
    huge.extend([0; 4]);
    let mut too_long = vec![0x82, 0xff];
    too_long.extend((gateway::realtime::frame::FRAME_BYTES_MAX + 1).to_be_bytes());
    too_long.extend([0; 4]);
    let cases = [
        (reserved, 1002),
        (opcode, 1002),
        (text("unmasked"), 1002),
        (fragmented_ping, 1002),
        (build(Opcode::Ping, &[0; 126], MASK), 1002),
        (build(Opcode::Continuation, b"x", MASK), 1002),
        (vec![0x82, 0xfe, 0, 5, 0, 0, 0, 0], 1002),
        (huge, 1002),
        (too_long, 1009),
    ];
    for (bad, code) in cases {
        for byte_by_byte in [false, true] {
            let (mut client, mut engine) = raw_client(&world, &key).await;
            assert_eq!(read_frame(&mut client).await.0, 0x81, "the first Info");
            let bytes =
                [build(Opcode::Binary, b"good", MASK), bad.clone(), build(Opcode::Binary, b"late", MASK)]
                    .concat();
            if byte_by_byte {
                for byte in &bytes {
                    // The gateway may have hung up on the bad bytes by now.
                    let _ = client.write_all(&[*byte]).await;
                }
            } else {
                client.write_all(&bytes).await.unwrap();
            }
            assert_eq!(next(&mut engine).await, Message::binary("good"));
            assert!(next(&mut engine).await.is_close());
            let (first, payload) = read_frame(&mut client).await;
            let error: serde_json::Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!((first, error["type"].as_str()), (0x81, Some("protocol_error")), "{bad:?}");
            let (first, payload) = read_frame(&mut client).await;
            assert_eq!((first, &payload[..2]), (0x88, &u16::to_be_bytes(code)[..]), "{bad:?}");
        }
    }
}

/// An engine that sends something invalid ends the session; the client gets what came before, none of the bad bytes, and
/// why.
#[tokio::test]
async fn invalid_frames_of_an_engine() {
    let world = World::new().await;
    let key = world.api_key().await;
    for bad in [build(Opcode::Text, b"masked", MASK), vec![0xf1, 1, b'x'], vec![0x80, 0]] {
        let (mut client, engine) = raw_client(&world, &key).await;
        read_frame(&mut client).await;
        let mut engine = engine.into_inner();
        engine.write_all(&[text("good"), bad].concat()).await.unwrap();
        assert_eq!(read_frame(&mut client).await, (0x81, b"good".to_vec()));
        let error: serde_json::Value = serde_json::from_slice(&read_frame(&mut client).await.1).unwrap();
        assert_eq!(error["type"], "job_error");
        assert_eq!(read_frame(&mut client).await.1[..2], 1011_u16.to_be_bytes());
    }
}

/// Messages in fragments with a ping between them pass as they are.
#[tokio::test]
async fn fragments_pass() {
    let world = World::new().await;
    let (mut client, mut engine) = raw_client(&world, &world.api_key().await).await;
    let mut first = build(Opcode::Text, b"he", MASK);
    first[0] &= 0x7f;
    let bytes =
        [first, build(Opcode::Ping, b"now", MASK), build(Opcode::Continuation, b"llo", MASK)].concat();
    client.write_all(&bytes).await.unwrap();
    assert_eq!(next(&mut engine).await, Message::Ping("now".into()));
    assert_eq!(next(&mut engine).await, Message::text("hello"));
}
