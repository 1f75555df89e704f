//! Between the gateway and another engine: every byte is passed on as it is, and what came is kept.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::recorder::{Reached, Shared};
use crate::wire::message::{Parsed, parse_all, whole_head};

/// Passes on what comes until either end is gone.
pub(super) async fn listen_in(shared: &Arc<Shared>, stream: TcpStream, engine: SocketAddr, connection: u64) {
    let Ok(behind) = TcpStream::connect(engine).await else { return };
    let (mut from_client, mut to_client) = stream.into_split();
    let (mut from_engine, mut to_engine) = behind.into_split();
    let mut heard = Vec::new();
    let up = async {
        let mut buffer = [0; 4 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            heard.extend_from_slice(&buffer[..count]);
            for Parsed { head, body, fault } in parse_all(&mut heard) {
                shared.keep(Reached { body, ..Reached::new(connection, head, fault) });
            }
            if to_engine.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        let _ = tokio::io::copy(&mut from_engine, &mut to_client).await;
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    // What broke off within its body was asked all the same.
    if let Some(head) = whole_head(&heard) {
        let fault = head.fault();
        shared.keep(Reached { is_whole: false, ..Reached::new(connection, head, fault) });
    }
}
