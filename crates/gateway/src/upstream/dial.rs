//! A connection to an engine, plain or by TLS, before anything is said on it.

use std::io;

use tokio::net::TcpStream;

use crate::Upstream;
use crate::stream::Stream;

/// Connects. The caller bounds the time, which covers the look-up of the name and TLS too.
///
/// # Errors
/// When nobody listens there, or it isn't the engine.
pub(crate) async fn dial(upstream: &Upstream) -> io::Result<Stream> {
    let host = upstream.host().trim_start_matches('[').trim_end_matches(']');
    let tls = upstream.tls()?;
    let stream = TcpStream::connect((host, upstream.port())).await?;
    // Only a delay is at stake if the socket doesn't take the option.
    let _ = stream.set_nodelay(true);
    match tls {
        None => Ok(Stream::Tcp(stream)),
        Some(tls) => tls.connect(host, stream).await.map(|stream| Stream::Tls(Box::new(stream))),
    }
}
