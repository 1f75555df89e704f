//! One session's share in the budgets that concern it: what it takes is taken from all of them at once, or from none.

use std::sync::Arc;
use std::task::Context;

use domain::{Month, Refusal, Timestamp};
use ledger::{CounterId, CounterKey};

use super::account::Taken;
use super::budget::{Allowance, Books, Budget, Budgets, SECOND_MICROS, Wanted, cannot_write, scarcest};
use crate::quota;

/// A session is warned of a quota when so much of it is left at most, in microseconds: a tenth of a month's audio may be days.
const QUOTA_WARNING_MICROS: u64 = 60 * SECOND_MICROS;

/// One session's share. Dropping it gives back what no other session uses.
#[derive(Debug)]
pub(crate) struct Share {
    budgets: Budgets,
    /// In the order of their ids, in which they are locked.
    lines: Vec<Line>,
    /// When quotas begin anew; none where the share has no quota.
    month_ends_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Line {
    budget: Arc<Budget>,
    wanted: Wanted,
    is_warned: bool,
}

impl Line {
    fn begin(budgets: &Budgets, wanted: Wanted) -> Self {
        Self { budget: budgets.enter(&wanted), wanted, is_warned: false }
    }

    fn spent(&self) -> Refusal {
        let max = self.budget.books().account.max();
        quota::spent(&self.budget.key.id, max / SECOND_MICROS)
    }

    /// The sentence of the `Warning`, if it is due.
    fn warning(&self) -> Option<String> {
        let books = self.budget.books();
        let account = &books.account;
        if self.is_warned || !account.is_nearly_spent() {
            return None;
        }
        let max = account.max() / SECOND_MICROS;
        match &self.budget.key.id {
            CounterId::TemporaryKey(_) => Some(format!(
                "Session will timeout soon: nine tenths of the {max}s of audio that this temporary key was minted for are used."
            )),
            CounterId::Quota(..) if account.left() > QUOTA_WARNING_MICROS => None,
            CounterId::Quota(month, _) => Some(format!(
                "Session will timeout soon: the quota of {max}s of audio in {month} is nearly used."
            )),
        }
    }
}

impl Share {
    pub(super) fn new(budgets: Budgets, mut wanted: Vec<Wanted>) -> Self {
        wanted.sort_by(|one, other| one.key.id.cmp(&other.key.id));
        let months = wanted.iter().filter_map(|wanted| match &wanted.key.id {
            CounterId::Quota(month, _) => Some(month.next().start()),
            CounterId::TemporaryKey(_) => None,
        });
        let month_ends_at = months.min();
        let lines = wanted.into_iter().map(|wanted| Line::begin(&budgets, wanted)).collect();
        Self { budgets, lines, month_ends_at }
    }

    /// Takes what all budgets have, at most so much; or only looks.
    pub(super) fn ask(&self, cx: &mut Context<'_>, wanted: Option<u64>) -> Allowance {
        let (answer, place) = {
            let mut books: Vec<_> = self.lines.iter().map(|line| line.budget.books()).collect();
            let (answer, place) = scarcest(books.iter_mut().map(|books| books.account.look()));
            match (answer, wanted) {
                (Taken::Some(free), Some(wanted)) => {
                    let micros = wanted.min(free);
                    for books in &mut books {
                        books.account.take(micros);
                    }
                    (Taken::Some(micros), place)
                }
                (Taken::Wait, _) => {
                    books.iter_mut().for_each(|books| wait(books, cx));
                    (answer, place)
                }
                _ => (answer, place),
            }
        };
        self.send();
        match answer {
            Taken::Some(micros) => Allowance::Some(micros),
            Taken::Wait => Allowance::Wait,
            Taken::Spent => {
                Allowance::Refused(self.lines.get(place).map_or_else(cannot_write, |line| line.spent()))
            }
            Taken::Failed => Allowance::Refused(cannot_write()),
        }
    }

    /// Books what has passed already with every budget.
    pub(super) fn spend(&self, micros: u64) -> Result<(), Refusal> {
        let mut lacking = None;
        for line in &self.lines {
            if !line.budget.books().account.book(micros) {
                lacking = lacking.or(Some(line));
            }
        }
        self.send();
        lacking.map_or(Ok(()), |line| Err(line.spent()))
    }

    pub(super) fn next_warning(&mut self) -> Option<String> {
        let due = self.lines.iter_mut().find_map(|line| line.warning().map(|text| (line, text)));
        due.map(|(line, text)| {
            line.is_warned = true;
            text
        })
    }

    /// Goes over to the quotas of a new month.
    pub(super) fn keep_up(&mut self) {
        let Some(ends_at) = self.month_ends_at else { return };
        let Some(now) = self.lines.first().map(|line| line.wanted.keeper.clock.now()) else { return };
        if now < ends_at {
            return;
        }
        let month = Month::of(now);
        self.month_ends_at = Some(month.next().start());
        for line in &mut self.lines {
            let CounterId::Quota(_, subject) = line.wanted.key.id.clone() else { continue };
            let max = line.budget.books().account.max() / SECOND_MICROS;
            let wanted = Wanted {
                key: CounterKey { forget_at: quota::forget_at(month), id: CounterId::Quota(month, subject) },
                max_seconds: u32::try_from(max).unwrap_or(u32::MAX),
                ..line.wanted.clone()
            };
            let old = std::mem::replace(line, Line::begin(&self.budgets, wanted));
            self.budgets.leave(&old.budget);
        }
    }

    fn send(&self) {
        self.lines.iter().for_each(|line| self.budgets.send(&line.budget));
    }
}

fn wait(books: &mut Books, cx: &Context<'_>) {
    if books.account.look() == Taken::Wait {
        books.wait(cx);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.lines.iter().for_each(|line| self.budgets.leave(&line.budget));
    }
}
