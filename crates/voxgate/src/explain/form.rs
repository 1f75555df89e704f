//! The form of a credential, and where a slip probably is. The checksum finds slips of one character, so that each possible
//! one can be tried: the place is told, the right character is not.

use credentials::{SecretKind, Shape, classify, secret::SECRET_BYTES};
use domain::limits::CREDENTIAL_BYTES_MAX;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Where the random part begins, counted from 0.
const PREFIX_BYTES: usize = 4;

/// What a text of this shape is, in words.
pub(super) const fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::ApiKey => "an API key",
        Shape::ManagementToken => "a management token",
        Shape::Enrolment => "a gateway's enrolment credential",
        Shape::Token => "a signed token",
        Shape::Other => "nothing of Voxgate's form; it could be an imported API key",
        Shape::Mistyped => "no credential, or one with a slip in it",
    }
}

/// What is wrong with a text that was mistyped, cut short, or copied with something around it.
pub(super) fn slip(text: &str) -> String {
    if text.is_empty() {
        return "it is empty".to_owned();
    }
    if text.len() > CREDENTIAL_BYTES_MAX {
        return format!("it has {} bytes; no credential has more than {CREDENTIAL_BYTES_MAX}", text.len());
    }
    if let Some((index, _)) = text.char_indices().find(|(_, letter)| !letter.is_ascii_graphic()) {
        let place = text[..index].chars().count() + 1;
        return format!(
            "character {place} is no visible ASCII: something was copied with it, or it was broken by a line end"
        );
    }
    match SecretKind::of_prefix(text) {
        Some(kind) => slip_in_secret(kind, text),
        None => "it has the form of no credential".to_owned(),
    }
}

fn slip_in_secret(kind: SecretKind, text: &str) -> String {
    let length = format!("it has {} characters, expected {SECRET_BYTES}", text.len());
    // Two keys in a row, or a key in quotes: what is in the middle doesn't matter.
    if text.len() > SECRET_BYTES + 1 {
        return format!("{length}: something was copied with it");
    }
    let bytes = text.as_bytes();
    if let Some(index) = bytes[PREFIX_BYTES..].iter().position(|byte| !byte.is_ascii_alphanumeric()) {
        let place = PREFIX_BYTES + index + 1;
        return format!(
            "character {place} is neither a letter nor a digit, which is all that follows {}",
            kind.prefix()
        );
    }
    match text.len() {
        SECRET_BYTES => one_wrong(text).or_else(|| two_swapped(text)).unwrap_or_else(|| {
            "its checksum is wrong: more than one character differs. Copy it again".to_owned()
        }),
        len if len + 1 == SECRET_BYTES => match one_missing(text) {
            Some(after) => format!("{length}: one is probably missing after character {after}"),
            None => format!("{length}: it was cut short"),
        },
        len if len == SECRET_BYTES + 1 => match one_too_many(text) {
            Some(place) => format!("{length}: character {place} is probably one too many"),
            None => format!("{length}: something was copied with it"),
        },
        _ => format!("{length}: it was cut short"),
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| matches!(classify(text), Shape::ApiKey | Shape::ManagementToken | Shape::Enrolment))
}

fn one_wrong(text: &str) -> Option<String> {
    let mut candidate = text.as_bytes().to_vec();
    for place in PREFIX_BYTES..candidate.len() {
        let written = candidate[place];
        for letter in ALPHABET {
            candidate[place] = *letter;
            if is_whole(&candidate) {
                return Some(format!(
                    "character {} is probably mistyped: the checksum fits with another one there",
                    place + 1
                ));
            }
        }
        candidate[place] = written;
    }
    None
}

fn two_swapped(text: &str) -> Option<String> {
    let mut candidate = text.as_bytes().to_vec();
    for place in PREFIX_BYTES + 1..candidate.len() {
        candidate.swap(place - 1, place);
        if is_whole(&candidate) {
            return Some(format!("characters {} and {} are probably swapped", place, place + 1));
        }
        candidate.swap(place - 1, place);
    }
    None
}

/// After which character one is missing, counted from 1.
fn one_missing(text: &str) -> Option<usize> {
    (PREFIX_BYTES..=text.len()).find(|place| {
        ALPHABET.iter().any(|letter| {
            let mut candidate = text.as_bytes().to_vec();
            candidate.insert(*place, *letter);
            is_whole(&candidate)
        })
    })
}

/// Which character is one too many, counted from 1.
fn one_too_many(text: &str) -> Option<usize> {
    let found = (PREFIX_BYTES..text.len()).find(|place| {
        let mut candidate = text.as_bytes().to_vec();
        candidate.remove(*place);
        is_whole(&candidate)
    });
    found.map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use credentials::PlainSecret;
    use domain::SystemRng;
    use proptest::prelude::*;

    use super::*;

    fn key() -> PlainSecret {
        SecretKind::ApiKey.generate(&SystemRng)
    }

    /// Whoever mistyped one character learns which, and not what it should be.
    #[test]
    fn a_slip_is_located() {
        let key = key();
        let text = key.expose();
        let other = |place: usize| if &text[place..=place] == "x" { "y" } else { "x" };
        let mut wrong = text.to_owned();
        wrong.replace_range(19..20, other(19));
        assert!(slip(&wrong).starts_with("character 20 is probably mistyped"), "{}", slip(&wrong));
        let mut missing = text.to_owned();
        missing.remove(30);
        assert!(
            slip(&missing).contains("52 characters, expected 53: one is probably missing after character")
        );
        let longer = format!("{}{}{}", &text[..25], other(25), &text[25..]);
        assert!(
            slip(&longer).contains("54 characters") && slip(&longer).contains("one too many"),
            "{}",
            slip(&longer)
        );
        assert!(slip(&text[..20]).contains("it was cut short"));
        assert!(slip(&format!("{text}{text}")).contains("something was copied with it"));
        let mut dashed = text.to_owned();
        dashed.replace_range(10..11, "-");
        assert!(slip(&dashed).contains("neither a letter nor a digit"), "{}", slip(&dashed));
        assert!(slip(&format!("{text}\n")).starts_with("character 54 is no visible ASCII"));
        assert_eq!(slip(""), "it is empty");
    }

    /// Swapped neighbours are recognised.
    #[test]
    fn swapped_neighbours_are_located() {
        let key = key();
        let mut bytes = key.expose().as_bytes().to_vec();
        let place = (10..50).find(|place| bytes[*place] != bytes[*place + 1]).unwrap();
        bytes.swap(place, place + 1);
        let said = slip(std::str::from_utf8(&bytes).unwrap());
        // One wrong character may fit the checksum by chance, but hardly ever does.
        assert_eq!(said, format!("characters {} and {} are probably swapped", place + 1, place + 2));
    }

    proptest! {
        /// Any text gets a sentence, and the sentence never holds the text.
        #[test]
        fn any_text_is_explained(text in "vgk_[0-9A-Za-z]{6,60}|[ -~]{6,80}") {
            let said = slip(&text);
            prop_assert!(!said.contains(&text));
        }
    }
}
