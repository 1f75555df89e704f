//! Clients that stop taking an answer: what they hold is free again in time, and whoever goes on taking gets all.

use domain::Region;
use gateway::GatewayLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::FLOOD_BYTES;
use crate::world::{Setup, World, soon};

/// A world where a client may stop for a second. One worker serves all: what one request leaves to the pool, the next one takes.
async fn world() -> World {
    let gateway_limits = GatewayLimits {
        stall_seconds_max: 1,
        drain_seconds_max: 1,
        worker_threads: 1,
        ..GatewayLimits::default()
    };
    World::with(Setup { gateway_limits, ..Setup::default() }).await
}

/// All bytes that come until the connection is over, in whichever way.
async fn count_bytes(mut client: TcpStream) -> u64 {
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    while let Ok(read @ 1..) = soon(client.read(&mut buffer)).await {
        received += read as u64;
    }
    received
}

/// A client that doesn't read its answer is hung up, and the engine's connection is free, though the request also asks for a
/// WebSocket where there is none. One that reads gets all.
#[tokio::test]
async fn nobody_holds_an_answer_for_ever() {
    let world = world().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let mut connections = world.engine.connections.subscribe();
    let before = *connections.borrow();
    for fields in ["connection: close", "upgrade: websocket", "connection: upgrade\r\nupgrade: websocket"] {
        let request = format!(
            "GET /v2/jobs/{job}/data HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n{fields}\r\n\r\n",
            key.bearer()
        );
        let ask = async || {
            let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
            client.write_all(request.as_bytes()).await.unwrap();
            client
        };
        let silent = ask().await;
        soon(connections.wait_for(|open| *open > before)).await.unwrap();
        soon(connections.wait_for(|open| *open == before)).await.unwrap();
        let received = count_bytes(silent).await;
        assert!(received < FLOOD_BYTES, "{fields}: {received}");
        let received = count_bytes(ask().await).await;
        assert!(received > FLOOD_BYTES, "{fields}: {received}");
    }
}
