//! What an account guarantees, with a simulated ledger: whatever the sessions ask for and in whichever order, together they
//! never use more than the budget, none is told that it is spent while anything is left, a crash never gives back what
//! was used, and audio that was heard of afterwards stands in the ledger when all have gone.

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

/// A ledger, as far as budgets see it.
#[derive(Debug)]
struct Ledger {
    max: u64,
    reserved: u64,
}

impl Ledger {
    fn run(&mut self, account: &mut Account, errand: Errand) {
        match errand {
            Errand::Reserve(asked) => {
                let micros = asked.min(self.max - self.reserved);
                self.reserved += micros;
                account.reserved(asked, micros, self.reserved);
            }
            Errand::Return(micros) => {
                self.reserved -= micros;
                account.returned();
            }
        }
    }
}

/// What happens next. The numbers choose a process among the running ones.
#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Leave(usize),
    Take(usize, u64),
    /// Audio that has passed is heard of; its session may leave at once.
    Book(usize, u64),
    /// The errand that is on its way arrives, or the next one is sent.
    Errand(usize),
    /// The errand that is on its way fails.
    Fail(usize),
    /// The process is killed and started again.
    Kill(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let process = 0usize..3;
    prop_oneof![
        2 => process.clone().prop_map(Step::Join),
        1 => process.clone().prop_map(Step::Leave),
        8 => (process.clone(), 1u64..3 * SECOND).prop_map(|(process, micros)| Step::Take(process, micros)),
        2 => (process.clone(), 1u64..3 * SECOND).prop_map(|(process, micros)| Step::Book(process, micros)),
        8 => process.clone().prop_map(Step::Errand),
        1 => process.clone().prop_map(Step::Fail),
        1 => process.prop_map(Step::Kill),
    ]
}

struct Process {
    account: Account,
    away: Option<Errand>,
}

impl Process {
    fn new(max: u64) -> Self {
        Self { account: Account::new(max), away: None }
    }

    fn send(&mut self) {
        if let Some(errand) = self.account.errand() {
            assert!(self.away.replace(errand).is_none(), "one errand at a time");
        }
    }

    /// Has the errand that is on its way arrive, if there is one, and says whether there was.
    fn arrive(&mut self, ledger: &mut Ledger) -> bool {
        let errand = self.away.take();
        if let Some(errand) = errand {
            ledger.run(&mut self.account, errand);
        }
        errand.is_some()
    }
}

