//! What an account guarantees, with a simulated ledger: whatever the sessions ask for and in whichever order, together they
//! never use more than the budget, none is told that it is spent while anything is left, and a crash never gives back what
//! was used.

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
                    let process = &mut processes[index];
                    if let Some(errand) = process.away.take() {
                        ledger.run(&mut process.account, errand);
                    }
                }
                Step::Fail(index) => {
                    let process = &mut processes[index];
                    if let Some(errand) = process.away.take() {
                        process.account.failed(errand);
                    }
                }
                Step::Kill(index) => processes[index] = Process::new(max),
                Step::Take(..) => {}
            }
            processes.iter_mut().for_each(Process::send);
            prop_assert!(used <= ledger.reserved, "what is used was reserved before");
            prop_assert!(ledger.reserved <= max);
        }
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
