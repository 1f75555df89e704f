//! Whatever is done in whatever order: the ledger does what a simple model does.

use domain::Timestamp;
use ledger::{AdoptedJob, JobState, Ledger, ListQuery};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Home, NOW, create, ids, new, owner, seen};

#[derive(Debug, Clone)]
enum Step {
    Create { project: i64, client_ref: Option<&'static str>, clock_micros: i64 },
    Adopt { project: i64, at_micros: i64 },
    Delete { project: i64, client_ref: Option<&'static str>, job: usize },
    Expire { job: usize },
    Lose { job: usize },
    See { job: usize },
    Reopen,
}

fn client_ref() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("ann"), Some("Ann"), Some("bob")])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (7_i64..9, client_ref(), -3_i64..6)
            .prop_map(|(project, client_ref, clock_micros)| Step::Create { project, client_ref, clock_micros }),
        1 => (7_i64..9, -5_i64..5).prop_map(|(project, at_micros)| Step::Adopt { project, at_micros }),
        2 => (7_i64..9, client_ref(), 0_usize..30)
            .prop_map(|(project, client_ref, job)| Step::Delete { project, client_ref, job }),
        1 => (0_usize..30).prop_map(|job| Step::Expire { job }),
        1 => (0_usize..30).prop_map(|job| Step::Lose { job }),
        1 => (0_usize..30).prop_map(|job| Step::See { job }),
        1 => Just(Step::Reopen),
    ]
}

/// A job as the model knows it.
#[derive(Debug, Clone)]
struct Modelled {
    id: String,
    project: i64,
    client_ref: Option<&'static str>,
    created_at: Timestamp,
    state: JobState,
}

impl Modelled {
    fn owned_by(&self, project: i64, client_ref: Option<&str>) -> bool {
        self.project == project && client_ref.is_none_or(|wanted| self.client_ref == Some(wanted))
    }
}

struct Model {
    home: Home,
    ledger: Ledger,
    jobs: Vec<Modelled>,
}

impl Model {
    fn pick(&mut self, job: usize) -> Option<&mut Modelled> {
        let count = self.jobs.len();
        (count > 0).then(|| &mut self.jobs[job % count])
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Create { project, client_ref, clock_micros } => {
                let id = format!("job{}", self.jobs.len());
                let now = Timestamp::from_micros(NOW.as_micros() + clock_micros);
                let created_at = create(&self.ledger, &id, &new(project, client_ref), now).await;
                assert!(self.jobs.iter().all(|job| job.created_at < created_at), "times rise");
                self.jobs.push(Modelled { id, project, client_ref, created_at, state: JobState::Live });
            }
            Step::Adopt { project, at_micros } => {
                let id = format!("job{}", self.jobs.len());
                let created_at = Timestamp::from_micros(NOW.as_micros() + at_micros);
                let job = AdoptedJob { id: id.clone(), created_at, seen: seen("done", 1.0) };
                self.ledger.adopt(&owner(project, None), None, &[job]).await.unwrap();
                self.jobs.push(Modelled { id, project, client_ref: None, created_at, state: JobState::Live });
            }
            Step::Delete { project, client_ref, job } => {
                let Some(job) = self.pick(job) else { return };
                let may =
                    job.owned_by(project, client_ref) && matches!(job.state, JobState::Live | JobState::Lost);
                if may {
                    job.state = JobState::Deleted;
                }
                let id = job.id.clone();
                assert_eq!(self.ledger.delete(&owner(project, client_ref), &id).await.unwrap(), may);
            }
            Step::Expire { job } | Step::Lose { job } | Step::See { job } => {
                let state = match step {
                    Step::Expire { .. } => JobState::Expired,
                    Step::Lose { .. } => JobState::Lost,
                    _ => JobState::Live,
                };
                let Some(job) = self.pick(job) else { return };
                if matches!(job.state, JobState::Live | JobState::Lost) {
                    job.state = state;
                }
                let id = job.id.clone();
                match state {
                    JobState::Expired => self.ledger.expire(&id).await.unwrap(),
                    JobState::Lost => self.ledger.lose(&id).await.unwrap(),
                    _ => self.ledger.seen(&id, &seen("running", 0.0)).await.unwrap(),
                }
            }
            Step::Reopen => self.ledger = self.home.open().await,
        }
    }

    /// Compares lists and look-ups for every owner and some queries.
    async fn check(&self, limit: u64, before: Option<usize>, after: Option<usize>, include_deleted: bool) {
        let time = |place: Option<usize>| {
            place.filter(|_| !self.jobs.is_empty()).map(|place| self.jobs[place % self.jobs.len()].created_at)
        };
        let query =
            ListQuery { limit, created_before: time(before), created_after: time(after), include_deleted };
        for project in 7..9 {
            for client_ref in [None, Some("ann"), Some("Ann"), Some("bob"), Some("nobody")] {
                let mut expected: Vec<&Modelled> = self
                    .jobs
                    .iter()
                    .filter(|job| job.owned_by(project, client_ref))
                    .filter(|job| include_deleted || matches!(job.state, JobState::Live | JobState::Lost))
                    .filter(|job| query.created_before.is_none_or(|before| job.created_at < before))
                    .filter(|job| query.created_after.is_none_or(|after| job.created_at > after))
                    .collect();
                expected.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
                expected.truncate(usize::try_from(limit).unwrap());
                let expected: Vec<&str> = expected.into_iter().map(|job| job.id.as_str()).collect();
                let owner = owner(project, client_ref);
                assert_eq!(ids(&self.ledger, &owner, &query).await, expected, "{owner:?} {query:?}");
                for job in &self.jobs {
                    let found = self.ledger.find(&owner, &job.id).await.unwrap().map(|facts| facts.state);
                    assert_eq!(
                        found,
                        job.owned_by(project, client_ref).then_some(job.state),
                        "{owner:?} {job:?}"
                    );
                }
            }
        }
    }
}

/// Whatever is done in whatever order, lists and look-ups are those of a simple model, for every owner.
pub(crate) fn the_ledger_is_its_model(home: fn() -> Home) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let place = || prop::option::of(0_usize..30);
    let input = (prop::collection::vec(step(), 1..25), 1_u64..8, place(), place(), any::<bool>());
    runner
        .run(&input, |(steps, limit, before, after, include_deleted)| {
            runtime.block_on(async {
                let home = home();
                let mut model = Model { ledger: home.open().await, home, jobs: Vec::new() };
                for step in steps {
                    model.take(step).await;
                }
                model.check(limit, before, after, include_deleted).await;
                model.check(1000, None, None, false).await;
            });
            Ok(())
        })
        .unwrap();
}
