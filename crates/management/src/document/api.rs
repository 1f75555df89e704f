//! Routes and their document, made together: a route that isn't documented can't be added.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};

use super::Operation;
use crate::context::Context;

/// The management API in the making.
pub(crate) struct Api {
    router: Router<Context>,
    operations: Vec<Operation>,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), operations: Vec::new() }
    }

    /// Adds an operation, with and without a slash at the end of its path: never by redirect, since a redirected POST
    /// loses its body.
    pub(crate) fn add<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Context>,
        T: 'static,
    {
        for path in spellings(operation.path) {
            for path in [path.clone(), format!("{path}/")] {
                self.router = self.router.route(&path, on(filter(&operation.method), handler.clone()));
            }
        }
        self.operations.push(operation);
        self
    }

    /// The routes, and what they are.
    pub(crate) fn into_parts(self) -> (Router<Context>, Vec<Operation>) {
        (self.router, self.operations)
    }
}

/// Client libraries say `api_keys`, the published reference `api-keys`.
pub(crate) fn spellings(path: &str) -> Vec<String> {
    let other = path.replace("/api-keys", "/api_keys");
    if other == path { vec![other] } else { vec![path.to_owned(), other] }
}

fn filter(method: &http::Method) -> MethodFilter {
    // The methods that operations of ours have; a new one is added here first.
    match method.as_str() {
        "POST" => MethodFilter::POST,
        "PUT" => MethodFilter::PUT,
        "PATCH" => MethodFilter::PATCH,
        "DELETE" => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}
