//! `Connection` names headers that end at a hop (CVE-2025-48865): it takes away the client's own, never one of ours.

use super::{IDENTITY, judge, read_with};
use crate::Fault;
use crate::arena::{Arena, accepted};
use crate::trial::Trial;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let others = [
        "authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "x-request-id-other",
        "cookie",
        "te",
        "accept",
    ];
    for name in IDENTITY.iter().copied().chain(others) {
        for (what, lines) in [
            ("alone", format!("connection: {name}\r\n")),
            ("in capitals", format!("Connection: {}\r\n", name.to_uppercase())),
            ("among others", format!("connection: keep-alive, {name}, x\r\n")),
            ("twice", format!("connection: keep-alive\r\nconnection: {name}\r\n")),
            ("as an underscore", format!("connection: {}\r\n", name.replace('-', "_"))),
            ("with blanks and commas", format!("connection: ,, \t{name} ,,\r\n")),
            ("as Proxy-Connection", format!("proxy-connection: {name}\r\n")),
            ("as Keep-Alive", format!("keep-alive: {name}\r\n")),
        ] {
            let case = format!("headers nominated {name}: {what}");
            let before = arena.recorder.count();
            let answer = read_with(arena, &case, lines.as_bytes()).await;
            // With several of them, nothing of the client's goes on: not even by which case is told from case.
            let reached = arena.recorder.all().split_off(before);
            trial.attack(&case, judge(arena, &reached, &answer, &[400]));
        }
    }
    let answer = read_with(arena, "nominated control", b"connection: keep-alive\r\n").await;
    trial.control("a connection that is kept", accepted(&answer, 200));
    Ok(())
}
