//! Forgetting an end user's jobs.

use domain::{ClientRef, ProjectId};
use ledger::{JobState, ListQuery};

use super::{Home, NOW, all, create, ids, new, owner, seen};

/// The jobs of a forgotten end user are nobody's to read, hold nothing that was theirs, and count as before; others' jobs,
/// whose names look alike, stay.
pub(super) async fn jobs_are_forgotten(home: Home) {
    let ledger = home.open().await;
    for (id, client_ref) in [("a", Some("ann")), ("b", Some("ann")), ("c", Some("Ann")), ("d", None)] {
        create(&ledger, id, &new(7, client_ref), NOW).await;
        ledger.seen(id, &seen("done", 10.0)).await.unwrap();
    }
    create(&ledger, "e", &new(8, Some("ann")), NOW).await;
    let ann = owner(7, Some("ann"));
    assert!(ledger.find(&ann, "a").await.unwrap().is_some());
    let days = (NOW.plus_seconds(-86_400), NOW.plus_seconds(86_400));
    let usage = ledger.usage(ProjectId::new(7), days.0, days.1).await.unwrap();
    let everything: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
    let client_ref = ClientRef::new("ann").unwrap();
    assert_eq!(ledger.forget_jobs(ProjectId::new(7), &client_ref, &everything).await.unwrap(), 2);
    assert_eq!(ledger.forget_jobs(ProjectId::new(7), &client_ref, &everything).await.unwrap(), 0);
    for ledger in [&ledger, &home.open().await] {
        assert!(ledger.find(&ann, "a").await.unwrap().is_none());
        let with_deleted = ListQuery { include_deleted: true, ..all() };
        assert!(ids(ledger, &ann, &with_deleted).await.is_empty());
        let left = ledger.find_with_object(&owner(7, None), "a").await.unwrap().unwrap();
        assert_eq!((left.facts.state, &left.facts.client_ref, left.object), (JobState::Deleted, &None, None));
        assert_eq!(ids(ledger, &owner(7, None), &all()).await, ["d", "c"]);
        assert_eq!(ids(ledger, &owner(8, None), &all()).await, ["e"]);
        assert_eq!(ledger.usage(ProjectId::new(7), days.0, days.1).await.unwrap(), usage);
    }
}
