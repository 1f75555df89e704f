//! `/.well-known/jwks.json`: the public keys.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, header};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};

use crate::config::JWKS_FRESH_SECONDS;
use crate::context::Context;
use crate::document::{Api, Operation, Tag};

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let id = "jwks";
    let read =
        Operation::new(Method::GET, "/.well-known/jwks.json", id, Tag::SigningKeys, "Read the public keys")
            .says("The public keys that verify temporary keys, as a JSON Web Key Set.")
            .answer(200, "The key set.", Some(schema()), "application/jwk-set+json");
    api.add(read, get)
}

fn schema() -> RefOr<Schema> {
    let keys = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::Object).build()).build();
    let set = ObjectBuilder::new().schema_type(Type::Object).property("keys", keys).required("keys").build();
    RefOr::T(set.into())
}

/// Anybody may read the public keys, and may keep them for a while.
async fn get(context: Context) -> Response {
    let mut response = context.control.jwks().to_json().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={JWKS_FRESH_SECONDS}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    response
}
