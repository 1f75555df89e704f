//! Requests of the management API and the portal, whole before anybody decides about them. Who may do what is judged as it is
//! once all of a request is there: a credential that is held good by a body that doesn't end would outlive its revocation. How fast
//! a network calls is judged before: whoever calls too fast has no body waited for.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::BodyExt as _;

use crate::config::BODY_BYTES_MAX;

/// What a request to the management API or the portal may carry, in bytes; those that carry more are refused.
const WHOLE_BODY_BYTES_MAX: usize = BODY_BYTES_MAX;
/// How long such a body may take from its first byte to its last, in seconds.
const WHOLE_BODY_SECONDS_MAX: u64 = 30;

/// A body took too long.
#[derive(Debug, thiserror::Error)]
#[error("the body took longer than {WHOLE_BODY_SECONDS_MAX} seconds")]
struct TooSlow;

/// A request whose body is there. One that breaks off, or that takes too long, fails for whoever reads it; one that is too large still is,
/// and is refused for that.
pub async fn whole(request: Request) -> Request {
    let (head, body) = request.into_parts();
    Request::from_parts(head, whole_body(body).await)
}

async fn whole_body<B>(body: B) -> Body
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if body.is_end_stream() {
        return Body::empty();
    }
    // Who announces too much is told at once.
    if body.size_hint().lower() > WHOLE_BODY_BYTES_MAX as u64 {
        return Body::new(body);
    }
    match tokio::time::timeout(Duration::from_secs(WHOLE_BODY_SECONDS_MAX), collect(body)).await {
        Ok(Ok(bytes)) => Body::from(bytes),
        Ok(Err(error)) => broken(error),
        Err(_elapsed) => broken(TooSlow),
    }
}

/// All of a body, or as much as is too much.
async fn collect<B: HttpBody<Data = Bytes> + Unpin>(mut body: B) -> Result<Bytes, B::Error> {
    let mut all = BytesMut::new();
    while all.len() <= WHOLE_BODY_BYTES_MAX
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Body {
    Body::from_stream(stream::iter([Err::<Bytes, _>(error)]))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    async fn read(body: Body) -> Option<usize> {
        body.collect().await.ok().map(|body| body.to_bytes().len())
    }

    fn pieces<E: std::error::Error + Send + Sync + 'static>(
        pieces: Vec<Result<usize, E>>,
    ) -> impl HttpBody<Data = Bytes, Error = E> + Send + Unpin + 'static {
        let frames =
            pieces.into_iter().map(|piece| piece.map(|length| Frame::data(vec![b'x'; length].into())));
        StreamBody::new(stream::iter(frames.collect::<Vec<_>>()))
    }

    /// What fits arrives as it was sent; what breaks off doesn't arrive as a shorter whole, and what is too large is not cut to size.
    #[tokio::test]
    async fn a_body_is_whole_or_fails() {
        assert_eq!(read(whole_body(pieces::<Infallible>(vec![])).await).await, Some(0));
        let fitting = vec![Ok(1), Ok(WHOLE_BODY_BYTES_MAX - 1)];
        assert_eq!(read(whole_body(pieces::<Infallible>(fitting)).await).await, Some(WHOLE_BODY_BYTES_MAX));
        let cut = vec![Ok(1), Err(io::Error::other("gone"))];
        assert_eq!(read(whole_body(pieces(cut)).await).await, None);
        let endless = vec![Ok(WHOLE_BODY_BYTES_MAX), Ok(1), Ok(1)];
        let read = read(whole_body(pieces::<Infallible>(endless)).await).await;
        assert!(read.is_some_and(|length| length > WHOLE_BODY_BYTES_MAX), "{read:?}");
    }

    /// Nobody holds a request open by sending it a byte at a time.
    #[tokio::test(start_paused = true)]
    async fn a_body_comes_in_time() {
        let trickle = |seconds: u64| {
            let frames = stream::unfold(0, move |sent| async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                (sent < 10).then(|| (Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))), sent + 1))
            });
            StreamBody::new(Box::pin(frames))
        };
        assert_eq!(read(whole_body(trickle(1)).await).await, Some(10));
        assert_eq!(read(whole_body(trickle(4)).await).await, None);
    }
}
