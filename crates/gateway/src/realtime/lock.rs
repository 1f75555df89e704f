//! The `lock` of a temporary key (design 7): what `StartRecognition` must contain, and nothing later may undo.

use domain::{Leash, Reason, Refusal};
use serde_json::{Map, Value};

use super::strict::{self, only_spelling};

/// The member that names a message.
pub(crate) const MESSAGE: &str = "message";
/// How much of a name is repeated in a refusal, in characters.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// The locked fields of one session's key.
#[derive(Debug)]
pub(crate) struct Lock(Map<String, Value>);

impl Lock {
    /// The lock of a leash, if it has one.
    ///
    /// # Errors
    /// When it is none: then nothing can be allowed.
    pub(crate) fn of(leash: &Leash) -> Result<Option<Self>, Refusal> {
        let Some(text) = &leash.lock else { return Ok(None) };
        let lock = strict::object(text.as_bytes())
            .ok_or_else(|| broken("The lock of this temporary key can't be read. Mint another one."))?;
        Ok(Some(Self(lock)))
    }

    /// Checks the message that starts the session: it holds every locked field, equal.
    ///
    /// # Errors
    /// When a locked field is missing or has another value, or a name could be taken for a locked one.
    pub(crate) fn check_start(&self, start: &Map<String, Value>) -> Result<(), Refusal> {
        agree(start, &self.0, "", Missing::Refused)
    }

    /// Checks any later message: what it leaves out stays as it was started, and a locked field that it holds must be equal. So
    /// a message that sets something anew can't undo what was locked.
    ///
    /// # Errors
    /// When a locked field is there with another value, or a name could be taken for a locked one.
    pub(crate) fn check_later(&self, message: &Map<String, Value>) -> Result<(), Refusal> {
        agree(message, &self.0, "", Missing::Allowed)
    }

    /// Checks the language that a path names, where the lock has one: an engine may read it there.
    ///
    /// # Errors
    /// When it is another.
    pub(crate) fn check_language(&self, in_path: &str) -> Result<(), Refusal> {
        let locked = self.0.get("transcription_config").and_then(|config| config.get("language"));
        if locked.is_none_or(|locked| locked.as_str() == Some(in_path)) {
            return Ok(());
        }
        Err(broken(
            "The path names another language than transcription_config.language, which this temporary key \
             locks. Connect to /v2 without a language.",
        ))
    }
}

/// What becomes of a locked field that a message leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refused,
    Allowed,
}

fn agree(
    found: &Map<String, Value>,
    locked: &Map<String, Value>,
    path: &str,
    missing: Missing,
) -> Result<(), Refusal> {
    spelled(found, locked, path)?;
    // The name of a message differs from message to message; only the start's own can be locked.
    let is_name = |name: &str| missing == Missing::Allowed && path.is_empty() && name == MESSAGE;
    let mut fields = locked.iter().filter(|(name, _)| !is_name(name));
    fields.try_for_each(|(name, locked)| member(found.get(name), locked, &join(path, name), missing))
}

fn member(found: Option<&Value>, locked: &Value, path: &str, missing: Missing) -> Result<(), Refusal> {
    match (found, locked) {
        (Some(Value::Object(found)), Value::Object(locked)) => agree(found, locked, path, missing),
        (Some(found), locked) if found == locked => Ok(()),
        (None, _) if missing == Missing::Allowed => Ok(()),
        (Some(_), _) => Err(broken(format!(
            "{} has another value than this temporary key locks. Send it as it was locked when the key was minted.",
            shown(path)
        ))),
        (None, _) => Err(broken(format!(
            "{} is missing, which this temporary key locks. Send it as it was locked when the key was minted.",
            shown(path)
        ))),
    }
}

