//! The OpenAPI document of the operations.

use std::collections::BTreeMap;

use domain::Reason;
use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    AllOfBuilder, Components, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, ServerBuilder,
};

use super::api::spellings;
use super::operation::{Answer, Callers, Operation, Parameter, Place, Tag};
use super::{field, schemas};

/// The name under which management tokens are presented.
const MANAGEMENT_TOKEN: &str = "management_token";
/// The name under which API keys are presented.
const API_KEY: &str = "api_key";

/// A schema written as JSON. What utoipa can't read would be a mistake of ours, and is found by the first test.
fn schema(value: Value) -> RefOr<Schema> {
    serde_json::from_value(value).unwrap_or_else(|_| RefOr::T(Schema::default()))
}

/// The document.
pub(crate) fn document(operations: &[Operation], url: &str) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = Components::new();
    for (name, value) in schemas::shared() {
        components.schemas.insert(name.to_owned(), schema(value));
    }
    for operation in operations {
        let mut first = true;
        for path in spellings(operation.path) {
            let id = if first { operation.id.to_owned() } else { format!("{}_by_underscore", operation.id) };
            first = false;
            paths = paths.path(path, PathItem::new(method(operation), describe(operation, &id)));
        }
        for (name, value) in &operation.schemas {
            components.schemas.insert(name.clone(), value.clone());
        }
        if let Some(body) = operation.body {
            components.schemas.insert(body.name.to_owned(), schema(body.schema()));
        }
    }
    components.add_security_scheme(
        MANAGEMENT_TOKEN,
        bearer("vgm_…", "A management token: it manages what its permissions name."),
    );
    components.add_security_scheme(
        API_KEY,
        bearer("vgk_…", "An API key: it mints temporary keys, and revokes them."),
    );
    let info = InfoBuilder::new()
        .title("Voxgate management API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(schemas::INTRODUCTION));
    let tags = Tag::ALL.iter().map(|tag| TagBuilder::new().name(tag.name()).build());
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url(url).build()]))
        .paths(paths)
        .components(Some(components))
        .tags(Some(tags))
        .build()
}

fn bearer(format: &str, says: &str) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
    SecurityScheme::Http(scheme.description(Some(says)).build())
}

fn method(operation: &Operation) -> HttpMethod {
    match operation.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn describe(operation: &Operation, id: &str) -> utoipa::openapi::path::Operation {
    let mut built = OperationBuilder::new()
        .operation_id(Some(id))
        .tag(operation.tag.name())
        .summary(Some(operation.summary))
        .description(Some(description(operation)));
    for parameter in &operation.parameters {
        built = built.parameter(describe_parameter(parameter));
    }
    if let Some(body) = operation.body {
        let reference = RefOr::Ref(Ref::from_schema_name(body.name));
        let example = field::example(body.fields, false);
        let content = ContentBuilder::new().schema(Some(reference)).example(Some(example)).build();
        let is_needed = body.fields.iter().any(|field| field.is_required);
        let required = if is_needed { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(required));
        built = built.request_body(Some(body.build()));
    }
    for requirement in security(operation.callers) {
        built = built.security(requirement);
    }
    for answer in &operation.answers {
        built = built.response(answer.status.to_string(), success(operation, answer));
    }
    for (status, reasons) in by_status(&operation.all_reasons()) {
        built = built.response(status.to_string(), refusal(status, &reasons));
    }
    built.build()
}

/// What it does, and who may.
fn description(operation: &Operation) -> String {
    let mut text = operation.description.clone();
    if let Some(permission) = operation.callers.permission() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("Needs the permission `{permission}`."));
    }
    text
}

fn describe_parameter(parameter: &Parameter) -> utoipa::openapi::path::Parameter {
    let (place, required) = match parameter.place {
        Place::Path => (ParameterIn::Path, Required::True),
        Place::Query => (ParameterIn::Query, Required::False),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(required)
        .description(Some(parameter.says))
        .schema(Some(schema(parameter.schema.clone())))
        .build()
}

fn security(callers: Callers) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let token = SecurityRequirement::new(MANAGEMENT_TOKEN, none);
    match callers {
        Callers::Anybody => Vec::new(),
        Callers::Managers(_) | Callers::Operators => vec![token],
        Callers::ManagersAndKeys(_) => vec![token, SecurityRequirement::new(API_KEY, none)],
    }
}

fn success(operation: &Operation, answer: &Answer) -> Response {
    let mut response = ResponseBuilder::new().description(answer.says).header("Request-Id", request_id());
    if operation.is_enforced {
        let revision = schema(json!({"type": "integer", "minimum": 0}));
        let says = "The revision of the feed by which gateways enforce the change.";
        let header = HeaderBuilder::new().schema(Some(revision)).description(Some(says)).build();
        response = response.header("Voxgate-Revision", header);
    }
    let body = answer.schema.clone().map(|body| if operation.is_enforced { waited(body) } else { body });
    if let Some(body) = body {
        response = response.content(answer.content_type, ContentBuilder::new().schema(Some(body)).build());
    }
    response.build()
}

/// What was answered, and who enforces it where that was asked.
fn waited(body: RefOr<Schema>) -> RefOr<Schema> {
    let enforced = RefOr::Ref(Ref::from_schema_name("Enforced"));
    RefOr::T(AllOfBuilder::new().item(body).item(enforced).build().into())
}

fn request_id() -> utoipa::openapi::Header {
    let text = schema(json!({"type": "string"}));
    HeaderBuilder::new().schema(Some(text)).description(Some("Finds the request in the log.")).build()
}

/// The reasons that have each status.
pub(crate) fn by_status(reasons: &[Reason]) -> BTreeMap<u16, Vec<Reason>> {
    let mut sorted: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for reason in reasons {
        sorted.entry(reason.http_status()).or_default().push(*reason);
    }
    sorted
}

fn refusal(status: u16, reasons: &[Reason]) -> Response {
    let names: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
    let narrowed =
        schema(json!({"type": "object", "properties": {"reason": {"type": "string", "enum": names}}}));
    let body = AllOfBuilder::new().item(RefOr::Ref(Ref::from_schema_name("Refusal"))).item(narrowed).build();
    let content = ContentBuilder::new().schema(Some(Schema::from(body))).build();
    let text = reasons.first().map_or("Refused", |reason| reason.status_text());
    let mut response = ResponseBuilder::new()
        .description(text)
        .header("Request-Id", request_id())
        .content("application/json", content)
        .extensions(Some(ExtensionsBuilder::new().add("x-reasons", json!(names)).build()));
    for (name, says) in needed_headers(status) {
        let text = schema(json!({"type": "string"}));
        let header = HeaderBuilder::new().schema(Some(text)).description(Some(*says)).build();
        response = response.header(*name, header);
    }
    response.build()
}

fn needed_headers(status: u16) -> &'static [(&'static str, &'static str)] {
    match status {
        401 => &[("WWW-Authenticate", "Bearer.")],
        429 | 503 => &[("Retry-After", "Seconds after which to try again.")],
        _ => &[],
    }
}
