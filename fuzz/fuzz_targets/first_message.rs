//! Any first and later message of a session with a locked key: what is let through holds, for a lenient reader too, every locked
//! field with its locked value.

#![no_main]

// The files instead of their crate, which would take minutes to build.
#[path = "../../crates/gateway/src/realtime"]
mod realtime {
    #[expect(dead_code, reason = "messages are looked at here, not paths")]
    pub(crate) mod lock;
    pub(crate) mod strict;
}

use std::sync::LazyLock;

use domain::Leash;
use libfuzzer_sys::fuzz_target;
use realtime::{lock::Lock, strict};
use serde_json::{Map, Value, json};

const LOCKED: &str = r#"{"transcription_config":{"language":"en","operating_point":"standard"}}"#;

static LOCK: LazyLock<Lock> = LazyLock::new(|| {
    let leash = Leash { lock: Some(LOCKED.to_owned()), ..Leash::default() };
    Lock::of(&leash).ok().flatten().expect("this lock can be read")
});

/// The value that the most forgiving engine finds under a name: case and dashes don't count, the last one wins.
fn lenient<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let bare = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    object.iter().filter(|(found, _)| bare(found) == bare(name)).map(|(_, value)| value).last()
}

fn check(text: &[u8]) {
    let Some(object) = strict::object(text) else { return };
    assert_eq!(serde_json::from_slice::<Value>(text).ok(), Some(Value::Object(object.clone())));
    let config = lenient(&object, "transcription_config");
    let fields = config.and_then(Value::as_object);
    for (name, locked) in [("language", json!("en")), ("operating_point", json!("standard"))] {
        let found = fields.and_then(|fields| lenient(fields, name));
        assert!(LOCK.check_start(&object).is_err() || found == Some(&locked));
        assert!(
            LOCK.check_later(&object).is_err()
                || config.is_none()
                || found.is_none_or(|found| *found == locked)
        );
    }
}

fuzz_target!(|data: (u8, &[u8])| {
    let (kind, bytes) = data;
    match kind % 3 {
        0 => check(bytes),
        1 => check(&[br#"{"message":"StartRecognition","transcription_config":{"#, bytes, b"}}"].concat()),
        _ => check(&[&LOCKED.as_bytes()[..LOCKED.len() - 1], b",", bytes, b"}"].concat()),
    }
    let right = strict::object(LOCKED.as_bytes()).expect("this is an object");
    assert!(LOCK.check_start(&right).is_ok());
});