/// No name beside a locked one that an engine could take for it.
fn spelled(found: &Map<String, Value>, locked: &Map<String, Value>, path: &str) -> Result<(), Refusal> {
    let at_top = path.is_empty().then_some(MESSAGE);
    let names = locked.keys().map(String::as_str).chain(at_top);
    only_spelling(found, names).map_err(|name| {
        broken(format!(
            "{} could be taken for a field that this temporary key locks. Leave it out.",
            shown(&join(path, name))
        ))
    })
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn shown(path: &str) -> String {
    path.chars().filter(|letter| !letter.is_control()).take(SHOWN_CHARACTERS_MAX).collect()
}

pub(crate) fn broken(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Reason::LockBroken, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"{"transcription_config":{"language":"en","max_delay":1,"additional_vocab":[{"content":"a"}],"x":{}}}"#;

    fn lock(text: &str) -> Lock {
        Lock::of(&Leash { lock: Some(text.to_owned()), ..Leash::default() }).unwrap().unwrap()
    }

    fn start(config: &str) -> Result<(), Refusal> {
        let text = format!(r#"{{"message":"StartRecognition","transcription_config":{config}}}"#);
        lock(LOCK).check_start(&strict::object(text.as_bytes()).unwrap())
    }

    /// The locked subset passes with more around it, in any order; objects count by what they contain, everything else exactly.
    #[test]
    fn the_locked_subset_must_be_there() {
        for good in [
            r#"{"language":"en","max_delay":1,"additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"x":{"more":1},"additional_vocab":[{"content":"a"}],"operating_point":"enhanced","max_delay":1,"l\u0061nguage":"en"}"#,
        ] {
            assert_eq!(start(good), Ok(()), "{good}");
        }
        for bad in [
            r#"{"language":"de","max_delay":1,"additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"language":"EN","max_delay":1,"additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"language":"en","additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"language":"en","max_delay":1.0,"additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"language":"en","max_delay":"1","additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"language":"en","max_delay":1,"additional_vocab":[{"content":"a","more":1}],"x":{}}"#,
            r#"{"language":"en","max_delay":1,"additional_vocab":[],"x":{}}"#,
            r#"{"language":"en","max_delay":1,"additional_vocab":[{"content":"a"}],"x":null}"#,
            r#"{"language":"en","Language":"de","max_delay":1,"additional_vocab":[{"content":"a"}],"x":{}}"#,
            r#"{"language":"en","maxDelay":9,"max_delay":1,"additional_vocab":[{"content":"a"}],"x":{}}"#,
            "null",
            r#"[{"language":"en"}]"#,
        ] {
            let refusal = start(bad).expect_err(bad);
            assert_eq!(refusal.reason, Reason::LockBroken);
            assert!(refusal.detail.contains("transcription_config"), "{}", refusal.detail);
        }
        let without = strict::object(br#"{"message":"StartRecognition"}"#).unwrap();
        assert!(
            lock(LOCK)
                .check_start(&without)
                .unwrap_err()
                .detail
                .starts_with("transcription_config is missing")
        );
        let twice = strict::object(br#"{"message":"StartRecognition","Message":"x","a":1}"#).unwrap();
        assert!(lock(r#"{"a":1}"#).check_start(&twice).is_err());
        assert_eq!(lock("{}").check_start(&without), Ok(()));
    }

    /// Later messages may leave the locked fields alone, and may not set them otherwise.
    #[test]
    fn nothing_later_undoes_a_lock() {
        let lock = lock(r#"{"message":"StartRecognition","transcription_config":{"language":"en"}}"#);
        let later = |text: &str| lock.check_later(&strict::object(text.as_bytes()).unwrap());
        for good in [
            r#"{"message":"EndOfStream","last_seq_no":1}"#,
            r#"{"message":"SetRecognitionConfig","transcription_config":{"language":"en","max_delay":2}}"#,
            r#"{"message":"SetRecognitionConfig","transcription_config":{"max_delay":2}}"#,
        ] {
            assert_eq!(later(good), Ok(()), "{good}");
        }
        for bad in [
            r#"{"message":"SetRecognitionConfig","transcription_config":{"language":"de"}}"#,
            r#"{"message":"SetRecognitionConfig","transcription_config":null}"#,
            r#"{"message":"SetRecognitionConfig","transcription_config":{"Language":"de"}}"#,
            r#"{"message":"SetRecognitionConfig","TRANSCRIPTION_CONFIG":{"language":"de"}}"#,
            r#"{"message":"EndOfStream","Message":"SetRecognitionConfig"}"#,
        ] {
            assert_eq!(later(bad).expect_err(bad).reason, Reason::LockBroken);
        }
    }

    /// A language in the path is the locked one, if one is locked.
    #[test]
    fn paths_keep_the_language() {
        let locked = lock(r#"{"transcription_config":{"language":"en"}}"#);
        assert_eq!(locked.check_language("en"), Ok(()));
        assert_eq!(locked.check_language("de").unwrap_err().reason, Reason::LockBroken);
        assert_eq!(lock(r#"{"transcription_config":{"max_delay":1}}"#).check_language("de"), Ok(()));
    }

    /// A refusal repeats names only, shortened, and without control characters.
    #[test]
    fn refusals_stay_short() {
        let long = format!(r#"{{"message":"x","{}":1}}"#, "A_\\n".repeat(5000));
        let lock = lock(&format!(r#"{{"{}":1}}"#, "a".repeat(400)));
        let object = strict::object(long.as_bytes()).unwrap();
        let detail = lock.check_start(&object).unwrap_err().detail;
        assert!(detail.len() < 300 && !detail.contains('\n'), "{detail}");
    }
}
