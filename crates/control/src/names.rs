//! Names that people give to things.

use domain::limits::NAME_CHARACTERS_MAX;

/// Whether a text may be a name: 1 to [`NAME_CHARACTERS_MAX`] characters, not only blanks, no control characters.
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && is_text(text, NAME_CHARACTERS_MAX)
}

/// Whether a text is at most so many characters long and holds no control characters.
pub(crate) fn is_text(text: &str, characters_max: usize) -> bool {
    // No character takes more than 4 bytes, so a long text is refused before it is counted.
    text.len() <= characters_max * 4
        && text.chars().count() <= characters_max
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit is one of characters and holds on both sides; blanks and control characters are no names.
    #[test]
    fn names_have_a_limit_in_characters() {
        for name in
            ["a", "my key", &"x".repeat(NAME_CHARACTERS_MAX), &"\u{1F600}".repeat(NAME_CHARACTERS_MAX)]
        {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(NAME_CHARACTERS_MAX + 1);
        let long_in_characters = "\u{e9}".repeat(NAME_CHARACTERS_MAX + 1);
        for name in ["", " \t", "a\u{0}b", "a\nb", &long, &long_in_characters, &"x".repeat(1_000_000)] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
