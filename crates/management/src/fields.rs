//! Typed reading of the fields of a body. A `null` field is an absent one; unknown fields are never looked at.

use domain::limits::{LOCK_BYTES_MAX, NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX, ORIGINS_ENTRIES_MAX};
use domain::{ClientRef, Networks, Timestamp};
use serde_json::{Map, Value};

use crate::invalid::Invalid;

/// The fields of one body.
#[derive(Debug)]
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// Whether the field is there and not `null`.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// A whole number.
    pub(crate) fn integer(&self, field: &str) -> Result<Option<i64>, Invalid> {
        let Some(value) = self.get(field) else { return Ok(None) };
        match value {
            // Above what fits: told by the range check that follows.
            Value::Number(number) if number.is_u64() => Ok(Some(number.as_i64().unwrap_or(i64::MAX))),
            Value::Number(number) if number.is_i64() => Ok(number.as_i64()),
            // JSON knows no integers: 60.0 is the number 60.
            Value::Number(number) => {
                whole(number.as_f64()).map(Some).ok_or_else(|| Invalid::wrong_type(field, "body", "integer"))
            }
            _ => Err(Invalid::wrong_type(field, "body", "integer")),
        }
    }

    /// A whole number from `min` to `max`.
    pub(crate) fn integer_within(&self, field: &str, min: u32, max: u32) -> Result<Option<u32>, Invalid> {
        let Some(value) = self.integer(field)? else { return Ok(None) };
        if value < i64::from(min) {
            return Err(Invalid::below(field, "body", u64::from(min)));
        }
        u32::try_from(value)
            .ok()
            .filter(|value| *value <= max)
            .map(Some)
            .ok_or_else(|| Invalid::above(field, "body", u64::from(max)))
    }

    /// The fields of a field that holds an object.
    pub(crate) fn object(&self, field: &str) -> Result<Option<Self>, Invalid> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self(map.clone()))),
            Some(_) => Err(Invalid::wrong_type(field, "body", "object")),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, field: &str) -> Result<Option<bool>, Invalid> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(Invalid::wrong_type(field, "body", "boolean")),
        }
    }

    /// A text.
    pub(crate) fn text(&self, field: &str) -> Result<Option<&str>, Invalid> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Invalid::wrong_type(field, "body", "string")),
        }
    }

    /// A text of at most so many characters, without control characters.
    pub(crate) fn line(&self, field: &str, characters_max: usize) -> Result<Option<String>, Invalid> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        if text.chars().count() > characters_max {
            return Err(Invalid::too_long(field, characters_max));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::pattern(format!("{field} in body should not contain control characters")));
        }
        Ok(Some(text.to_owned()))
    }

    /// The name of a key or a project.
    pub(crate) fn name(&self) -> Result<Option<String>, Invalid> {
        self.line("name", NAME_CHARACTERS_MAX)
    }

    /// The name of something that must have one.
    pub(crate) fn required_name(&self) -> Result<String, Invalid> {
        let name = self.name()?.ok_or_else(|| Invalid::required("name", "body"))?;
        if name.trim().is_empty() { Err(Invalid::too_short("name", 1)) } else { Ok(name) }
    }

    /// Another name for something that must keep one.
    pub(crate) fn new_name(&self) -> Result<Option<String>, Invalid> {
        if self.has("name") { self.required_name().map(Some) } else { Ok(None) }
    }

    /// The caller's own reference.
    pub(crate) fn client_ref(&self) -> Result<Option<ClientRef>, Invalid> {
        self.client_ref_in("client_ref")
    }

    /// What could be a caller's own reference.
    pub(crate) fn client_ref_in(&self, field: &str) -> Result<Option<ClientRef>, Invalid> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        ClientRef::new(text).map(Some).map_err(|problem| Invalid::pattern(problem.to_string()))
    }

    /// One of the names of an enum.
    pub(crate) fn choice<T: Copy>(
        &self,
        field: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        find(text, all, name).map(Some).ok_or_else(|| Invalid::one_of(field, "body", &names(all, name)))
    }

    /// A list of names of an enum, at least one.
    pub(crate) fn choices<T: Copy>(
        &self,
        field: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<Option<Vec<T>>, Invalid> {
        let Some(items) = self.texts(field, all.len())? else { return Ok(None) };
        if items.is_empty() {
            return Err(Invalid::one_of(field, "body", &names(all, name)));
        }
        items
            .iter()
            .map(|text| {
                find(text, all, name).ok_or_else(|| Invalid::one_of(field, "body", &names(all, name)))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A list of texts.
    fn texts(&self, field: &str, entries_max: usize) -> Result<Option<Vec<&str>>, Invalid> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let Value::Array(items) = value else { return Err(Invalid::wrong_type(field, "body", "array")) };
        if items.len() > entries_max {
            return Err(Invalid::too_many(field, entries_max));
        }
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                item.as_str()
                    .ok_or_else(|| Invalid::wrong_type(&format!("{field}.{index}"), "body", "string"))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Networks in CIDR notation; a bare address is a network of one.
    pub(crate) fn networks(&self) -> Result<Option<Networks>, Invalid> {
        let Some(texts) = self.texts("networks", NETWORKS_ENTRIES_MAX)? else { return Ok(None) };
        texts
            .iter()
            .enumerate()
            .map(|(index, text)| network(index, text))
            .collect::<Result<_, _>>()
            .map(|list| Some(Networks(list)))
    }

    /// Origins of pages, as browsers send them.
    pub(crate) fn origins(&self) -> Result<Option<Vec<String>>, Invalid> {
        let Some(texts) = self.texts("origins", ORIGINS_ENTRIES_MAX)? else { return Ok(None) };
        for (index, text) in texts.iter().enumerate() {
            if !domain::leash::is_origin(text) {
                return Err(Invalid::pattern(format!("origins.{index} in body must be of type origin")).with_detail(
                    "An origin is a scheme, a host and perhaps a port, as browsers send it: https://app.example.com",
                ));
            }
        }
        Ok(Some(texts.into_iter().map(str::to_owned).collect()))
    }

    /// What `StartRecognition` must contain, as compact JSON.
    pub(crate) fn lock(&self) -> Result<Option<String>, Invalid> {
        let Some(value) = self.get("lock") else { return Ok(None) };
        if !value.is_object() {
            return Err(Invalid::wrong_type("lock", "body", "object")
                .with_detail("The fields that StartRecognition must contain, with their values."));
        }
        let text = value.to_string();
        if text.len() > LOCK_BYTES_MAX {
            return Err(Invalid::too_long("lock", LOCK_BYTES_MAX)
                .with_detail(format!("As compact JSON it has {} bytes.", text.len())));
        }
        Ok(Some(text))
    }

    /// Whether the field is there, as `null`.
    pub(crate) fn is_null(&self, field: &str) -> bool {
        self.0.get(field).is_some_and(Value::is_null)
    }

    /// A moment.
    pub(crate) fn moment(&self, field: &str) -> Result<Option<Timestamp>, Invalid> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| {
            Invalid::wrong_type(field, "body", "date-time")
                .with_detail("RFC 3339, as in 2027-01-31T00:00:00Z")
        })
    }

    /// A moment after `now`.
    pub(crate) fn moment_after(&self, field: &str, now: Timestamp) -> Result<Option<Timestamp>, Invalid> {
        let Some(moment) = self.moment(field)? else { return Ok(None) };
        if moment <= now {
            return Err(Invalid::pattern(format!("{field} in body should lie in the future")));
        }
        Ok(Some(moment))
    }
}

/// A whole number that was written with a decimal point, up to where such numbers are exact.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
fn whole(number: Option<f64>) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    number.filter(|number| number.trunc() == *number && number.abs() <= EXACT_MAX).map(|number| number as i64)
}

