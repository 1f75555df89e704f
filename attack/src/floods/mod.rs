//! Floods: a minute each, with well-behaved clients beside. The rule: memory is bounded and comes back, the good ones hardly
//! notice, nothing restarts.

mod attackers;
mod good;

use std::path::Path;
use std::time::Duration;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::instance::resident_kib;
use attackers::Flood;
use good::{Figures, GoodClients};

/// Well-behaved clients beside each flood.
const GOOD_CLIENTS: usize = 20;
/// How long to look at them before, and after.
const CALM_SECONDS: u64 = 10;
/// How long a flood's memory may take to come back.
const SETTLE_SECONDS: u64 = 30;
/// How much more the instance may hold afterwards than before, of what it held before, in percent.
const GROWTH_PERCENT_MAX: u64 = 10;
/// What it may grow by while it is flooded, in KiB.
const PEAK_GROWTH_KIB_MAX: u64 = 256 * 1024;
/// A latency that nobody notices, in microseconds: below it, twice as much is no harm, and no more than noise.
const UNNOTICED_MICROS: u64 = 5_000;

/// Runs every flood for so many seconds; tells whether all were borne.
pub(crate) async fn run(program: &Path, seconds: u64, only: &[Flood]) -> Result<bool, Fault> {
    println!(
        "{:<20} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}  verdict",
        "flood", "writes", "before KiB", "peak KiB", "after KiB", "p99 calm", "p99 flood", "good", "failed"
    );
    let mut all_borne = true;
    for flood in Flood::ALL.iter().filter(|flood| only.is_empty() || only.contains(flood)) {
        all_borne &= one(program, *flood, seconds).await?;
    }
    Ok(all_borne)
}

async fn one(program: &Path, flood: Flood, seconds: u64) -> Result<bool, Fault> {
    let mut arena = Arena::build(program, "").await?;
    let process = arena.instance.id();
    let good = GoodClients::start(&arena, GOOD_CLIENTS);
    // Buffers, threads and code that every instance has in memory once it has worked.
    attackers::use_doors(&arena).await?;
    tokio::time::sleep(Duration::from_secs(CALM_SECONDS)).await;
    let warm = resident_kib(process);
    drop(good.take());
    tokio::time::sleep(Duration::from_secs(CALM_SECONDS)).await;
    let calm = good.take();
    let before = resident_kib(process).max(warm);
    let mut peak = before;
    let attackers = flood.start(&arena).await?;
    for _ in 0..seconds * 4 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        peak = peak.max(resident_kib(process));
    }
    let writes = attackers.writes();
    drop(attackers);
    let flooded = good.take();
    let mut after = resident_kib(process);
    for _ in 0..SETTLE_SECONDS {
        if after * 100 <= before * (100 + GROWTH_PERCENT_MAX) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        after = resident_kib(process);
    }
    good.stop();
    let mut faults = judge(&calm, &flooded);
    if peak.saturating_sub(before) > PEAK_GROWTH_KIB_MAX {
        faults.push("memory isn't bounded".to_owned());
    }
    if after * 100 > before * (100 + GROWTH_PERCENT_MAX) {
        faults.push("memory doesn't come back".to_owned());
    }
    if !arena.instance.is_alive() || arena.instance.panics() > 0 {
        faults.push("it ended or panicked".to_owned());
    }
    println!(
        "{:<20} {writes:>9} {before:>10} {peak:>10} {after:>10} {:>8}µs {:>8}µs {:>8} {:>8}  {}",
        flood.name(),
        calm.p99_micros(),
        flooded.p99_micros(),
        flooded.answered(),
        flooded.failed,
        if faults.is_empty() { "borne".to_owned() } else { faults.join(", ") }
    );
    Ok(faults.is_empty())
}

fn judge(calm: &Figures, flooded: &Figures) -> Vec<String> {
    let mut faults = Vec::new();
    if flooded.failed > 0 {
        faults.push(format!("{} good requests failed", flooded.failed));
    }
    if flooded.answered() == 0 || calm.answered() == 0 {
        faults.push("the good clients were never answered".to_owned());
    }
    let bound = (calm.p99_micros() * 2).max(UNNOTICED_MICROS);
    if flooded.p99_micros() > bound {
        faults.push("the good clients' p99 more than doubled".to_owned());
    }
    faults
}

pub(crate) use attackers::Flood as Kind;
