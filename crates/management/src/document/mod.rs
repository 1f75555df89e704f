//! What the API is, told once: the routes and the OpenAPI document are made from the same operations.

mod api;
pub(crate) mod field;
mod openapi;
mod operation;
mod schemas;

pub(crate) use api::{Api, spellings};
pub(crate) use field::{Extra, Field, Form};
pub(crate) use openapi::{by_status, document};
pub(crate) use operation::{Callers, Operation, Place, Tag};
pub(crate) use schemas::INTRODUCTION;
