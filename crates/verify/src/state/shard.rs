//! One small part of a large table: entries sorted by rank, replaced whole when one of them changes.

use arc_swap::ArcSwap;

/// Parts of a table. A million entries make parts of 61, which are copied in well under a microsecond.
pub(crate) const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 14;
/// How far the guess may walk before it gives up; ranks that are spread evenly stay far below.
const STEPS_MAX: usize = 24;

/// Something with a rank that is spread evenly over all numbers. Several entries may share one.
pub(crate) trait Ranked: Clone {
    fn rank(&self) -> u64;
}

/// A table in parts, each read without a lock. Writers must not run at the same time.
pub(crate) struct Sharded<T>(Box<[ArcSwap<Box<[T]>>]>);

impl<T: Ranked> Sharded<T> {
    /// A table of these entries, whose parts have no room to spare.
    pub(crate) fn of(mut entries: Vec<T>) -> Self {
        entries.sort_unstable_by_key(T::rank);
        let mut sizes = vec![0_usize; SHARDS];
        for entry in &entries {
            sizes[shard(entry.rank())] += 1;
        }
        let empty = std::sync::Arc::new(Box::<[T]>::default());
        let mut entries = entries.into_iter();
        let shards = sizes.into_iter().map(|size| match size {
            0 => ArcSwap::new(empty.clone()),
            _ => ArcSwap::from_pointee(entries.by_ref().take(size).collect::<Box<[T]>>()),
        });
        Self(shards.collect())
    }

    /// The entry of this rank that is meant.
    pub(crate) fn find(&self, rank: u64, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let shard = self.0[shard(rank)].load();
        let mut index = lower_bound(&shard, rank);
        while let Some(entry) = shard.get(index)
            && entry.rank() == rank
        {
            if is_meant(entry) {
                return Some(entry.clone());
            }
            index += 1;
        }
        None
    }

    /// Puts an entry in the place of the one that is meant, or beside the others.
    pub(crate) fn put(&self, entry: T, is_meant: impl Fn(&T) -> bool) {
        let rank = entry.rank();
        self.edit(rank, |entries| {
            entries.retain(|other| other.rank() != rank || !is_meant(other));
            let index = lower_bound(entries, rank);
            entries.insert(index, entry);
        });
    }

    /// Removes the entry that is meant.
    pub(crate) fn remove(&self, rank: u64, is_meant: impl Fn(&T) -> bool) {
        self.edit(rank, |entries| entries.retain(|other| other.rank() != rank || !is_meant(other)));
    }

    fn edit(&self, rank: u64, edit: impl FnOnce(&mut Vec<T>)) {
        let slot = &self.0[shard(rank)];
        let present = slot.load();
        let mut entries = Vec::with_capacity(present.len() + 1);
        entries.extend_from_slice(&present);
        edit(&mut entries);
        slot.store(std::sync::Arc::new(entries.into_boxed_slice()));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.load().len()).sum()
    }
}

/// The part of a rank: its first bits.
const fn shard(rank: u64) -> usize {
    (rank >> (64 - SHARD_BITS)) as usize
}

/// The first entry whose rank is not below.
fn lower_bound<T: Ranked>(entries: &[T], rank: u64) -> usize {
    walked(entries, rank).unwrap_or_else(|| entries.partition_point(|entry| entry.rank() < rank))
}

/// The same, if it stands near where it is expected, as those of evenly spread ranks do: guessing and walking touches one or
/// two cache lines where halving touches six.
fn walked<T: Ranked>(entries: &[T], rank: u64) -> Option<usize> {
    let within = (rank << SHARD_BITS) >> 32;
    let mut index = ((within * entries.len() as u64) >> 32) as usize;
    for _ in 0..STEPS_MAX {
        if index > 0 && entries[index - 1].rank() >= rank {
            index -= 1;
        } else if index < entries.len() && entries[index].rank() < rank {
            index += 1;
        } else {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Entry(u64, u8);

    impl Ranked for Entry {
        fn rank(&self) -> u64 {
            self.0
        }
    }

    fn ranks() -> impl Strategy<Value = u64> {
        // Even ones, and crowds in one part: at its beginning, at its end, and of one rank.
        prop_oneof![any::<u64>(), 0_u64..100, (u64::MAX - 100)..=u64::MAX, Just(1 << 50)]
    }

    proptest! {
        /// However ranks are spread, the table holds exactly what was put and not removed.
        #[test]
        fn behaves_like_a_map(
            first in prop::collection::vec((ranks(), any::<u8>()), 0..200),
            edits in prop::collection::vec((ranks(), any::<u8>(), any::<bool>()), 0..200),
        ) {
            let mut expected: std::collections::BTreeSet<(u64, u8)> = first.iter().copied().collect();
            let table = Sharded::of(expected.iter().map(|(rank, tag)| Entry(*rank, *tag)).collect());
            for (rank, tag, put) in &edits {
                if *put {
                    table.put(Entry(*rank, *tag), |entry| entry.1 == *tag);
                    expected.insert((*rank, *tag));
                } else {
                    table.remove(*rank, |entry| entry.1 == *tag);
                    expected.remove(&(*rank, *tag));
                }
            }
            prop_assert_eq!(table.len(), expected.len());
            for (rank, tag) in first.iter().copied().chain(edits.iter().map(|(rank, tag, _)| (*rank, *tag))) {
                let found = table.find(rank, |entry| entry.1 == tag);
                prop_assert_eq!(found.is_some(), expected.contains(&(rank, tag)));
            }
        }
    }

    /// Ranks that are spread evenly fill all parts, and within a part a walk finds each of them, and each that isn't there.
    #[test]
    fn even_ranks_are_walked_to() {
        assert_eq!([shard(0), shard(u64::MAX)], [0, SHARDS - 1]);
        let width = u64::MAX / SHARDS as u64 + 1;
        // From the beginning of the part, or all a little later than expected.
        for (part, count, late) in
            [(0_u64, 1_u64, 0_u64), (0, 61, 0), (1, 2, 0), (7, 61, 3), (SHARDS as u64 - 1, 61, 3)]
        {
            let space = width / (count + late);
            let at = |place: u64| part * width + place * space + late * space / 2;
            let entries: Vec<Entry> = (0..count).map(|place| Entry(at(place), 0)).collect();
            for (index, entry) in entries.iter().enumerate() {
                assert_eq!(walked(&entries, entry.0), Some(index), "{part} {index}");
                assert_eq!(walked(&entries, entry.0 + 1), Some(index + 1), "{part} {index}");
            }
        }
    }

    /// A crowded part, where guessing fails, is searched by halving.
    #[test]
    fn crowds_are_found() {
        let table = Sharded::of((0..10_000).map(|rank| Entry(rank, 0)).collect());
        assert!((0..10_000).all(|rank| table.find(rank, |_| true) == Some(Entry(rank, 0))));
        assert_eq!(table.find(10_000, |_| true), None);
    }
}
