//! Reading a client's message strictly: JSON that every reader understands alike, or nothing.
//!
//! What we read decides what an engine gets to read, and engines use other JSON libraries. Those differ where a name stands
//! twice in an object (the first, the last or both count), where bytes aren't UTF-8, where surrogates stand alone, and
//! beyond numbers that fit. All of that is refused here. Some readers also take names for equal that aren't, in other case
//! above all; [`only_spelling`] is for those.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// One JSON object; `None` for everything else. Nesting is bounded by `serde_json`, at 128.
pub(crate) fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Strict>(text).ok()?.0 {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// A name in this object that a lenient reader could take for one of `names` without being it.
pub(crate) fn only_spelling<'a>(
    object: &'a Map<String, Value>,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), &'a str> {
    let folded: HashSet<String> = names.clone().map(fold).collect();
    let is_alike =
        |name: &&String| folded.contains(&fold(name)) && !names.clone().any(|known| known == name.as_str());
    object.keys().find(is_alike).map_or(Ok(()), |name| Err(name.as_str()))
}

/// What is left of a name for the most lenient reader: its letters and digits, in one case.
pub(crate) fn fold(name: &str) -> String {
    // Upper case first: there are small letters that only share their capital.
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Any JSON value in which no object has a name twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk).map(Self)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that isn't finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Strict(value) = members.next_value()?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What readers could understand differently is not read at all.
    #[test]
    fn only_what_is_read_alike() {
        assert_eq!(object(br#" {"a":{"b":[1,2.5,null,"\u00e9"]}} "#).unwrap()["a"]["b"][0], 1);
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        for bad in [
            &b""[..],
            b"[]",
            b"1",
            b"\"StartRecognition\"",
            b"{",
            b"{}{}",
            b"{} //",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"\xc0\xaf\":1}",
            br#"{"a":"\ud800"}"#,
            br#"{"a":1e999}"#,
            br#"{"a":NaN}"#,
            br#"{"a":1,"a":1}"#,
            br#"{"a":1,"\u0061":2}"#,
            br#"{"x":[{"b":1,"b":2}]}"#,
            deep.as_bytes(),
        ] {
            assert!(object(bad).is_none(), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    /// Values of every kind are what they are to other readers.
    #[test]
    fn values_of_every_kind() {
        let text = br#"{"a":[null,true,false,-1,0,2,2.5,-0.5,1e3,"",  "\u00e9\n"],"b":{"c":{},"d":[]},"e":18446744073709551615}"#;
        assert_eq!(Value::Object(object(text).unwrap()), serde_json::from_slice::<Value>(text).unwrap());
    }

    /// Names in another case, with other separators, or with letters that fold into plain ones are found.
    #[test]
    fn names_have_one_spelling() {
        let find = |json: &str| {
            let object = object(json.as_bytes()).unwrap();
            only_spelling(&object, ["transcription_config", "task"].into_iter()).map_err(str::to_owned)
        };
        assert_eq!(find(r#"{"transcription_config":1,"task":2,"other":3}"#), Ok(()));
        for alike in [
            "Transcription_Config",
            "transcriptionConfig",
            "transcription-config",
            " task",
            "task\\u0000",
            "ta\\u017fk",
            "tas\\u212a",
        ] {
            assert!(find(&format!(r#"{{"task":2,"{alike}":1}}"#)).is_err(), "{alike}");
        }
    }

    proptest! {
        /// No bytes make the reader panic, and what it reads, serde_json reads alike.
        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(map) = object(&bytes) {
                prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), Value::Object(map));
            }
        }
    }
}
