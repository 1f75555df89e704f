//! The fields of bodies, as the document tells them. What `Fields` reads and what stands here is held together by a
//! test, and by Schemathesis.

use domain::limits::{
    DESCRIPTION_CHARACTERS_MAX, NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX, ORIGINS_ENTRIES_MAX,
};
use serde_json::{Value, json};

use crate::fields::Fields;
use crate::invalid::Invalid;

/// One field of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) form: Form,
    /// Whether it must be there.
    pub(crate) is_required: bool,
    /// What it is for.
    pub(crate) says: &'static str,
}

/// What a field may hold. Everything but a required field may be `null` too, which is the same as leaving it out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// A name: some characters that aren't only blanks, none of them a control character.
    Name,
    /// A name that may be empty.
    OptionalName,
    /// A description.
    Description,
    /// A client_ref.
    ClientRef,
    /// An e-mail address.
    Email,
    /// Whole numbers.
    Integer { min: u64, max: u64 },
    /// `true` or `false`.
    Boolean,
    /// The id of a workspace.
    WorkspaceId,
    /// The jti of a temporary key.
    TemporaryKeyId,
    /// A temporary key itself.
    TemporaryKey,
    /// One of these names.
    Choice(fn() -> Vec<&'static str>),
    /// Some of these names, one at least.
    Choices(fn() -> Vec<&'static str>),
    /// A moment in the future.
    Moment,
    /// Networks in CIDR notation; an empty list is none.
    Networks,
    /// Networks in CIDR notation, one at least.
    SomeNetworks,
    /// The address of a webhook.
    Url,
    /// Origins of pages, one at least.
    Origins,
    /// What `StartRecognition` must contain.
    Lock,
    /// An object with these fields.
    Object(&'static [Field]),
}

/// The largest integer that every JSON reader keeps exactly.
pub(crate) const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Text without control characters.
pub(crate) const LINE: &str = r"^[^\x00-\x1F\x7F-\x9F]*$";
/// The same, and not only blanks.
const NOT_BLANK: &str = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x1F\x7F-\x9F\s][^\x00-\x1F\x7F-\x9F]*$";

impl Field {
    /// A field that may be left out.
    pub(crate) const fn new(name: &'static str, form: Form, says: &'static str) -> Self {
        Self { name, form, is_required: false, says }
    }

    /// A field that must be there.
    pub(crate) const fn required(name: &'static str, form: Form, says: &'static str) -> Self {
        Self { name, form, is_required: true, says }
    }

    /// Its schema.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = self.form.schema();
        schema["description"] = self.says.into();
        if !self.is_required {
            if let Value::String(kind) = schema["type"].take() {
                schema["type"] = json!([kind, "null"]);
            }
            if let Some(Value::Array(names)) = schema.get_mut("enum") {
                names.push(Value::Null);
            }
        }
        schema
    }
}

