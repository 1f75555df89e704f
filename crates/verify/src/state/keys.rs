//! API keys by the hash of their secret, and by id: about a hundred bytes a key, both together.

use std::sync::Arc;

use domain::link::KeyRecord;
use domain::{ApiKeyId, AreaSet, ClientRef, Networks, ProductSet, ProjectId, SecretHash, Timestamp};

use super::shard::{Ranked, Sharded};

/// What verification needs to know about a key, in 80 bytes.
#[derive(Debug, Clone)]
pub(crate) struct KeyEntry {
    hash: SecretHash,
    // In halves: a `u128` would have the entry aligned, and padded, to 16 bytes.
    id: [u64; 2],
    pub(crate) project_id: ProjectId,
    expires_at: Timestamp,
    rare: Option<Arc<Rare>>,
    pub(crate) areas: AreaSet,
    pub(crate) products: ProductSet,
    pub(crate) is_revoked: bool,
}

/// What few keys have.
#[derive(Debug)]
struct Rare {
    networks: Networks,
    client_ref: Option<ClientRef>,
}

static ANYWHERE: Networks = Networks(Vec::new());

impl KeyEntry {
    fn new(record: &KeyRecord) -> Self {
        let has_rare = !record.networks.0.is_empty() || record.client_ref.is_some();
        let rare =
            || Arc::new(Rare { networks: record.networks.clone(), client_ref: record.client_ref.clone() });
        Self {
            hash: record.hash,
            id: halves(record.id),
            project_id: record.project_id,
            expires_at: record.expires_at.unwrap_or(NEVER),
            rare: has_rare.then(rare),
            areas: record.areas,
            products: record.products,
            is_revoked: record.revoked_at.is_some(),
        }
    }

    pub(crate) const fn id(&self) -> ApiKeyId {
        ApiKeyId::from_u128((self.id[0] as u128) << 64 | self.id[1] as u128)
    }

    /// Where to look for this key first.
    pub(crate) fn hint(&self) -> Hint {
        Hint(self.rank())
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        (self.expires_at != NEVER).then_some(self.expires_at)
    }

    /// A key's own expiry is told from here, so there are no clocks to be apart: it has no leeway.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    pub(crate) fn networks(&self) -> &Networks {
        self.rare.as_ref().map_or(&ANYWHERE, |rare| &rare.networks)
    }

    pub(crate) fn client_ref(&self) -> Option<&ClientRef> {
        self.rare.as_ref().and_then(|rare| rare.client_ref.as_ref())
    }
}

/// Where a key was found. It may have moved since, and then costs a look more; it never leads to another key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hint(u64);

const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

const fn halves(id: ApiKeyId) -> [u64; 2] {
    let number = id.as_u128();
    [(number >> 64) as u64, number as u64]
}

