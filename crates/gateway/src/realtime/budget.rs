//! Audio budgets: of temporary keys (`max_audio_seconds`) and of quotas. One account per budget and process, kept in a region's
//! ledger; a session draws from all that concern it at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use domain::{Clock, ProjectId, QuotaSubject, Reason, Refusal};
use ledger::{CounterId, CounterKey, Ledger};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::account::{Account, Errand, Taken};
use super::draw::Purse;
use super::share::Share;

/// Microseconds of a second.
pub(super) const SECOND_MICROS: u64 = 1_000_000;

/// The budgets that sessions of this process use.
#[derive(Debug, Default, Clone)]
pub(crate) struct Budgets(Arc<Mutex<HashMap<CounterId, Arc<Budget>>>>);

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

/// A budget that a session is to draw from.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) key: CounterKey,
    pub(crate) max_seconds: u32,
    /// The project that the session belongs to.
    pub(crate) project_id: ProjectId,
    pub(crate) keeper: Keeper,
}

/// One budget.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) key: CounterKey,
    pub(super) project_id: ProjectId,
    pub(super) keeper: Keeper,
    books: Mutex<Books>,
}

#[derive(Debug)]
pub(super) struct Books {
    pub(super) account: Account,
    /// Sessions that wait for an errand.
    waiting: Vec<Waker>,
}

/// What a session gets of its budgets, in microseconds.
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
    /// Takes a session into budgets, once there is audio for it in all of them.
    ///
    /// # Errors
    /// When one of them is used up, or a ledger fails.
    pub(crate) async fn join(&self, wanted: Vec<Wanted>) -> Result<Share, Refusal> {
        let share = Share::new(self.clone(), wanted);
        std::future::poll_fn(|cx| match share.look(cx) {
            Allowance::Some(_) => Poll::Ready(Ok(())),
            Allowance::Wait => Poll::Pending,
            Allowance::Refused(refusal) => Poll::Ready(Err(refusal)),
        })
        .await?;
        Ok(share)
    }

    /// Takes a session into one budget.
    pub(super) fn enter(&self, wanted: &Wanted) -> Arc<Budget> {
        let mut budgets = self.budgets();
        let budget = budgets.entry(wanted.key.id.clone()).or_insert_with(|| {
            let account = Account::new(u64::from(wanted.max_seconds) * SECOND_MICROS);
            Arc::new(Budget {
                key: wanted.key.clone(),
                project_id: wanted.project_id,
                keeper: wanted.keeper.clone(),
                books: Mutex::new(Books { account, waiting: Vec::new() }),
            })
        });
        budget.books().account.join();
        budget.clone()
    }

    /// Takes a session out of one budget. What no other session uses is given back.
    pub(super) fn leave(&self, budget: &Arc<Budget>) {
        {
            let mut budgets = self.budgets();
            let mut books = budget.books();
            books.account.leave();
            if books.account.is_over() {
                drop(books);
                self.drop_from(&mut budgets, budget);
                return;
            }
        }
        self.send(budget);
    }

    /// Gives the quotas that are drawn from the sizes that they have now.
    pub(crate) fn resize(&self, seconds_max: impl Fn(ProjectId, &QuotaSubject) -> Option<u32>) {
        let budgets: Vec<_> = self.budgets().values().cloned().collect();
        for budget in budgets {
            let CounterId::Quota(_, subject) = &budget.key.id else { continue };
            let max = seconds_max(budget.project_id, subject)
                .map_or(u64::MAX, |seconds| u64::from(seconds) * SECOND_MICROS);
            {
                let mut books = budget.books();
                if books.account.max() == max {
                    continue;
                }
                books.account.set_max(max);
                books.wake();
            }
            self.send(&budget);
        }
    }

    fn budgets(&self) -> MutexGuard<'_, HashMap<CounterId, Arc<Budget>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_from(&self, budgets: &mut HashMap<CounterId, Arc<Budget>>, budget: &Arc<Budget>) {
        if budgets.get(&budget.key.id).is_some_and(|known| Arc::ptr_eq(known, budget)) {
            budgets.remove(&budget.key.id);
        }
    }

    /// Has the account's errands run, if there are any and none is on its way.
    pub(super) fn send(&self, budget: &Arc<Budget>) {
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
            books.wake();
            next = books.account.errand();
        }
        // In this order everywhere: the map, then an account.
        let mut budgets = self.budgets();
        if budget.books().account.is_over() {
            self.drop_from(&mut budgets, budget);
        }
    }

    /// How many budgets are in use.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.budgets().len()
    }
}

impl Books {
    /// Has a task woken when it is worth asking again.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl Budget {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, errand: Errand) {
        let Keeper { ledger, clock, .. } = &self.keeper;
        let max = self.books().account.max();
        let key = self.key.clone();
        let result = match errand {
            Errand::Reserve(asked) => {
                let reserved = ledger.reserve_audio(key, asked, max, clock.now()).await;
                reserved.map(|reserved| {
                    self.books().account.reserved(asked, reserved.micros, reserved.all_micros);
                })
            }
            Errand::Return(micros) => {
                let returned = ledger.return_audio(key, micros, clock.now()).await;
                returned.map(|()| self.books().account.returned())
            }
        };
        if let Err(error) = result {
            tracing::error!(region = %ledger.region(), error = &error as &dyn std::error::Error, "an audio budget could not be written down");
            self.books().account.failed(errand);
        }
    }
}

/// What can't be written down isn't given out.
pub(super) fn cannot_write() -> Refusal {
    let detail = "The region can't write down what this key uses, so it gives nothing out. Try again soon.";
    Refusal::new(Reason::StorageDown, detail).retry_after(5)
}

impl Share {
    /// What there is for it now, without taking it.
    fn look(&self, cx: &mut Context<'_>) -> Allowance {
        self.ask(cx, None)
    }
}

impl Purse for Share {
    fn take(&mut self, cx: &mut Context<'_>, wanted: u64) -> Allowance {
        self.keep_up();
        self.ask(cx, Some(wanted))
    }

    fn book(&mut self, micros: u64) -> Result<(), Refusal> {
        self.keep_up();
        self.spend(micros)
    }

    fn warning(&mut self) -> Option<String> {
        self.next_warning()
    }
}

/// What an account answered, with its place among the budgets.
pub(super) fn scarcest(answers: impl Iterator<Item = Taken>) -> (Taken, usize) {
    let rank = |taken: &Taken| match taken {
        Taken::Spent => (0, 0),
        Taken::Failed => (1, 0),
        Taken::Wait => (2, 0),
        Taken::Some(micros) => (3, *micros),
    };
    let indexed = answers.enumerate().map(|(index, taken)| (taken, index));
    indexed.min_by_key(|(taken, _)| rank(taken)).unwrap_or((Taken::Failed, 0))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
