//! Sessions of one key with a simulated engine, ledger and schedule: random limits, formats, frames, and splits of them. The
//! guards, draws and the account are the real ones. `VOXGATE_LEASH_CASES` says how many cases are tried.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use domain::Leash;
use proptest::prelude::*;

use super::super::account::{Account, Errand, Taken};
use super::super::budget::{Allowance, SECOND_MICROS};
use super::super::draw::Purse;
use super::tests::Parts;
use super::*;

const MASK: Option<[u8; 4]> = Some([7, 1, 9, 3]);

/// The account of a key, whose ledger answers when the schedule says so.
#[derive(Debug)]
struct Bank {
    account: Account,
    max: u64,
    reserved: u64,
    away: Option<Errand>,
}

impl Bank {
    fn answer(&mut self) {
        match self.away.take() {
            Some(Errand::Reserve(asked)) => {
                let micros = asked.min(self.max - self.reserved);
                self.reserved += micros;
                self.account.reserved(asked, micros, self.reserved);
            }
            Some(Errand::Return(micros)) => {
                self.reserved -= micros;
                self.account.returned();
            }
            None => {}
        }
        self.send();
    }

    fn send(&mut self) {
        if let Some(errand) = self.account.errand() {
            self.away = Some(errand);
        }
    }
}

#[derive(Debug)]
struct Simulated(Arc<Mutex<Bank>>);

impl Purse for Simulated {
    fn take(&mut self, _: &mut Context<'_>, wanted: u64) -> Allowance {
        let mut bank = self.0.lock().unwrap();
        let taken = bank.account.take(wanted);
        bank.send();
        match taken {
            Taken::Some(micros) => Allowance::Some(micros),
            Taken::Wait => Allowance::Wait,
            Taken::Spent | Taken::Failed => Allowance::Refused(Refusal::new(Reason::AudioSpent, "spent")),
        }
    }

    fn book(&mut self, micros: u64) -> Result<(), Refusal> {
        let has_it = self.0.lock().unwrap().account.book(micros);
        if has_it { Ok(()) } else { Err(Refusal::new(Reason::AudioSpent, "spent")) }
    }

    fn warning(&mut self) -> Option<String> {
        let is_due = self.0.lock().unwrap().account.is_nearly_spent();
        is_due.then(|| String::from("nearly spent"))
    }
}

/// What one client sends.
#[derive(Debug, Clone)]
struct Plan {
    rate: u64,
    is_locked: bool,
    keeps_lock: bool,
    /// Lengths of audio frames; none is a ping.
    frames: Vec<Option<usize>>,
    /// How many bytes come at once.
    split: usize,
}

fn plan() -> impl Strategy<Value = Plan> {
    let frame = prop_oneof![6 => (0usize..3000).prop_map(Some), 1 => Just(None)];
    (
        100u64..4000,
        any::<bool>(),
        prop::bool::weighted(0.9),
        prop::collection::vec(frame, 0..10),
        1usize..4000,
    )
        .prop_map(|(rate, is_locked, keeps_lock, frames, split)| Plan {
            rate,
            is_locked,
            keeps_lock,
            frames,
            split,
        })
}

impl Plan {
    fn start(&self) -> Vec<u8> {
        let language = if self.keeps_lock { "en" } else { "de" };
        let text = format!(
            r#"{{"message":"StartRecognition","audio_format":{{"type":"raw","encoding":"mulaw","sample_rate":{}}},"transcription_config":{{"language":"{language}"}}}}"#,
            self.rate
        );
        frame::build(Opcode::Text, text.as_bytes(), MASK)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.start();
        for frame in &self.frames {
            bytes.extend(match frame {
                Some(length) => frame::build(Opcode::Binary, &vec![5; *length], MASK),
                None => frame::build(Opcode::Ping, b"alive", MASK),
            });
        }
        bytes
    }
}

struct Running {
    plan: Plan,
    sent: Vec<u8>,
    parts: Parts,
    guard: Guard,
    got: Vec<u8>,
    is_over: bool,
    warned_at: Option<u64>,
}

