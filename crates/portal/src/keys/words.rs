//! What lists and pages say of keys.

use std::time::Duration;

use control::{KeyMaker, KeyStanding, ListedKey};
use domain::{Area, AreaSet, Product, ProductSet};

use crate::web::Page;
use crate::web::time::ShownTime;

/// A word with a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Badge {
    /// The class that gives the colour.
    pub(crate) class: &'static str,
    /// The word.
    pub(crate) text: &'static str,
}

/// How a key stands, in a word.
pub(crate) const fn badge(standing: KeyStanding) -> Badge {
    match standing {
        KeyStanding::Active => Badge { class: "good", text: "active" },
        KeyStanding::ExpiresSoon { .. } => Badge { class: "warn", text: "expiring soon" },
        KeyStanding::RotatingOut { .. } => Badge { class: "warn", text: "rotating out" },
        KeyStanding::Expired { .. } => Badge { class: "", text: "expired" },
        KeyStanding::Revoked { .. } => Badge { class: "danger", text: "revoked" },
    }
}

/// Who made a key.
pub(crate) fn maker(maker: &KeyMaker) -> &str {
    match maker {
        KeyMaker::Member(email) => email,
        KeyMaker::FormerMember => "a former member",
        KeyMaker::NoAccount => "a program",
        KeyMaker::Import => "an import",
    }
}

/// An area as people call it.
pub(crate) const fn area(area: Area) -> &'static str {
    match area {
        Area::Eu => "Europe (eu)",
        Area::Usa => "United States (usa)",
        Area::Au => "Australia (au)",
    }
}

/// A product as people call it.
pub(crate) const fn product(product: Product) -> &'static str {
    match product {
        Product::Batch => "Batch jobs (batch)",
        Product::Rt => "Realtime sessions (rt)",
        Product::Tts => "Text to speech (tts)",
        Product::Flow => "Flow (flow)",
    }
}

/// One key in a list.
#[derive(Debug, Clone)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) hint: String,
    pub(crate) project: String,
    pub(crate) areas: String,
    pub(crate) maker: String,
    pub(crate) created: String,
    pub(crate) last_used: Option<ShownTime>,
    pub(crate) expires: Option<ShownTime>,
    pub(crate) badge: Badge,
    pub(crate) is_revoked: bool,
}

impl KeyRow {
    pub(crate) fn of(page: &Page, listed: &ListedKey) -> Self {
        let key = &listed.key;
        Self {
            id: key.id.to_text(),
            name: key.name.clone(),
            hint: key.hint.clone(),
            project: key.project_id.to_string(),
            areas: key.areas.names(),
            maker: maker(&listed.maker).to_owned(),
            created: page.time(&key.created_at).date,
            last_used: key.last_used_at.map(|at| page.time(&at)),
            expires: key.expires_at.map(|at| page.time(&at)),
            badge: badge(listed.standing),
            is_revoked: key.state.revoked_at().is_some(),
        }
    }
}

/// The areas of a key, as people call them.
pub(crate) fn areas(areas: AreaSet) -> String {
    areas.iter().map(area).collect::<Vec<_>>().join(", ")
}

/// The products of a key, as people call them.
pub(crate) fn products(products: ProductSet) -> String {
    products.iter().map(product).collect::<Vec<_>>().join(", ")
}

/// Hours, minutes and seconds.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {seconds} s"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times are told in the two units that matter.
    #[test]
    fn durations_are_short() {
        let told = [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90_061, "25 h 1 min")];
        for (seconds, text) in told {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
