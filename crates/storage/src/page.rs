//! Pages of lists: where one begins, and how many rows it holds.

use domain::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::rows::time;

/// The place of a row in a list that goes by age, then by id: after it the next page begins. A row that is made later
/// never comes before it, so what was in the list when a reader began is read once, whatever is added meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When the row was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// Which part of a list to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// After this row; `None` means from the beginning.
    pub after: Option<Place>,
    /// At most so many rows.
    pub limit: u64,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// The last of them, if more follow.
    pub next: Option<Place>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

/// The columns that a list goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByAge<C> {
    pub(crate) created_at: C,
    pub(crate) id: C,
}

impl<C: ColumnTrait> ByAge<C> {
    /// The rows of a page and one more, which tells whether more follow.
    pub(crate) fn narrow<E: EntityTrait<Column = C>>(
        self,
        query: Select<E>,
        page: &PageRequest,
    ) -> Select<E> {
        let query = match &page.after {
            Some(place) => query.filter(self.beyond(place)),
            None => query,
        };
        query.order_by_asc(self.created_at).order_by_asc(self.id).limit(page.limit.saturating_add(1))
    }

    /// As [`ByAge::narrow`], for a list that goes the other way: the newest first. What is made while somebody reads it
    /// stands on pages that were read already.
    pub(crate) fn narrow_newest_first<E: EntityTrait<Column = C>>(
        self,
        query: Select<E>,
        page: &PageRequest,
    ) -> Select<E> {
        let query = match &page.after {
            Some(place) => query.filter(self.before(place)),
            None => query,
        };
        query.order_by_desc(self.created_at).order_by_desc(self.id).limit(page.limit.saturating_add(1))
    }

    fn before(self, place: &Place) -> Condition {
        let micros = place.created_at.as_micros();
        let same_age = Expr::col((self.id.entity_name(), self.id)).lt(place.id.as_str());
        Condition::any()
            .add(self.created_at.lt(micros))
            .add(Condition::all().add(self.created_at.eq(micros)).add(same_age))
    }

    fn beyond(self, place: &Place) -> Condition {
        let micros = place.created_at.as_micros();
        let same_age = Expr::col((self.id.entity_name(), self.id)).gt(place.id.as_str());
        Condition::any()
            .add(self.created_at.gt(micros))
            .add(Condition::all().add(self.created_at.eq(micros)).add(same_age))
    }
}

/// Cuts the extra row off, and says where the next page begins.
pub(crate) fn cut<R, T, Er>(
    mut rows: Vec<R>,
    page: &PageRequest,
    place: impl Fn(&R) -> (i64, String),
    item: impl Fn(R) -> Result<T, Er>,
) -> Result<Page<T>, Er> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(place);
    let next = last.map(|(micros, id)| Place { created_at: time(micros), id });
    let items = rows.into_iter().map(item).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}
