//! The last bytes of a connection, and a bounded wait for the other side to hang up.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::stream::Stream;

/// What one read throws away, in bytes.
const DISCARD_BYTES: usize = 1024;

/// Sends the last bytes, then reads and throws away until the other side hangs up: closing a socket with unread
/// bytes in it would reset it, and the other side would lose what it was told. One that doesn't hang up in time, or
/// doesn't even read, is reset.
pub(crate) async fn say(mut io: Stream, last: Vec<u8>, linger_max: Duration) {
    let told = timeout(linger_max, async {
        io.write_all(&last).await?;
        io.shutdown().await?;
        let mut discard = [0; DISCARD_BYTES];
        while io.read(&mut discard).await? > 0 {}
        Ok::<(), std::io::Error>(())
    });
    if told.await.is_err() {
        io.reset_on_drop();
    }
}
