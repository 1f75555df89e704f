//! How a refusal is told: by HTTP, or in-band where a browser couldn't see the status of a failed upgrade.
//!
//! In-band: complete the upgrade, wait for the client's first frame, then `Error`, then close. An `Error` that is
//! sent at once is lost in clients that begin to listen only after `open` (protocol 5.4).

use bytes::Bytes;
use domain::{Reason, Refusal, RequestId};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::credential::Placement;
use super::frame::{self, Follower, Sender};
use super::handshake::{self, Upgrade};
use super::io;
use super::session::Ending;
use super::times::CLIENT_UPGRADE_SECONDS_MAX;
use super::{Registry, farewell, message};
use crate::stream::Stream;
use crate::{Body, RefusalStyle, answer};

/// What one read of a client's first frame takes, in bytes.
const READ_BYTES: usize = 1024;

/// Whether a refusal is told in-band, if the upgrade itself is valid (design 7).
pub(crate) fn is_in_band(style: RefusalStyle, placement: Placement, reason: Reason) -> bool {
    match style {
        RefusalStyle::Http => false,
        RefusalStyle::InBand => true,
        RefusalStyle::ByCredential => match reason {
            Reason::SessionsFull | Reason::UsesSpent | Reason::LockBroken | Reason::AudioSpent => true,
            Reason::CredentialAmbiguous => false,
            _ => placement == Placement::Url,
        },
    }
}

/// The answer to a refused upgrade. In-band ones leave a task behind, which ends by itself.
pub(crate) fn answer(
    refusal: &Refusal,
    upgrade: Option<&Upgrade>,
    request: &mut Request<Incoming>,
    sessions: &Registry,
    request_id: RequestId,
) -> Response<Body> {
    let Some((upgrade, place)) = upgrade.zip(sessions.refusing()) else {
        return answer::jobs(refusal, request_id);
    };
    let task = sessions.task();
    let upgraded = hyper::upgrade::on(request);
    let ending = Ending::refused(refusal);
    let times = *sessions.times();
    tokio::spawn(async move {
        let _held = (place, task);
        let Some((mut client, early)) = take(upgraded).await else { return };
        if let Ok(false) = timeout(times.first_frame_max, first_frame(&mut client, &early)).await {
            return;
        }
        drop(early);
        let mut last = message::error(ending.kind, &ending.reason);
        last.extend(frame::close(ending.code, ending.kind.as_str(), None));
        farewell::say(client, last, times.linger_max).await;
    });
    handshake::switch(upgrade, request_id)
}

/// The client's connection, once its upgrade is complete.
pub(crate) async fn take(upgraded: OnUpgrade) -> Option<(Stream, Bytes)> {
    let bound = std::time::Duration::from_secs(CLIENT_UPGRADE_SECONDS_MAX);
    match timeout(bound, upgraded).await {
        Ok(Ok(upgraded)) => io::take_out(upgraded),
        Ok(Err(_)) | Err(_) => None,
    }
}

/// Reads until a frame is over, or can't be one. Returns whether the client is still there.
async fn first_frame(client: &mut Stream, early: &[u8]) -> bool {
    let mut follower = Follower::new(Sender::Client);
    if is_frame_over(&mut follower, early) {
        return true;
    }
    let mut buffer = [0; READ_BYTES];
    loop {
        match client.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) if is_frame_over(&mut follower, &buffer[..count]) => return true,
            Ok(_) => {}
        }
    }
}

fn is_frame_over(follower: &mut Follower, bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        match follower.step(&bytes[at..]) {
            Ok(step) => at += step.taken,
            Err(_) => return true,
        }
        if follower.is_between_frames() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each way of telling where design 7 says so, and everywhere by wish.
    #[test]
    fn where_refusals_are_told() {
        use Placement::{Header, Url};
        let by_credential = |placement, reason| is_in_band(RefusalStyle::ByCredential, placement, reason);
        for reason in [Reason::CredentialUnknown, Reason::WrongProduct, Reason::WrongArea, Reason::EngineDown]
        {
            assert!(!by_credential(Header, reason));
            assert!(by_credential(Url, reason));
        }
        for placement in [Header, Url] {
            assert!(by_credential(placement, Reason::SessionsFull));
            assert!(!by_credential(placement, Reason::CredentialAmbiguous));
            assert!(is_in_band(RefusalStyle::InBand, placement, Reason::CredentialUnknown));
            assert!(!is_in_band(RefusalStyle::Http, placement, Reason::SessionsFull));
        }
    }

    /// A first frame is over when its last byte came, however it was split; what is no frame is over at once.
    #[test]
    fn the_first_frame() {
        let whole = frame::build(frame::Opcode::Text, b"hello", Some([1; 4]));
        let mut follower = Follower::new(Sender::Client);
        let (last, before) = whole.split_last().unwrap();
        assert!(before.iter().all(|byte| !is_frame_over(&mut follower, &[*byte])));
        assert!(is_frame_over(&mut follower, &[*last]));
        assert!(is_frame_over(&mut Follower::new(Sender::Client), b"GET / HTTP/1.1"));
        assert!(!is_frame_over(&mut Follower::new(Sender::Client), b""));
    }
}