impl Running {
    fn new(plan: Plan, bank: &Arc<Mutex<Bank>>) -> Self {
        let leash = Leash {
            lock: plan.is_locked.then(|| r#"{"transcription_config":{"language":"en"}}"#.to_owned()),
            ..Leash::default()
        };
        let mut guard =
            Guard::new(Product::Rt, Leashed { lock: Lock::of(&leash).unwrap(), share: None }, &[]);
        guard.draw = Some(Draw::new(Box::new(Simulated(bank.clone()))));
        bank.lock().unwrap().account.join();
        let sent = plan.bytes();
        let parts = Parts(sent.chunks(plan.split).map(<[u8]>::to_vec).collect());
        Self { plan, sent, parts, guard, got: Vec::new(), is_over: false, warned_at: None }
    }

    /// Reads once. What is read is what the engine gets.
    fn turn(&mut self, cx: &mut Context<'_>) {
        let mut room = [0; 1500];
        let mut into = ReadBuf::new(&mut room);
        if Pin::new(&mut self.guard.over(&mut self.parts)).poll_read(cx, &mut into).is_pending() {
            return;
        }
        self.is_over = into.filled().is_empty();
        self.got.extend_from_slice(into.filled());
    }

    /// The audio that the engine got, in bytes.
    fn audio_bytes(&self) -> u64 {
        let mut follower = Follower::new(Sender::Client);
        let (mut at, mut audio) = (0, 0);
        while at < self.got.len() {
            let step = follower.step(&self.got[at..]).unwrap();
            if matches!(step.event, Event::Payload { header, .. } if header.message == Opcode::Binary) {
                audio += step.taken as u64;
            }
            at += step.taken;
        }
        audio
    }
}

#[expect(clippy::disallowed_methods, reason = "a long run is asked for by hand")]
fn cases() -> ProptestConfig {
    let wanted = std::env::var("VOXGATE_LEASH_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(wanted.unwrap_or(1500))
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever sessions of one key send and in whichever order they are served: together they never pass more audio than the
    /// budget; none is ended before the budget is used up, to the byte; a session that isn't ended passes everything unchanged,
    /// an ended one a beginning of it; a start that breaks the lock passes nothing; the warning comes at nine tenths, not
    /// before.
    #[test]
    fn sessions_keep_to_their_leash(
        max_seconds in 1u64..6,
        plans in prop::collection::vec(plan(), 1..6),
        schedule in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let max = max_seconds * SECOND_MICROS;
        let bank = Bank { account: Account::new(max), max, reserved: 0, away: None };
        let bank = Arc::new(Mutex::new(bank));
        let mut cx = Context::from_waker(Waker::noop());
        let mut sessions: Vec<Running> = plans.into_iter().map(|plan| Running::new(plan, &bank)).collect();
        let micros = |session: &Running| session.audio_bytes() * SECOND_MICROS / session.plan.rate;
        for turn in 0.. {
            if sessions.iter().all(|session| session.is_over) {
                break;
            }
            prop_assert!(turn < 100_000, "all end");
            // One of the places is the ledger's.
            let next = schedule[turn % schedule.len()].index(sessions.len() + 1);
            let next = (next + turn / schedule.len()) % (sessions.len() + 1);
            match sessions.get_mut(next) {
                None => bank.lock().unwrap().answer(),
                Some(session) if !session.is_over => {
                    session.turn(&mut cx);
                    if session.guard.warning().is_some() {
                        session.warned_at = Some(bank.lock().unwrap().reserved);
                    }
                }
                Some(_) => {}
            }
        }
        let passed: u64 = sessions.iter().map(micros).sum();
        prop_assert!(passed <= max, "{passed} of {max}");
        let reasons: Vec<Option<Reason>> = sessions
            .iter()
            .map(|session| match session.guard.stop() {
                None => None,
                Some(Stop::Refused(refusal)) => Some(refusal.reason),
                Some(Stop::Violated(violation)) => panic!("{violation}"),
            })
            .collect();
        for (session, reason) in sessions.iter().zip(&reasons) {
            prop_assert!(session.sent.starts_with(&session.got));
            match reason {
                None => prop_assert!(session.got == session.sent),
                Some(Reason::LockBroken) => {
                    prop_assert!(session.got.is_empty() && session.plan.is_locked && !session.plan.keeps_lock);
                }
                other => prop_assert_eq!(*other, Some(Reason::AudioSpent)),
            }
            prop_assert!(session.warned_at.is_none_or(|reserved| reserved * 100 >= max * 90));
        }
        if reasons.contains(&Some(Reason::AudioSpent)) {
            // A byte of each session may be covered in part, and counts are rounded.
            let rounding: u64 = sessions.iter().map(|session| SECOND_MICROS / session.plan.rate + 2).sum();
            prop_assert!(passed + rounding >= max, "{passed} of {max} when a session was ended");
        }
    }
}
