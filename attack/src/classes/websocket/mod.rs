//! Realtime: frames that are none, lengths that lie, floods, pages of others. The rule: what breaks the protocol ends the
//! session with its code, and what reached the engine before is whole frames and nothing else.

mod floods;
mod frames;
mod handshakes;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::CASE;
use crate::trial::Trial;
use crate::wire::session::{HANDSHAKE, Session};

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    handshakes::run(arena, trial).await?;
    frames::run(arena, trial).await?;
    floods::run(arena, trial).await
}

/// A session that has begun, and knows its case.
async fn begun(arena: &Arena, case: &str) -> Result<Session, Fault> {
    let lines = format!("{CASE}: {case}\r\nauthorization: Bearer {}\r\n{HANDSHAKE}", arena.mine.key);
    let mut session = Session::open(arena.home(), "/v2", &lines).await.map_err(|answer| answer.shown())?;
    session.start().await;
    if session.until("RecognitionStarted").await { Ok(session) } else { Err(format!("{case}: it ended")) }
}
