//! The `lock` of a leash: compact JSON of an object that `StartRecognition` must contain.

use std::collections::HashSet;
use std::fmt;

use domain::limits::LOCK_BYTES_MAX;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether a text can be a lock: at most [`LOCK_BYTES_MAX`] bytes of JSON, an object, nothing around it, and no name
/// twice in any object of it, since readers differ in which of the two they see.
pub fn is_lock(text: &str) -> bool {
    text.len() <= LOCK_BYTES_MAX
        && text.starts_with('{')
        && text.ends_with('}')
        && serde_json::from_str::<NamesOnce>(text).is_ok()
}

/// JSON in which no object has a name twice; nothing is kept of it.
struct NamesOnce;

impl<'de> Deserialize<'de> for NamesOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = NamesOnce;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate names")
    }

    fn visit_bool<E>(self, _: bool) -> Result<NamesOnce, E> {
        Ok(NamesOnce)
    }

    fn visit_i64<E>(self, _: i64) -> Result<NamesOnce, E> {
        Ok(NamesOnce)
    }

    fn visit_u64<E>(self, _: u64) -> Result<NamesOnce, E> {
        Ok(NamesOnce)
    }

    fn visit_f64<E>(self, _: f64) -> Result<NamesOnce, E> {
        Ok(NamesOnce)
    }

    fn visit_str<E>(self, _: &str) -> Result<NamesOnce, E> {
        Ok(NamesOnce)
    }

    fn visit_unit<E>(self) -> Result<NamesOnce, E> {
        Ok(NamesOnce)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NamesOnce, A::Error> {
        while items.next_element::<NamesOnce>()?.is_some() {}
        Ok(NamesOnce)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<NamesOnce, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice"));
            }
            members.next_value::<NamesOnce>()?;
        }
        Ok(NamesOnce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects pass, up to the limit; everything else, duplicate names at any depth among it, does not.
    #[test]
    fn only_plain_objects_lock() {
        for good in ["{}", r#"{"transcription_config":{"language":"en","x":[1,2.5,null,true,{"a":"b"}]}}"#] {
            assert!(is_lock(good), "{good}");
        }
        let filled = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
        assert!(is_lock(&filled(LOCK_BYTES_MAX)));
        assert!(!is_lock(&filled(LOCK_BYTES_MAX + 1)));
        let deep = format!("{}1{}", r#"{"a":"#.repeat(90), "}".repeat(90));
        assert!(!is_lock(&deep.replace("1", &"[".repeat(60))));
        for bad in [
            "",
            "[]",
            "1",
            "null",
            " {}",
            "{} ",
            "{",
            r#"{"a":1,"a":1}"#,
            r#"[{"a":1}]"#,
            "{}{}",
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"\u0062":2}]}"#,
        ] {
            assert!(!is_lock(bad), "{bad}");
        }
    }
}