/// The first 8 bytes of a hash. Whoever imports keys by hash can crowd a part of the table, and only make their own
/// changes slower: readers halve their way through.
fn hash_rank(hash: &SecretHash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The last bits of an id are random, the first ones are its time.
const fn id_rank(id: [u64; 2]) -> u64 {
    id[1].rotate_right(16)
}

impl Ranked for KeyEntry {
    fn rank(&self) -> u64 {
        hash_rank(&self.hash)
    }
}

/// From an id to where its key is: the rank of its hash.
#[derive(Debug, Clone)]
struct Place {
    id: [u64; 2],
    hash_rank: u64,
}

impl Ranked for Place {
    fn rank(&self) -> u64 {
        id_rank(self.id)
    }
}

/// Another key has the same hash: whose it is can't be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conflict;

/// All keys. Writers must not run at the same time.
pub(crate) struct KeyTable {
    by_hash: Sharded<KeyEntry>,
    places: Sharded<Place>,
}

impl KeyTable {
    /// A table of these records, later ones before earlier ones of the same key, and how many had to be left out.
    pub(crate) fn of<'a>(records: impl Iterator<Item = &'a KeyRecord>) -> (Self, u64) {
        let mut entries: Vec<KeyEntry> = records.map(KeyEntry::new).collect();
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by(|later, earlier| {
            let same = later.id == earlier.id;
            if same {
                later.is_revoked |= earlier.is_revoked;
                std::mem::swap(later, earlier);
            }
            same
        });
        let ids = entries.len();
        // Of two keys with one hash the older one, whose id is smaller, keeps it.
        entries.sort_by_key(|entry| entry.hash);
        entries.dedup_by_key(|entry| entry.hash);
        let skipped = (ids - entries.len()) as u64;
        let places = entries.iter().map(|entry| Place { id: entry.id, hash_rank: entry.rank() }).collect();
        (Self { by_hash: Sharded::of(entries), places: Sharded::of(places) }, skipped)
    }

    /// The key of this hash. Comparing it in variable time tells nobody anything: who presents a secret can't choose
    /// how far its SHA-256 agrees with another's.
    pub(crate) fn find_by_hash(&self, hash: &SecretHash) -> Option<KeyEntry> {
        self.by_hash.find(hash_rank(hash), |entry| entry.hash == *hash)
    }

    /// The same as [`KeyTable::find_by_id`], with one look instead of two while the hint still holds.
    pub(crate) fn find_near(&self, hint: Option<Hint>, id: ApiKeyId) -> Option<KeyEntry> {
        let id_halves = halves(id);
        let hinted = hint.and_then(|hint| self.by_hash.find(hint.0, |entry| entry.id == id_halves));
        hinted.or_else(|| self.find_by_id(id))
    }

    pub(crate) fn find_by_id(&self, id: ApiKeyId) -> Option<KeyEntry> {
        let id = halves(id);
        let place = self.places.find(id_rank(id), |place| place.id == id)?;
        self.by_hash.find(place.hash_rank, |entry| entry.id == id)
    }

    /// Makes or replaces a key. What is revoked stays so.
    pub(crate) fn put(&self, record: &KeyRecord) -> Result<(), Conflict> {
        let mut entry = KeyEntry::new(record);
        let present = self.find_by_id(record.id);
        if let Some(present) = &present {
            entry.is_revoked |= present.is_revoked;
            if present.hash != entry.hash {
                self.remove(present);
            }
        }
        if self.find_by_hash(&entry.hash).is_some_and(|other| other.id != entry.id) {
            return Err(Conflict);
        }
        let id = entry.id;
        let place = Place { id, hash_rank: entry.rank() };
        self.by_hash.put(entry, |other| other.id == id);
        self.places.put(place, |other| other.id == id);
        Ok(())
    }

    fn remove(&self, entry: &KeyEntry) {
        self.places.remove(id_rank(entry.id), |place| place.id == entry.id);
        self.by_hash.remove(entry.rank(), |other| other.id == entry.id);
    }

    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Area, Product, Rng as _, SystemRng};

    use super::*;

    fn record(id: u128, hash: u8) -> KeyRecord {
        KeyRecord {
            id: ApiKeyId::from_u128(id),
            hash: SecretHash::from_bytes([hash; 32]),
            project_id: ProjectId::new(1),
            areas: AreaSet::EMPTY.with(Area::Eu),
            products: ProductSet::EMPTY.with(Product::Rt),
            expires_at: None,
            networks: Networks::default(),
            client_ref: None,
            revoked_at: None,
        }
    }

    fn revoked(record: KeyRecord) -> KeyRecord {
        KeyRecord { revoked_at: Some(Timestamp::from_seconds(1)), ..record }
    }

    /// The budget of a key: the entry and the place together.
    #[test]
    fn entries_are_small() {
        assert_eq!(size_of::<KeyEntry>() + size_of::<Place>(), 104);
    }

    /// Keys of one moment stand all over the table, by their hashes and by their ids: a part stays small.
    #[test]
    fn keys_are_spread() {
        let now = Timestamp::from_seconds(1_764_000_000);
        let made = |_| KeyRecord { id: ApiKeyId::generate(now, &SystemRng), ..record(0, 0) };
        let ids: BTreeSet<u64> = (0..1000).map(made).map(|key| id_rank(halves(key.id)) >> 50).collect();
        assert!(ids.len() > 900, "{}", ids.len());
        let hash = std::array::from_fn(|place| u8::try_from(place).unwrap());
        assert_eq!(hash_rank(&SecretHash::from_bytes(hash)), 0x0001_0203_0405_0607);
    }

    /// Ids survive being cut in halves, and keys are found both ways.
    #[test]
    fn found_by_hash_and_by_id() {
        let records: Vec<KeyRecord> = (0..=255).map(|hash| record(SystemRng.next_u128(), hash)).collect();
        let (loaded, skipped) = KeyTable::of(records.iter());
        let (grown, _) = KeyTable::of(std::iter::empty());
        records.iter().for_each(|record| grown.put(record).unwrap());
        assert_eq!(skipped, 0);
        for table in [&loaded, &grown] {
            assert_eq!(table.len(), 256);
            for record in &records {
                assert_eq!(table.find_by_hash(&record.hash).unwrap().id(), record.id);
                assert_eq!(table.find_by_id(record.id).unwrap().hash, record.hash);
            }
            assert!(table.find_by_id(ApiKeyId::from_u128(7)).is_none());
        }
    }

    /// No later record makes a revoked key active again, neither in a snapshot nor in the feed.
    #[test]
    fn revoked_stays_revoked() {
        let records = [revoked(record(1, 1)), record(1, 1)];
        let (table, _) = KeyTable::of(records.iter());
        assert!(table.find_by_id(records[0].id).unwrap().is_revoked);
        table.put(&records[1]).unwrap();
        assert!(table.find_by_id(records[0].id).unwrap().is_revoked);
        table.put(&record(2, 2)).unwrap();
        assert!(!table.find_by_id(ApiKeyId::from_u128(2)).unwrap().is_revoked, "control");
        assert_eq!((table.len(), table.places.len()), (2, 2), "put twice is there once");
    }

    /// Of two keys with one hash the first keeps it; the second is nowhere, even if it was known before.
    #[test]
    fn a_hash_belongs_to_one_key() {
        let (table, skipped) = KeyTable::of([record(2, 1), record(1, 1), record(3, 3)].iter());
        assert_eq!(skipped, 1);
        assert_eq!(
            table.find_by_hash(&SecretHash::from_bytes([1; 32])).unwrap().id(),
            ApiKeyId::from_u128(1)
        );
        assert_eq!(table.put(&record(3, 1)), Err(Conflict));
        assert!(table.find_by_id(ApiKeyId::from_u128(3)).is_none());
        assert!(table.find_by_hash(&SecretHash::from_bytes([3; 32])).is_none());
        assert_eq!((table.len(), table.places.len()), (1, 1));
    }

    /// A key whose secret was replaced is found by the new one only, and a hint from before leads to it, too.
    #[test]
    fn a_new_hash_replaces_the_old_one() {
        let (table, _) = KeyTable::of([record(1, 1)].iter());
        let id = ApiKeyId::from_u128(1);
        let hint = Some(table.find_by_id(id).unwrap().hint());
        assert_eq!(table.find_near(hint, id).unwrap().hash, SecretHash::from_bytes([1; 32]));
        table.put(&record(1, 2)).unwrap();
        assert_eq!(table.find_near(hint, id).unwrap().hash, SecretHash::from_bytes([2; 32]));
        table.put(&record(2, 1)).unwrap();
        assert_eq!(table.find_near(hint, id).unwrap().id(), id);
        table.remove(&table.find_by_id(ApiKeyId::from_u128(2)).unwrap());
        assert!(table.find_by_hash(&SecretHash::from_bytes([1; 32])).is_none());
        assert_eq!(
            table.find_by_hash(&SecretHash::from_bytes([2; 32])).unwrap().id(),
            ApiKeyId::from_u128(1)
        );
        assert_eq!((table.len(), table.places.len()), (1, 1));
    }
}
