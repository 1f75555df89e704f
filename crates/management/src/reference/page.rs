//! The page that shows every operation.

use askama::Template;
use domain::Reason;
use serde_json::Value;

use crate::document::{self, Callers, INTRODUCTION, Operation, Place, Tag, by_status, field, spellings};

#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage<'a> {
    introduction: Vec<Piece<'a>>,
    url: &'a str,
    version: &'static str,
    groups: Vec<Group>,
    reasons: Vec<ReasonLine>,
}

/// A part of a sentence: code, or not.
struct Piece<'a> {
    text: &'a str,
    is_code: bool,
}

struct Group {
    name: &'static str,
    anchor: String,
    operations: Vec<Shown>,
}

struct Shown {
    id: &'static str,
    method: String,
    paths: Vec<String>,
    summary: &'static str,
    description: String,
    callers: String,
    parameters: Vec<Line>,
    fields: Vec<Line>,
    or_fields: Vec<Line>,
    answers: Vec<AnswerLine>,
    refusals: Vec<Refusals>,
    curl: String,
}

/// One parameter or field.
struct Line {
    name: String,
    form: String,
    note: &'static str,
    says: &'static str,
}

struct AnswerLine {
    status: u16,
    says: &'static str,
    example: String,
}

struct Refusals {
    status: u16,
    reasons: Vec<&'static str>,
}

struct ReasonLine {
    name: &'static str,
    status: u16,
    text: &'static str,
}

/// The page.
pub(super) fn render(operations: &[Operation], url: &str) -> String {
    let groups = Tag::ALL.iter().filter_map(|tag| group(*tag, operations, url)).collect();
    let reason = |reason: &Reason| ReasonLine {
        name: reason.as_str(),
        status: reason.http_status(),
        text: reason.status_text(),
    };
    let page = ReferencePage {
        introduction: pieces(INTRODUCTION),
        url,
        version: env!("CARGO_PKG_VERSION"),
        groups,
        reasons: Reason::ALL.iter().map(reason).collect(),
    };
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the reference can't be rendered");
        String::new()
    })
}

/// Backticks mark code.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    text.split('`').enumerate().map(|(index, text)| Piece { text, is_code: index % 2 == 1 }).collect()
}

fn group(tag: Tag, operations: &[Operation], url: &str) -> Option<Group> {
    let operations: Vec<Shown> = operations
        .iter()
        .filter(|operation| operation.tag == tag)
        .map(|operation| show(operation, url))
        .collect();
    let anchor = tag.name().to_lowercase().replace(' ', "-");
    (!operations.is_empty()).then_some(Group { name: tag.name(), anchor, operations })
}

fn show(operation: &Operation, url: &str) -> Shown {
    let parameters = operation.parameters.iter().map(|parameter| Line {
        name: parameter.name.to_owned(),
        form: form(&parameter.schema),
        note: if parameter.place == Place::Path { "in the path" } else { "in the query" },
        says: parameter.says,
    });
    let (mut fields, mut or_fields) = (Vec::new(), Vec::new());
    if let Some(body) = operation.body {
        add_fields(&mut fields, "", body.fields);
        body.or.iter().for_each(|fields| add_fields(&mut or_fields, "", fields));
    }
    let refusals = by_status(&operation.all_reasons()).into_iter().map(|(status, reasons)| Refusals {
        status,
        reasons: reasons.into_iter().map(Reason::as_str).collect(),
    });
    let answers = operation.answers.iter().map(|answer| AnswerLine {
        status: answer.status,
        says: answer.says,
        example: answer.schema.as_ref().map(|schema| shape(schema, operation)).unwrap_or_default(),
    });
    Shown {
        id: operation.id,
        method: operation.method.to_string(),
        paths: spellings(operation.path),
        summary: operation.summary,
        description: operation.description.clone(),
        callers: callers(operation.callers),
        parameters: parameters.collect(),
        fields,
        or_fields,
        answers: answers.collect(),
        refusals: refusals.collect(),
        curl: curl(operation, url),
    }
}

