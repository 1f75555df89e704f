//! The account of one audio budget in one process, a temporary key's or a quota's: what is reserved in the ledger, and what is used of that.
//!
//! Plain data without I/O. Sessions take audio from it before the audio passes, and never more than is reserved. Who keeps the
//! account runs its errands to the ledger, one at a time. All amounts are microseconds of audio.

use std::cmp::min;

/// What is reserved at once: this part of the budget, between the bounds that follow.
const PARTS_OF_BUDGET: u64 = 20;
/// The least that is reserved at once.
const PART_MICROS_MIN: u64 = 1_000_000;
/// The most that is reserved at once.
const PART_MICROS_MAX: u64 = 60_000_000;
/// What each open session has reserved ahead at least, where the part of the budget allows it: so that many sessions of one budget
/// don't ask the ledger all the time.
const SESSION_MICROS: u64 = 1_000_000;
/// A session's `Warning` comes when this part of the budget is used, in percent.
const WARNING_PERCENT: u64 = 90;
/// How often the ledger may fail in a row before those who wait are told.
const FAILURES_MAX: u8 = 2;

/// A budget, its reservations and its use.
#[derive(Debug)]
pub(super) struct Account {
    max: u64,
    /// Reserved by this process and not given back.
    reserved: u64,
    /// Used by this process. Beyond what is reserved only where audio was heard of after it had passed.
    used: u64,
    /// Reserved by other processes, or used before this one began, as the ledger last said.
    others: u64,
    /// The ledger had less than was asked for.
    low: bool,
    /// The ledger had nothing.
    dry: bool,
    failures: u8,
    /// An errand is on its way.
    away: bool,
    sessions: u32,
}

/// Something to do at the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Reserve so much.
    Reserve(u64),
    /// Give so much back.
    Return(u64),
}

/// What a session that asks for audio gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// So much, at least something.
    Some(u64),
    /// Nothing yet: an errand is needed or on its way.
    Wait,
    /// Nothing any more.
    Spent,
    /// Nothing: the ledger fails.
    Failed,
}

impl Account {
    pub(super) const fn new(max: u64) -> Self {
        Self {
            max,
            reserved: 0,
            used: 0,
            others: 0,
            low: false,
            dry: false,
            failures: 0,
            away: false,
            sessions: 0,
        }
    }

    /// A session begins. What the ledger lacked before it may have by now.
    pub(super) const fn join(&mut self) {
        self.sessions += 1;
        self.dry = false;
        self.failures = 0;
    }

    /// A session ends.
    pub(super) const fn leave(&mut self) {
        self.sessions = self.sessions.saturating_sub(1);
    }

    /// Takes at most `wanted`, which is not nothing.
    pub(super) fn take(&mut self, wanted: u64) -> Taken {
        match min(wanted, self.free()) {
            0 => self.lacking(),
            taken => {
                self.used += taken;
                Taken::Some(taken)
            }
        }
    }

    /// Whether there is something to take, without taking it.
    pub(super) fn look(&mut self) -> Taken {
        match self.free() {
            0 => self.lacking(),
            free => Taken::Some(free),
        }
    }

    /// Books audio that has passed, or will at once. Returns whether the budget has it.
    pub(super) const fn book(&mut self, micros: u64) -> bool {
        self.used = self.used.saturating_add(micros);
        self.used.saturating_add(self.others) <= self.max
    }

    /// The budget has another size from now on.
    pub(super) const fn set_max(&mut self, max: u64) {
        self.max = max;
        self.low = false;
        self.dry = false;
    }

    /// The whole budget.
    pub(super) const fn max(&self) -> u64 {
        self.max
    }

    /// What nobody has used yet, as far as this process knows.
    pub(super) const fn left(&self) -> u64 {
        self.max.saturating_sub(self.used).saturating_sub(self.others)
    }

    /// Whether the time for a warning has come.
    pub(super) const fn is_nearly_spent(&self) -> bool {
        self.used.saturating_add(self.others).saturating_mul(100) >= self.max.saturating_mul(WARNING_PERCENT)
    }

    /// The next errand, which is then on its way until its result is told.
    pub(super) fn errand(&mut self) -> Option<Errand> {
        if self.away {
            return None;
        }
        let errand = if self.sessions == 0 { self.to_settle() } else { self.to_reserve() };
        self.away = errand.is_some();
        if let Some(Errand::Return(micros)) = errand {
            // At once: a session that joins while it is on its way must not take it.
            self.reserved -= micros;
        }
        errand
    }

    /// The ledger has reserved so much, and has `all` reserved now.
    pub(super) const fn reserved(&mut self, asked: u64, micros: u64, all: u64) {
        self.away = false;
        self.failures = 0;
        self.reserved += micros;
        self.others = all.saturating_sub(self.reserved);
        self.low = micros < asked;
        self.dry = micros == 0;
    }

    /// The ledger has back what it was given.
    pub(super) const fn returned(&mut self) {
        self.away = false;
        self.low = false;
        self.dry = false;
    }

    /// The ledger failed. What could not be given back is lost to the key.
    pub(super) const fn failed(&mut self, errand: Errand) {
        self.away = false;
        if matches!(errand, Errand::Reserve(_)) {
            self.failures = self.failures.saturating_add(1);
        }
    }

    /// Whether nobody needs it, and nothing is to be given back or written down.
    pub(super) fn is_over(&self) -> bool {
        self.sessions == 0 && !self.away && self.to_settle().is_none()
    }

    const fn free(&self) -> u64 {
        self.reserved.saturating_sub(self.used)
    }

    fn lacking(&self) -> Taken {
        if self.dry {
            Taken::Spent
        } else if self.failures >= FAILURES_MAX {
            Taken::Failed
        } else {
            Taken::Wait
        }
    }

    /// When all sessions have left, the ledger is to hold what they used, as far as the budget goes: the rest is given back, and
    /// what was booked beyond what is reserved is written down.
    fn to_settle(&self) -> Option<Errand> {
        let free = self.free();
        if free > 0 {
            return Some(Errand::Return(free));
        }
        let missing = min(self.used, self.max).saturating_sub(self.reserved);
        (missing > 0 && !self.is_refused()).then_some(Errand::Reserve(missing))
    }

    /// Whether asking the ledger is no use at present.
    const fn is_refused(&self) -> bool {
        self.dry || self.failures >= FAILURES_MAX
    }

    /// Ahead of need while the ledger has plenty; once it is low or failing, only when nothing is left here.
    fn to_reserve(&self) -> Option<Errand> {
        let part_max = PART_MICROS_MAX.max(u64::from(self.sessions) * SESSION_MICROS);
        let part = (self.max / PARTS_OF_BUDGET).clamp(PART_MICROS_MIN, part_max);
        let ahead = if self.low || self.failures > 0 { 1 } else { part / 2 };
        if self.is_refused() || self.free() >= ahead {
            return None;
        }
        Some(Errand::Reserve(part.saturating_add(self.used.saturating_sub(self.reserved))))
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