fn find<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Option<T> {
    all.iter().copied().find(|item| name(*item) == text)
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|item| name(*item)).collect()
}

fn network(index: usize, text: &str) -> Result<ipnet::IpNet, Invalid> {
    let network =
        text.parse::<ipnet::IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
    network.map_err(|_| {
        Invalid::pattern(format!("networks.{index} in body must be of type cidr"))
            .with_detail("A network in CIDR notation, as in 192.0.2.0/24 or 2001:db8::/32")
    })
}

#[cfg(test)]
mod tests {
    use domain::Area;
    use domain::limits::ORIGIN_BYTES_MAX;
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields(value.as_object().unwrap().clone())
    }

    /// Integers are whole JSON numbers in range; nothing else is taken for one.
    #[test]
    fn integers_are_exact() {
        for (value, expected) in [
            (json!(60), Ok(Some(60))),
            (json!(3600), Ok(Some(3600))),
            (json!(null), Ok(None)),
            (json!(59), Err("ttl in body should be greater than or equal to 60")),
            (json!(-1), Err("ttl in body should be greater than or equal to 60")),
            (json!(3601), Err("ttl in body should be less than or equal to 3600")),
            (json!(u64::MAX), Err("ttl in body should be less than or equal to 3600")),
            (json!(60.0), Ok(Some(60))),
            (json!(60.5), Err("ttl in body must be of type integer")),
            (json!(1e300), Err("ttl in body must be of type integer")),
            (json!("60"), Err("ttl in body must be of type integer")),
            (json!(true), Err("ttl in body must be of type integer")),
            (json!([60]), Err("ttl in body must be of type integer")),
        ] {
            let result = fields(json!({ "ttl": value.clone() })).integer_within("ttl", 60, 3600);
            assert_eq!(result.map_err(|invalid| invalid.message), expected.map_err(str::to_owned), "{value}");
        }
    }

    /// Names count characters, not bytes, and hold on both sides of their limit.
    #[test]
    fn names_have_120_characters_at_most() {
        let name = |text: String| fields(json!({ "name": text })).name();
        assert!(name("ü".repeat(NAME_CHARACTERS_MAX)).is_ok());
        assert_eq!(
            name("ü".repeat(NAME_CHARACTERS_MAX + 1)).unwrap_err().code,
            crate::invalid::CODE_TOO_LONG
        );
        assert!(name("a\nb".to_owned()).is_err());
        assert!(fields(json!({ "name": " " })).required_name().is_err());
        assert_eq!(fields(json!({})).required_name().unwrap_err().message, "name in body is required");
    }

    /// Lists of names say what is allowed; an empty list is none of it.
    #[test]
    fn choices_name_what_is_allowed() {
        let areas =
            |value: Value| fields(json!({ "areas": value })).choices("areas", Area::ALL, Area::as_str);
        assert_eq!(areas(json!(["eu", "au"])), Ok(Some(vec![Area::Eu, Area::Au])));
        for wrong in [json!(["eu1"]), json!([]), json!(["EU"])] {
            assert_eq!(areas(wrong).unwrap_err().message, "areas in body should be one of [eu usa au]");
        }
        assert_eq!(areas(json!("eu")).unwrap_err().message, "areas in body must be of type array");
        assert_eq!(areas(json!([1])).unwrap_err().message, "areas.0 in body must be of type string");
    }

    /// Networks and origins are checked when they are handed in, so that a typing mistake can't shut everybody out.
    #[test]
    fn networks_and_origins_have_their_form() {
        let networks = |value: Value| fields(json!({ "networks": value })).networks();
        assert_eq!(networks(json!(["192.0.2.0/24", "2001:db8::1"])).unwrap().unwrap().0.len(), 2);
        assert!(networks(json!(["192.0.2.0/33"])).is_err());
        assert!(networks(json!(vec!["10.0.0.0/8"; NETWORKS_ENTRIES_MAX])).is_ok());
        assert!(networks(json!(vec!["10.0.0.0/8"; NETWORKS_ENTRIES_MAX + 1])).is_err());
        let origins = |value: Value| fields(json!({ "origins": value })).origins();
        assert!(
            origins(json!(["https://app.example.com", "http://localhost:3000", "http://[::1]:8080"])).is_ok()
        );
        for wrong in [
            "app.example.com",
            "https://app.example.com/",
            "https://",
            "HTTPS://app",
            "https://a@b",
            "*",
            "null",
        ] {
            assert!(origins(json!([wrong])).is_err(), "{wrong}");
        }
        assert!(origins(json!([format!("https://{}", "a".repeat(ORIGIN_BYTES_MAX - 8))])).is_ok());
        assert!(origins(json!([format!("https://{}", "a".repeat(ORIGIN_BYTES_MAX - 7))])).is_err());
        assert!(origins(json!(vec!["https://a"; ORIGINS_ENTRIES_MAX + 1])).is_err());
    }

    /// A lock is an object of at most 512 bytes, kept compact.
    #[test]
    fn locks_are_small_objects() {
        let lock = |value: Value| fields(json!({ "lock": value })).lock();
        assert_eq!(lock(json!(null)), Ok(None));
        assert_eq!(lock(json!({})), Ok(Some("{}".to_owned())));
        let nested = json!({"transcription_config": {"language": "en", "max_delay": 1.5}});
        let text = r#"{"transcription_config":{"language":"en","max_delay":1.5}}"#;
        assert_eq!(lock(nested), Ok(Some(text.to_owned())));
        for wrong in [json!([]), json!("{}"), json!(1), json!(true)] {
            assert_eq!(lock(wrong).unwrap_err().message, "lock in body must be of type object");
        }
        let filled = |bytes: usize| json!({ "a": "x".repeat(bytes - 8) });
        assert!(lock(filled(LOCK_BYTES_MAX)).is_ok());
        let long = lock(filled(LOCK_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(long.message, "lock in body should be at most 512 chars long");
    }

    /// An expiry lies in the future: a key that was dead from the start helps nobody.
    #[test]
    fn moments_lie_in_the_future() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let moment = |text: &str| fields(json!({ "expires_at": text })).moment_after("expires_at", now);
        assert_eq!(moment("2027-01-15T08:00:01Z"), Ok(Some(now.plus_seconds(1))));
        assert!(moment("2027-01-15T08:00:00Z").is_err());
        assert_eq!(moment("tomorrow").unwrap_err().message, "expires_at in body must be of type date-time");
    }
}
