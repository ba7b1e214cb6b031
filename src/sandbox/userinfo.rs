//! Who an access token is about (OIDC Core §5.3), for a token that may say it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::issue::person;
use super::providers::Dialect;
use super::state::{State, split};
use crate::backends::fake::{Received, Reply};

/// `GET` or `POST` with the token in the header.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    if request.method() != Method::GET && request.method() != Method::POST {
        return answer::wrong_method("GET, POST");
    }
    let url = state.at("userinfo").unwrap_or_default();
    match state.holder(request, &url) {
        Ok(claims) => answer::json(StatusCode::OK, &about(state, &claims)),
        Err(denied) => denied.reply(),
    }
}

fn about(state: &State, claims: &Value) -> Value {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let subject = text("sub");
    if state.profile.dialect == Dialect::GitHub {
        return json!({ "login": subject, "id": 1, "type": "User" });
    }
    Value::Object(person(subject, &split(text("scope"))))
}
