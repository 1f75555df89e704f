//! Requests that no proper client sends.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::within;

/// Sends bytes to `http://host:port` and reads until the other end closes; the bytes should ask it to.
///
/// # Panics
/// When there is no connection.
pub async fn raw_request(base: &str, bytes: &[u8]) -> String {
    let address = base.trim_start_matches("http://").split('/').next().expect("split gives one part");
    let mut stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    within("sending", stream.write_all(bytes)).await.expect("the other end reads");
    let mut answer = Vec::new();
    drop(within("the end of the answer", stream.read_to_end(&mut answer)).await);
    String::from_utf8_lossy(&answer).into_owned()
}
