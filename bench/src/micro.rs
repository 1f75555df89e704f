//! What one verification costs: API keys among a million, temporary keys cold and cached, minting. On one thread; each
//! figure is the best of several rounds, since everything else on the machine only adds to it.

use std::error::Error;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use clap::Args;
use credentials::{PlainSecret, SecretKind, SigningKey, hash_secret};
use domain::link::{Change, KeyRecord, Revision, Snapshot};
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, Area, AreaSet, ClientRef, InstanceId, Leash, Networks, Plan, Product, ProductSet,
    ProjectId, Region, Rng as _, SystemRng, TemporaryKeyId, Timestamp, WorkspaceId,
};
use verify::{Need, Surface, Tables};

use crate::process::anonymous_bytes;

const NOW: Timestamp = Timestamp::from_seconds(1_764_000_000);
const ROUNDS: usize = 7;
const LOOKUPS_PER_ROUND: usize = 500_000;
const TOKENS: usize = 20_000;
const PROJECTS: usize = 1000;
const CHANGES: usize = 20_000;
const KEYS_PER_REVISION: usize = 1000;

/// Options of the benchmark.
#[derive(Debug, Args)]
pub(crate) struct MicroOptions {
    /// API keys in the tables.
    #[arg(long, default_value_t = 1_000_000)]
    keys: usize,
    /// Fill the tables by the feed, a thousand keys at a time, rather than by a snapshot.
    #[arg(long)]
    feed: bool,
}

struct World {
    tables: Tables,
    instance: InstanceId,
    workspace_id: WorkspaceId,
    signing_key: SigningKey,
    /// Some of the keys, with what is presented for them.
    sample: Vec<(PlainSecret, KeyRecord)>,
}

pub(crate) fn run(options: &MicroOptions) -> Result<(), Box<dyn Error>> {
    let world = fill(options)?;
    let tables = &world.tables;
    let keys = Shuffled::of(world.sample.len());

    let hash = best(LOOKUPS_PER_ROUND, |n| {
        black_box(hash_secret(world.sample[n % 64].0.expose()));
    });
    row("SHA-256 of an API key", hash);
    let need = need(Surface::Batch, Product::Batch);
    let hot = best(LOOKUPS_PER_ROUND, |n| {
        black_box(tables.verify(world.sample[n % 64].0.expose(), &need, NOW)).expect("a good key");
    });
    row("verify an API key, the same few", hot);
    let cold = best(LOOKUPS_PER_ROUND, |n| {
        // One after the other: their places in the tables are random, as hashes are.
        let (secret, _) = &world.sample[n % world.sample.len()];
        black_box(tables.verify(secret.expose(), &need, NOW)).expect("a good key");
    });
    row("verify an API key, any of them", cold);
    let unknown: Vec<PlainSecret> = (0..1000).map(|_| SecretKind::ApiKey.generate(&SystemRng)).collect();
    let refused = best(LOOKUPS_PER_ROUND, |n| {
        black_box(tables.verify(unknown[n % unknown.len()].expose(), &need, NOW))
            .expect_err("an unknown key");
    });
    row("refuse an unknown API key", refused);

    let changed = best(CHANGES, |n| {
        let mut record = world.sample[keys.at(n)].1.clone();
        record.products = ProductSet::all();
        tables.apply(Revision(1_000_000_000 + n as u64), &[Change::Key(record)]);
    });
    row("apply a change of one key", changed);
    for algorithm in Algorithm::ALL.iter().copied() {
        tokens(&world, algorithm)?;
    }
    Ok(())
}

fn tokens(world: &World, algorithm: Algorithm) -> Result<(), Box<dyn Error>> {
    let tables = &world.tables;
    let signing_key = match algorithm {
        Algorithm::EdDsa => &world.signing_key,
        Algorithm::Es256 => &SigningKey::generate(algorithm, &SystemRng),
    };
    tables.apply(Revision(2_000_000_000), &[Change::SigningKey(signing_key.verifying_key())]);
    let parents = Shuffled::of(world.sample.len());
    let claims = |n: usize| world.claims(&world.sample[parents.at(n)].1);
    let mint = best(TOKENS / ROUNDS, |n| {
        black_box(signing_key.sign(&claims(n))).expect("good claims");
    });
    row(&format!("mint, {algorithm}"), mint);
    let tokens: Result<Vec<String>, _> = (0..TOKENS).map(|n| signing_key.sign(&claims(n))).collect();
    let tokens = tokens?;
    let need = need(Surface::RealtimeUrl, Product::Rt);
    let share = TOKENS / ROUNDS;
    // Each round has tokens of its own, which nobody has seen.
    let mut next = 0;
    let cold = best(share, |_| {
        black_box(tables.verify(&tokens[next], &need, NOW)).expect("a good token");
        next += 1;
    });
    row(&format!("verify a temporary key, {algorithm}, new"), cold);
    let seen = share * ROUNDS;
    let cached = best(LOOKUPS_PER_ROUND, |n| {
        black_box(tables.verify(&tokens[n % seen], &need, NOW)).expect("a good token");
    });
    row(&format!("verify a temporary key, {algorithm}, any of {seen} seen"), cached);
    let hot = best(LOOKUPS_PER_ROUND, |n| {
        black_box(tables.verify(&tokens[n % 64], &need, NOW)).expect("a good token");
    });
    row(&format!("verify a temporary key, {algorithm}, the same few"), hot);
    println!("  ({} bytes a token)", tokens[0].len());
    Ok(())
}

