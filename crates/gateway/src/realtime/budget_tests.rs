//! Budgets with a real ledger: sessions side by side, and over restarts.

use domain::{ApiKeyId, Region, SystemClock, SystemRng, Timestamp};

use super::*;

struct World {
    folder: tempfile::TempDir,
    budgets: Budgets,
    keeper: Keeper,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(&folder).await;
        Self { folder, budgets: Budgets::default(), keeper }
    }

    /// As after a kill: nothing is given back.
    async fn killed(self) -> Self {
        Self { budgets: Budgets::default(), keeper: keeper(&self.folder).await, folder: self.folder }
    }

    async fn join(&self, key: LeashKey, max_seconds: u32) -> Result<Share, Refusal> {
        self.budgets.join(key, max_seconds, self.keeper.clone()).await
    }

    /// Waits until all errands are run.
    async fn settled(&self) {
        self.keeper.tasks.close();
        self.keeper.tasks.wait().await;
        self.keeper.tasks.reopen();
    }
}

async fn keeper(folder: &tempfile::TempDir) -> Keeper {
    let ledger = Ledger::open(&folder.path().join("eu1"), Region::Eu1).await.unwrap();
    let tasks = TaskTracker::new();
    Keeper { ledger: Arc::new(ledger), clock: Arc::new(SystemClock), home: Handle::current(), tasks }
}

fn key() -> LeashKey {
    let id = TemporaryKeyId::generate(ApiKeyId::from_u128(1), &SystemRng);
    LeashKey { id, forget_at: Timestamp::from_seconds(4_000_000_000) }
}

/// Takes so much, or less where no more is left.
async fn take(share: &Share, wanted: u64) -> u64 {
    let mut got = 0;
    while got < wanted {
        let asked = std::future::poll_fn(|cx| match share.take(cx, wanted - got) {
            Allowance::Wait => Poll::Pending,
            other => Poll::Ready(other),
        });
        match asked.await {
            Allowance::Some(micros) => got += micros,
            Allowance::Refused(refusal) => {
                assert_eq!(refusal.reason, Reason::AudioSpent);
                return got;
            }
            Allowance::Wait => {}
        }
    }
    got
}

/// Sessions of one key that draw side by side get exactly the budget together, each key its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_share_a_budget() {
    let world = World::new().await;
    let (key, other) = (key(), self::key());
    let sessions: Vec<_> = futures_util::future::join_all((0..8).map(|_| world.join(key, 30))).await;
    let others = world.join(other, 30).await.unwrap();
    let drawing = sessions.into_iter().map(|session| {
        let share = session.unwrap();
        tokio::spawn(async move {
            let mut all = 0;
            loop {
                let got = take(&share, 70_001).await;
                all += got;
                if got < 70_001 {
                    return all;
                }
            }
        })
    });
    let drawn: u64 = futures_util::future::join_all(drawing).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(drawn, 30 * SECOND_MICROS);
    assert_eq!(world.join(key, 30).await.unwrap_err().reason, Reason::AudioSpent);
    assert_eq!(take(&others, 31 * SECOND_MICROS).await, 30 * SECOND_MICROS);
    drop(others);
    world.settled().await;
    assert_eq!(world.budgets.count(), 0, "nothing is kept of sessions that are over");
}

/// What sessions leave is there for the next, in this process and after it was stopped; after a kill too, but for what was
/// reserved ahead.
#[tokio::test]
async fn what_is_left_is_left() {
    let world = World::new().await;
    let key = key();
    let share = world.join(key, 100).await.unwrap();
    assert_eq!(take(&share, 40 * SECOND_MICROS).await, 40 * SECOND_MICROS);
    drop(share);
    world.settled().await;
    let reserved = world.keeper.ledger.reserve_audio(key, 0, 0, SystemClock.now()).await.unwrap();
    assert_eq!(reserved.all_micros, 40 * SECOND_MICROS);

    let share = world.join(key, 100).await.unwrap();
    assert_eq!(take(&share, 10 * SECOND_MICROS).await, 10 * SECOND_MICROS);
    world.settled().await;
    std::mem::forget(share);
    let world = world.killed().await;
    let share = world.join(key, 100).await.unwrap();
    let left = take(&share, 100 * SECOND_MICROS).await;
    assert!((42 * SECOND_MICROS..=50 * SECOND_MICROS).contains(&left), "{left}");
    assert_eq!(take(&share, 1).await, 0);
}