impl Form {
    fn schema(self) -> Value {
        match self {
            Self::Name => {
                json!({"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS_MAX, "pattern": NOT_BLANK})
            }
            Self::OptionalName => {
                json!({"type": "string", "maxLength": NAME_CHARACTERS_MAX, "pattern": LINE})
            }
            Self::Description => {
                json!({"type": "string", "maxLength": DESCRIPTION_CHARACTERS_MAX, "pattern": LINE})
            }
            Self::ClientRef => json!({"type": "string", "minLength": 1, "pattern": LINE}),
            Self::Email => {
                json!({"type": "string", "format": "email", "maxLength": control::EMAIL_BYTES_MAX})
            }
            Self::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::WorkspaceId => id("ws_"),
            Self::TemporaryKeyId => {
                json!({"type": "string", "pattern": format!("^{}\\.{}$", id_text("key_"), id_text(""))})
            }
            Self::TemporaryKey => json!({"type": "string", "minLength": 1, "pattern": JWS,
                "maxLength": domain::limits::TEMPORARY_KEY_BYTES_MAX}),
            Self::Choice(names) => json!({"type": "string", "enum": names()}),
            Self::Choices(names) => json!({"type": "array", "minItems": 1, "maxItems": names().len(),
                "items": {"type": "string", "enum": names()}}),
            Self::Moment => json!({"type": "string", "format": "date-time"}),
            Self::Networks => json!({"type": "array", "maxItems": NETWORKS_ENTRIES_MAX,
                "items": {"type": "string", "format": "cidr"}}),
            Self::SomeNetworks => json!({"type": "array", "minItems": 1, "maxItems": NETWORKS_ENTRIES_MAX,
                "items": {"type": "string", "format": "cidr"}}),
            Self::Url => {
                json!({"type": "string", "minLength": 1, "maxLength": control::WEBHOOK_URL_BYTES_MAX,
                "format": "uri"})
            }
            Self::Origins => json!({"type": "array", "minItems": 1, "maxItems": ORIGINS_ENTRIES_MAX,
                "items": {"type": "string", "format": "origin"}}),
            // Its other bound, 512 bytes of compact JSON, can't be said in a schema.
            Self::Lock => json!({"type": "object"}),
            Self::Object(fields) => {
                let mut schema = object(fields, Extra::Refused);
                schema["type"] = json!("object");
                schema
            }
        }
    }

    /// A value that would be taken, for the examples.
    pub(crate) fn example(self) -> Value {
        match self {
            Self::Name | Self::OptionalName => json!("Call centre"),
            Self::Description => json!("Calls of the support line"),
            Self::ClientRef => json!("user-42"),
            Self::Email => json!("ada@example.org"),
            Self::Integer { min, .. } => json!(min),
            Self::Boolean => json!(true),
            Self::WorkspaceId => json!(WORKSPACE_EXAMPLE),
            Self::TemporaryKeyId => json!("key_01k5zr0000000000000000000e.3r8m0kq9v1x2y3z4a5b6c7d8e9"),
            Self::TemporaryKey => json!("eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ2b3gifQ.c2lnbmF0dXJl"),
            Self::Choice(names) => json!(names().first()),
            Self::Choices(names) => json!(names().get(..1)),
            Self::Moment => json!("2030-01-31T00:00:00Z"),
            Self::Networks | Self::SomeNetworks => json!(["192.0.2.0/24"]),
            Self::Url => json!("https://example.org/voxgate"),
            Self::Origins => json!(["https://app.example.com"]),
            Self::Lock => json!({"transcription_config": {"language": "en"}}),
            Self::Object(fields) => example(fields, true),
        }
    }
}

/// The id of a workspace that is in nobody's database.
const WORKSPACE_EXAMPLE: &str = "ws_01k5zr0000000000000000000e";

/// Three parts of base64url.
const JWS: &str = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$";

/// The form of a prefixed id.
fn id_pattern(prefix: &str) -> String {
    format!("^{}$", id_text(prefix))
}

fn id_text(prefix: &str) -> String {
    format!("{prefix}[0-7][0-9a-hj-km-np-tv-z]{{25}}")
}

/// The schema of a prefixed id.
pub(crate) fn id(prefix: &str) -> Value {
    json!({"type": "string", "pattern": id_pattern(prefix)})
}

/// What becomes of fields that a body has beyond the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    /// They are ignored: released clients send some.
    Ignored,
    /// They are refused: a mistyped name must not look like a change that was made.
    Refused,
}

/// The schema of an object with these fields.
pub(crate) fn object(fields: &[Field], extra: Extra) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if required.is_empty() {
        // As if it were left out.
        schema["type"] = json!(["object", "null"]);
    } else {
        schema["required"] = json!(required);
    }
    if extra == Extra::Refused {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

/// An object that would be taken: with its required fields, and with the others where they are wanted.
pub(crate) fn example(fields: &[Field], whole: bool) -> Value {
    let shown = fields.iter().filter(|field| whole || field.is_required);
    Value::Object(shown.map(|field| (field.name.to_owned(), field.form.example())).collect())
}

/// Refuses fields beyond the known ones.
pub(crate) fn only(known: &[Field], fields: &Fields) -> Result<(), Invalid> {
    let unknown = fields.0.keys().find(|name| !known.iter().any(|field| field.name == name.as_str()));
    let Some(unknown) = unknown else { return Ok(()) };
    let names: Vec<&str> = known.iter().map(|field| field.name).collect();
    Err(Invalid::forbidden(unknown, &names))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field::required("name", Form::Name, "Its name."),
        Field::new("plan", Form::Choice(|| vec!["free", "pro"]), "Its plan."),
    ];

    /// What may be left out may be null as well, and says so; what must be there may not.
    #[test]
    fn optional_fields_take_null() {
        let schema = object(FIELDS, Extra::Refused);
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["name"]["type"], "string");
        assert_eq!(schema["properties"]["plan"]["type"], json!(["string", "null"]));
        assert_eq!(schema["properties"]["plan"]["enum"], json!(["free", "pro", null]));
        assert!(object(FIELDS, Extra::Ignored).get("additionalProperties").is_none());
    }

    /// A mistyped field is refused by name, and the known ones are told.
    #[test]
    fn unknown_fields_are_refused() {
        let fields = |value: Value| Fields(value.as_object().unwrap().clone());
        assert!(only(FIELDS, &fields(json!({"name": "x"}))).is_ok());
        let invalid = only(FIELDS, &fields(json!({"name": "x", "plam": "pro"}))).unwrap_err();
        assert_eq!(invalid.message, "plam in body is a forbidden property");
        assert_eq!(invalid.detail.as_deref(), Some("The fields of this body are: name, plan."));
    }

    /// Ids of ours have the form that the document tells.
    #[test]
    fn ids_have_their_pattern() {
        assert!(domain::WorkspaceId::parse(WORKSPACE_EXAMPLE).is_some());
        let jti = Form::TemporaryKeyId.example();
        assert!(domain::TemporaryKeyId::parse(jti.as_str().unwrap()).is_some());
        assert_eq!(id_pattern("ws_"), "^ws_[0-7][0-9a-hj-km-np-tv-z]{25}$");
    }
}
