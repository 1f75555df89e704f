//! Long lists: 50 at a time, with a search.

use serde::Deserialize;

/// Rows of a page.
pub(crate) const ROWS_PER_PAGE: u64 = 50;
/// A search text, in characters.
pub(crate) const SEARCH_CHARACTERS_MAX: usize = 200;

/// What the address of a list says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    /// Where the page begins: what the page before gave as its end.
    pub(crate) after: Option<String>,
    /// What to look for.
    pub(crate) search: String,
}

impl PageQuery {
    /// The search text, if there is one: trimmed, and cut where it is too long to be one.
    pub(crate) fn search(&self) -> Option<String> {
        let text: String = self.search.trim().chars().take(SEARCH_CHARACTERS_MAX).collect();
        (!text.is_empty()).then_some(text)
    }
}
