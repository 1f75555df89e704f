//! Rates per project: so many in any second, then told when to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{ProjectId, Reason, Refusal, Timestamp, rate};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Making jobs.
    Creates,
    /// Opening realtime sessions.
    Starts,
    /// Everything else.
    Reads,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Creates => "jobs created per second",
            Self::Starts => "sessions started per second",
            Self::Reads => "reads per second",
        }
    }
}

/// The rates of all projects. A project's place is one number: the moment by which what it did so far would be within its
/// rate ([`domain::rate`]).
#[derive(Debug, Default)]
pub struct Rates {
    cells: papaya::HashMap<(ProjectId, Kind), Arc<AtomicI64>>,
    /// When those that owe nothing were last dropped, in microseconds.
    swept_at: AtomicI64,
}

const SECOND_MICROS: i64 = 1_000_000;
/// Projects that are remembered before those that owe nothing are dropped.
const CELLS_KEPT_MAX: usize = 10_000;

impl Rates {
    /// Takes one of a project's `per_second_max`; unused ones are kept for a second.
    ///
    /// # Errors
    /// When there is none left.
    pub fn take(
        &self,
        project_id: ProjectId,
        kind: Kind,
        per_second_max: u32,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let cells = self.cells.pin();
        if cells.len() > CELLS_KEPT_MAX && self.may_sweep(now.as_micros()) {
            cells.retain(|_, cell| !rate::is_idle(cell.load(Ordering::Relaxed), now));
        }
        let cell = cells.get_or_insert_with((project_id, kind), Arc::default);
        let mut due = cell.load(Ordering::Relaxed);
        loop {
            let next = rate::take_one(due, per_second_max, now)
                .map_err(|wait_micros| refusal(kind, per_second_max, wait_micros))?;
            match cell.compare_exchange_weak(due, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(newer) => due = newer,
            }
        }
    }
}

impl Rates {
    /// Whether a second has passed since the last sweep, for one of those who ask: looking through all cells for every
    /// request would cost more than the requests.
    fn may_sweep(&self, now: i64) -> bool {
        let last = self.swept_at.load(Ordering::Relaxed);
        !(0..SECOND_MICROS).contains(&(now - last))
            && self.swept_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

fn refusal(kind: Kind, per_second_max: u32, wait_micros: i64) -> Refusal {
    let seconds = u32::try_from(wait_micros.max(1).div_euclid(SECOND_MICROS) + 1).unwrap_or(1);
    Refusal::new(
        Reason::RateLimited,
        format!("This is a rate: the project has {per_second_max} {}. Try again in a moment.", kind.words()),
    )
    .retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly the plan's number passes within a second, the next one waits, and time gives them back one by one.
    #[test]
    fn the_rate_is_exact() {
        let rates = Rates::default();
        let project = ProjectId::new(1);
        let at = |micros: i64| Timestamp::from_micros(1_000_000_000 + micros);
        for _ in 0..10 {
            assert!(rates.take(project, Kind::Creates, 10, at(0)).is_ok());
        }
        let refused = rates.take(project, Kind::Creates, 10, at(0)).unwrap_err();
        assert_eq!((refused.reason, refused.retry_after_seconds), (Reason::RateLimited, Some(1)));
        assert!(rates.take(project, Kind::Creates, 10, at(99_999)).is_err());
        assert!(rates.take(project, Kind::Creates, 10, at(100_000)).is_ok());
        assert!(rates.take(project, Kind::Creates, 10, at(100_000)).is_err());
        assert_eq!(
            (0..20).filter(|_| rates.take(project, Kind::Creates, 10, at(9_000_000)).is_ok()).count(),
            10
        );
    }

    /// What many projects did is forgotten once it is within their rates, and looked through once a second, not for every
    /// request.
    #[test]
    fn idle_projects_are_forgotten() {
        let rates = Rates::default();
        let many = i64::try_from(CELLS_KEPT_MAX).unwrap() + 1;
        let at = |seconds: i64| Timestamp::from_seconds(1000 + seconds);
        for id in 1..=many {
            assert!(rates.take(ProjectId::new(id), Kind::Reads, 1, at(0)).is_ok());
        }
        assert!(rates.take(ProjectId::new(many + 1), Kind::Reads, 1, at(0)).is_ok());
        assert_eq!(rates.cells.len(), CELLS_KEPT_MAX + 2, "all of them still owe");
        assert!(rates.take(ProjectId::new(many + 2), Kind::Reads, 1, at(5)).is_ok());
        assert_eq!(rates.cells.len(), 1);
        assert!(rates.may_sweep(at(6).as_micros()) && !rates.may_sweep(at(6).as_micros()));
    }

    /// Projects and kinds don't share.
    #[test]
    fn rates_are_apart() {
        let rates = Rates::default();
        let now = Timestamp::from_seconds(1);
        assert!(rates.take(ProjectId::new(1), Kind::Creates, 1, now).is_ok());
        assert!(rates.take(ProjectId::new(1), Kind::Creates, 1, now).is_err());
        assert!(rates.take(ProjectId::new(1), Kind::Reads, 1, now).is_ok());
        assert!(rates.take(ProjectId::new(2), Kind::Creates, 1, now).is_ok());
        assert!(rates.take(ProjectId::new(3), Kind::Creates, 0, now).is_err());
    }
}
