//! Between columns and the domain's types. What a column can't hold is an inconsistency that names its row.

use std::fmt::Display;

use domain::link::Revision;
use domain::{AreaSet, Networks, PermissionSet, ProductSet, SecretHash, Timestamp};
use ipnet::IpNet;

use crate::StoreError;

/// Where a value was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a dyn RowKey,
}

/// What names a row.
pub(crate) trait RowKey: std::fmt::Debug {
    fn text(&self) -> String;
}

impl<T: Display + std::fmt::Debug> RowKey for T {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl At<'_> {
    /// The value, or the inconsistency that its column holds something else.
    pub(crate) fn need<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| StoreError::Inconsistent { table: self.table, column, row: self.row.text() })
    }

    /// As [`At::need`], for a column that may be empty.
    pub(crate) fn maybe<T>(
        self,
        column: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.need(column, parse(text))).transpose()
    }
}

pub(crate) const fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) const fn revision_column(revision: Revision) -> i64 {
    revision.0.cast_signed()
}

pub(crate) const fn revision(column: i64) -> Revision {
    Revision(column.cast_unsigned())
}

pub(crate) fn hash(bytes: &[u8]) -> Option<SecretHash> {
    Some(SecretHash::from_bytes(bytes.try_into().ok()?))
}

/// Names with commas between them, in the order of declaration; empty for the empty set.
pub(crate) fn join<T: Display>(items: impl Iterator<Item = T>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&item.to_string());
    }
    text
}

fn split<T, S: FromIterator<T>>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<S> {
    if text.is_empty() {
        return Some(std::iter::empty().collect());
    }
    text.split(',').map(parse).collect()
}

pub(crate) fn areas(text: &str) -> Option<AreaSet> {
    split(text, domain::Area::from_name)
}

pub(crate) fn products(text: &str) -> Option<ProductSet> {
    split(text, domain::Product::from_name)
}

pub(crate) fn permissions(text: &str) -> Option<PermissionSet> {
    split(text, domain::Permission::from_name)
}

pub(crate) fn networks(text: &str) -> Option<Networks> {
    split::<IpNet, Vec<IpNet>>(text, |network| network.parse().ok()).map(Networks)
}

#[cfg(test)]
mod tests {
    use domain::{Area, Product};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Sets survive their column, the empty one too.
        #[test]
        fn sets_round_trip(bits in prop::collection::vec(0..4_usize, 0..4)) {
            let set: ProductSet = bits.iter().map(|index| Product::ALL[*index]).collect();
            prop_assert_eq!(products(&join(set.iter())), Some(set));
        }
    }

    /// Names are exact; what is no name makes the whole column unreadable rather than a smaller set.
    #[test]
    fn unknown_names_are_no_set() {
        assert_eq!(areas("eu,usa"), Some([Area::Eu, Area::Usa].into_iter().collect()));
        assert_eq!(areas("eu,EU"), None);
        assert_eq!(areas("eu,"), None);
        assert_eq!(networks("192.0.2.0/24,2001:db8::/32").unwrap().0.len(), 2);
        assert_eq!(networks("192.0.2.0/33"), None);
    }
}