#[expect(clippy::disallowed_methods, reason = "a long run is asked for by hand")]
fn cases() -> ProptestConfig {
    let wanted = std::env::var("VOXGATE_LEASH_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(wanted.unwrap_or(2000))
}

proptest! {
    #![proptest_config(cases())]

    /// Processes that share a ledger, killed at any moment: all that was ever used is at most the budget, and at most what the
    /// ledger has reserved; a session is told that the budget is spent only when the ledger has nothing.
    #[test]
    fn budgets_are_never_exceeded(
        max_seconds in prop_oneof![1u64..5, 5u64..300], steps in prop::collection::vec(step(), 1..120),
    ) {
        let max = max_seconds * SECOND;
        let mut ledger = Ledger { max, reserved: 0 };
        let mut processes: Vec<Process> = (0..3).map(|_| Process::new(max)).collect();
        let mut used = 0;
        for step in steps {
            match step {
                Step::Join(index) => processes[index].account.join(),
                Step::Leave(index) => processes[index].account.leave(),
                Step::Take(index, wanted) if processes[index].account.sessions > 0 => {
                    match processes[index].account.take(wanted) {
                        Taken::Some(taken) => {
                            prop_assert!(taken > 0 && taken <= wanted);
                            used += taken;
                        }
                        Taken::Spent => prop_assert!(processes[index].account.dry),
                        Taken::Wait | Taken::Failed => {}
                    }
                }
                Step::Errand(index) => {
                    processes[index].arrive(&mut ledger);
                }
                Step::Fail(index) => {
                    let process = &mut processes[index];
                    if let Some(errand) = process.away.take() {
                        process.account.failed(errand);
                    }
                }
                Step::Kill(index) => processes[index] = Process::new(max),
                Step::Book(index, micros) if processes[index].account.sessions > 0 => {
                    processes[index].account.book(micros);
                }
                Step::Take(..) | Step::Book(..) => {}
            }
            processes.iter_mut().for_each(Process::send);
            prop_assert!(used <= ledger.reserved, "what is used was reserved before");
            prop_assert!(ledger.reserved <= max);
        }
    }

    /// One process whose sessions take audio, and book more of it afterwards, whenever its errands arrive: once all have gone, the
    /// ledger holds what was used, up to the budget, and the account is over.
    #[test]
    fn what_was_used_stands_in_the_ledger(
        max_seconds in 1u64..50, steps in prop::collection::vec(step(), 1..40),
    ) {
        let max = max_seconds * SECOND;
        let mut ledger = Ledger { max, reserved: 0 };
        let mut process = Process::new(max);
        let mut used: u64 = 0;
        for step in steps {
            let has_sessions = process.account.sessions > 0;
            match step {
                Step::Join(_) => process.account.join(),
                Step::Leave(_) => process.account.leave(),
                Step::Take(_, wanted) if has_sessions => {
                    if let Taken::Some(taken) = process.account.take(wanted) {
                        used += taken;
                    }
                }
                Step::Book(_, micros) if has_sessions => {
                    process.account.book(micros);
                    used += micros;
                }
                Step::Errand(_) => {
                    process.arrive(&mut ledger);
                }
                Step::Take(..) | Step::Book(..) | Step::Fail(_) | Step::Kill(_) => {}
            }
            // As budgets do: what nobody needs is dropped, and the next session has an account of its own.
            if process.account.is_over() {
                process = Process::new(max);
            }
            process.send();
        }
        process.account.sessions = 0;
        process.send();
        while process.arrive(&mut ledger) {
            process.send();
        }
        prop_assert!(process.account.is_over());
        prop_assert_eq!(ledger.reserved, used.min(max));
    }

    /// One process whose sessions come and go: they get the whole budget before they are told that it is spent, to the
    /// microsecond, and when all have gone nothing is reserved that wasn't used.
    #[test]
    fn no_session_ends_early(
        max_seconds in 1u64..200, takes in prop::collection::vec((1u64..5 * SECOND, any::<bool>()), 1..200),
    ) {
        let max = max_seconds * SECOND;
        let mut ledger = Ledger { max, reserved: 0 };
        let mut process = Process::new(max);
        let mut used = 0;
        process.account.join();
        for (wanted, others_come_and_go) in takes {
            if others_come_and_go {
                process.account.leave();
                process.send();
                if let Some(errand) = process.away.take() {
                    ledger.run(&mut process.account, errand);
                }
                prop_assert!(process.account.is_over());
                prop_assert_eq!(ledger.reserved, used);
                process = Process::new(max);
                process.account.join();
            }
            let mut left = wanted;
            while left > 0 {
                match process.account.take(left) {
                    Taken::Some(taken) => {
                        used += taken;
                        left -= taken;
                    }
                    Taken::Spent => {
                        prop_assert_eq!(used, max);
                        break;
                    }
                    other => prop_assert_eq!(other, Taken::Wait),
                }
                process.send();
                if let Some(errand) = process.away.take() {
                    ledger.run(&mut process.account, errand);
                }
            }
        }
        prop_assert!(used <= max);
    }
}

/// A kill loses at most what was reserved ahead: a twentieth of the budget and half of that, or a second and a half.
#[test]
fn a_kill_loses_little() {
    for max_seconds in [1, 10, 100, 3600, 1_000_000] {
        let max = max_seconds * SECOND;
        let mut ledger = Ledger { max, reserved: 0 };
        let mut process = Process::new(max);
        process.account.join();
        let mut used = 0;
        while used < max {
            if let Taken::Some(taken) = process.account.take(max / 97 + 1) {
                used += taken;
            }
            process.send();
            if let Some(errand) = process.away.take() {
                ledger.run(&mut process.account, errand);
            }
            let ahead = (max / PARTS_OF_BUDGET).clamp(SECOND, PART_MICROS_MAX) * 3 / 2;
            assert!(ledger.reserved - used <= ahead, "{max_seconds}: {} ahead", ledger.reserved - used);
        }
    }
}

/// Where the ledger fails, a session goes on with what is reserved, one more attempt is made when it needs more, and then it
/// is told; a session that joins later tries anew.
#[test]
fn a_failing_ledger_is_told() {
    let mut account = Account::new(100 * SECOND);
    account.join();
    assert_eq!(account.take(1), Taken::Wait);
    let errand = account.errand().unwrap();
    account.reserved(5 * SECOND, 5 * SECOND, 5 * SECOND);
    assert_eq!(errand, Errand::Reserve(5 * SECOND));
    assert_eq!(account.take(4 * SECOND), Taken::Some(4 * SECOND));
    let ahead = account.errand().unwrap();
    account.failed(ahead);
    assert_eq!((account.errand(), account.take(SECOND)), (None, Taken::Some(SECOND)));
    assert_eq!(account.take(SECOND), Taken::Wait);
    let again = account.errand().unwrap();
    account.failed(again);
    assert_eq!((account.take(SECOND), account.errand()), (Taken::Failed, None));
    account.join();
    assert_eq!(account.look(), Taken::Wait);
    assert!(account.errand().is_some());
}

/// Audio that is booked afterwards counts like any other, up to the budget and not beyond; the warning comes at nine tenths.
#[test]
fn booked_audio_counts() {
    let mut account = Account::new(10 * SECOND);
    account.join();
    assert!(account.book(8 * SECOND) && !account.is_nearly_spent());
    assert_eq!(account.errand(), Some(Errand::Reserve(9 * SECOND)));
    account.reserved(9 * SECOND, 9 * SECOND, 9 * SECOND);
    assert!(account.book(SECOND) && account.is_nearly_spent());
    assert!(account.book(SECOND), "to the last microsecond");
    assert!(!account.book(1));
}

/// Audio that is booked while an errand is away, by a session that leaves at once, is written down after the errand: up to the
/// budget, and by asking once.
#[test]
fn what_is_booked_last_is_written_down() {
    let mut ledger = Ledger { max: 10 * SECOND, reserved: 0 };
    let mut process = Process::new(10 * SECOND);
    process.account.join();
    process.send();
    assert!(process.arrive(&mut ledger));
    assert!(process.account.book(SECOND * 9 / 10));
    process.send();
    assert_eq!(process.away, Some(Errand::Reserve(SECOND)));
    assert!(!process.account.book(100 * SECOND), "its session ends");
    process.account.leave();
    assert!(process.arrive(&mut ledger) && !process.account.is_over());
    process.send();
    assert_eq!(process.away, Some(Errand::Reserve(8 * SECOND)));
    assert!(process.arrive(&mut ledger));
    assert_eq!((process.account.errand(), process.account.is_over()), (None, true));
    assert_eq!(ledger.reserved, 10 * SECOND);
}

/// Where the ledger fails, what was booked last is tried as often as anything else, and the account doesn't stay for ever.
#[test]
fn what_cannot_be_written_down_is_given_up() {
    let mut account = Account::new(10 * SECOND);
    account.join();
    account.book(5 * SECOND);
    account.leave();
    for _ in 0..FAILURES_MAX {
        assert!(!account.is_over());
        let errand = account.errand().unwrap();
        assert_eq!(errand, Errand::Reserve(5 * SECOND));
        account.failed(errand);
    }
    assert_eq!((account.errand(), account.is_over()), (None, true));
}

/// An engine that claims a length beyond all time uses up the budget and breaks nothing.
#[test]
fn a_length_beyond_all_time_is_borne() {
    let mut ledger = Ledger { max: 10 * SECOND, reserved: 0 };
    let mut process = Process::new(10 * SECOND);
    process.account.join();
    assert!(!process.account.book(u64::MAX));
    assert!(!process.account.book(u64::MAX));
    assert!(process.account.is_nearly_spent());
    process.send();
    process.account.leave();
    while process.arrive(&mut ledger) {
        process.send();
    }
    assert!(process.account.is_over());
    assert_eq!(ledger.reserved, 10 * SECOND);
}