fn add_fields(lines: &mut Vec<Line>, prefix: &str, fields: &[document::Field]) {
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        lines.push(Line {
            name: name.clone(),
            form: form(&field.schema()),
            note: if field.is_required { "required" } else { "" },
            says: field.says,
        });
        if let document::Form::Object(inner) = field.form {
            add_fields(lines, &format!("{name}."), inner);
        }
    }
}

fn callers(callers: Callers) -> String {
    match callers {
        Callers::Anybody => "Anybody.".to_owned(),
        Callers::Managers(permission) => format!("A management token with the permission {permission}."),
        Callers::ManagersAndKeys(permission) => {
            format!("An API key, or a management token with the permission {permission}.")
        }
        Callers::Operators => "A management token with the permission operate_instance.".to_owned(),
    }
}

/// The form of a value in a few words.
fn form(schema: &Value) -> String {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        return names.join(" | ");
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("any"),
        _ => "any",
    };
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    if kind == "array" {
        return format!("list of {}", form(&schema["items"]));
    }
    let kind = schema.get("format").and_then(Value::as_str).unwrap_or(kind);
    let range = match kind {
        "integer" => (number("minimum"), number("maximum")),
        _ => (number("minLength"), number("maxLength")),
    };
    let unit = if kind == "integer" { "" } else { " characters" };
    match range {
        (Some(min), Some(max)) => format!("{kind}, {min} to {max}{unit}"),
        (None, Some(max)) => format!("{kind}, at most {max}{unit}"),
        (Some(_), None) | (None, None) => kind.to_owned(),
    }
}

/// How an answer looks: its schema as an example.
fn shape(schema: &utoipa::openapi::RefOr<utoipa::openapi::Schema>, operation: &Operation) -> String {
    let Ok(schema) = serde_json::to_value(schema) else { return String::new() };
    let known = operation
        .schemas
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), serde_json::to_value(schema).ok()?)));
    let known: serde_json::Map<String, Value> = known.collect();
    serde_json::to_string_pretty(&sample(&schema, &known)).unwrap_or_default()
}

fn sample(schema: &Value, known: &serde_json::Map<String, Value>) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|text| text.rsplit('/').next()) {
        return known.get(name).map_or(Value::Null, |schema| sample(schema, known));
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut whole = serde_json::Map::new();
        for part in all {
            if let Value::Object(fields) = sample(part, known) {
                whole.extend(fields);
            }
        }
        return Value::Object(whole);
    }
    if let Some(first) = schema["oneOf"].as_array().and_then(|all| all.first()) {
        return sample(first, known);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        other => other.as_str(),
    };
    match kind {
        Some("object") => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), sample(field, known))).collect())
        }
        Some("array") => Value::Array(vec![sample(&schema["items"], known)]),
        Some("integer") => Value::from(7),
        Some("boolean") => Value::from(true),
        Some("string") if schema["format"] == "date-time" => Value::from("2030-01-31T00:00:00.000000Z"),
        Some("string") => Value::from("…"),
        _ => Value::Null,
    }
}

fn curl(operation: &Operation, url: &str) -> String {
    let mut path = operation.path.to_owned();
    for parameter in operation.parameters.iter().filter(|parameter| parameter.place == Place::Path) {
        path = path.replace(&format!("{{{}}}", parameter.name), parameter.example);
    }
    let mut text = String::from("curl");
    if !matches!(operation.method.as_str(), "GET" | "POST") {
        text.push_str(&format!(" -X {}", operation.method));
    }
    text.push_str(&format!(" \\\n  {url}{path}"));
    if operation.callers != Callers::Anybody {
        text.push_str(" \\\n  -H \"Authorization: Bearer $VOXGATE_TOKEN\"");
    }
    if let Some(body) = operation.body {
        let only_required = body.fields.iter().any(|field| field.is_required);
        let example =
            if only_required { field::example(body.fields, false) } else { first_field(body.fields) };
        text.push_str(&format!(" \\\n  --json '{example}'"));
    }
    text
}

/// Where nothing is required: the first field.
fn first_field(fields: &[document::Field]) -> Value {
    field::example(fields.get(..1).unwrap_or_default(), true)
}
