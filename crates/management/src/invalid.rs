//! Values of the wrong form, in the wording and with the numbers of go-openapi that clients know (protocol 2.1).

/// Characters of a caller's own text that a message repeats.
const SHOWN_CHARACTERS_MAX: usize = 60;
/// Number of a wrong type.
pub(crate) const CODE_TYPE: u16 = 601;
/// Number of a missing value.
pub(crate) const CODE_REQUIRED: u16 = 602;
/// Number of a text that is too long.
pub(crate) const CODE_TOO_LONG: u16 = 603;
/// Number of a text that is too short.
pub(crate) const CODE_TOO_SHORT: u16 = 604;
/// Number of a text of the wrong form.
pub(crate) const CODE_PATTERN: u16 = 605;
/// Number of a value that is none of the allowed ones.
pub(crate) const CODE_ENUM: u16 = 606;
/// Number of a value above its maximum.
pub(crate) const CODE_MAX: u16 = 608;
/// Number of a value below its minimum.
pub(crate) const CODE_MIN: u16 = 609;
/// Number of a list with too many entries.
pub(crate) const CODE_MAX_ITEMS: u16 = 611;
/// Number of a list with too few entries.
pub(crate) const CODE_MIN_ITEMS: u16 = 612;

/// Number of a field that is none of the known ones.
pub(crate) const CODE_UNKNOWN_FIELD: u16 = 616;

/// A value that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Invalid {
    /// The framework's number of this kind of mistake.
    pub(crate) code: u16,
    /// What is wrong, in the framework's wording.
    pub(crate) message: String,
    /// What to do, where the message doesn't say it.
    pub(crate) detail: Option<String>,
}

impl Invalid {
    fn new(code: u16, message: String) -> Self {
        Self { code, message, detail: None }
    }

    /// Adds what to do.
    #[must_use]
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// `ttl in body must be of type integer`.
    pub(crate) fn wrong_type(field: &str, place: &str, expected: &str) -> Self {
        Self::new(CODE_TYPE, format!("{field} in {place} must be of type {expected}"))
    }

    /// `ttl in body is required`.
    pub(crate) fn required(field: &str, place: &str) -> Self {
        Self::new(CODE_REQUIRED, format!("{field} in {place} is required"))
    }

    /// `name in body should be at most 120 chars long`.
    pub(crate) fn too_long(field: &str, characters_max: usize) -> Self {
        Self::new(CODE_TOO_LONG, format!("{field} in body should be at most {characters_max} chars long"))
    }

    /// `name in body should be at least 1 chars long`.
    pub(crate) fn too_short(field: &str, characters_min: usize) -> Self {
        Self::new(CODE_TOO_SHORT, format!("{field} in body should be at least {characters_min} chars long"))
    }

    /// A text of the wrong form; the message says the right one.
    pub(crate) fn pattern(message: impl Into<String>) -> Self {
        Self::new(CODE_PATTERN, message.into())
    }

    /// `region in body should be one of [eu usa au]`.
    pub(crate) fn one_of(field: &str, place: &str, allowed: &[&str]) -> Self {
        Self::new(CODE_ENUM, format!("{field} in {place} should be one of [{}]", allowed.join(" ")))
    }

    /// `ttl in body should be less than or equal to 3600`.
    pub(crate) fn above(field: &str, place: &str, max: u64) -> Self {
        Self::new(CODE_MAX, format!("{field} in {place} should be less than or equal to {max}"))
    }

    /// `ttl in body should be greater than or equal to 60`.
    pub(crate) fn below(field: &str, place: &str, min: u64) -> Self {
        Self::new(CODE_MIN, format!("{field} in {place} should be greater than or equal to {min}"))
    }

    /// `networks in body should have at most 8 items`.
    pub(crate) fn too_many(field: &str, entries_max: usize) -> Self {
        Self::new(CODE_MAX_ITEMS, format!("{field} in body should have at most {entries_max} items"))
    }

    /// `networks in body should have at least 1 items`.
    pub(crate) fn too_few(field: &str) -> Self {
        Self::new(CODE_MIN_ITEMS, format!("{field} in body should have at least 1 items"))
    }

    /// A limit of realtime sessions on a key that opens none: taking it would promise what nobody keeps.
    pub(crate) fn no_sessions(field: &str, product: domain::Product) -> Self {
        Self::new(
            CODE_PATTERN,
            format!("{field} in body limits realtime sessions, and a {product} key opens none"),
        )
        .with_detail(format!("Mint with ?type=rt, or without {field}."))
    }

    /// `plam in body is a forbidden property`.
    pub(crate) fn forbidden(field: &str, known: &[&str]) -> Self {
        // The name comes from the caller; a long one is not sent back.
        let shown: String =
            field.chars().filter(|letter| !letter.is_control()).take(SHOWN_CHARACTERS_MAX).collect();
        Self::new(CODE_UNKNOWN_FIELD, format!("{shown} in body is a forbidden property"))
            .with_detail(format!("The fields of this body are: {}.", known.join(", ")))
    }
}
