//! The audio of jobs.

use domain::link::UsageRecord;
use domain::{Month, Product, QuotaSubject, Region};
use ledger::{Booking, CounterId, CounterKey, FinishedJob};

use super::{AdoptedJob, Home, NOW, create, new, owner, seen};

fn booking(job: &FinishedJob) -> Booking {
    let id = CounterId::Quota(Month::of(NOW), QuotaSubject::Project(job.project_id));
    let usage = UsageRecord {
        project_id: job.project_id,
        api_key_id: job.api_key_id,
        client_ref: job.client_ref.clone(),
        region: Region::Eu1,
        product: Product::Batch,
        day: NOW,
        requests: 0,
        sessions: 0,
        audio_millis: job.audio_micros / 1000,
        received_bytes: 0,
        refusals: 0,
        refused: std::collections::BTreeMap::new(),
    };
    Booking {
        job_id: job.id.clone(),
        region: Region::Eu1,
        audio_micros: job.audio_micros,
        counters: vec![CounterKey { id, forget_at: NOW.plus_seconds(1000) }],
        usage,
    }
}

/// The audio of a job is booked once, when it is done, however often it is tried: a crash between booking and marking changes
/// nothing. Jobs that failed, run, or were taken in from before are not booked.
pub(crate) async fn jobs_are_booked_once(home: Home) {
    let ledger = home.open().await;
    for (id, status, seconds) in
        [("a", "done", 12.5), ("b", "running", 1.0), ("c", "rejected", 1.0), ("d", "done", 0.25)]
    {
        create(&ledger, id, &new(7, Some("ann")), NOW).await;
        ledger.seen(id, &seen(status, seconds)).await.unwrap();
    }
    let before = AdoptedJob { id: String::from("old"), created_at: NOW, seen: seen("done", 99.0) };
    ledger.adopt(&owner(7, None), None, &[before]).await.unwrap();
    let jobs = ledger.unbooked_jobs(10).await.unwrap();
    let micros: Vec<_> = jobs.iter().map(|job| (job.id.as_str(), job.audio_micros)).collect();
    assert_eq!(micros, [("a", 12_500_000), ("d", 250_000)]);
    let bookings: Vec<_> = jobs.iter().map(booking).collect();
    ledger.book_jobs(&bookings[..1], NOW).await.unwrap();
    ledger.book_jobs(&bookings, NOW).await.unwrap();
    ledger.close().await.unwrap();
    let ledger = home.open().await;
    assert_eq!(ledger.unbooked_jobs(10).await.unwrap().len(), 2, "not marked yet, as after a crash");
    ledger.book_jobs(&bookings, NOW).await.unwrap();
    ledger.jobs_booked(&[String::from("a"), String::from("d")]).await.unwrap();
    assert!(ledger.unbooked_jobs(10).await.unwrap().is_empty());
    let id = &bookings[0].counters[0].id;
    assert_eq!(ledger.audio_used(id).await.unwrap(), 12_750_000);
    let batches = ledger.uncounted_usage(0, 10).await.unwrap();
    let millis: u64 = batches.iter().flat_map(|batch| &batch.records).map(|record| record.audio_millis).sum();
    assert_eq!((batches.len(), millis), (2, 12_750));
    assert_eq!(ledger.uncounted_usage(batches[0].number, 10).await.unwrap(), batches[1..]);
    ledger.seen("b", &seen("done", 3.0)).await.unwrap();
    assert_eq!(ledger.unbooked_jobs(10).await.unwrap().len(), 1, "and the next one");
}
