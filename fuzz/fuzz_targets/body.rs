//! Any body of the management API: what is read is what every JSON library reads, with each name once and no deeper than the limit;
//! what is told of a bad one repeats nothing of it.

#![no_main]

// The file instead of its crate, which would take minutes to build.
#[path = "../../crates/management/src/json.rs"]
mod json;

use json::{BodyProblem, JSON_DEPTH_MAX, object};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn check(bytes: &[u8]) {
    match object(bytes) {
        Ok(map) if map.is_empty() => {}
        Ok(map) => {
            let value = Value::Object(map);
            assert!(depth(&value) <= JSON_DEPTH_MAX);
            assert_eq!(serde_json::from_slice::<Value>(bytes).ok(), Some(value));
        }
        Err(BodyProblem::NotJson(told)) => assert!(told.len() < 80),
        Err(BodyProblem::RepeatedIn(_) | BodyProblem::NotObject) => {}
    }
}

fuzz_target!(|data: (bool, &[u8])| {
    let (whole, bytes) = data;
    if whole {
        check(bytes);
    } else {
        check(&[br#"{"ttl":60,"lock":{"#, bytes, b"}}"].concat());
    }
    assert!(object(br#"{"ttl":60}"#).is_ok());
});
