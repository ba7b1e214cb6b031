//! The stand-in for a NetBox.

use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Reply, json};

/// Tokens that it knows, one of each version.
pub const TOKENS: [&str; 2] =
    ["0123456789abcdef0123456789abcdef01234567", "nbt_SandboxJdoe1.0123456789abcdefghijklmnopqrstuvwxyzABCD"];

/// A NetBox.
#[derive(Default)]
pub struct Server {}

impl Fake for Server {
    fn answer(&self, request: &Received, _: &Place<'_>) -> Reply {
        let (status, body) = said(request);
        let mut reply = json(status, &body);
        reply.headers_mut().insert("api-version", HeaderValue::from_static("4.6"));
        reply
    }
}

fn said(request: &Received) -> (StatusCode, Value) {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_known = |given: &str| given.split_once(' ').is_some_and(|(_, token)| TOKENS.contains(&token));
    let forbidden = |detail: &str| (StatusCode::FORBIDDEN, json!({ "detail": detail }));
    match given {
        None => return forbidden("Authentication credentials were not provided."),
        Some(given) if !is_known(given) => return forbidden("Invalid v1 token"),
        Some(_) => {}
    }
    match request.uri().path() {
        "/api/status/" => (StatusCode::OK, json!({ "netbox-version": "4.6.8" })),
        "/api/authentication-check/" => (StatusCode::OK, json!({ "id": 2, "username": "jdoe" })),
        _ => (StatusCode::NOT_FOUND, json!({ "detail": "Not found." })),
    }
}
