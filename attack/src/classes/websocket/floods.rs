//! Many small things: pings, empty frames, fragments, messages nobody reads. Bounded, and others go on.

use super::begun;
use crate::Fault;
use crate::arena::Arena;
use crate::trial::{Trial, Verdict};
use crate::wire::frame::{BINARY, CONTINUATION, PING, PONG, TEXT, build, raw};
use crate::wire::session::MASK;

/// Frames of one flood.
const FRAMES: usize = 20_000;
/// How much the instance may grow, in KiB.
const GROWTH_KIB_MAX: u64 = 64 * 1024;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let before = resident_kib(arena);
    for (name, frame) in [
        ("pings", build(PING, b"are you there?", MASK)),
        ("empty pings", build(PING, b"", MASK)),
        ("pongs", build(PONG, b"", MASK)),
        ("empty audio", build(BINARY, b"", MASK)),
        ("empty text", build(TEXT, b"", MASK)),
        ("audio of one byte", build(BINARY, b"x", MASK)),
        ("text that is no JSON", build(TEXT, b"{{{{{{{{", MASK)),
        ("large audio", build(BINARY, &[0; 8192], MASK)),
    ] {
        flood(arena, trial, name, &[], &frame).await?;
    }
    flood(
        arena,
        trial,
        "fragments without an end",
        &raw(BINARY, 1, b"x", MASK),
        &raw(CONTINUATION, 1, b"x", MASK),
    )
    .await?;
    flood(
        arena,
        trial,
        "empty fragments without an end",
        &raw(TEXT, 0, b"", MASK),
        &raw(CONTINUATION, 0, b"", MASK),
    )
    .await?;
    let after = resident_kib(arena);
    let grown = after.saturating_sub(before);
    trial.attack(
        "websocket flood: memory",
        Verdict::held_if(grown < GROWTH_KIB_MAX, || format!("it grew by {grown} KiB")),
    );
    Ok(())
}

/// One session floods and reads nothing; another goes on beside it.
async fn flood(
    arena: &Arena,
    trial: &mut Trial,
    name: &str,
    first: &[u8],
    frame: &[u8],
) -> Result<(), Fault> {
    let mut beside = begun(arena, "beside a flood").await?;
    let mut session = begun(arena, &format!("flood of {name}")).await?;
    let burst: Vec<u8> = frame.repeat(FRAMES / 20);
    session.send(first).await;
    let flooding = async {
        for _ in 0..20 {
            // Backpressure may stop it, and the session may be ended: both are fine.
            let sent =
                tokio::time::timeout(std::time::Duration::from_millis(500), session.send(&burst)).await;
            if !matches!(sent, Ok(true)) {
                break;
            }
        }
    };
    let going_on = async {
        beside.send(&build(BINARY, &[0; 320], MASK)).await;
        beside.until("AudioAdded").await
    };
    let ((), goes_on) = tokio::join!(flooding, going_on);
    trial.attack(
        format!("websocket flood: {name}"),
        Verdict::held_if(goes_on, || "the session beside it ended".to_owned()),
    );
    beside.send(&build(BINARY, &[0; 320], MASK)).await;
    let still = beside.until("AudioAdded").await;
    trial.control(format!("a session after {name}"), if still { Ok(()) } else { Err("it ended".to_owned()) });
    Ok(())
}

/// What the instance holds in memory.
fn resident_kib(arena: &Arena) -> u64 {
    crate::arena::instance::resident_kib(arena.instance.id())
}
