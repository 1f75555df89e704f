//! Audio budgets of temporary keys (`max_audio_seconds`): one account per key and process, kept in a region's ledger.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use domain::{Clock, Reason, Refusal, TemporaryKeyId};
use ledger::{LeashKey, Ledger};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::account::{Account, Errand, Taken};
use super::draw::Purse;

/// Microseconds of a second.
pub(super) const SECOND_MICROS: u64 = 1_000_000;

/// The budgets that sessions of this process use.
#[derive(Debug, Default, Clone)]
pub(crate) struct Budgets(Arc<Mutex<HashMap<TemporaryKeyId, Arc<Budget>>>>);

/// What a budget needs to reach its ledger.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where errands run.
    pub(crate) home: Handle,
    /// What must end before the process may.
    pub(crate) tasks: TaskTracker,
}

/// One key's budget.
#[derive(Debug)]
struct Budget {
    key: LeashKey,
    max_micros: u64,
    keeper: Keeper,
    books: Mutex<Books>,
}

#[derive(Debug)]
struct Books {
    account: Account,
    /// Sessions that wait for an errand.
    waiting: Vec<Waker>,
}

/// One session's share in a budget. Dropping it gives back what no other session uses.
#[derive(Debug)]
pub(crate) struct Share {
    budgets: Budgets,
    budget: Arc<Budget>,
}

/// What a session gets of its budget, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowance {
    /// So much, at least something.
    Some(u64),
    /// Nothing yet: the task is woken when it is worth asking again.
    Wait,
    /// Nothing, for this reason.
    Refused(Refusal),
}

impl Budgets {
    /// Takes a session into a key's budget, once there is audio for it.
    ///
    /// # Errors
    /// When the budget is used up, or the ledger fails.
    pub(crate) async fn join(
        &self,
        key: LeashKey,
        max_seconds: u32,
        keeper: Keeper,
    ) -> Result<Share, Refusal> {
        let max_micros = u64::from(max_seconds) * SECOND_MICROS;
        let budget = {
            let mut budgets = self.budgets();
            let budget = budgets.entry(key.id).or_insert_with(|| {
                let books = Books { account: Account::new(max_micros), waiting: Vec::new() };
                Arc::new(Budget { key, max_micros, keeper, books: Mutex::new(books) })
            });
            budget.books().account.join();
            budget.clone()
        };
        let share = Share { budgets: self.clone(), budget };
        std::future::poll_fn(|cx| match share.ask(cx, Account::look) {
            Allowance::Some(_) => Poll::Ready(Ok(())),
            Allowance::Wait => Poll::Pending,
            Allowance::Refused(refusal) => Poll::Ready(Err(refusal)),
        })
        .await?;
        Ok(share)
    }

    fn budgets(&self) -> MutexGuard<'_, HashMap<TemporaryKeyId, Arc<Budget>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the account's errands run, if there are any and none is on its way.
    fn send(&self, budget: &Arc<Budget>) {
        let Some(errand) = budget.books().account.errand() else { return };
        let (budgets, budget) = (self.clone(), budget.clone());
        let keeper = budget.keeper.clone();
        keeper.tasks.spawn_on(async move { budgets.run(&budget, errand).await }, &keeper.home);
    }

    async fn run(&self, budget: &Arc<Budget>, first: Errand) {
        let mut next = Some(first);
        while let Some(errand) = next {
            budget.run(errand).await;
            let mut books = budget.books();
            books.waiting.drain(..).for_each(Waker::wake);
            next = books.account.errand();
        }
        // In this order everywhere: the map, then an account.
        let mut budgets = self.budgets();
        let is_this = |known: &Arc<Budget>| Arc::ptr_eq(known, budget);
        if budgets.get(&budget.key.id).is_some_and(is_this) && budget.books().account.is_over() {
            budgets.remove(&budget.key.id);
        }
    }

    /// How many budgets are in use.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.budgets().len()
    }
}

impl Budget {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, errand: Errand) {
        let Keeper { ledger, clock, .. } = &self.keeper;
        let result = match errand {
            Errand::Reserve(asked) => {
                let reserved = ledger.reserve_audio(self.key, asked, self.max_micros, clock.now()).await;
                reserved.map(|reserved| {
                    self.books().account.reserved(asked, reserved.micros, reserved.all_micros);
                })
            }
            Errand::Return(micros) => {
                let returned = ledger.return_audio(self.key, micros, clock.now()).await;
                returned.map(|()| self.books().account.returned())
            }
        };
        if let Err(error) = result {
            tracing::error!(region = %ledger.region(), error = &error as &dyn std::error::Error, "an audio budget could not be written down");
            self.books().account.failed(errand);
        }
    }

    fn spent(&self) -> Refusal {
        let detail = format!(
            "The {} seconds of audio that this temporary key was minted for are used. Mint another one.",
            self.max_micros / SECOND_MICROS
        );
        Refusal::new(Reason::AudioSpent, detail)
    }
}

impl Purse for Share {
    fn take(&self, cx: &mut Context<'_>, wanted: u64) -> Allowance {
        self.ask(cx, |account| account.take(wanted))
    }

    fn book(&self, micros: u64) -> Result<(), Refusal> {
        let has_it = self.budget.books().account.book(micros);
        self.budgets.send(&self.budget);
        if has_it { Ok(()) } else { Err(self.budget.spent()) }
    }

    fn is_nearly_spent(&self) -> bool {
        self.budget.books().account.is_nearly_spent()
    }

    fn max_seconds(&self) -> u64 {
        self.budget.max_micros / SECOND_MICROS
    }
}

impl Share {
    fn ask(&self, cx: &mut Context<'_>, ask: impl FnOnce(&mut Account) -> Taken) -> Allowance {
        let allowance = {
            let mut books = self.budget.books();
            match ask(&mut books.account) {
                Taken::Some(micros) => Allowance::Some(micros),
                Taken::Spent => Allowance::Refused(self.budget.spent()),
                Taken::Failed => Allowance::Refused(cannot_write()),
                Taken::Wait => {
                    if !books.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                        books.waiting.push(cx.waker().clone());
                    }
                    Allowance::Wait
                }
            }
        };
        self.budgets.send(&self.budget);
        allowance
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        {
            let mut budgets = self.budgets.budgets();
            let mut books = self.budget.books();
            books.account.leave();
            if books.account.is_over() {
                drop(books);
                budgets.remove(&self.budget.key.id);
                return;
            }
        }
        self.budgets.send(&self.budget);
    }
}

/// What can't be written down isn't given out.
pub(super) fn cannot_write() -> Refusal {
    let detail =
        "The region can't write down what this temporary key uses, so it gives nothing out. Try again soon.";
    Refusal::new(Reason::StorageDown, detail).retry_after(5)
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
