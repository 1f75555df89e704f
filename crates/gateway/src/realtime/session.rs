//! What the registry and a session's own task share.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::link::{SessionEnd, SessionEvent, SessionInfo};
use domain::reason::RealtimeError;
use domain::{Product, Reason, Refusal, Region, SessionId, Timestamp};
use futures_util::task::AtomicWaker;
use verify::Principal;

use super::registry::Slot;
use crate::meter::Tally;

/// Why a session ends, as its client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The `type` of the `Error`, and the reason of the close frame.
    pub(crate) kind: RealtimeError,
    /// The sentence of the `Error`.
    pub(crate) reason: String,
    /// The close code.
    pub(crate) code: u16,
}

impl Ending {
    /// By the table of refusals. The stable code stands at the end of the sentence, since the message has no other
    /// place for it; an operator's own words stay as they are.
    pub(crate) fn refused(refusal: &Refusal) -> Self {
        let (kind, code) = refusal.reason.realtime();
        let reason = match refusal.reason {
            Reason::SessionEnded => refusal.detail.clone().into_owned(),
            stable => format!("{} ({stable})", refusal.detail),
        };
        Self { kind, reason, code }
    }

    /// An open session whose principal isn't good any more. A right that a living key has lost is told apart from a
    /// key that is dead (design 4).
    pub(crate) fn lost(refusal: &Refusal) -> Self {
        let ending = Self::refused(refusal);
        match refusal.reason {
            Reason::WrongProduct => Self { kind: RealtimeError::NotAllowed, code: 4003, ..ending },
            _ => ending,
        }
    }

    /// The engine failed in the middle of the session.
    pub(crate) fn engine_failed(reason: String) -> Self {
        Self::refused(&Refusal::new(Reason::EngineDown, reason))
    }

    /// The gateway stops.
    pub(crate) fn shutdown() -> Self {
        let reason = "The gateway is shutting down. Connect again.".to_owned();
        Self { kind: RealtimeError::JobError, reason, code: 1001 }
    }
}

/// What is known of a session from its start.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) id: SessionId,
    pub(crate) principal: Principal,
    pub(crate) region: Region,
    pub(crate) product: Product,
    pub(crate) peer: IpAddr,
    pub(crate) started_at: Timestamp,
    pub(crate) tally: Arc<Tally>,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) facts: Facts,
    pub(crate) received_bytes: AtomicU64,
    pub(crate) audio_millis: AtomicU64,
    gate: Mutex<Gate>,
    waker: AtomicWaker,
}

/// Whether bytes may move. Locked while they do, so that whoever closes it knows that none moves afterwards.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Set once: from then on nothing moves.
    ending: Option<Ending>,
    /// The key's expiry may have changed.
    rearm: bool,
    /// The session's place among those of its project; given back when it is over for the client.
    slot: Option<Slot>,
}

impl Gate {
    /// Why the session ends, if it was closed.
    pub(crate) const fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Whether timers must be set anew; asked once per cause.
    pub(crate) fn take_rearm(&mut self) -> bool {
        std::mem::take(&mut self.rearm)
    }

    /// Gives the session's place back and takes it off the list.
    pub(crate) fn release(&mut self) {
        self.slot = None;
    }
}

impl Facts {
    /// What is told of the session's beginning.
    pub(crate) fn event(&self, at: Timestamp) -> SessionEvent {
        SessionEvent {
            at,
            session_id: self.id,
            workspace_id: self.principal.workspace_id(),
            project_id: self.principal.project_id(),
            api_key_id: self.principal.api_key_id(),
            temporary_key_id: self.principal.temporary_key_id(),
            client_ref: self.principal.client_ref().cloned(),
            region: self.region,
            product: self.product,
            end: None,
        }
    }
}

impl Session {
    /// What is told of its end.
    pub(crate) fn ended(
        &self,
        at: Timestamp,
        kind: &str,
        close_code: Option<u16>,
        reason: Option<String>,
    ) -> SessionEvent {
        let seconds = at.micros_since(self.facts.started_at).max(0).unsigned_abs() / 1_000_000;
        let end = SessionEnd {
            kind: kind.to_owned(),
            close_code,
            reason,
            seconds: Some(seconds),
            audio_millis: Some(self.audio_millis.load(Ordering::Relaxed)),
        };
        SessionEvent { end: Some(end), ..self.facts.event(at) }
    }

    pub(crate) fn new(facts: Facts, slot: Slot) -> Self {
        Self {
            facts,
            received_bytes: AtomicU64::new(0),
            audio_millis: AtomicU64::new(0),
            gate: Mutex::new(Gate { ending: None, rearm: false, slot: Some(slot) }),
            waker: AtomicWaker::new(),
        }
    }

    /// Locks the gate. Never held across an await.
    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session; the first reason stays. When this returns, no byte moves any more.
    pub(crate) fn end(&self, ending: Ending) {
        self.gate().ending.get_or_insert(ending);
        self.waker.wake();
    }

    /// Has the session set its timers anew.
    pub(crate) fn rearm(&self) {
        self.gate().rearm = true;
        self.waker.wake();
    }

    /// Where the session's task is woken.
    pub(crate) fn register(&self, cx: &std::task::Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// What is told of it.
    pub(crate) fn info(&self) -> SessionInfo {
        let facts = &self.facts;
        SessionInfo {
            session_id: facts.id,
            workspace_id: facts.principal.workspace_id(),
            project_id: facts.principal.project_id(),
            api_key_id: facts.principal.api_key_id(),
            temporary_key_id: facts.principal.temporary_key_id(),
            client_ref: facts.principal.client_ref().cloned(),
            region: facts.region,
            product: facts.product,
            started_at: facts.started_at,
            audio_seconds: self.audio_millis.load(Ordering::Relaxed) as f64 / 1000.0,
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            peer: facts.peer,
        }
    }
}
