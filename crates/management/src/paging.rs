//! Pages of lists: `limit`, an opaque `after`, and the `next` that an answer carries.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::{PageRequest, Place};
use domain::Timestamp;

use crate::invalid::Invalid;
use crate::request;

/// Entries of one page, at most.
pub(crate) const LIMIT_MAX: u32 = 100;
/// Entries of one page where nobody says how many.
const LIMIT_DEFAULT: u32 = 50;
/// A cursor, in bytes: far more than any of ours.
const AFTER_BYTES_MAX: usize = 200;

/// What a query asks of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// At most so many.
    pub(crate) limit: u64,
    after: Option<String>,
}

impl Paging {
    /// Reads `limit` and `after`; `None` if neither is there.
    pub(crate) fn asked(query: &[(String, String)]) -> Result<Option<Self>, Invalid> {
        let limit = request::integer(query, "limit", 1, u64::from(LIMIT_MAX))?;
        let after = request::one(query, "after")?.map(decode).transpose()?;
        if limit.is_none() && after.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { limit: limit.unwrap_or(u64::from(LIMIT_DEFAULT)), after }))
    }

    /// Reads `limit` and `after`, with the usual ones where they are missing.
    pub(crate) fn read(query: &[(String, String)]) -> Result<Self, Invalid> {
        Ok(Self::asked(query)?.unwrap_or(Self { limit: u64::from(LIMIT_DEFAULT), after: None }))
    }

    /// A page of a list that goes by age.
    pub(crate) fn by_age(&self) -> Result<PageRequest, Invalid> {
        Ok(PageRequest { after: self.after.as_deref().map(place).transpose()?, limit: self.limit })
    }

    /// The number after which a list that goes by numbers continues.
    pub(crate) fn number(&self) -> Result<Option<i64>, Invalid> {
        Ok(self.after.as_deref().map(place).transpose()?.map(|place| place.created_at.as_micros()))
    }

    /// Cuts off the entry beyond the limit, and says where the next page begins.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, number: impl Fn(&T) -> i64) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|last| encode(number(last), ""));
        (items, next)
    }
}

/// A page of a list that is at hand whole, in the order of age and id.
pub(crate) fn cut<T>(
    items: Vec<T>,
    page: &PageRequest,
    place_of: impl Fn(&T) -> (Timestamp, String),
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let is_beyond = |item: &T| {
        let place = place_of(item);
        page.after.as_ref().is_none_or(|after| place > (after.created_at, after.id.clone()))
    };
    let mut items: Vec<T> = items.into_iter().filter(is_beyond).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more).map(|last| {
        let (created_at, id) = place_of(last);
        encode(created_at.as_micros(), &id)
    });
    (items, last)
}

/// The `next` of a list that goes by age.
pub(crate) fn next(place: Option<Place>) -> Option<String> {
    place.map(|place| encode(place.created_at.as_micros(), &place.id))
}

fn place(text: &str) -> Result<Place, Invalid> {
    let (micros, id) = text.split_once(' ').ok_or_else(unreadable)?;
    let micros = micros.parse().map_err(|_| unreadable())?;
    Ok(Place { created_at: Timestamp::from_micros(micros), id: id.to_owned() })
}

/// All cursors have one form, a number and an id, which lists that go by numbers leave empty.
fn encode(number: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{number} {id}"))
}

fn decode(text: &str) -> Result<String, Invalid> {
    let bytes = Some(text).filter(|text| text.len() <= AFTER_BYTES_MAX);
    let bytes = bytes.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    // A database may not take it, and no cursor of ours holds any.
    text.filter(|text| !text.chars().any(char::is_control)).ok_or_else(unreadable)
}

fn unreadable() -> Invalid {
    Invalid::pattern("after in query should be what the page before said as its next")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The limit holds on both sides, and is said once.
    #[test]
    fn limits_are_from_1_to_100() {
        for (limit, expected) in
            [("1", Some(1)), ("100", Some(100)), ("0", None), ("101", None), ("-1", None), ("x", None)]
        {
            let read = Paging::read(&query(&[("limit", limit)])).ok().map(|paging| paging.limit);
            assert_eq!(read, expected, "{limit}");
        }
        assert!(Paging::read(&query(&[("limit", "1"), ("limit", "2")])).is_err());
        assert_eq!(Paging::asked(&[]), Ok(None));
        assert_eq!(Paging::read(&[]).unwrap().limit, u64::from(LIMIT_DEFAULT));
    }

    proptest! {
        /// A place survives its text form, and no text makes the reader panic.
        #[test]
        fn places_round_trip(micros: i64, id in "[a-z_0-9]{1,40}") {
            let place = Place { created_at: Timestamp::from_micros(micros), id };
            let text = next(Some(place.clone())).unwrap();
            let read = Paging::read(&query(&[("after", &text)])).unwrap().by_age().unwrap();
            prop_assert_eq!(read.after, Some(place));
        }

        /// Going from page to page finds every entry once, in order.
        #[test]
        fn pages_of_a_whole_list(ages in proptest::collection::vec(0_i64..5, 0..40), limit in 1_u64..7) {
            let mut all: Vec<(Timestamp, String)> = ages
                .iter()
                .enumerate()
                .map(|(index, age)| (Timestamp::from_micros(*age), format!("id{index:02}")))
                .collect();
            all.sort();
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = PageRequest { after: after.clone(), limit };
                let (items, next) = cut(all.clone(), &page, Clone::clone);
                prop_assert!(items.len() as u64 <= limit);
                seen.extend(items);
                let Some(next) = next else { break };
                after = Paging::read(&query(&[("after", &next)])).unwrap().by_age().unwrap().after;
            }
            prop_assert_eq!(seen, all);
        }

        #[test]
        fn any_text_is_safe(text in ".{0,220}") {
            if let Ok(paging) = Paging::read(&query(&[("after", &text)])) {
                drop((paging.by_age(), paging.number()));
            }
        }
    }
}
