//! Schemas that many operations share, and the words at the document's head.

use domain::Reason;
use serde_json::{Value, json};

/// What a reader of the document needs to know first.
pub(crate) const INTRODUCTION: &str = "\
Mints and revokes temporary keys, manages API keys and projects, tells of open sessions and of usage, and for operators \
manages workspaces and accounts. Present a management token, or an API key for its temporary keys, as `Authorization: \
Bearer …`. Paths may end with a slash. Lists that are long come in \
pages: `next` of one page is `after` of the next, and null at the end. Refusals are flat JSON objects whose `reason` is \
stable; each has a page under `/docs/errors/`. Parameters of the query that an operation doesn't know are ignored. No page \
of another origin may call, except to mint and to read public keys.";

/// The shared schemas by name.
pub(crate) fn shared() -> [(&'static str, Value); 2] {
    [("Refusal", refusal()), ("Enforced", enforced())]
}

fn refusal() -> Value {
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    json!({
        "type": "object",
        "description": "Why a call was refused.",
        "required": ["code", "error", "message", "detail", "reason"],
        "properties": {
            "code": {"type": "integer", "description": "The HTTP status; at 422 the number of what is wrong: 601 a type, \
    602 missing, 603 too long, 604 too short, 605 a form, 606 not one of the allowed, 608 too large, 609 too small, 611 too \
    many, 616 not known."},
            "error": {"type": "string", "description": "The status in words."},
            "message": {"type": "string", "description": "What is wrong."},
            "detail": {"type": "string", "description": "What was expected, and what to do."},
            "reason": {"type": "string", "enum": reasons, "description": "The stable code; `/docs/errors/` has a page for each."}
        }
    })
}

fn enforced() -> Value {
    let names = json!({"type": "array", "items": {"type": "string"}});
    let with = |says: &str| {
        let mut schema = names.clone();
        schema["description"] = says.into();
        schema
    };
    json!({
        "type": "object",
        "description": "With `wait=enforced`: which gateways enforce the change.",
        "properties": {
            "enforced": with("The gateways that enforce it, as in `eu1/a`."),
            "pending": with("The gateways that didn't say so within 10 s.")
        }
    })
}
