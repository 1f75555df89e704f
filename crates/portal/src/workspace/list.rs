//! Pages of lists: where one begins, and the links to the others.

use control::Place;
use domain::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::web::Problem;
use crate::web::paging::PageQuery;

/// The links under a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pager {
    /// To the beginning, on any other page.
    pub(crate) first: Option<String>,
    /// To what follows, if anything does.
    pub(crate) next: Option<String>,
}

impl Pager {
    /// For a list at `path`, whose query besides the place is `kept` (pairs of names and values).
    pub(crate) fn new(path: &str, kept: &[(&str, &str)], is_first: bool, next: Option<String>) -> Self {
        let first = (!is_first).then(|| link(path, kept, None));
        Self { first, next: next.map(|next| link(path, kept, Some(&next))) }
    }

    /// For a list that is searched.
    pub(crate) fn of(path: &str, query: &PageQuery, next: Option<String>) -> Self {
        let search = query.search().unwrap_or_default();
        Self::new(path, &[("search", &search)], query.after.is_none(), next)
    }
}

/// A path with a query of what isn't empty.
pub(crate) fn link(path: &str, kept: &[(&str, &str)], after: Option<&str>) -> String {
    let mut link = path.to_owned();
    let mut joint = '?';
    for (name, value) in kept.iter().copied().chain(after.map(|after| ("after", after))) {
        if value.is_empty() {
            continue;
        }
        link.push(joint);
        link.push_str(name);
        link.push('=');
        link.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        joint = '&';
    }
    link
}

/// A place in a list that goes by age, as it stands in an address.
pub(crate) fn write_place(place: &Place) -> String {
    format!("{}.{}", place.created_at.as_micros(), place.id)
}

/// Reads it back.
///
/// # Errors
/// When it isn't one: only a link that was changed by hand has such.
pub(crate) fn read_place(after: Option<&str>) -> Result<Option<Place>, Problem> {
    let Some(text) = after else { return Ok(None) };
    let (micros, id) = text.split_once('.').ok_or_else(Problem::not_found)?;
    let micros = micros.parse().map_err(|_| Problem::not_found())?;
    let is_id = !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_id {
        return Err(Problem::not_found());
    }
    Ok(Some(Place { created_at: Timestamp::from_micros(micros), id: id.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place survives the address; what was changed by hand is nowhere.
    #[test]
    fn places_survive() {
        let place = Place { created_at: Timestamp::from_micros(-5), id: "acc_01".to_owned() };
        assert_eq!(read_place(Some(&write_place(&place))).unwrap(), Some(place));
        assert_eq!(read_place(None).unwrap(), None);
        for text in ["", "5", ".x", "x.y", "5.", "5.a b", "5.\u{e9}", "99999999999999999999.a"] {
            assert!(read_place(Some(text)).is_err(), "{text:?}");
        }
    }

    /// What somebody looks for stays a value, whatever is in it.
    #[test]
    fn links_keep_their_values() {
        let pager =
            Pager::new("/x", &[("search", "a&b=\"<é"), ("action", "")], false, Some("5.a".to_owned()));
        assert_eq!(pager.first.as_deref(), Some("/x?search=a%26b%3D%22%3C%C3%A9"));
        assert_eq!(pager.next.as_deref(), Some("/x?search=a%26b%3D%22%3C%C3%A9&after=5%2Ea"));
    }
}
