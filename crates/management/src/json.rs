//! Reading a JSON body strictly: one object, every name once, bounded depth.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects of a body may nest.
pub const JSON_DEPTH_MAX: usize = 16;

/// Why a body is not one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyProblem {
    /// It is no JSON, repeats a name, or is nested too deep.
    #[error("body is not valid JSON: {0}")]
    NotJson(String),
    /// A field that is kept as it is repeats a name.
    #[error("{0} in body should have every name once")]
    RepeatedIn(&'static str),
    /// It is JSON, but no object.
    #[error("body must be of type object")]
    NotObject,
}

/// Reads a body; nothing at all and `null` count as an object without fields.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, BodyProblem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| problem(&error))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(BodyProblem::NotObject),
    }
}

fn problem(error: &serde_json::Error) -> BodyProblem {
    if error.to_string().starts_with(REPEATED_IN_LOCK) {
        return BodyProblem::RepeatedIn(LOCK);
    }
    BodyProblem::NotJson(place(error))
}

/// What is wrong and where, without repeating what the body holds: it may hold secrets.
fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data if error.to_string().starts_with(DEPTH) => DEPTH,
        serde_json::error::Category::Data => REPEATED,
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "syntax error",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

const DEPTH: &str = "nested too deep";
const REPEATED: &str = "a name is repeated in an object";
const REPEATED_IN_LOCK: &str = "a name is repeated in the lock";
/// The one field whose value is kept as it is, and compared by others.
const LOCK: &str = "lock";

struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(E::custom(DEPTH));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
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

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper::<A::Error>()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let in_lock = self.depth == 0 && name == LOCK;
            let value = fields.next_value_seed(self.deeper::<A::Error>()?).map_err(|error| {
                let repeats = in_lock && error.to_string().starts_with(REPEATED);
                if repeats { A::Error::custom(REPEATED_IN_LOCK) } else { error }
            })?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A missing body is an empty object; anything but one object is refused, and so is a repeated name, since two
    /// readers could disagree on which value counts.
    #[test]
    fn only_one_plain_object_is_read() {
        for empty in ["", "  \n", "null", "{}"] {
            assert_eq!(object(empty.as_bytes()), Ok(Map::new()), "{empty:?}");
        }
        assert_eq!(object(br#"{"ttl": 60}"#).unwrap()["ttl"], 60);
        for other in ["[]", "60", "\"x\"", "true"] {
            assert_eq!(object(other.as_bytes()), Err(BodyProblem::NotObject), "{other:?}");
        }
        for broken in ["{", "{}{}", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}", "{'a':1}", "\u{feff}{}"]
        {
            assert!(matches!(object(broken.as_bytes()), Err(BodyProblem::NotJson(_))), "{broken:?}");
        }
    }

    /// A repeated name in a lock is told with the field's name, at any depth; one elsewhere with its place.
    #[test]
    fn locks_repeat_no_name() {
        for body in [r#"{"lock":{"a":1,"a":2}}"#, r#"{"ttl":60,"lock":{"a":[{"b":1,"\u0062":1}]}}"#] {
            assert_eq!(object(body.as_bytes()), Err(BodyProblem::RepeatedIn("lock")), "{body}");
        }
        for body in [r#"{"lock":{},"lock":{}}"#, r#"{"x":{"lock":{"a":1,"a":2}}}"#, r#"{"lock":{"a"}}"#] {
            assert!(matches!(object(body.as_bytes()), Err(BodyProblem::NotJson(_))), "{body}");
        }
    }

    /// The depth limit holds on both sides.
    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(object(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(matches!(object(nested(JSON_DEPTH_MAX + 1).as_bytes()), Err(BodyProblem::NotJson(_))));
    }

    /// What is wrong is told without repeating the body, which may hold a secret.
    #[test]
    fn problems_hold_nothing_of_the_body() {
        for body in [r#"{"a":"hunter2","hunter2":1,"hunter2":2}"#, r#"{"hunter2" 1}"#, r#"{"a": hunter2}"#] {
            let problem = object(body.as_bytes()).unwrap_err();
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
        }
    }

    proptest! {
        /// No bytes make the reader panic, and what it reads, serde_json reads alike.
        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(map) = object(&bytes) && !map.is_empty() {
                prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), Value::Object(map));
            }
        }
    }
}