impl World {
    fn claims(&self, parent: &KeyRecord) -> Claims {
        Claims {
            issuer: self.instance.to_string(),
            areas: parent.areas,
            issued_at: NOW,
            not_before: NOW,
            expires_at: NOW.plus_seconds(3600),
            id: TemporaryKeyId::generate(parent.id, &SystemRng),
            revision: self.tables.revision(),
            project_id: parent.project_id,
            workspace_id: self.workspace_id,
            api_key_id: parent.id,
            product: Product::Rt,
            client_ref: ClientRef::new("user-12345").ok(),
            leash: Leash { max_sessions: Some(1), ..Leash::default() },
        }
    }
}

/// Fills tables and tells how much memory that took, all included.
fn fill(options: &MicroOptions) -> Result<World, Box<dyn Error>> {
    let mut world = World {
        tables: Tables::new(),
        instance: InstanceId::generate(NOW, &SystemRng),
        workspace_id: WorkspaceId::generate(NOW, &SystemRng),
        signing_key: SigningKey::generate(Algorithm::EdDsa, &SystemRng),
        sample: Vec::with_capacity(options.keys.min(250_000)),
    };
    let mut changes = vec![
        Change::Instance { id: world.instance },
        Change::Workspace { id: world.workspace_id, limits: Plan::Enterprise.default_limits() },
        Change::SigningKey(world.signing_key.verifying_key()),
    ];
    changes.extend(
        (0..PROJECTS)
            .map(|n| Change::Project { id: ProjectId::new(n as i64), workspace_id: world.workspace_id }),
    );
    let pid = std::process::id();
    let stride = options.keys.div_ceil(250_000).max(1);
    let mut take = |n: usize| {
        let (secret, record) = key(n);
        if n.is_multiple_of(stride) {
            world.sample.push((secret, record.clone()));
        }
        Change::Key(record)
    };
    let (bytes, seconds) = if options.feed {
        world.tables.apply(Revision(1), &changes);
        let mut seconds = 0.0;
        let before = anonymous_bytes(pid)?;
        for start in (0..options.keys).step_by(KEYS_PER_REVISION) {
            let end = (start + KEYS_PER_REVISION).min(options.keys);
            let changes: Vec<Change> = (start..end).map(&mut take).collect();
            let begun = Instant::now();
            world.tables.apply(Revision(2 + start as u64), &changes);
            seconds += begun.elapsed().as_secs_f64();
        }
        // The sample, which grew meanwhile, is no part of the tables.
        let sample = world.sample.len() * (size_of::<(PlainSecret, KeyRecord)>() + 64);
        (anonymous_bytes(pid)?.saturating_sub(before + sample as u64), seconds)
    } else {
        changes.extend((0..options.keys).map(take));
        let changes = changes.into_iter().map(|change| (Revision(1), change)).collect();
        let snapshot = Snapshot { revision: Revision(1), changes };
        let before = anonymous_bytes(pid)?;
        let begun = Instant::now();
        world.tables.load(&snapshot);
        (anonymous_bytes(pid)?.saturating_sub(before), begun.elapsed().as_secs_f64())
    };
    let how = if options.feed { "by the feed" } else { "by a snapshot" };
    println!("{} API keys, filled {how} in {seconds:.2} s:", world.tables.api_keys());
    println!("  {:.1} bytes a key, {:.1} MB in all", bytes as f64 / options.keys as f64, bytes as f64 / 1e6);
    Ok(world)
}

fn key(n: usize) -> (PlainSecret, KeyRecord) {
    let secret = SecretKind::ApiKey.generate(&SystemRng);
    let record = KeyRecord {
        id: ApiKeyId::generate(NOW.plus_seconds(n as i64), &SystemRng),
        hash: secret.hash(),
        project_id: ProjectId::new((n % PROJECTS) as i64),
        areas: AreaSet::EMPTY.with(Area::Eu),
        products: ProductSet::default_for_keys(),
        expires_at: None,
        networks: Networks::default(),
        client_ref: None,
        revoked_at: None,
    };
    (secret, record)
}

const fn need(surface: Surface, product: Product) -> Need<'static> {
    Need {
        surface,
        product: Some(product),
        region: Some(Region::Eu1),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        origin: None,
        usage: false,
    }
}

/// Indices in an order that no cache foresees.
struct Shuffled(Vec<u32>);

impl Shuffled {
    fn of(length: usize) -> Self {
        let mut order: Vec<u32> = (0..length as u32).collect();
        for index in (1..length).rev() {
            order.swap(index, (SystemRng.next_u128() % (index as u128 + 1)) as usize);
        }
        Self(order)
    }

    fn at(&self, n: usize) -> usize {
        self.0[n % self.0.len()] as usize
    }
}

/// Nanoseconds per call in the best of all rounds.
fn best(calls: usize, mut call: impl FnMut(usize)) -> f64 {
    let mut best = f64::INFINITY;
    for round in 0..ROUNDS {
        let begun = Instant::now();
        for n in round * calls..(round + 1) * calls {
            call(n);
        }
        best = best.min(begun.elapsed().as_nanos() as f64 / calls as f64);
    }
    best
}

fn row(what: &str, nanoseconds: f64) {
    println!("  {what:<58} {:>8.2} µs", nanoseconds / 1000.0);
}
