//! Budgets with a real ledger: sessions side by side, and over restarts.

use domain::{
    ApiKeyId, ManualClock, Month, Region, SystemClock, SystemRng, TemporaryKeyId, Timestamp, WorkspaceId,
};
use ledger::LeashKey;

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
        self.join_all(&[(key.into(), max_seconds)]).await
    }

    async fn join_all(&self, budgets: &[(CounterKey, u32)]) -> Result<Share, Refusal> {
        let wanted = budgets.iter().map(|(key, max_seconds)| Wanted {
            key: key.clone(),
            max_seconds: *max_seconds,
            project_id: ProjectId::new(1),
            keeper: self.keeper.clone(),
        });
        self.budgets.join(wanted.collect()).await
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
async fn take(share: &mut Share, wanted: u64) -> u64 {
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
    let mut others = world.join(other, 30).await.unwrap();
    let drawing = sessions.into_iter().map(|session| {
        let mut share = session.unwrap();
        tokio::spawn(async move {
            let mut all = 0;
            loop {
                let got = take(&mut share, 70_001).await;
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
    assert_eq!(take(&mut others, 31 * SECOND_MICROS).await, 30 * SECOND_MICROS);
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
    let mut share = world.join(key, 100).await.unwrap();
    assert_eq!(take(&mut share, 40 * SECOND_MICROS).await, 40 * SECOND_MICROS);
    drop(share);
    world.settled().await;
    let reserved = world.keeper.ledger.reserve_audio(key, 0, 0, SystemClock.now()).await.unwrap();
    assert_eq!(reserved.all_micros, 40 * SECOND_MICROS);

    let mut share = world.join(key, 100).await.unwrap();
    assert_eq!(take(&mut share, 10 * SECOND_MICROS).await, 10 * SECOND_MICROS);
    world.settled().await;
    std::mem::forget(share);
    let world = world.killed().await;
    let mut share = world.join(key, 100).await.unwrap();
    let left = take(&mut share, 100 * SECOND_MICROS).await;
    assert!((42 * SECOND_MICROS..=50 * SECOND_MICROS).contains(&left), "{left}");
    assert_eq!(take(&mut share, 1).await, 0);
}

/// What a session books and leaves at once is missing from the budget afterwards: all of it, though its errand was away meanwhile,
/// and never more than the budget.
#[tokio::test]
async fn what_is_booked_last_stays_used() {
    let world = World::new().await;
    for (booked, used) in [(4, 4), (100, 10)] {
        let key = key();
        let mut share = world.join(key, 10).await.unwrap();
        // The first sends an errand, and nothing is awaited before all is over.
        share.book(SECOND_MICROS * 9 / 10).unwrap();
        let told = share.book(booked * SECOND_MICROS - SECOND_MICROS * 9 / 10);
        assert_eq!(told.is_ok(), booked <= 10);
        drop(share);
        world.settled().await;
        assert_eq!(world.budgets.count(), 0);
        let id = CounterKey::from(key).id;
        assert_eq!(world.keeper.ledger.audio_used(&id).await.unwrap(), used * SECOND_MICROS);
        match world.join(key, 10).await {
            Ok(mut next) => assert_eq!(take(&mut next, 10 * SECOND_MICROS).await, 6 * SECOND_MICROS),
            Err(refusal) => assert_eq!((refusal.reason, used), (Reason::AudioSpent, 10)),
        }
        world.settled().await;
    }
}

fn quota(subject: QuotaSubject, month: Month) -> CounterKey {
    CounterKey { id: CounterId::Quota(month, subject), forget_at: Timestamp::from_seconds(4_000_000_000) }
}

/// Sessions that draw from several budgets at once get what the scarcest has and not more, whichever others share each of them;
/// what one of them doesn't get is not taken from the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_scarcest_budget_decides() {
    let world = World::new().await;
    let month = Month::of(SystemClock.now());
    let workspace = quota(QuotaSubject::Workspace(WorkspaceId::from_u128(1)), month);
    let one = quota(QuotaSubject::Project(ProjectId::new(1)), month);
    let two = quota(QuotaSubject::Project(ProjectId::new(2)), month);
    let mut sessions = Vec::new();
    for number in 0..8 {
        let project = if number % 2 == 0 { (one.clone(), 10) } else { (two.clone(), 200) };
        sessions.push((number % 2, world.join_all(&[(workspace.clone(), 60), project]).await.unwrap()));
    }
    let drawing = sessions.into_iter().map(|(project, mut share)| {
        tokio::spawn(async move {
            let mut all = 0;
            loop {
                let got = take(&mut share, 50_001).await;
                all += got;
                if got < 50_001 {
                    return (project, all);
                }
            }
        })
    });
    let drawn: Vec<_> =
        futures_util::future::join_all(drawing).await.into_iter().map(Result::unwrap).collect();
    let of = |wanted| drawn.iter().filter(|(project, _)| *project == wanted).map(|(_, all)| all).sum::<u64>();
    assert!(of(0) <= 10 * SECOND_MICROS);
    assert_eq!(of(0) + of(1), 60 * SECOND_MICROS, "all of the workspace's, and not more");
    world.settled().await;
    let used = world.keeper.ledger.audio_used(&two.id).await.unwrap();
    assert_eq!(used, of(1), "what was not drawn was given back");
}

/// A quota begins anew with the month, in the middle of a session too; a key's budget doesn't.
#[tokio::test]
async fn a_month_ends() {
    let mut world = World::new().await;
    let clock = Arc::new(ManualClock::new(Timestamp::parse_rfc3339("2026-11-30T23:59:59Z").unwrap()));
    world.keeper.clock = clock.clone();
    let month = Month::of(clock.now());
    let subject = QuotaSubject::Project(ProjectId::new(1));
    let budgets = [(quota(subject.clone(), month), 10), (key().into(), 25)];
    let mut share = world.join_all(&budgets).await.unwrap();
    assert_eq!(take(&mut share, 12 * SECOND_MICROS).await, 10 * SECOND_MICROS);
    clock.advance_seconds(1);
    assert_eq!(take(&mut share, 12 * SECOND_MICROS).await, 10 * SECOND_MICROS);
    clock.advance_seconds(31 * 24 * 3600);
    assert_eq!(take(&mut share, 12 * SECOND_MICROS).await, 5 * SECOND_MICROS, "the key has no more");
    drop(share);
    world.settled().await;
    for (month, used) in [(month, 10), (month.next(), 10), (month.next().next(), 5)] {
        let id = CounterId::Quota(month, subject.clone());
        assert_eq!(world.keeper.ledger.audio_used(&id).await.unwrap(), used * SECOND_MICROS, "{month}");
    }
}

/// A quota that is made larger goes on at once for sessions that are open, and one that is made smaller ends them.
#[tokio::test]
async fn quotas_change_for_open_sessions() {
    let world = World::new().await;
    let key = quota(QuotaSubject::Project(ProjectId::new(1)), Month::of(SystemClock.now()));
    let mut share = world.join_all(&[(key, 10)]).await.unwrap();
    assert_eq!(take(&mut share, 11 * SECOND_MICROS).await, 10 * SECOND_MICROS);
    world.budgets.resize(|_, _| Some(30));
    assert_eq!(take(&mut share, 5 * SECOND_MICROS).await, 5 * SECOND_MICROS);
    world.budgets.resize(|_, _| Some(16));
    assert!(
        take(&mut share, 100 * SECOND_MICROS).await <= 3 * SECOND_MICROS,
        "but for what was reserved ahead"
    );
}
