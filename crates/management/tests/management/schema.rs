//! A small, strict reader of the document's schemas: it knows the words that the document uses and panics at others, and
//! it refuses fields that a schema doesn't name, so that nothing is answered that isn't documented.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Why a value isn't what a schema says; empty if it is.
pub(crate) fn problems(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "body", &mut found);
    let mut named = BTreeSet::new();
    names(document, schema, value, "body", &mut named);
    unnamed(value, "body", &named, &mut found);
    found
}

/// Follows a reference.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
    let place = reference.strip_prefix('#').unwrap();
    resolve(document, document.pointer(place).unwrap_or_else(|| panic!("{reference} leads nowhere")))
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "description" | "examples" | "example" | "title" => {}
            "type" => check_type(rule, value, at, found),
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    found.push(format!("{at} is {value}, none of {rule}"));
                }
            }
            "required" => {
                for name in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if value.as_object().is_some_and(|fields| !fields.contains_key(name)) {
                        found.push(format!("{at}.{name} is missing"));
                    }
                }
            }
            "properties" => {
                let empty = Map::new();
                for (name, field) in value.as_object().unwrap_or(&empty) {
                    if let Some(schema) = rule.get(name) {
                        check(document, schema, field, &format!("{at}.{name}"), found);
                    }
                }
            }
            // Names are text in any case.
            "propertyNames" => {}
            "additionalProperties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    check(document, rule, field, &format!("{at}.{name}"), found);
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, item, &format!("{at}.{index}"), found);
                }
            }
            "allOf" => {
                rule.as_array().unwrap().iter().for_each(|part| check(document, part, value, at, found))
            }
            "oneOf" => {
                let fits = |part: &&Value| {
                    let mut inner = Vec::new();
                    check(document, part, value, at, &mut inner);
                    inner.is_empty()
                };
                let count = rule.as_array().unwrap().iter().filter(fits).count();
                if count != 1 {
                    found.push(format!("{at} fits {count} of the forms that it may have one of"));
                }
            }
            "format" => check_format(rule.as_str().unwrap(), value, at, found),
            "minimum" => {
                if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) {
                    found.push(format!("{at} is less than {rule}"));
                }
            }
            other => panic!("the document uses the word {other}, which this test doesn't know"),
        }
    }
}

fn check_type(rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match rule {
        Value::Array(kinds) => kinds.iter().any(|allowed| allowed == kind),
        allowed => allowed == kind,
    };
    if !allowed {
        found.push(format!("{at} is of type {kind}, not {rule}"));
    }
}

fn check_format(format: &str, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(text) = value.as_str() else { return };
    let fits = match format {
        "date-time" => domain::Timestamp::parse_rfc3339(text).is_some(),
        "date" => domain::Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")).is_some(),
        "email" => text.contains('@'),
        "int32" | "int64" | "password" => true,
        other => panic!("the document uses the format {other}, which this test doesn't know"),
    };
    if !fits {
        found.push(format!("{at} is no {format}: {text}"));
    }
}

/// Every place of a value that a schema names.
fn names(document: &Value, schema: &Value, value: &Value, at: &str, named: &mut BTreeSet<String>) {
    let schema = resolve(document, schema);
    if schema.get("type").is_some_and(|kind| kind == "object") && schema.get("properties").is_none() {
        // An object of which the document says nothing more, such as a public key.
        named.insert(format!("{at}.*"));
    }
    for part in
        ["allOf", "oneOf"].iter().filter_map(|word| schema.get(*word)).filter_map(Value::as_array).flatten()
    {
        names(document, part, value, at, named);
    }
    if let (Some(properties), Some(fields)) =
        (schema.get("properties").and_then(Value::as_object), value.as_object())
    {
        for (name, field) in fields {
            if let Some(schema) = properties.get(name) {
                let place = format!("{at}.{name}");
                names(document, schema, field, &place, named);
                named.insert(place);
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, item) in values.iter().enumerate() {
            names(document, items, item, &format!("{at}.{index}"), named);
        }
    }
}

fn unnamed(value: &Value, at: &str, named: &BTreeSet<String>, found: &mut Vec<String>) {
    if named.contains(&format!("{at}.*")) {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let place = format!("{at}.{name}");
                if !named.contains(&place) {
                    found.push(format!("{place} is answered, but not documented"));
                }
                unnamed(field, &place, named, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                unnamed(item, &format!("{at}.{index}"), named, found);
            }
        }
        _ => {}
    }
}
